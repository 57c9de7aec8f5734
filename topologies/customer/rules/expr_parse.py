"""Reads expressions: text → tree. The grammar is a part of CEL (Common Expression Language), and no more.

    or      = and { "||" and }              sum     = product { ("+" | "-") product }
    and     = not { "&&" not }              product = unary { ("*" | "/" | "%") unary }
    compare = sum [ op sum ]                unary   = { "!" | "-" } postfix
    op      = == != < <= > >= in            postfix = primary { "." name "(" … ")" }
    primary = literal | field | call | "(" or ")" | "[" literals "]"

Columns count from 1. Trees are bounded: `NODES_MAX` nodes, `DEPTH_MAX` deep.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

NODES_MAX = 500
DEPTH_MAX = 32
CHARS_MAX = 8_000

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
FUNCTIONS = ("has", "size", "double")
METHODS = ("contains", "startsWith", "endsWith", "matches", "size")

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?)
      | (?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
      | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
      | (?P<sign>&&|\|\||==|!=|<=|>=|[-<>!+*/%().,\[\]])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|(.))""", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "`": "`"}


class Node(msgspec.Struct, frozen=True):
    """A part of an expression; `column` is where it begins (0: it was not written as an expression)."""

    column: int


class Const(Node, frozen=True, tag=True):
    """A literal: text, number or bool; or a list of them as a tuple."""

    value: Any


class Path(Node, frozen=True, tag=True):
    """A field."""

    name: str


class Call(Node, frozen=True, tag=True):
    """An operator, function or method, with what it is applied to (a method's receiver first)."""

    name: str
    args: tuple[Node, ...]


class ExprError(Exception):
    """The expression cannot be used. `column` is where the first thing wrong stands."""

    def __init__(self, column: int, want: str, got: str, fix: str) -> None:
        """In the words of `Problem`."""
        super().__init__(f"column {column}: want {want}, got {got}; {fix}")
        self.column, self.want, self.got, self.fix = column, want, got, fix


class Token(msgspec.Struct, frozen=True):
    """A piece of the text. `kind`: number, text, name, sign or end."""

    kind: str
    text: str
    column: int


def parse(source: str) -> Node:
    """The tree of an expression. Raises `ExprError` at the first place that does not fit the grammar."""
    if len(source) > CHARS_MAX:
        raise ExprError(1, f"at most {CHARS_MAX} characters", str(len(source)), "split the rule in two")
    parser = _Parser(list(_tokens(source)))
    tree = parser.either(0)
    if parser.here.kind != "end":
        raise parser.unexpected("an operator or the end", "check the parentheses and quotes around it")
    return tree


def _tokens(source: str) -> Iterator[Token]:
    at, end = 0, len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None or found.lastgroup is None:
            at += len(source[at:]) - len(source[at:].lstrip())
            raise ExprError(at + 1, "a field, a literal or an operator", repr(source[at]), _hint(source[at:]))
        yield Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1)
        at = found.end()
    yield Token("end", "", end + 1)


def _hint(rest: str) -> str:
    """What people who are used to another language probably meant."""
    if rest[0] in "'\"":
        return "close the quotes"
    hints = {"=": "write == to compare", "&": "write && for and", "|": "write || for or", "?": "write two rules"}
    return hints.get(rest[0], "remove it")


