"""All rules asked at once answer what each answers by itself."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.customer.test_expr import ANN, STRANGE
from topologies.customer.rules.expr import compile_tree
from topologies.customer.rules.expr_all import compile_all
from topologies.customer.rules.expr_parse import Call, Const, Node, Path, parse

TEXT = Path(0, "act.text")
ATOMS: list[Node] = [
    *map(parse, [
        "sentiment <= -0.5", 'customer.tier in ["gold", "vip"]', "customer.open_cases > 1", '"outage" in act.topics',
        'act.text.matches("(?i)ticket|refund")', r"""act.text.matches(r"\b\d+ weeks\b")""", 'act.lang.matches("^en")',
        'act.text.contains("old")', "has(score.sentiment)", "score.sentiment < 0", "double(customer.fields.nps) < 8",
        "true", "size(act.text) > 10", 'customer.company == "Acme"', "act.late",
    ]),
    Call(0, "has_any", (TEXT, Const(0, ("refund", "weeks old")))),
    Call(0, "has_any", (Path(0, "author.name"), Const(0, ("ann",)))),
    Call(0, "has_all", (TEXT, Const(0, ("ticket", "weeks")))),
    Call(0, "like_any", (Path(0, "customer.tier"), Const(0, ("gold",)))),
]  # fmt: skip
TREES = st.recursive(
    st.sampled_from(ATOMS),
    lambda part: st.builds(lambda sign, parts: Call(0, sign, tuple(parts)), st.sampled_from(["&&", "||"]), st.lists(part, min_size=2, max_size=3))
    | part.map(lambda one: Call(0, "!", (one,))),
    max_leaves=8,
)  # fmt: skip
TEXTS = st.sampled_from(
    ["My ticket is 3 weeks old", "REFUND me, it’s old", "", "ein Wort", "\ud800 ticket", "x" * 9_000 + " refund"]
) | st.text(max_size=30)
FILES = {"customer": {"tier": "gold", "company": "Acme", "open_cases": 2, "fields": {"nps": "7"}}, "score": {}}


@settings(deadline=None, max_examples=300)
@given(
    st.lists(TREES, min_size=1, max_size=8),
    TEXTS,
    st.sampled_from([None, -0.9, 0.4]),
    st.sampled_from(["en", None, "de"]),
)
def test_together_they_answer_what_each_answers(
    trees: list[Node], text: str, sentiment: float | None, lang: str | None
) -> None:
    act = {"text": text, "lang": lang, "topics": ("outage",), "late": False}
    for context in ({**FILES, "act": act, "sentiment": sentiment}, ANN, {}, {"act": None}):
        alone = tuple(compile_tree(tree)(context) for tree in trees)
        assert compile_all(trees)(context) == alone


@settings(deadline=None, max_examples=150)
@given(st.lists(TREES, min_size=1, max_size=5), st.sampled_from(STRANGE), st.sampled_from(STRANGE))
def test_what_is_not_as_typed_is_left_to_each(trees: list[Node], act: Any, text: Any) -> None:
    for context in ({"act": act, "sentiment": text}, {"act": {"text": text, "topics": act}, "customer": act}):
        together = compile_all(trees)(context)
        if together is not None:
            assert together == tuple(compile_tree(tree)(context) for tree in trees)
