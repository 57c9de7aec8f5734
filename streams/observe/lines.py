"""Facts as log lines: `time level Name field=value …`, for people or as JSON. The only owner of structlog.

Lines go to stderr: what a command answers goes to stdout. Nobody is named: identifiers of people are masked.
"""

import hashlib
import re
from typing import Any, Literal, TextIO

import msgspec
import structlog

from streams.core.facts import Fact

LogFormat = Literal["console", "json"]

_LINE_CHARS_MAX = 500
_LIST_MAX = 8

_PERSONAL = re.compile(
    r"\b(?P<type>(?:account|handle|email|phone|post):(?:(?:bluesky|x|mastodon):)?)[^\s'\",;()\[\]{}]+"
    r"|(?P<did>\bdid:[a-z]+:)[A-Za-z0-9._:%-]+"
    r"|(?P<mail>[^\s'\"<>,;:=]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"|(?P<phone>\+\d[\d ()./-]{5,}\d)"
    r"|(?P<mention>(?<![\w@])@[A-Za-z0-9_.-]{2,})"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_QUOTING = frozenset({"cause"})
"""Fields whose quoted parts are from a payload; the whole of it stands in the dead-letter topic."""


def masked(text: str) -> str:
    """The text with identifiers of people replaced: the same one by the same six digits, so that lines can be joined."""
    return _PERSONAL.sub(_mask, text)


def fields_of(fact: Fact) -> dict[str, Any]:
    """A fact's fields as a line shows them."""
    fields = {name: _shown(name, value) for name, value in msgspec.structs.asdict(fact).items()}
    if fields["amount"] == 1:
        del fields["amount"]
    return fields


def make_logger(log_format: LogFormat, out: TextIO) -> Any:
    """A structlog logger that writes to `out`; colours only on a terminal."""
    render: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if log_format == "console":
        render = structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)
    return structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
        wrapper_class=structlog.BoundLogger,
    )


def _mask(found: re.Match[str]) -> str:
    kept = found["type"] or found["did"] or ""
    hidden = found[0][len(kept) :]
    digest = hashlib.blake2b(hidden.encode("utf-8", "replace"), digest_size=3).hexdigest()
    return f"{kept}#{digest}"


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, str):
        text = _QUOTED.sub("'…'", value) if name in _QUOTING else value
        return masked(text)[:_LINE_CHARS_MAX]
    if isinstance(value, tuple | list):
        shown = [_shown(name, one) for one in value[:_LIST_MAX]]
        return shown if len(value) <= _LIST_MAX else [*shown, f"… {len(value) - _LIST_MAX} more"]
    return value
