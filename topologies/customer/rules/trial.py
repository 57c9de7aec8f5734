"""Runs the tests that stand in rule files: `rapport check` does it, and so should whoever changes a rule."""

from collections.abc import Iterable, Mapping
from typing import Any

from config.problems import Problem
from topologies.customer.rules.rule import Rule, RuleTest


def run_tests(rules: Iterable[Rule]) -> list[Problem]:
    """The tests that fail.

    A test holds one context against a rule: its condition, `min_link_confidence` (where the context names a link) and,
    for `score_crosses`, the score. What needs time (`event_count`, `for`, `cooldown`) is not tested: for those rules a
    match means "this act counts".
    """
    return [problem for rule in rules for test in rule.tests if (problem := _failure(rule, test)) is not None]


def matches(rule: Rule, context: Mapping[str, Any]) -> bool | None:
    """What a rule says to one context; None: unknown."""
    found = rule.condition(context)
    if not found:
        return found
    confidence = (context.get("link") or {}).get("confidence")
    if confidence is not None and confidence < rule.link_confidence_min:
        return False
    if rule.kind != "score_crosses":
        return True
    value = (context.get("score") or {}).get(rule.score)
    if value is None:
        return None
    return bool(value >= rule.threshold) if rule.rising else bool(value <= rule.threshold)


def _failure(rule: Rule, test: RuleTest) -> Problem | None:
    found = matches(rule, test.context)
    if bool(found) == test.matches:
        return None
    got = {True: "true", False: "false", None: "unknown: a field the rule needs is missing"}[found]
    want = "true" if test.matches else "false"
    path = f"{rule.id}.tests: {test.name}"
    return Problem(test.file, test.line, test.column, path, f"matches: {want}", got, "correct the rule or the test")
