"""`when`: what lines mean, and that it says the same as the expression it stands for."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topologies.customer.rules.expr import compile_expr
from topologies.customer.rules.load import load_rules
from topologies.customer.rules.rule import Condition

ANN: dict[str, Any] = {
    "act": {"kind": "post", "text": "It DOESN’T work, again", "late": False, "role": "", "topics": ("Acme", "outage")},
    "author": {},
    "customer": {
        "tier": "Gold",
        "company": "",
        "owner": "O’NEIL",
        "open_cases": 2,
        "fields": {"nps": "7", "plan": "Pro"},
    },
    "link": {"confidence": 0.99},
    "sentiment": -0.6,
    "score": {"risk": 63.0},
}


def when(tmp_path: Path, text: str) -> Condition:
    file = tmp_path / "rules.yaml"
    file.write_text(f"rule: r\nwhen: {text}\n", encoding="utf-8")
    rules, problems = load_rules([file])
    assert not problems, [str(problem) for problem in problems]
    return rules[0].condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{customer.tier: gold}", True),
        ("{customer.tier: [silver, GOLD]}", True),
        ("{customer.tier|not: [silver, gold]}", False),
        ("{customer.tier|neq: silver}", True),
        ('{customer.owner: ["o\'neil"]}', True),
        ("{customer.owner: O’Neil}", True),
        ("{customer.company: acme}", None),
        ("{customer.company|not: acme}", None),
        ("{customer.company|exists: false}", True),
        ("{customer.tier|exists: true}", True),
        ("{customer.tier|exists|not: true}", False),
        ("{sentiment|lte: -0.6}", True),
        ("{sentiment|lt: -0.6}", False),
        ("{sentiment|gt: -1, sentiment|lt: 0}", True),
        ("{customer.open_cases: 2}", True),
        ("{customer.open_cases: [1, 3]}", False),
        ("{customer.open_cases|gte: 2.5}", False),
        ('{act.text|contains: "doesn\'t WORK"}', True),
        ("{act.text|contains: [nope, again]}", True),
        ("{act.text|contains|all: [nope, again]}", False),
        ("{act.text|contains|not: thanks}", True),
        ("{act.text|startswith: it does}", True),
        ("{act.text|endswith: [AGAIN, x]}", True),
        ("{act.text|re: 'DOESN.T'}", True),
        ("{act.text|re: 'doesn.t'}", False),
        ("{act.text|re|all: ['DOES', 'again$']}", True),
        ("{act.text|re|all: ['DOES', 'nope']}", False),
        ("{act.text|re|not: ['nope', 'no']}", True),
        ("{act.topics: [acme]}", True),
        ("{act.topics|not: acme}", False),
        ("{act.late: false}", True),
        ("{customer.fields.plan: pro}", True),
        ("{customer.fields.nps|lt: 8}", True),
        ("{customer.fields.plan|lt: 8}", None),
        ("[{customer.tier: silver}, {sentiment|lt: 0}]", True),
        ("[{customer.tier: silver}, {customer.company: acme}]", None),
        ("{customer.tier: gold, customer.company: acme}", None),
        ("{customer.tier: silver, customer.company: acme}", False),
        ("{author.handle|contains: x}", None),
    ],
)
def test_what_lines_mean(tmp_path: Path, text: str, expected: bool | None) -> None:
    assert when(tmp_path, text)(ANN) is expected


def test_our_own_answers_match_only_where_the_rule_asks_for_them(tmp_path: Path) -> None:
    ours = {"act": {"kind": "reply", "role": "reply", "text": "sorry"}}
    theirs = {"act": {"kind": "reply", "role": "", "text": "sorry"}}
    plain, asked = when(tmp_path, "{act.text: sorry}"), when(tmp_path, "{act.text: sorry, act.role: reply}")
    assert (plain(ours), plain(theirs), plain({"act": {"text": "sorry"}})) == (False, True, True)
    assert (asked(ours), asked(theirs)) == (True, False)


LINES = {
    "customer.tier: [gold, silver]": 'customer.tier in ["gold", "silver"]',
    "sentiment|lte: -0.5": "sentiment <= -0.5",
    "customer.open_cases|gt: 0": "customer.open_cases > 0",
    "act.text|contains: help": 'act.text.contains("help")',
    "act.text|contains|not: fine": '!act.text.contains("fine")',
    "customer.tier|exists: false": "!has(customer.tier)",
    "act.topics: outage": '"outage" in act.topics',
    "act.late: true": "act.late == true",
}
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "act": st.fixed_dictionaries(
            {},
            optional={
                "text": st.sampled_from(["help", "fine, no help", "", "hello"]),
                "topics": st.sampled_from([(), ("outage",), ("acme", "outage")]),
                "late": st.booleans(),
                "role": st.sampled_from(["", "reply"]),
            },
        ),
        "customer": st.fixed_dictionaries(
            {},
            optional={
                "tier": st.sampled_from(["gold", "bronze", "", None]),
                "open_cases": st.sampled_from([0, 1, None]),
            },
        ),
        "sentiment": st.sampled_from([None, -0.9, -0.5, 0.3]),
    },
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.sampled_from(sorted(LINES)), min_size=1, max_size=3, unique=True), min_size=1, max_size=3), st.lists(CONTEXTS, min_size=3, max_size=3))  # fmt: skip
def test_lines_say_what_their_expression_says(
    tmp_path_factory: pytest.TempPathFactory, maps: list[list[str]], contexts: list[dict[str, Any]]
) -> None:
    flow = "[" + ", ".join("{" + ", ".join(lines) + "}" for lines in maps) + "]"
    ours = '!(has(act.role) && act.role == "reply")'
    expression = " || ".join("(" + " && ".join(LINES[line] for line in lines) + ")" for lines in maps)
    written = when(tmp_path_factory.mktemp("when"), flow)
    meant = compile_expr(f"({expression}) && {ours}")
    for context in contexts:
        assert written(context) is meant(context)
