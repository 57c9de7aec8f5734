"""Expressions: what they mean, that unknown is neither true nor false, and that mistakes are named by column."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies.customer.rules.expr import compile_expr, compile_tree
from topologies.customer.rules.expr_check import check
from topologies.customer.rules.expr_parse import (
    CHARS_MAX,
    DEPTH_MAX,
    NODES_MAX,
    Call,
    Const,
    ExprError,
    Node,
    Path,
    parse,
)

ANN: dict[str, Any] = {
    "act": {"kind": "post", "text": "My ticket is 3 weeks old", "lang": "en", "late": False, "role": "", "topics": ("acme", "outage"), "targets": ()},
    "author": {"handle": "ann.example", "name": ""},
    "customer": {"id": "c1", "name": "Ann", "tier": "gold", "company": None, "open_cases": 2, "fields": {"nps": "7", "plan": "Pro", "odd name": "x"}},
    "link": {"confidence": 0.99, "method": "asserted"},
    "sentiment": -0.6,
    "score": {"engagement": 40.0, "risk": 63.0, "sentiment": None, "band": "at-risk"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("true", True),
        ("sentiment <= -0.5", True),
        ("sentiment < -0.6", False),
        ("sentiment >= -0.6 && sentiment <= -0.6", True),
        ('customer.tier in ["gold", "platinum"] && customer.open_cases > 0', True),
        ('customer.tier == "Gold"', False),
        ('customer.tier != "silver"', True),
        ('"outage" in act.topics', True),
        ('"other" in act.topics', False),
        ("customer.open_cases in [1, 2.0]", True),
        ('act.text.contains("ticket")', True),
        ('act.text.startsWith("my")', False),
        ('act.text.endsWith("old")', True),
        ('act.text.matches("(?i)TICKET is \\\\d")', True),
        (r"""act.text.matches(r"\b\d+ weeks\b")""", True),
        ("size(act.topics) == 2 && act.text.size() == 24", True),
        ("act.late || !act.late", True),
        ("customer.open_cases * 2 + 1 == 5", True),
        ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", True),
        ("7 / 2 == 3.5", True),
        ("-7 % 3 == -1 && 7 % -3 == 1 && 7.5 % 2 == 1.5", True),
        ("2 - 1 - 1 == 0", True),
        ("double(customer.fields.nps) < 8", True),
        ('customer.fields["odd name"] == "x"', True),
        ("has(customer.company)", False),
        ("has(author.name) || has(act.role)", True),
        ("!has(customer.fields.nothing)", True),
        ('score.band == "at-risk" && score.risk >= 60', True),
        ("link.confidence > 0.9", True),
        ("'it\\'s' == \"it's\"", True),
        ('"a" < "b"', True),
    ],
)
def test_what_expressions_mean(source: str, expected: bool) -> None:
    assert compile_expr(source)(ANN) is expected


@pytest.mark.parametrize(
    "source",
    [
        'customer.company == "Acme"',
        'customer.company != "Acme"',
        '!(customer.company == "Acme")',
        'customer.company in ["Acme"]',
        'author.name.contains("x")',
        'author.name.matches("x")',
        "score.sentiment < 0",
        "size(author.name) > 0",
        "1 / 0 == 1",
        "customer.open_cases % 0 == 1",
        "9000000000000000000 * 9000000000000000000 > 0",
        "1e308 * 10 > 1",
        "double(customer.fields.plan) > 1",
        "double(customer.fields.nothing) > 1",
        'customer.company == "Acme" && sentiment < 0',
        'customer.company == "Acme" || sentiment > 0',
        "-score.sentiment > 0",
    ],
)
def test_what_is_missing_or_out_of_range_is_unknown(source: str) -> None:
    assert compile_expr(source)(ANN) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('customer.company == "Acme" || sentiment < 0', True),
        ('customer.company == "Acme" && sentiment > 0', False),
        ("1 / 0 == 1 || true", True),
        ("1 / 0 == 1 && false", False),
    ],
)
def test_an_unknown_part_does_not_spoil_what_the_others_decide(source: str, expected: bool) -> None:
    assert compile_expr(source)(ANN) is expected


def kleene(sign: str, values: list[bool | None]) -> bool | None:
    """The definition, as a table would have it: false < unknown < true."""
    rank = {False: 0, None: 1, True: 2}
    return (min if sign == "&&" else max)(values, key=lambda value: rank[value])


@settings(deadline=None, max_examples=200)
@given(st.recursive(st.sampled_from(["T", "F", "U"]), lambda part: st.tuples(st.sampled_from(["&&", "||", "!"]), st.lists(part, min_size=2, max_size=4)), max_leaves=12))  # fmt: skip
def test_logic_is_kleenes_logic(shape: Any) -> None:
    leaves: dict[str, tuple[Node, bool | None]] = {
        "T": (Const(0, value=True), True),
        "F": (Call(0, "has", (Path(0, "author.name"),)), False),
        "U": (Call(0, "<", (Path(0, "score.sentiment"), Const(0, 0))), None),
    }

    def build(part: Any) -> tuple[Node, bool | None]:
        if isinstance(part, str):
            return leaves[part]
        sign, parts = part
        nodes = [build(one) for one in parts]
        if sign == "!":
            node, found = nodes[0]
            return Call(0, "!", (node,)), None if found is None else not found
        return Call(0, sign, tuple(node for node, _ in nodes)), kleene(sign, [found for _, found in nodes])

    tree, expected = build(shape)
    assert compile_tree(tree)(ANN) is expected


@settings(deadline=None, max_examples=200)
@given(st.recursive(st.integers(-9, 9), lambda part: st.tuples(st.sampled_from("+-*/%"), part, part), max_leaves=8))
def test_arithmetic_is_that_of_numbers(shape: Any) -> None:
    def text(part: Any) -> str:
        return str(part) if isinstance(part, int) else f"({text(part[1])} {part[0]} {text(part[2])})"

    def worth(part: Any) -> float:
        if isinstance(part, int):
            return part
        left, right = worth(part[1]), worth(part[2])
        if part[0] == "%":
            return math.fmod(left, right)
        return {"+": left + right, "-": left - right, "*": left * right}[part[0]] if part[0] != "/" else left / right

    try:
        expected = worth(shape)
    except (ZeroDivisionError, ValueError):
        assert compile_expr(f"{text(shape)} >= 0")(ANN) is None
        return
    assert compile_expr(f"{text(shape)} <= {expected!r} + 0.000001 && {text(shape)} >= {expected!r} - 0.000001")(ANN)


@pytest.mark.parametrize(
    ("source", "column", "words"),
    [
        ('customer.tire == "gold"', 1, "did you mean customer.tier"),
        ('sentiment <= "low"', 11, "number <= text"),
        ("sentiment = 1", 11, "write =="),
        ('customer.tier == "gold" and sentiment < 0', 25, "write &&"),
        ("sentiment < 0 &&", 17, "complete the expression"),
        ("(sentiment < 0", 15, "add the missing ')'"),
        ('act.text.matches("(")', 18, "missing )"),
        ("act.text.matches(act.lang)", 18, "a pattern in quotes"),
        ('act.text.contain("x")', 10, "did you mean contains"),
        ("sentiment", 1, "a condition"),
        ("act.text && true", 1, "a condition beside &&"),
        ("!sentiment", 2, "a condition beside !"),
        ('customer.tier == ""', 18, "!has(customer.tier)"),
        ('act.kind == "tweet"', 13, "known are post"),
        ('act.kind in ["post", "tweet"]', 13, "a value act.kind can have"),
        ("customer.tier == null", 18, "has(field)"),
        ('customer.tier in ["gold", 1]', 18, "a list of one type"),
        ("sentiment < 0 < 1", 15, "join two comparisons with &&"),
        ('act.topics == ["x"]', 12, "value in list"),
        ("customer.tier > 1", 15, "two numbers or two texts"),
        ("act.late < true", 10, "two numbers or two texts"),
        ("has(1)", 1, "has(field)"),
        ("size(1) > 0", 1, "size(text or list)"),
        ('sentiment + "a" > 0', 13, "a number beside +"),
        ("1e999 > 0", 1, "a finite fraction"),
        ("$x", 1, "a field, a literal or an operator"),
        ('"open', 1, "close the quotes"),
        ('"\\d" == "x"', 2, 'write r"'),
        ("[[1]] == 1", 2, "lists hold literals"),
        ("__import__('os')", 1, "a known function"),
        ("customer.__class__", 1, "a known field"),
        ("", 1, "a field, a literal or a parenthesis"),
    ],
)
def test_mistakes_are_named_by_column_with_a_way_out(source: str, column: int, words: str) -> None:
    with pytest.raises(ExprError) as raised:
        compile_expr(source)
    assert raised.value.column == column, str(raised.value)
    assert words in str(raised.value)


def test_every_mistake_is_found_not_the_first_only() -> None:
    found = check(parse('customer.tire == "x" && act.kind == "tweet" && sentiment < "low"'))
    assert [problem.column for problem in found] == [1, 37, 58]


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5_000 + "true" + ")" * 5_000,
        "[" * 5_000,
        "!" * 5_000 + "true",
        "-" * 5_000 + "1 > 0",
        "has(" * 2_000,
        "true && " * 900 + "true",
        " || ".join(["(" * (DEPTH_MAX + 2) + "true" + ")" * (DEPTH_MAX + 2)]),
        "true" + " " * CHARS_MAX,
        "9" * 7_000 + " > 0",
    ],
)
def test_size_and_depth_are_bounded(source: str) -> None:
    with pytest.raises(ExprError):
        compile_expr(source)


def test_the_largest_expression_allowed_runs() -> None:
    parts = (NODES_MAX - 10) // 3
    assert compile_expr(" && ".join(["1 < 2"] * parts))(ANN) is True
    deep = DEPTH_MAX
    assert compile_expr("(true && " * deep + "true" + ")" * deep)(ANN) is True


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(["sentiment", "customer.tier", "act.topics", "&&", "||", "!", "(", ")", "[", "]", "<", "==", "in", "1", "-", '"x"', "has(", ".size()", ",", "."]), max_size=12).map(" ".join) | st.text(max_size=30))  # fmt: skip
def test_any_text_is_an_expression_or_a_named_mistake(source: str) -> None:
    column = 1
    try:
        condition = compile_expr(source)
    except ExprError as problem:
        column = problem.column
    else:
        assert {condition(context) for context in (ANN, {})} <= {True, False, None}
    assert 1 <= column <= len(source) + 1


STRANGE = [None, "", 0, 1, -0.5, "text", True, [], ["a"], {}, {"x": 1}, float("nan"), b"x", "\ud800"]


def test_no_context_is_an_error() -> None:
    sources = [
        'customer.tier in ["gold"] && sentiment <= -0.5',
        'act.text.matches("x") || act.text.contains("y")',
        "customer.open_cases / sentiment > 1",
        "size(act.topics) > 0 && double(customer.fields.nps) > 1",
        '"a" in act.topics',
    ]
    names = ("act", "customer", "sentiment")
    for source, (one, other) in itertools.product(sources, itertools.product(STRANGE, repeat=2)):
        context = dict.fromkeys(names, one) | {"customer": {"tier": other, "open_cases": other, "fields": other}}
        context |= {"act": {"text": one, "topics": other}} if isinstance(one, str | list) else {}
        assert compile_expr(source)(context) in {True, False, None}
