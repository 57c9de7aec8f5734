"""Reading payloads that nobody has checked: what is of the wrong type is as good as absent.

bytes ──decode──► structs ──mapping, items, text…──► fields, none of them larger than its maximum
          └─ raises Poison(cause, path of the first thing wrong)
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from streams.errors import Poison

TEXT_MAX = 25_000
"""Letters kept of what somebody wrote: X's longest posts have so many. Relevance is decided on all of them."""
NAME_MAX = 256
URI_MAX = 2_048
LANG_MAX = 44
TARGETS_MAX = 64
"""More are mentions for their own sake."""

_NOTHING: Mapping[str, Any] = {}
_WHERE = re.compile(r"(.*?)(?: - at `([^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_LANG = re.compile(r"[A-Za-z0-9]{1,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_LINK = re.compile(r"https?://[^\s\x00-\x1f\x7f\"<>]+", re.IGNORECASE)


def decode(read: Callable[[bytes], Any], payload: bytes | None) -> Any:
    """What `read`, a decoder of msgspec with types, makes of a payload. Raises `Poison`, and nothing else."""
    if payload is None:
        raise Poison("want JSON, got a null value")
    try:
        return read(payload)
    except msgspec.DecodeError as problem:
        raise _poison(str(problem)) from None
    except UnicodeDecodeError:
        raise Poison("want UTF-8") from None
    except RecursionError:
        raise Poison("JSON is nested too deeply") from None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def items(value: Any) -> Sequence[Any]:
    """An array, or an empty one."""
    return value if isinstance(value, list) else ()


def text(value: Any) -> str:
    """A text, or the empty one."""
    return value if isinstance(value, str) else ""


def lang(value: Any) -> str:
    """A language tag as the platform has it; empty when it is none."""
    return _lang(value) if isinstance(value, str) and len(value) <= LANG_MAX else ""


def web_link(value: Any) -> str:
    """A link that a reader may be given to click; empty when it is none."""
    return value if isinstance(value, str) and len(value) <= URI_MAX and _LINK.fullmatch(value) else ""


def distinct(found: Iterable[str]) -> tuple[str, ...]:
    """Identifiers, each once, without empty ones, in their order; the first 64."""
    return tuple(one for one in dict.fromkeys(found) if one)[:TARGETS_MAX]


@lru_cache(maxsize=1024)
def _lang(value: str) -> str:
    return value if _LANG.fullmatch(value) else ""


def _poison(message: str) -> Poison:
    found = _WHERE.fullmatch(message)
    assert found is not None, "both halves may be empty"
    cause, path = found[1], found[2] or "$"
    if missing := _MISSING.fullmatch(cause):
        return Poison("is missing", f"{path}.{missing[1]}")
    return Poison(cause, path)
