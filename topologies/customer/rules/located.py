"""YAML whose every value knows its line and column, and a reader that collects what is wrong with it.

Only what a rule needs: maps with text keys, lists, texts, numbers, true and false. YAML 1.2: `no` and `on` are texts.
"""

import math
import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from config.problems import Problem, did_you_mean
from topologies.customer.rules.problem import shown

BYTES_MAX = 1 << 20
NODES_MAX = 50_000
"""Of a file, aliases counted as often as they are used: an alias of aliases cannot grow without bound."""
DEPTH_MAX = 20

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|w)")
_TAG = "tag:yaml.org,2002:"


class Located(msgspec.Struct):
    """A value and where it stands, from 1. Maps and lists hold `Located` values; `keys` are the places of a map's keys.

    `in_line` is true for a text whose characters stand in the file one by one, so that a place in it can be named.
    """

    value: Any
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    in_line: bool = False

    def key(self, name: str) -> "Located":
        """Where a key stands."""
        line, column = self.keys[name]
        return Located(name, line, column)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return [item.plain() for item in self.value] if isinstance(self.value, list) else self.value


class Reader:
    """Reads typed values of one file; what does not fit becomes a problem and None."""

    def __init__(self, file: str) -> None:
        """`file` is how problems name it."""
        self.file = file
        self.problems: list[Problem] = []

    def wrong(self, at: Located, path: str, want: str, got: str, fix: str) -> None:
        """Remember a problem."""
        self.problems.append(Problem(self.file, at.line, at.column, path, want, got, fix))

    def text(self, at: Located, path: str) -> str | None:
        """A text."""
        if isinstance(at.value, str):
            return at.value
        self.wrong(at, path, "a text", shown(at.value), "write a text; put quotes around numbers, true and false")
        return None

    def number(self, at: Located, path: str) -> int | float | None:
        """A finite number."""
        if type(at.value) in {int, float} and math.isfinite(at.value) and abs(at.value) < 1 << 63:
            return at.value  # type: ignore[no-any-return]
        self.wrong(at, path, "a number", shown(at.value), "write a number without quotes")
        return None

    def flag(self, at: Located, path: str) -> bool | None:
        """True or false."""
        if isinstance(at.value, bool):
            return at.value
        self.wrong(at, path, "true or false", shown(at.value), "write true or false without quotes")
        return None

    def choice(self, at: Located, path: str, known: Collection[str]) -> str | None:
        """One of a few words."""
        if isinstance(at.value, str) and at.value in known:
            return at.value
        want = f"one of {', '.join(known)}"
        self.wrong(at, path, want, shown(at.value), did_you_mean(str(at.value), known, "choose one of them"))
        return None

    def duration(self, at: Located, path: str, low_ms: int, high_ms: int) -> int | None:
        """Milliseconds of `90s`, `10m`, `24h`, `7d`; both bounds inclusive."""
        found = _DURATION.fullmatch(at.value) if isinstance(at.value, str) else None
        if found is None:
            want = "a duration: a whole number and s, m, h, d or w"
            self.wrong(at, path, want, shown(at.value), "write for instance 90s, 10m, 24h or 7d")
            return None
        length_ms = int(found[1]) * UNITS_MS[found[2]]
        if not low_ms <= length_ms <= high_ms:
            want = f"between {span(low_ms)} and {span(high_ms)}"
            self.wrong(at, path, want, at.value, "choose one in that range")
            return None
        return length_ms

    def documents(self, data: bytes) -> Iterator[Located]:
        """The documents of a file. What cannot be read at all is a problem and ends it."""
        whole = Located(None, 0, 0)
        if len(data) > BYTES_MAX:
            self.wrong(whole, "$", f"at most {BYTES_MAX} bytes", str(len(data)), "split the file")
            return
        try:
            for node in YAML(typ="safe", pure=True).compose_all(data.decode("utf-8-sig")):
                yield _Tree(self).place(node, "$", 0)
        except MarkedYAMLError as problem:
            mark = problem.problem_mark or problem.context_mark
            if mark is not None:
                whole = Located(None, mark.line + 1, mark.column + 1)
            said = problem.problem or problem.context or "not YAML"
            self.wrong(whole, "$", "YAML", said, "check the indentation, colons and quotes there")
        except (_TooMuch, RecursionError):
            want = f"at most {DEPTH_MAX} levels and {NODES_MAX} values"
            self.wrong(whole, "$", want, "more", "nest less; split the file")
        except (YAMLError, ValueError) as problem:
            said = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
            self.wrong(whole, "$", "YAML in UTF-8", said[:200], "save the file as UTF-8 text")


class _TooMuch(Exception):
    """A file is deeper or larger than any set of rules."""


def span(length_ms: int) -> str:
    """A duration in the largest unit that divides it."""
    for unit in ("d", "h", "m", "s"):
        if length_ms % UNITS_MS[unit] == 0 and length_ms:
            return f"{length_ms // UNITS_MS[unit]}{unit}"
    return f"{length_ms}ms"


class _Tree:
    """Nodes of the YAML library → `Located`."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._left = reader, NODES_MAX

    def place(self, node: Node, path: str, depth: int) -> Located:
        at = Located(None, node.start_mark.line + 1, node.start_mark.column + 1)
        self._left -= 1
        if depth > DEPTH_MAX or self._left < 0:
            raise _TooMuch
        if isinstance(node, ScalarNode):
            at.value = _scalar(node)
            at.in_line = node.style not in {"|", ">"} and node.start_mark.line == node.end_mark.line
            # Quoted texts begin one character later.
            at.column += at.in_line and node.style in {"'", '"'}
        elif isinstance(node, SequenceNode):
            at.value = [self.place(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        elif isinstance(node, MappingNode):
            at.value = self._map(node, at, path, depth)
        return at

    def _map(self, node: MappingNode, at: Located, path: str, depth: int) -> dict[str, Located]:
        found: dict[str, Located] = {}
        for key_node, value_node in node.value:
            key = self.place(key_node, path, depth + 1)
            value = self.place(value_node, f"{path}.{key.value}", depth + 1)
            if not isinstance(key.value, str):
                self._reader.wrong(key, path, "a text as key", shown(key.value), "put quotes around it")
            elif key.value in found:
                line = at.keys[key.value][0]
                self._reader.wrong(key, f"{path}.{key.value}", "one value", f"another one in line {line}", "remove one")
            else:
                found[key.value] = value
                at.keys[key.value] = (key.line, key.column)
        return found


def _scalar(node: ScalarNode) -> Any:
    """Null, bool and numbers by their tag; everything else, dates too, is text."""
    text = str(node.value)
    if node.style in {"'", '"', "|", ">"}:
        return text
    kind = str(node.tag).removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        if kind == "int":
            return int(text.replace("_", ""), 0) if text.strip("-+0_") else 0
        if kind == "float":
            return float(text.replace("_", ""))
    except ValueError:
        return text
    return text
