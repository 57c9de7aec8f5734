"""Makes a tree one Python function: `condition(context) -> True | False | None`, None being "unknown".

    a && b      False if one is False, else None if one is None, else True        (Kleene)
    a || b      True if one is True, else None if one is None, else False
    !a, a < b   None if a part is None

The function is put together as a syntax tree from the fixed shapes below; texts and numbers of a rule only ever become
constants in it. A nested four-part condition costs 0.3 us, a tenth of calling a closure per node.
"""

import ast
import math
from collections.abc import Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, cast

from topologies.customer.rules.expr_check import check, pattern_of
from topologies.customer.rules.expr_parse import COMPARISONS, Call, Const, ExprError, Node, Path, parse
from topologies.customer.rules.fields import find, split
from topologies.customer.rules.rule import Condition

_INTEGER_MAX = 1 << 63


def compile_expr(source: str) -> Condition:
    """The condition an expression stands for. Raises `ExprError` for the first thing wrong with it."""
    tree = parse(source)
    for problem in check(tree):
        raise problem
    return compile_tree(tree)


def compile_tree(tree: Node) -> Condition:
    """The condition a checked tree stands for."""
    maker = Maker()
    return cast("Condition", function_of([ast.Return(maker.make(tree))], maker.names))


def function_of(lines: list[ast.stmt], names: dict[str, Any]) -> FunctionType:
    """`def condition(c)` with these lines, which know these names."""
    body = ast.Try(
        body=lines,
        # What is not as typed is unknown: a context is never a reason to fail.
        handlers=[ast.ExceptHandler(type=load("_errors"), name=None, body=[ast.Return(_const(None))])],
        orelse=[],
        finalbody=[],
    )
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg("c")], kwonlyargs=[], kw_defaults=[], defaults=[])
    function = ast.FunctionDef(name="condition", args=arguments, body=[body], decorator_list=[])
    if "type_params" in ast.FunctionDef._fields:
        function.type_params = []  # type: ignore[attr-defined,unused-ignore]
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    code = next(c for c in compile(module, "<rule>", "exec").co_consts if isinstance(c, CodeType))
    return FunctionType(code, names)


class Maker:
    """Turns nodes into Python expressions whose value is None where the node's is unknown."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__builtins__": {}, "_none": {}, "_errors": _ERRORS} | _HELPERS
        self._count = 0

    def make(self, node: Node) -> ast.expr:
        """The expression of a node."""
        if isinstance(node, Const):
            return _const(_constant(node.value))
        if isinstance(node, Path):
            return read(node.name)
        assert isinstance(node, Call)
        if node.name == "&&":
            return self._all(node.args)
        if node.name == "||":
            return self._any(node.args)
        if node.name == "has":
            return ast.Compare(self.make(node.args[0]), [ast.IsNot()], [_const(None)])
        if node.name == "matches":
            return self._matches(node.args)
        return self._known(node)

    def _matches(self, args: Sequence[Node]) -> ast.expr:
        pattern = args[1]
        assert isinstance(pattern, Const)
        name = f"pattern_{len(self.names)}"
        self.names[name] = pattern_of(pattern.value).search
        return self._unless_none([self.make(args[0])], lambda parts: call("_matches", load(name), *parts))

    def _known(self, node: Call) -> ast.expr:
        """Operators and functions that are unknown as soon as a part of theirs is."""
        shape = _SHAPES.get(node.name)
        if shape is None:
            return self._unless_none([self.make(part) for part in node.args], lambda parts: call(node.name, *parts))
        return self._unless_none([self.make(part) for part in node.args], shape)

    def _unless_none(self, parts: list[ast.expr], build: Any) -> ast.expr:
        """`None if (t := part) is None or … else build(t, …)`; constants need no test."""
        tests: list[ast.expr] = []
        values: list[ast.expr] = []
        for part in parts:
            if isinstance(part, ast.Constant):
                values.append(part)
                continue
            if isinstance(part, ast.Name):
                tests.append(_is_none(part))
                values.append(part)
                continue
            name = self._name()
            tests.append(_is_none(_let(name, part)))
            values.append(load(name))
        built = cast("ast.expr", build(values))
        return ast.IfExp(_or(tests), _const(None), built) if tests else built

    def _all(self, parts: Sequence[Node]) -> ast.expr:
        names = [self._name() for _ in parts]
        tests: list[ast.expr] = [
            ast.Compare(_let(name, self.make(part)), [ast.Is()], [_const(False)])
            for name, part in zip(names, parts, strict=True)
        ]
        # All are True or None now: Python's `and` gives the first None, else True.
        return ast.IfExp(_or(tests), _const(False), ast.BoolOp(ast.And(), [load(name) for name in names]))

    def _any(self, parts: Sequence[Node]) -> ast.expr:
        names = [self._name() for _ in parts]
        tests: list[ast.expr] = [_let(name, self.make(part)) for name, part in zip(names, parts, strict=True)]
        unknown = _or([_is_none(load(name)) for name in names])
        return ast.IfExp(_or(tests), _const(True), ast.IfExp(unknown, _const(None), _const(False)))

    def _name(self) -> str:
        self._count += 1
        return f"t{self._count}"


def load(name: str) -> ast.expr:
    """A name."""
    return ast.Name(name, ast.Load())


def _let(name: str, value: ast.expr) -> ast.expr:
    return ast.NamedExpr(ast.Name(name, ast.Store()), value)


def assign(name: str, value: ast.expr) -> ast.stmt:
    """`name = value`."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def unless_none(known: ast.expr, value: ast.expr) -> ast.expr:
    """`None if known is None else value`."""
    return ast.IfExp(_is_none(known), _const(None), value)


