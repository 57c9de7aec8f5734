"""Makes the conditions of all rules one Python function: what they share is worked out once.

    fields      every field that any condition asks for is read once, into a local
    patterns    all that are held against one field are searched for in one pass (`re2.Set`)
    `contains`  a text is folded once

Twenty rules cost half of what they cost one by one. Each answer is what the rule's own condition gives: a property
test holds the two together.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import re2

from topologies.customer.rules import expr
from topologies.customer.rules.expr_parse import Call, Const, Node, Path

Answers = tuple[bool | None, ...]

SET_MEMORY_BYTES = 64 << 20
"""What RE2 may use for all patterns of one field together. It takes what it needs."""


def compile_all(trees: Sequence[Node]) -> Callable[[Mapping[str, Any]], Answers | None]:
    """One function for all of these checked trees; it gives their answers in order.

    It gives None where any of them meets something that is not as typed: then each has to be asked by itself.
    """
    maker = _SharedMaker(trees)
    answers = ast.Tuple([maker.make(tree) for tree in trees], ast.Load())
    body: list[ast.stmt] = [*maker.shared(), ast.Return(answers)]
    return cast("Callable[[Mapping[str, Any]], Answers | None]", expr.function_of(body, maker.names))


class _SharedMaker(expr.Maker):
    """Fields are locals: `field_0`; the patterns found in them are `found_0`, their folded texts `folded_0`."""

    def __init__(self, trees: Sequence[Node]) -> None:
        super().__init__()
        self.names |= {"_found": _found, "_folded": expr.fold_text, "_has_any_folded": _has_any_folded}
        self._fields: dict[str, int] = {}
        self._patterns: dict[str, list[str]] = {}
        self._folded: dict[str, None] = {}
        for tree in trees:
            self._look(tree)
        for name in [name for name, patterns in self._patterns.items() if not self._can_share(name, patterns)]:
            del self._patterns[name]

    def shared(self) -> list[ast.stmt]:
        """What comes before the answers."""
        lines: list[ast.stmt] = []
        for name, place in self._fields.items():
            lines.append(expr.assign(f"field_{place}", expr.read(name)))
            field = expr.load(f"field_{place}")
            if name in self._patterns:
                found = expr.call("_found", expr.load(f"set_{place}"), field)
                lines.append(expr.assign(f"found_{place}", expr.unless_none(field, found)))
            if name in self._folded:
                lines.append(expr.assign(f"folded_{place}", expr.unless_none(field, expr.call("_folded", field))))
        return lines

    def make(self, node: Node) -> ast.expr:
        """As ever, but for fields, patterns and `contains`."""
        if isinstance(node, Path):
            return expr.load(f"field_{self._fields[node.name]}")
        if isinstance(node, Call) and isinstance(node.args[0], Path) and node.args[0].name in self._fields:
            name = node.args[0].name
            place, field = self._fields[name], self.make(node.args[0])
            if node.name == "matches" and name in self._patterns:
                number = self._patterns[name].index(_text_of(node))
                found = ast.Compare(ast.Constant(number), [ast.In()], [expr.load(f"found_{place}")])
                return expr.unless_none(field, found)
            if node.name == "has_any":
                wanted = super().make(node.args[1])
                return expr.unless_none(field, expr.call("_has_any_folded", expr.load(f"folded_{place}"), wanted))
        return super().make(node)

    def _look(self, node: Node) -> None:
        if isinstance(node, Path):
            self._fields.setdefault(node.name, len(self._fields))
        if not isinstance(node, Call):
            return
        for part in node.args:
            self._look(part)
        if isinstance(node.args[0], Path):
            name = node.args[0].name
            if node.name == "matches" and (text := _text_of(node)) not in self._patterns.setdefault(name, []):
                self._patterns[name].append(text)
            if node.name == "has_any":
                self._folded[name] = None

    def _can_share(self, name: str, patterns: list[str]) -> bool:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = SET_MEMORY_BYTES
        together = re2.Set.SearchSet(options)
        try:
            for pattern in patterns:
                together.Add(pattern.encode("utf-8", "replace"))
            together.Compile()
        except re2.error:
            return False
        self.names[f"set_{self._fields[name]}"] = together.Match
        return True


def _text_of(node: Call) -> str:
    pattern = node.args[1]
    assert isinstance(pattern, Const)
    return cast("str", pattern.value)


def _found(match: Callable[[bytes], list[int] | None], text: str) -> list[int] | tuple[()]:
    # Lone surrogates cannot be encoded; they match nothing a pattern asks for.
    return match(text.encode("utf-8", "replace")) or ()


def _has_any_folded(folded: str, wanted: frozenset[str]) -> bool:
    for part in wanted:  # noqa: SIM110 - half the price of `any` over a generator
        if part in folded:
            return True
    return False
