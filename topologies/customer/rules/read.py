"""One rule as it is written → one rule as it runs. Says everything that is wrong with it at once."""

import hashlib
from typing import Any, cast

import msgspec

from config.problems import did_you_mean
from topologies.customer.rules.expr import compile_tree
from topologies.customer.rules.expr_check import check, fields_of
from topologies.customer.rules.expr_parse import Call, Const, ExprError, Node, Path, parse
from topologies.customer.rules.fields import CUSTOM, FIELDS, find, split
from topologies.customer.rules.located import Located, Reader
from topologies.customer.rules.problem import shown
from topologies.customer.rules.read_parts import (
    COOLDOWN_MS,
    Correlation,
    read_count,
    read_id,
    read_score,
    read_targets,
)
from topologies.customer.rules.reason import TEMPLATE_CHARS_MAX, parse_template
from topologies.customer.rules.rule import Rule, RuleTest, Severity
from topologies.customer.rules.when import read_when

RECIPE = 1
"""Of what conditions and episodes mean: raise it when the same rule begins to fire otherwise."""

SEVERITIES = ("info", "low", "medium", "high", "critical")
FOR_MS_MAX = 7 * 86_400_000
COOLDOWN_MS_MAX = 30 * 86_400_000
TEXT_CHARS_MAX = 4_000
TESTS_MAX = 100

KEYS = (
    "rule", "title", "severity", "when", "expr", "event_count", "score_crosses", "for", "cooldown",
    "min_link_confidence", "reason", "runbook", "targets", "tests",
)  # fmt: skip

LATER = {
    "value_count": "distinct values within a time",
    "value_sum": "sums within a time",
    "value_avg": "averages within a time",
    "value_percentile": "percentiles within a time",
    "temporal": "several rules within a time",
    "temporal_ordered": "several rules in order",
    "absence": "an answer that does not come",
    "burst": "more than usual",
    "group_by": "groups by company or topic",
    "keep_firing_for": "a pause before an alert is over",
    "inhibit": "alerts that mute others",
}
"""Known, and not in this release."""

_ROLE = Path(0, "act.role")
NOT_OURS = Call(0, "!", (Call(0, "&&", (Call(0, "has", (_ROLE,)), Call(0, "==", (_ROLE, Const(0, "reply"))))),))
"""Part of every rule that does not ask for `act.role` itself: what we answered is not what the customer did."""


def read_rule(reader: Reader, at: Located, path: str, hold_ms: int | None) -> Rule | None:
    """The rule a map stands for; None when anything is wrong, which the reader has then been told."""
    if not isinstance(at.value, dict):
        reader.wrong(at, path, "a rule: a map that begins with `rule: id`", shown(at.value), "write one map per rule")
        return None
    before = len(reader.problems)
    given: dict[str, Located] = at.value
    rule_id = read_id(reader, at, path)
    path = rule_id or path
    _unknown_keys(reader, at, path)
    correlation = _correlation(reader, at, path, hold_ms)
    tree = _condition(reader, at, path, correlation)
    text = {name: _text(reader, given, name, path) for name in ("title", "runbook")}
    severity = "medium"
    if "severity" in given:
        severity = reader.choice(given["severity"], f"{path}.severity", SEVERITIES) or severity
    times = {
        "for": _duration(reader, given, "for", path, (0, FOR_MS_MAX), 0),
        "cooldown": _duration(reader, given, "cooldown", path, (1_000, COOLDOWN_MS_MAX), COOLDOWN_MS),
    }
    confidence = _confidence(reader, given, path)
    reason = _reason(reader, given, path)
    targets = read_targets(reader, given, path)
    tests = _tests(reader, given, path)
    if len(reader.problems) > before or rule_id is None or tree is None:
        return None
    decides = {
        "recipe": RECIPE,
        "id": rule_id,
        "condition": _canonical(tree),
        "correlation": correlation,
        **times,
        "confidence": confidence,
    }
    presents = {"title": text["title"], "severity": severity, "reason": reason, "runbook": text["runbook"]}
    return Rule(
        id=rule_id,
        hash=hashlib.blake2b(msgspec.json.encode(decides, order="deterministic"), digest_size=8).hexdigest(),
        title=text["title"] or rule_id.replace("-", " "),
        severity=cast("Severity", severity),
        kind=correlation.kind,
        condition=compile_tree(tree),
        source=msgspec.to_builtins({**decides, **presents, "targets": targets}),
        threshold=correlation.threshold,
        exit=correlation.exit,
        rising=correlation.rising,
        score=correlation.score,
        within_ms=correlation.within_ms if correlation.kind == "event_count" else times["cooldown"],
        for_ms=times["for"],
        cooldown_ms=times["cooldown"],
        link_confidence_min=confidence,
        reason=reason,
        runbook=text["runbook"] or None,
        targets=targets,
        tests=tests,
        uses=fields_of(tree),
        tree=tree,
    )


