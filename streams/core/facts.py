"""Facts: what an operator can see. One type = one log line = one counter.

Names are past tense. Normal work writes no log line: its facts have level `debug` and are only counted. Fields named
in `labels` become labels of the counter and must have few values; identifiers of people are never labels.
"""

from typing import ClassVar, Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Base of all facts. `counter` ends in `_total`; `help` says what it means and what to do."""

    counter: ClassVar[str] = ""
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ()
    help: ClassVar[str] = ""
    amount: int = 1
