"""Facts: what an operator can see. One type = one log line = one counter.

Names are past tense. Normal work writes no log line: its facts have level `debug` and are only counted. Fields named
in `labels` become labels of the counter and must have few values; identifiers of people are never labels. A field that
holds a duration can be shown as a histogram besides.
"""

from typing import ClassVar, Literal, NamedTuple

import msgspec

Level = Literal["debug", "info", "warning", "error"]

QUICK_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 30_000)
"""Bounds for calls and commits."""


class Measure(NamedTuple):
    """A field of a fact as a histogram: `rapport_<name>`, in seconds, with the labels of the fact.

    The field holds milliseconds: one, a list of them, or null for none. `name` ends in `_seconds`; `help` says what it
    means, `advice` what to do; `bounds_ms` are the upper ends (inclusive) of its buckets, rising.
    """

    field: str
    name: str
    help: str
    advice: str
    bounds_ms: tuple[int, ...] = QUICK_MS


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Base of all facts. `counter` ends in `_total`; `help` says what is counted, `advice` what to do about it."""

    counter: ClassVar[str] = ""
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ()
    help: ClassVar[str] = ""
    advice: ClassVar[str] = ""
    measures: ClassVar[tuple[Measure, ...]] = ()
    amount: int = 1
