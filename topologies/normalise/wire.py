"""Small readers for JSON of unknown shape, shared by the CRM formats. What cannot be read raises `Poison` with its path."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from streams.errors import Poison
from topologies.normalise.times import parse_time

INT_MAX = (1 << 63) - 1
EXACT_MAX = 1 << 53
"""Above it a float does not say which integer it was."""
ID_CHARS_MAX = 200
KIND_CHARS_MAX = 80

PART_CHARS_MAX = 40
"""Of a part of a position that is no number. A position is a part of every value that is kept."""

_UNION_TYPES = frozenset({"string", "long", "int", "double", "float", "boolean", "bytes", "array", "map"})
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNSAFE = re.compile(r"[\s:%\x00-\x1f\x7f]")
_decode = msgspec.json.Decoder().decode


def read_json(payload: bytes | None) -> Any:
    """The payload as JSON. Integers of any size stay exact. Raises `Poison` for everything else."""
    if payload is None:
        raise Poison("want JSON, got a null value")
    if payload[:3] == b"\xef\xbb\xbf":
        payload = payload[3:]
    try:
        return _decode(payload)
    except RecursionError:
        raise Poison("JSON is nested too deeply") from None
    except (ValueError, OverflowError) as problem:
        raise Poison(f"no JSON: {problem}"[:200]) from None


def shape(value: Any) -> str:
    """What a value is, for a message to its sender; never the value itself, which may be somebody's."""
    if value is None:
        return "null"
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), type(value).__name__)


def want_object(value: Any, path: str) -> dict[str, Any]:
    """An object, or `Poison`."""
    if not isinstance(value, dict):
        raise Poison(f"want an object, got {shape(value)}", path)
    return value


def each(body: Any, refused: list[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, object) of a payload that is one or an array of them. What is none is added to `refused`."""
    elements = [(f"$[{index}]", one) for index, one in enumerate(body)] if isinstance(body, list) else [("$", body)]
    for path, one in elements:
        try:
            yield path, want_object(one, path)
        except Poison as problem:
            refused.append((problem.path, problem.cause))


def read_time(value: Any, path: str) -> int | None:
    """Milliseconds of RFC 3339, a day, or a number of milliseconds; None for nothing. Raises `Poison` for another."""
    if value is None or value == "":
        return None
    at = read_int(value)
    if at is not None:
        return at
    text = value.strip() if isinstance(value, str) else ""
    try:
        return parse_time(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)
    except ValueError:
        raise Poison(f"want a time like 2026-07-04T12:00:00Z, got {shape(value)}", path) from None


def read_int(value: Any) -> int | None:
    """An integer, also where it came as text or as a float; None when it is none, or too large for 64 bits."""
    is_exact = isinstance(value, float) and value.is_integer() and abs(value) < EXACT_MAX
    if is_exact or (isinstance(value, str) and _INT.fullmatch(value)):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -INT_MAX <= value <= INT_MAX:
        return None
    return value


def id_text(value: Any) -> str | None:
    """The id of a record as text; None when the value is none. `7`, `7.0` and `"7"` are the same id.

    Colons, blanks and control characters are written as `%3A` and so on: ids are the last part of an address.
    """
    if isinstance(value, float):
        value = read_int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = value.strip() if isinstance(value, str) else str(value) if -INT_MAX <= value <= INT_MAX * 2 else ""
    if not text or len(text) > ID_CHARS_MAX:
        return None
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)


def record_address(source: str, kind: str, value: Any) -> str | None:
    """`record:<source>:<object>:<id>`; None when the value is no id."""
    name = id_text(value)
    return None if name is None else f"record:{source}:{kind}:{name}"


def unwrapped(value: Any) -> Any:
    """The value without the union some Avro decoders print: `{"string": "Hot"}`, `{"a.b.Value": {…}}`."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        if name in _UNION_TYPES or (isinstance(inner, dict) and "." in name):
            return inner
    return value


def kind_name(*parts: Any) -> str:
    """The name of an unknown kind: short, printable, whatever the payload says."""
    text = " ".join(part for part in parts if isinstance(part, str) and part)
    return "".join(char if char.isprintable() else "?" for char in text[:KIND_CHARS_MAX]) or "(no name)"


def sortable(value: Any, digits: int = 20) -> str:
    """A part of a position: numbers, also as text, padded so that they sort as text; any other text as it begins."""
    number = read_int(value)
    if number is not None and number >= 0:
        return str(number).zfill(digits)
    return value[:PART_CHARS_MAX] if isinstance(value, str) else ""