class _Parser:
    """Recursive descent; `depth` bounds the recursion, `nodes` the tree."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at, self._nodes = tokens, 0, 0

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    def unexpected(self, want: str, fix: str) -> ExprError:
        words = {"and": "write && for and", "or": "write || for or", "not": "write ! for not"}
        got = repr(self.here.text) if self.here.kind != "end" else "the end"
        return ExprError(self.here.column, want, got, words.get(self.here.text.lower(), fix))

    def _take(self, *signs: str) -> Token | None:
        token = self.here
        if token.kind in {"sign", "name"} and token.text in signs:
            self._at += 1
            return token
        return None

    def _need(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self.unexpected(f"{sign!r}", f"add the missing {sign!r}")

    def _count(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise ExprError(node.column, f"at most {NODES_MAX} parts", "more", "split the rule in two")
        return node

    def either(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise ExprError(self.here.column, f"at most {DEPTH_MAX} levels of nesting", "more", "split the rule in two")
        return self._joined("||", lambda: self._joined("&&", lambda: self._compare(depth)))

    def _joined(self, sign: str, part: Callable[[], Node]) -> Node:
        first = part()
        parts = [first]
        while self._take(sign):
            parts.append(part())
        return first if len(parts) == 1 else self._count(Call(first.column, sign, tuple(parts)))

    def _compare(self, depth: int) -> Node:
        left = self._sum(depth)
        sign = self._take(*COMPARISONS, "in")
        if sign is None:
            return left
        tree = self._count(Call(sign.column, sign.text, (left, self._sum(depth))))
        if again := self._take(*COMPARISONS, "in"):
            raise ExprError(again.column, "one comparison", repr(again.text), "join two comparisons with &&")
        return tree

    def _sum(self, depth: int) -> Node:
        left = self._product(depth)
        while sign := self._take("+", "-"):
            left = self._count(Call(sign.column, sign.text, (left, self._product(depth))))
        return left

    def _product(self, depth: int) -> Node:
        left = self._unary(depth)
        while sign := self._take("*", "/", "%"):
            left = self._count(Call(sign.column, sign.text, (left, self._unary(depth))))
        return left

    def _unary(self, depth: int) -> Node:
        signs = []
        while sign := self._take("!", "-"):
            signs.append(sign)
        tree = self._postfix(depth)
        for sign in reversed(signs):
            if sign.text == "-" and isinstance(tree, Const) and type(tree.value) in {int, float}:
                tree = Const(sign.column, -tree.value)
            else:
                tree = self._count(Call(sign.column, "!" if sign.text == "!" else "neg", (tree,)))
        if len(signs) > DEPTH_MAX:
            raise ExprError(signs[0].column, f"at most {DEPTH_MAX} signs in a row", str(len(signs)), "remove some")
        return tree

    def _postfix(self, depth: int) -> Node:
        tree = self._primary(depth)
        while not isinstance(tree, Path) and self._take("."):
            tree = self._method(tree, depth)
        return tree

    def _method(self, receiver: Node, depth: int) -> Node:
        name = self.here
        if name.kind != "name":
            raise self.unexpected("a method", f"methods are {', '.join(METHODS)}")
        self._at += 1
        self._need("(")
        tree = self._count(Call(name.column, name.text, (receiver, *self._arguments(depth))))
        while self._take("."):
            tree = self._method(tree, depth)
        return tree

    def _arguments(self, depth: int) -> list[Node]:
        found: list[Node] = []
        if self._take(")"):
            return found
        found.append(self.either(depth + 1))
        while self._take(","):
            found.append(self.either(depth + 1))
        self._need(")")
        return found

    def _primary(self, depth: int) -> Node:
        token = self.here
        if token.kind == "name" and token.text != "in":
            return self._name(depth)
        if token.kind in {"number", "text"}:
            self._at += 1
            return self._count(Const(token.column, _number(token) if token.kind == "number" else _text(token)))
        if self._take("("):
            tree = self.either(depth + 1)
            self._need(")")
            return tree
        if self._take("["):
            return self._items(token)
        raise self.unexpected("a field, a literal or a parenthesis", "complete the expression")

    def _items(self, opening: Token) -> Node:
        values: list[Any] = []
        while not self._take("]"):
            if values:
                self._need(",")
            values.append(self._item())
        return self._count(Const(opening.column, tuple(values)))

    def _item(self) -> str | int | float | bool:
        minus, token = self._take("-"), self.here
        self._at += token.kind != "end"
        if token.kind == "number":
            return -_number(token) if minus else _number(token)
        if token.kind == "text" and minus is None:
            return _text(token)
        if token.text in {"true", "false"} and minus is None:
            return token.text == "true"
        raise ExprError(token.column, "a text, a number, true or false", repr(token.text), "lists hold literals")

    def _name(self, depth: int) -> Node:
        token = self.here
        self._at += 1
        if token.text in {"true", "false"}:
            return self._count(Const(token.column, token.text == "true"))
        if token.text == "null":
            raise ExprError(token.column, "a value", "null", "write has(field), or !has(field)")
        if self._take("("):
            return self._count(Call(token.column, token.text, tuple(self._arguments(depth))))
        parts = [token.text]
        while self.here.text in {".", "["} and self.here.kind == "sign":
            if self._take("["):
                parts.append(self._key())
                continue
            self._at += 1
            name = self.here
            if name.kind != "name":
                raise self.unexpected("a name after the dot", "complete the field's name")
            if self._tokens[self._at + 1].text == "(":
                return self._method(self._count(Path(token.column, ".".join(parts))), depth)
            self._at += 1
            parts.append(name.text)
        return self._count(Path(token.column, ".".join(parts)))

    def _key(self) -> str:
        key = self.here
        if key.kind != "text":
            raise self.unexpected("a field's name in quotes", 'write customer.fields["name"]')
        self._at += 1
        self._need("]")
        return _text(key)


def _number(token: Token) -> int | float:
    # int() refuses thousands of digits; as a fraction they are out of range, and said to be.
    return int(token.text) if token.text.isdigit() and len(token.text) <= 20 else float(token.text)


def _text(token: Token) -> str:
    """The text of a literal; `r"…"` keeps its backslashes."""
    if token.text[0] in "rR":
        return token.text[2:-1]

    def plain(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPES:
            raise ExprError(token.column + 1 + found.start(), "a known escape", found[0], 'write r"…" for a pattern')
        return _ESCAPES[found[2]]

    return _ESCAPE.sub(plain, token.text[1:-1])