def _const(value: Any) -> ast.expr:
    return ast.Constant(value)


def _is_none(value: ast.expr) -> ast.expr:
    return ast.Compare(value, [ast.Is()], [_const(None)])


def _or(tests: list[ast.expr]) -> ast.expr:
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)


def call(name: str, *args: ast.expr) -> ast.expr:
    """A function of the names, called."""
    return ast.Call(load(name), list(args), [])


def _method(of: ast.expr, name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(of, name, ast.Load()), list(args), [])


def _constant(value: Any) -> Any:
    """Lists become sets where they are only asked for membership: every tuple in a tree is."""
    return frozenset(value) if isinstance(value, tuple) else value


def read(name: str) -> ast.expr:
    """`(c.get("customer") or _none).get("tier")`, and `… or None` for texts whose empty value is missing."""
    *sections, last = split(name)
    at = load("c")
    for section in sections:
        at = ast.BoolOp(ast.Or(), [_method(at, "get", _const(section)), load("_none")])
    value = _method(at, "get", _const(last))
    field = find(name)
    assert field is not None
    if field.type == "text" and not field.empty_is_value:
        return ast.BoolOp(ast.Or(), [value, _const(None)])
    return value


_SIGNS: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
    "in": ast.In(),
}


def _comparison(sign: str) -> Any:
    return lambda parts: ast.Compare(parts[0], [_SIGNS[sign]], [parts[1]])


def _bounded(value: float) -> float | None:
    """Unknown where the result is out of range: a 64-bit integer, a finite fraction."""
    if isinstance(value, int):
        return value if -_INTEGER_MAX <= value < _INTEGER_MAX else None
    return value if math.isfinite(value) else None


def _divided(left: float, right: float) -> float | None:
    return _bounded(left / right) if right else None


def _remainder(left: float, right: float) -> float | None:
    """With the sign of `left`, as in CEL and C."""
    if not right:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return left - right * (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)
    return _bounded(math.fmod(left, right))


def _double(value: str | float) -> float | None:
    """The number a text holds; unknown when it holds none."""
    if not isinstance(value, str):
        return value
    try:
        return _bounded(float(value.strip().replace("_", "x")))
    except ValueError:
        return None


def _search(search: Any, text: str) -> bool:
    # Lone surrogates cannot be encoded; they match nothing a pattern asks for.
    return search(text.encode("utf-8", "replace")) is not None


@lru_cache(maxsize=64)
def fold_text(text: str) -> str:
    """How `when` compares texts: whatever their case, and with the apostrophe of keyboards for that of phones.

    Cached: all rules look at the same act, one after the other.
    """
    return text.casefold().replace("’", "'")


def _like_any(parts: list[ast.expr]) -> ast.expr:
    """`text.casefold() in {…}`: both apostrophes stand in the set, so that the text need not be changed."""
    assert isinstance(parts[1], ast.Constant)
    wanted = cast("frozenset[str]", parts[1].value)
    both = wanted | {text.replace("'", "’") for text in wanted}
    return ast.Compare(_method(parts[0], "casefold"), [ast.In()], [_const(both)])


def _items_like_any(items: Sequence[str], wanted: frozenset[str]) -> bool:
    return any(fold_text(item) in wanted for item in items)


def _has_any(text: str, wanted: frozenset[str]) -> bool:
    folded = fold_text(text)
    for part in wanted:  # noqa: SIM110 - half the price of `any` over a generator, and the commonest test of all
        if part in folded:
            return True
    return False


def _has_all(text: str, wanted: frozenset[str]) -> bool:
    folded = fold_text(text)
    return all(part in folded for part in wanted)


_SHAPES: dict[str, Any] = {
    **{sign: _comparison(sign) for sign in (*COMPARISONS, "in")},
    "!": lambda parts: ast.UnaryOp(ast.Not(), parts[0]),
    "neg": lambda parts: ast.UnaryOp(ast.USub(), parts[0]),
    "contains": lambda parts: ast.Compare(parts[1], [ast.In()], [parts[0]]),
    "startsWith": lambda parts: _method(parts[0], "startswith", parts[1]),
    "endsWith": lambda parts: _method(parts[0], "endswith", parts[1]),
    "like_any": _like_any,
}

_ERRORS = (TypeError, ValueError, AttributeError, OverflowError, ArithmeticError, KeyError)

_HELPERS: dict[str, Any] = {
    "+": lambda left, right: _bounded(left + right),
    "-": lambda left, right: _bounded(left - right),
    "*": lambda left, right: _bounded(left * right),
    "/": _divided,
    "%": _remainder,
    "double": _double,
    "size": len,
    "_matches": _search,
    "items_like_any": _items_like_any,
    "has_any": _has_any,
    "has_all": _has_all,
    "starts_any": lambda text, wanted: fold_text(text).startswith(tuple(wanted)),
    "ends_any": lambda text, wanted: fold_text(text).endswith(tuple(wanted)),
}
"""What generated code may call. Names that are no Python identifiers are looked up like all others."""

__all__ = ["ExprError", "compile_expr", "compile_tree", "fold_text"]
