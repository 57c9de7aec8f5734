"""Rule files: every problem at once, each with its place; what a rule's hash covers; tests in files; reasons."""

from pathlib import Path

import pytest

from config.problems import Problem
from topologies.customer.rules.load import RULES_MAX, load_rules, starter_rules
from topologies.customer.rules.reason import QUOTE_CHARS_MAX, quoted, why
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.step import AlertChange
from topologies.customer.rules.trial import run_tests

HOUR_MS = 3_600_000


def problems_of(tmp_path: Path, text: str, *, hold_ms: int | None = None) -> list[Problem]:
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules(tmp_path, hold_ms=hold_ms)[1]


def rule_of(tmp_path: Path, text: str) -> Rule:
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    rules, problems = load_rules(tmp_path)
    assert not problems, [str(problem) for problem in problems]
    return rules[0]


def test_the_starter_rules_are_right_and_pass_their_tests() -> None:
    rules, problems = load_rules(hold_ms=3 * 24 * HOUR_MS)
    assert not problems
    assert [str(failure) for failure in run_tests(rules)] == []
    assert len(rules) >= 5
    assert all(rule.runbook and rule.tests and rule.reason for rule in rules)
    assert {rule.kind for rule in rules} == {"match", "event_count", "score_crosses"}
    assert starter_rules().is_dir()


BROKEN = """\
- rule: Angry VIP
  sevrity: high
  severity: hihg
  when:
    customer.tire: gold
    sentiment|lte: low
    act.text|containz: x
    act.text|re: '(a'
    act.kind: tweet
    customer.tier: null
- rule: second
  expr: 'customer.tier == "gold" && sentiment <= "low"'
  for: 10 minutes
  cooldown: 5
  min_link_confidence: 90
  targets: slack
  reason: "{customer.nmae} wrote"
- rule: second
  absence: {within: 1h}
- title: no id
  when: {sentiment|lt: 0}
- just text
- rule: nothing-to-say
- rule: counts
  event_count: {within: 100d, gte: 2.5, group: x}
- rule: scores
  score_crosses: {score: risk, above: 60, exit: 70}
  when: {sentiment|lt: 0}
  min_link_confidence: 0.5
- rule: both
  event_count: {within: 1h}
  score_crosses: {above: 3}
- rule: tested
  when: {sentiment|lt: 0}
  tests:
    - {name: a, act: {sentiment: low}, matches: true}
    - {name: b, act: {sentimen: -1}, matches: true}
    - {name: c, matches: true}
"""


def test_every_problem_is_told_at_once_with_its_place_and_a_way_out(tmp_path: Path) -> None:
    found = problems_of(tmp_path, BROKEN, hold_ms=72 * HOUR_MS)
    told = [(p.line, p.column, p.want, p.fix) for p in found]
    expected = [
        (1, 9, "lower-case letters", "angry-vip"),
        (2, 3, "a known key", "did you mean severity?"),
        (3, 13, "one of info", "did you mean high?"),
        (5, 5, "a known field", "did you mean customer.tier?"),
        (6, 20, "a number", "without quotes"),
        (7, 5, "a known modifier", "did you mean contains?"),
        (8, 19, "a pattern in RE2", "look-around"),
        (9, 15, "a value act.kind can have", "known are post"),
        (10, 20, "a text", "quotes"),
        (12, 47, "two numbers or two texts", "double(field)"),
        (13, 8, "a duration", "10m"),
        (14, 13, "a duration", "10m"),
        (15, 24, "a number in [0, 1]", "0.9"),
        (16, 12, "a list of at most 16 names", "slack-support"),
        (17, 12, "a known field", "customer.name"),
        (18, 9, "an id of its own", "rename"),
        (19, 3, "a rule type of this release", "until then"),
        (20, 3, "`rule", "give the rule an id"),
        (22, 3, "a rule", "one map per rule"),
        (23, 3, "when, expr, event_count or score_crosses", "say when"),
        (25, 25, "between 1s and 3d", "identity.hold_ms (3d)"),
        (25, 36, "a whole number, 1 to 64 acts", "range"),
        (25, 41, "a known key", "keys are within, gte, gt"),
        (27, 49, "at most 60", "come back"),
        (28, 9, "fields of the customer or the score", "without score_crosses"),
        (29, 24, "a rule about acts", "remove it"),
        (31, 16, "gte or gt", "gte"),
        (32, 3, "event_count or score_crosses", "two rules"),
        (36, 34, "a number", "without quotes"),
        (37, 23, "a known field", "did you mean sentiment?"),
        (38, 7, "name, act and matches", "these three"),
    ]
    assert [(line, column) for line, column, _, _ in told] == [(line, column) for line, column, _, _ in expected]
    for (line, _, want, fix), (_, _, its_want, its_fix) in zip(expected, told, strict=True):
        assert its_want.startswith(want), line
        assert fix in its_fix, line


