"""Why an alert was raised, in words.

    "{customer.name} wrote {count} angry posts"      ─►  "Ann Lee wrote 3 angry posts"

Templates know the fields of conditions and a few figures of the episode, nothing else: no attributes, no indexes, no
formats. What is missing reads "unknown". What people wrote themselves is cut to 140 characters in one line.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from config.problems import did_you_mean
from topologies.customer.rules.fields import FIELDS, find, split
from topologies.customer.rules.located import span
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.step import AlertChange

FIGURES = ("count", "value", "threshold", "exit", "score", "within", "for")
"""What templates may name beside fields: figures of the episode and of the rule."""

QUOTE_CHARS_MAX = 140
TEMPLATE_CHARS_MAX = 500

_SLOT = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Control characters, and those that turn the direction of the text around them: an alert is read in terminals, too.
_UNSEEN = re.compile("[\\x00-\\x20\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+")


class Slot(msgspec.Struct, frozen=True):
    """A place in a template; `column` counts from 1."""

    name: str
    column: int


def parse_template(template: str) -> tuple[list[str | Slot], list[tuple[int, str, str, str]]]:
    """The parts of a template, and what is wrong with it as (column, want, got, way out)."""
    parts: list[str | Slot] = []
    problems: list[tuple[int, str, str, str]] = []
    end = 0
    for found in _SLOT.finditer(template):
        parts.append(template[end : found.start()])
        end = found.end()
        column = found.start() + 1
        if found[0] in {"{{", "}}"}:
            parts.append(found[0][0])
        elif found[1] is None:
            problems.append((column, "{field}", repr(found[0]), "write {{ or }} for a brace"))
        elif find(found[1]) is None and found[1] not in FIGURES:
            fix = did_you_mean(found[1], [*FIELDS, *FIGURES], f"known are all fields and {', '.join(FIGURES)}")
            problems.append((column, "a known field", repr(found[1]), fix))
        else:
            parts.append(Slot(found[1], column))
    parts.append(template[end:])
    return parts, problems


def why(rule: Rule, change: AlertChange, context: Mapping[str, Any]) -> str:
    """The reason of one change of an alert.

    `context` is what the condition saw last; after a tick it may be the customer's alone.
    """
    if change.status == "withdrawn":
        return f"Taken back: without what was deleted or reassigned, “{quoted(rule.title)}” would not have been raised."
    if change.status == "resolved":
        return _render(_over(rule, change.cause), rule, change.value, context)
    return _render(rule.reason or _default(rule, context), rule, change.value, context)


def quoted(text: str) -> str:
    """A text of somebody else: one line, nothing invisible, at most 140 characters."""
    line = _UNSEEN.sub(" ", text[: QUOTE_CHARS_MAX * 4]).strip()
    return line if len(line) <= QUOTE_CHARS_MAX else line[: QUOTE_CHARS_MAX - 1].rstrip() + "…"


def _default(rule: Rule, context: Mapping[str, Any]) -> str:
    title = quoted(rule.title).replace("{", "{{").replace("}", "}}")
    if rule.kind == "score_crosses":
        side = "at or above" if rule.rising else "at or below"
        return f"{title}: {{score}} of {{customer.name}} is {{value}}, {side} {{threshold}}"
    if rule.kind == "event_count":
        return f"{title}: {{count}} by {{customer.name}} within {{within}}, at least {{threshold}} wanted"
    tier = " ({customer.tier})" if _look_up("customer.tier", context) is not None else ""
    words = ": “{act.text}”" if _look_up("act.text", context) else ""
    return f"{title}: {{customer.name}}{tier}{words}"


def _over(rule: Rule, cause: str) -> str:
    if cause:
        return f"Over: {cause}".replace("{", "{{").replace("}", "}}")
    if rule.kind == "score_crosses":
        side = "below" if rule.rising else "above"
        return f"Over: {{score}} is {{value}}, back {side} {{exit}}"
    if rule.kind == "event_count":
        return "Over: fewer than {threshold} are left within {within}"
    return "Over: nothing more for {within}"


_FIGURES: Mapping[str, Callable[[Rule, float], str]] = {
    "count": lambda _, value: _number(value),
    "value": lambda _, value: _number(value),
    "threshold": lambda rule, _: _number(rule.threshold),
    "exit": lambda rule, _: _number(rule.exit),
    "score": lambda rule, _: rule.score or "unknown",
    "within": lambda rule, _: span(rule.within_ms),
    "for": lambda rule, _: span(rule.for_ms),
}


def _render(template: str, rule: Rule, value: float, context: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for part in _parsed(template):
        if isinstance(part, str):
            parts.append(part)
        elif part.name in _FIGURES:
            parts.append(_FIGURES[part.name](rule, value))
        else:
            parts.append(_shown(_look_up(part.name, context)))
    return "".join(parts)


@lru_cache(maxsize=1024)
def _parsed(template: str) -> tuple[str | Slot, ...]:
    # Rules are few and their templates never change: a cache of a pure function.
    return tuple(parse_template(template)[0])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return quoted(value) or "unknown"
    if isinstance(value, list | tuple):
        return quoted(", ".join(str(item) for item in value[:10])) or "unknown"
    return "unknown"


@lru_cache(maxsize=1024)
def _keys(name: str) -> tuple[str, ...]:
    return tuple(split(name))


def _look_up(name: str, context: Mapping[str, Any]) -> Any:
    value: Any = context
    for key in _keys(name):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _number(value: float) -> str:
    return f"{round(value, 3):g}" if abs(value) < 1_000_000 else str(round(value))