def _unknown_keys(reader: Reader, at: Located, path: str) -> None:
    for key in at.value:
        if key in LATER:
            fix = "remove it, or keep the rule in a file of its own until then"
            reader.wrong(at.key(key), f"{path}.{key}", "a rule type of this release", f"{key}: {LATER[key]}", fix)
        elif key not in KEYS:
            fix = did_you_mean(key, [*KEYS, *LATER], f"keys are {', '.join(KEYS)}")
            reader.wrong(at.key(key), f"{path}.{key}", "a known key", repr(key), fix)


def _correlation(reader: Reader, at: Located, path: str, hold_ms: int | None) -> Correlation:
    if "event_count" in at.value and "score_crosses" in at.value:
        fix = "write two rules"
        reader.wrong(at.key("score_crosses"), path, "event_count or score_crosses", "both", fix)
    if "event_count" in at.value:
        return read_count(reader, at.value["event_count"], f"{path}.event_count", hold_ms)
    if "score_crosses" in at.value:
        return read_score(reader, at.value["score_crosses"], f"{path}.score_crosses")
    if "when" not in at.value and "expr" not in at.value and not set(LATER) & set(at.value):
        reader.wrong(at, path, "when, expr, event_count or score_crosses", "none", "say when the rule fires")
    return Correlation()


def _condition(reader: Reader, at: Located, path: str, correlation: Correlation) -> Node | None:
    """`when` and `expr` together; true when there is neither."""
    parts: list[Node | None] = []
    if "when" in at.value:
        parts.append(read_when(reader, at.value["when"], f"{path}.when"))
    if "expr" in at.value:
        parts.append(_expression(reader, at.value["expr"], f"{path}.expr"))
    known = [part for part in parts if part is not None]
    for tree, key in zip(parts, [key for key in ("when", "expr") if key in at.value], strict=True):
        if tree is None or correlation.kind != "score_crosses":
            continue
        for name in sorted(fields_of(tree)):
            if (field := find(name)) and field.of_act:
                want, fix = "fields of the customer or the score", "write a rule without score_crosses"
                reader.wrong(at.value[key], f"{path}.{key}", want, f"{name}, which belongs to an act", fix)
    if len(known) < len(parts):
        return None
    if correlation.kind != "score_crosses" and "act.role" not in frozenset().union(*map(fields_of, known)):
        known.append(NOT_OURS)
    if not known:
        return Const(0, value=True)
    return known[0] if len(known) == 1 else Call(0, "&&", tuple(known))


def _expression(reader: Reader, at: Located, path: str) -> Node | None:
    text = reader.text(at, path)
    if text is None:
        return None
    try:
        tree = parse(text)
        problems = check(tree)
    except ExprError as first:
        tree, problems = None, [first]
    for found in problems:
        where = Located(text, at.line, at.column + found.column - 1) if at.in_line else at
        reader.wrong(where, f"{path}[{found.column}]", found.want, found.got, found.fix)
    return None if problems else tree


def _text(reader: Reader, given: dict[str, Located], name: str, path: str) -> str | None:
    if name not in given:
        return None
    text = reader.text(given[name], f"{path}.{name}")
    if text is not None and len(text) > TEXT_CHARS_MAX:
        want = f"at most {TEXT_CHARS_MAX} characters"
        reader.wrong(given[name], f"{path}.{name}", want, str(len(text)), "shorten it, or link to a page")
    return text


def _duration(
    reader: Reader, given: dict[str, Located], name: str, path: str, bounds: tuple[int, int], default: int
) -> int:
    if name not in given:
        return default
    found = reader.duration(given[name], f"{path}.{name}", *bounds)
    return default if found is None else found


