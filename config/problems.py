"""What is wrong with a configuration, said so that one read is enough to put it right.

    file:line:column: path: want …, got …; fix

Configuration and rule files share this shape: `rapport check` prints both kinds in one list.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

SHOWN_CHARS_MAX = 80


class Problem(msgspec.Struct, frozen=True):
    """Where, what was wanted, what was found, and the way out. Lines and columns count from 1; 0: unknown."""

    file: str
    line: int
    column: int
    path: str
    want: str
    got: str
    fix: str

    def __str__(self) -> str:
        """`file:line:column: path: want …, got …; fix`, without the numbers nobody knows."""
        place = ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])
        return f"{place}: {self.path}: want {self.want}, got {self.got}; {self.fix}"


def shown(value: Any) -> str:
    """A value as its author wrote it, more or less, and not longer than a line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"a table of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 1] + "…"


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean x?` for the known word that looks most like this one, else `otherwise`."""
    close = get_close_matches(word.lower()[:SHOWN_CHARS_MAX], sorted(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else otherwise
