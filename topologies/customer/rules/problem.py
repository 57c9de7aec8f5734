"""What is wrong with a rule file, said so that one read is enough to put it right."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

_SHOWN_CHARS_MAX = 80


class Problem(msgspec.Struct, frozen=True):
    """Where, what was wanted, what was found, and the way out. Lines and columns count from 1; 0: the whole file."""

    file: str
    line: int
    column: int
    path: str
    want: str
    got: str
    fix: str

    def __str__(self) -> str:
        """`file:line:column: path: want …, got …; fix`."""
        return f"{self.file}:{self.line}:{self.column}: {self.path}: want {self.want}, got {self.got}; {self.fix}"


def shown(value: Any) -> str:
    """A value as its author wrote it, more or less, and not longer than a line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"a map of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS_MAX else text[: _SHOWN_CHARS_MAX - 1] + "…"


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean x?` for the known word that looks most like this one, else `otherwise`."""
    close = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else otherwise