def _confidence(reader: Reader, given: dict[str, Located], path: str) -> float:
    if "min_link_confidence" not in given:
        return 0.0
    at = given["min_link_confidence"]
    found = reader.number(at, f"{path}.min_link_confidence")
    if found is None:
        return 0.0
    if not 0 <= found <= 1:
        fix = "write a probability such as 0.9"
        reader.wrong(at, f"{path}.min_link_confidence", "a number in [0, 1]", str(found), fix)
    if "score_crosses" in given:
        fix = "remove it: a score is the sum of many acts"
        reader.wrong(at, f"{path}.min_link_confidence", "a rule about acts", "score_crosses", fix)
    return float(found)


def _reason(reader: Reader, given: dict[str, Located], path: str) -> str:
    if "reason" not in given:
        return ""
    at, path = given["reason"], f"{path}.reason"
    template = reader.text(at, path) or ""
    if len(template) > TEMPLATE_CHARS_MAX:
        reader.wrong(at, path, f"at most {TEMPLATE_CHARS_MAX} characters", str(len(template)), "shorten it")
    for column, want, got, fix in parse_template(template)[1]:
        where = Located(template, at.line, at.column + column - 1) if at.in_line else at
        reader.wrong(where, path, want, got, fix)
    return template


def _tests(reader: Reader, given: dict[str, Located], path: str) -> tuple[RuleTest, ...]:
    if "tests" not in given:
        return ()
    at, path = given["tests"], f"{path}.tests"
    if not isinstance(at.value, list) or len(at.value) > TESTS_MAX:
        reader.wrong(at, path, f"a list of at most {TESTS_MAX} tests", shown(at.value), "write `- name: …` lines")
        return ()
    found = [_test(reader, item, f"{path}[{index}]") for index, item in enumerate(at.value)]
    return tuple(test for test in found if test is not None)


def _test(reader: Reader, at: Located, path: str) -> RuleTest | None:
    keys = ("name", "act", "matches")
    if not isinstance(at.value, dict) or set(at.value) != set(keys):
        got = f"keys {', '.join(at.value)}" if isinstance(at.value, dict) else shown(at.value)
        reader.wrong(at, path, "name, act and matches", got, "write these three")
        return None
    name = reader.text(at.value["name"], f"{path}.name")
    matches = reader.flag(at.value["matches"], f"{path}.matches")
    context = _context(reader, at.value["act"], f"{path}.act")
    if name is None or matches is None or context is None:
        return None
    return RuleTest(name, context, matches, reader.file, at.line, at.column)


def _context(reader: Reader, at: Located, path: str) -> dict[str, Any] | None:
    """`{customer.tier: gold, sentiment: -0.7}` → the nested context; every value of its field's type."""
    if not isinstance(at.value, dict):
        reader.wrong(at, path, "a map of fields", shown(at.value), "write for instance {sentiment: -0.7}")
        return None
    context: dict[str, Any] = {}
    before = len(reader.problems)
    for name, value in at.value.items():
        field = find(name)
        if field is None:
            fix = did_you_mean(name, FIELDS, f"fields are {', '.join(FIELDS)} and {CUSTOM}*")
            reader.wrong(at.key(name), f"{path}.{name}", "a known field", repr(name), fix)
            continue
        *sections, last = split(name)
        section = context
        for key in sections:
            section = section.setdefault(key, {})
        if value.value is not None:
            section[last] = _value(reader, field.type, value, f"{path}.{name}")
    return context if len(reader.problems) == before else None


def _value(reader: Reader, kind: str, at: Located, path: str) -> Any:
    if kind == "number":
        return reader.number(at, path)
    if kind == "bool":
        return reader.flag(at, path)
    if kind == "texts":
        if isinstance(at.value, list):
            return tuple(reader.text(item, path) for item in at.value)
        reader.wrong(at, path, "a list of texts", shown(at.value), "write [one, another]")
        return None
    return reader.text(at, path)


def _canonical(tree: Node) -> Any:
    """The tree without columns: the same condition however it was laid out."""
    if isinstance(tree, Const):
        return ["const", tree.value]
    if isinstance(tree, Path):
        return ["field", tree.name]
    assert isinstance(tree, Call)
    return [tree.name, *(_canonical(part) for part in tree.args)]