def test_a_problem_reads_as_one_line(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "rule: r\nwhen: {customer.tire: gold}\n")
    where = f"{tmp_path}/rules.yaml:2:8: r.when.customer.tire"
    expected = f"{where}: want a known field, got 'customer.tire'; did you mean customer.tier?"
    assert [str(problem) for problem in found] == [expected]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- rule: a\n   when: {\n", "check the indentation"),
        ("rule: a\nrule: b\nwhen: {sentiment|lt: 0}\n", "another one in line 1"),
        ("\x00", "UTF-8"),
        ("a: &x [" + "1, " * 300 + "1]\nb: &y [" + "*x, " * 300 + "1]\n", "values"),
        ("[" * 100 + "]" * 100, "levels"),
        ("[" * 2_000, "nest less"),
        ("- " * 20_000, "nest less"),
        ("1: {}\n", "put quotes"),
        ("- [1]\n", "a rule"),
    ],
)
def test_files_that_are_no_rules_are_problems_too(tmp_path: Path, text: str, words: str) -> None:
    found = problems_of(tmp_path, text)
    assert found
    assert any(words in str(problem) for problem in found), [str(problem) for problem in found]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "b.yaml").write_text("rule: b\nwhen: {sentimen|lt: 0}\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("rule: c\nwhen: {sentiment|lt: 0}\n", encoding="utf-8")
    rules, found = load_rules(tmp_path)
    assert [rule.id for rule in rules] == ["c"]
    assert [Path(problem.file).name for problem in found] == ["a.yaml", "b.yaml"]
    missing = load_rules(tmp_path / "none.yaml")[1]
    assert [problem.want for problem in missing] == ["a file that can be read"]
    (tmp_path / "empty").mkdir()
    assert "starter rules" in load_rules(tmp_path / "empty")[1][0].fix


def test_an_id_is_unique_over_all_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("rule: same\nwhen: {sentiment|lt: 0}\n", encoding="utf-8")
    found = load_rules(tmp_path)[1]
    assert [(Path(problem.file).name, problem.line) for problem in found] == [("b.yaml", 1)]
    assert "a.yaml:1" in found[0].got


def test_too_many_rules_are_a_problem(tmp_path: Path) -> None:
    text = "\n".join(f"- {{rule: r{index}, when: {{sentiment|lt: 0}}}}" for index in range(RULES_MAX + 1))
    assert [problem.want for problem in problems_of(tmp_path, text)] == [f"at most {RULES_MAX} rules"]


def test_documents_lists_and_files_give_the_same_rules(tmp_path: Path) -> None:
    one = "rule: {}\nwhen: {{sentiment|lt: 0}}\n"
    sets = {
        "list": ["- {rule: b, when: {sentiment|lt: 0}}\n- {rule: a, when: {sentiment|lt: 0}}\n"],
        "documents": [one.format("a") + "---\n" + one.format("b") + "---\n"],
        "files": [one.format("b"), one.format("a")],
    }
    sources = []
    for name, texts in sets.items():
        (tmp_path / name).mkdir()
        for index, text in enumerate(texts):
            (tmp_path / name / f"{index}.yaml").write_text(text, encoding="utf-8")
        rules, problems = load_rules(tmp_path / name)
        assert not problems
        sources.append([(rule.id, rule.hash, rule.source) for rule in rules])
    assert sources[0] == sources[1] == sources[2]


BASE = (
    "rule: r\ntitle: One\nwhen: {customer.tier: [gold, vip], sentiment|lte: -0.5}\nevent_count: {within: 1h, gte: 2}\n"
)


@pytest.mark.parametrize(
    ("change", "same_hash", "same_source"),
    [
        ("", True, True),
        ("tests: [{name: t, act: {sentiment: -1}, matches: false}]", True, True),
        ("cooldown: 60m", True, True),
        ("severity: low", True, False),
        ("runbook: Call.", True, False),
        ("targets: [support]", True, False),
        ("cooldown: 61m", False, False),
        ("for: 1m", False, False),
        ("min_link_confidence: 0.5", False, False),
        ("expr: act.late", False, False),
    ],
)
def test_the_hash_covers_what_decides_and_the_source_what_is_told(
    tmp_path: Path, change: str, same_hash: bool, same_source: bool
) -> None:
    base, other = rule_of(tmp_path, BASE), rule_of(tmp_path, BASE + change + "\n")
    assert (base.hash == other.hash, base.source == other.source) == (same_hash, same_source)


def test_layout_does_not_change_the_hash(tmp_path: Path) -> None:
    spaced = rule_of(tmp_path, "rule: r\nexpr: 'sentiment  <  0  &&  act.late'\n")
    folded = rule_of(tmp_path, "rule: r\nexpr: >-\n  sentiment < 0\n  && act.late\n")
    assert spaced.hash == folded.hash


def test_values_reach_the_rule(tmp_path: Path) -> None:
    text = "rule: r\nscore_crosses: {score: sentiment, below: -0.5}\nfor: 90s\ncooldown: 2d\nseverity: critical\ntargets: [a, b]\n"
    rule = rule_of(tmp_path, text)
    assert (rule.kind, rule.score, rule.rising, rule.threshold) == ("score_crosses", "sentiment", False, -0.5)
    assert rule.exit == pytest.approx(-0.3)
    assert (rule.for_ms, rule.cooldown_ms, rule.severity, rule.targets) == (90_000, 172_800_000, "critical", ("a", "b"))
    counted = rule_of(tmp_path, "rule: r\nevent_count: {within: 24h, gt: 2}\n")
    assert (counted.threshold, counted.within_ms) == (3.0, 24 * HOUR_MS)
    matched = rule_of(tmp_path, "rule: r\nwhen: {act.kind: post}\ncooldown: 5m\n")
    assert (matched.kind, matched.threshold, matched.within_ms, matched.title) == ("match", 1.0, 300_000, "r")


def test_failing_tests_of_rules_are_told_with_their_place(tmp_path: Path) -> None:
    text = """\
rule: r
when: {customer.tier: gold}
min_link_confidence: 0.9
tests:
  - {name: fine, act: {customer.tier: gold, link.confidence: 0.9}, matches: true}
  - {name: wrong tier, act: {customer.tier: silver}, matches: true}
  - {name: no tier, act: {customer.tier: null}, matches: true}
  - {name: too unsure, act: {customer.tier: gold, link.confidence: 0.8}, matches: true}
  - {name: surprise, act: {customer.tier: gold}, matches: false}
"""
    failures = run_tests([rule_of(tmp_path, text)])
    assert [(failure.line, failure.path, failure.got) for failure in failures] == [
        (6, "r.tests: wrong tier", "false"),
        (7, "r.tests: no tier", "unknown: a field the rule needs is missing"),
        (8, "r.tests: too unsure", "false"),
        (9, "r.tests: surprise", "true"),
    ]


ANN = {
    "customer": {"name": "Ann\nLee", "tier": "gold", "open_cases": 2},
    "act": {"text": "so bad", "topics": ("a", "b")},
}


def change(status: str = "fired", value: float = 3, cause: str = "") -> AlertChange:
    return AlertChange(status, "id", 0, 0, value, 1.0, cause=cause)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "status", "expected"),
    [
        ('reason: "{customer.name} wrote {count} posts, {{x}}"', "fired", "Ann Lee wrote 3 posts, {x}"),
        ('reason: "{customer.company}: {customer.open_cases} {act.topics}"', "updated", "unknown: 2 a, b"),
        ("title: An angry post", "fired", "An angry post: Ann Lee (gold): “so bad”"),
        ("title: An angry post", "resolved", "Over: nothing more for 1h"),
        ("title: Odd {title}", "fired", "Odd {title}: Ann Lee (gold): “so bad”"),
        ("event_count: {within: 1d, gte: 2}", "fired", "r: 3 by Ann Lee within 1d, at least 2 wanted"),
        ("event_count: {within: 1d, gte: 2}", "resolved", "Over: fewer than 2 are left within 1d"),
        ("event_count: {within: 1d, gte: 2}", "withdrawn", "Taken back: without what was deleted or reassigned, “r” would not have been raised."),
    ],
)  # fmt: skip
def test_reasons_are_words(tmp_path: Path, rule: str, status: str, expected: str) -> None:
    found = rule_of(tmp_path, f"rule: r\nwhen: {{sentiment|lt: 0}}\n{rule}\n")
    assert why(found, change(status), ANN) == expected


def test_reasons_of_scores_and_of_changed_rules(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "rule: r\ntitle: At risk\nscore_crosses: {score: risk, above: 60, exit: 50}\n")
    assert why(rule, change(value=63.04), ANN) == "At risk: risk of Ann Lee is 63.04, at or above 60"
    assert why(rule, change("resolved", 49.9), ANN) == "Over: risk is 49.9, back below 50"
    assert why(rule, change("resolved", 49.9, "rule changed {x}"), {}) == "Over: rule changed {x}"
    assert why(rule, change(value=63), {}) == "At risk: risk of unknown is 63, at or above 60"


def test_what_people_wrote_is_one_line_and_short() -> None:
    assert quoted("a\r\n\tb\u202ec\x1b[31m") == "a b c [31m"
    assert len(quoted("x" * 10_000)) == QUOTE_CHARS_MAX
    assert quoted("x" * QUOTE_CHARS_MAX) == "x" * QUOTE_CHARS_MAX
    assert quoted(" \n ") == ""
