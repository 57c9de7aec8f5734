"""Checks expressions before they run: fields exist, types fit, patterns compile. Every problem, not the first only.

    customer.tire == "gold"     column 1: want a known field, got 'customer.tire'; did you mean customer.tier?
    sentiment <= "low"          column 11: want two values of one type, got number <= text; …

Unlike CEL there is one type of number; `/` divides exactly and whole numbers may meet fractions.
"""

import math
from collections.abc import Callable
from typing import Any

import re2

from config.problems import did_you_mean
from topologies.customer.rules.expr_parse import COMPARISONS, FUNCTIONS, METHODS, Call, Const, ExprError, Node, Path
from topologies.customer.rules.fields import CUSTOM, FIELDS, find

PATTERN_MEMORY_BYTES = 1 << 20
"""What RE2 may use for one pattern: a thousand times what people write by hand."""

_INTEGER_MAX = 1 << 63


def pattern_of(text: str) -> Any:
    """A compiled pattern that searches UTF-8 bytes in linear time. Raises `re2.error`."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_BYTES
    return re2.compile(text.encode("utf-8", "replace"), options)


def pattern_problem(text: str) -> str | None:
    """Why RE2 refuses a pattern, in its words; None: it does not."""
    try:
        pattern_of(text)
    except re2.error as problem:
        said = problem.args[0] if problem.args else b"not a pattern"
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return None


def check(tree: Node) -> list[ExprError]:
    """Everything wrong with a tree that is meant to be a condition."""
    checker = _Checker()
    found = checker.type_of(tree)
    if found not in {None, "bool"}:
        checker.wrong(tree.column, "a condition", f"a {found}", "compare it with something")
    return sorted(checker.problems, key=lambda problem: problem.column)


def fields_of(tree: Node) -> frozenset[str]:
    """The names of all fields in a tree."""
    if isinstance(tree, Path):
        return frozenset({tree.name})
    if isinstance(tree, Call):
        return frozenset().union(*(fields_of(part) for part in tree.args))
    return frozenset()


class _Checker:
    """Types bottom up. A type of None is that of something wrong: it fits everywhere, so one mistake is one problem."""

    def __init__(self) -> None:
        self.problems: list[ExprError] = []

    def wrong(self, column: int, want: str, got: str, fix: str) -> None:
        self.problems.append(ExprError(column, want, got, fix))

    def type_of(self, node: Node) -> str | None:
        if isinstance(node, Const):
            return self._const(node)
        if isinstance(node, Path):
            return self._path(node)
        assert isinstance(node, Call)
        if node.name == "has":
            return self._has(node)
        types = [self.type_of(part) for part in node.args]
        if node.name in {"&&", "||", "!"}:
            return self._logic(node, types)
        if node.name in COMPARISONS:
            return self._compare(node, types)
        rule = _RULES.get(node.name)
        if rule is not None:
            return rule(self, node, types)
        known = [*FUNCTIONS, *METHODS]
        fix = did_you_mean(node.name, known, f"known are {', '.join(dict.fromkeys(known))}")
        self.wrong(node.column, "a known function", repr(node.name), fix)
        return None

    def _const(self, node: Const) -> str | None:
        if isinstance(node.value, tuple):
            types = {_kind(value) for value in node.value}
            if len(types) > 1:
                self.wrong(node.column, "a list of one type", " and ".join(sorted(types)), "split it in two")
                return None
            return f"{types.pop()}s" if types else "texts"
        number = node.value
        too_large = isinstance(number, int) and abs(number) >= _INTEGER_MAX
        if too_large or (isinstance(number, float) and not math.isfinite(number)):
            self.wrong(
                node.column, "a whole number below 2^63 or a finite fraction", str(number), "write a smaller one"
            )
        return _kind(node.value)

    def _path(self, node: Path) -> str | None:
        field = find(node.name)
        if field is None:
            fix = did_you_mean(node.name, FIELDS, f"fields are {', '.join(FIELDS)} and {CUSTOM}*")
            self.wrong(node.column, "a known field", repr(node.name), fix)
            return None
        return field.type

    def _has(self, node: Call) -> str:
        if len(node.args) != 1 or not isinstance(node.args[0], Path):
            self.wrong(node.column, "has(field)", "something else", "name one field")
        else:
            self._path(node.args[0])
        return "bool"

    def _logic(self, node: Call, types: list[str | None]) -> str:
        for part, found in zip(node.args, types, strict=True):
            if found not in {None, "bool"}:
                self.wrong(part.column, f"a condition beside {node.name}", f"a {found}", "compare it with something")
        return "bool"

    def _compare(self, node: Call, types: list[str | None]) -> str:
        left, right = types
        ordered = node.name not in {"==", "!="}
        if None not in types and (left != right or (ordered and left not in {"number", "text"})):
            want = "two numbers or two texts" if ordered else "two values of one type"
            fix = (
                "write double(field) for a text that holds a number" if "number" in types else "compare like with like"
            )
            self.wrong(node.column, want, f"{left} {node.name} {right}", fix)
        elif left in {"texts", "numbers", "bools"}:
            self.wrong(node.column, "single values", "lists", "write `value in list`")
        for one, other in (node.args, node.args[::-1]):
            self._values(one, other, node.column)
        return "bool"

    def _values(self, field: Node, value: Node, column: int) -> None:
        """A field that can only have certain values is compared with one of them."""
        known = find(field.name) if isinstance(field, Path) else None
        if known is None or not isinstance(value, Const):
            return
        for one in value.value if isinstance(value.value, tuple) else (value.value,):
            if known.type != "text" or not isinstance(one, str):
                continue
            if known.values and one not in known.values:
                fix = did_you_mean(one, known.values, f"known are {', '.join(filter(None, known.values))}")
                self.wrong(value.column or column, f"a value {known.name} can have", repr(one), fix)
            elif one == "" and not known.empty_is_value:
                fix = f"write !has({known.name})"
                self.wrong(value.column or column, "a value", "an empty text, which counts as missing", fix)

    def in_(self, node: Call, types: list[str | None]) -> str:
        item, items = types
        if None not in types and (items not in {"texts", "numbers", "bools"} or items != f"{item}s"):
            self.wrong(node.column, "value in list of its type", f"{item} in {items}", "write a list in [ ]")
        self._values(node.args[0], node.args[1], node.column)
        return "bool"

    def arithmetic(self, node: Call, types: list[str | None]) -> str:
        for part, found in zip(node.args, types, strict=True):
            if found not in {None, "number"}:
                fix = "write double(field) for a text that holds a number"
                self.wrong(part.column, f"a number beside {node.name}", f"a {found}", fix)
        return "number"

    def text_method(self, node: Call, types: list[str | None]) -> str:
        if len(types) != 2:
            self.wrong(node.column, f"text.{node.name}(text)", f"{len(types) - 1} arguments", "give it one")
        for part, found in zip(node.args, types, strict=True):
            if found not in {None, "text"}:
                fix = "for lists write `value in list`" if found == "texts" else "use it on texts"
                self.wrong(part.column, f"a text for {node.name}", f"a {found}", fix)
        return "bool"

    def matches(self, node: Call, types: list[str | None]) -> str:
        self.text_method(node, types)
        pattern = node.args[-1]
        if not isinstance(pattern, Const):
            self.wrong(pattern.column, "a pattern in quotes", "something else", "write the pattern itself")
        elif isinstance(pattern.value, str) and (said := pattern_problem(pattern.value)):
            self.wrong(
                pattern.column, "a pattern in RE2's syntax", said, "correct it; look-around and \\1 do not exist"
            )
        return "bool"

    def size(self, node: Call, types: list[str | None]) -> str:
        if len(types) != 1 or types[0] not in {None, "text", "texts"}:
            self.wrong(node.column, "size(text or list)", ", ".join(str(t) for t in types) or "nothing", "give it one")
        return "number"

    def double(self, node: Call, types: list[str | None]) -> str:
        if len(types) != 1 or types[0] not in {None, "text", "number"}:
            self.wrong(node.column, "double(text)", ", ".join(str(t) for t in types) or "nothing", "give it one text")
        return "number"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "text" if isinstance(value, str) else "number"


_Rule = Callable[[_Checker, Call, list[str | None]], str]
_RULES: dict[str, _Rule] = {
    "in": _Checker.in_,
    "neg": _Checker.arithmetic,
    "contains": _Checker.text_method,
    "startsWith": _Checker.text_method,
    "endsWith": _Checker.text_method,
    "matches": _Checker.matches,
    "size": _Checker.size,
    "double": _Checker.double,
    **dict.fromkeys(("+", "-", "*", "/", "%"), _Checker.arithmetic),
}
