"""What the suite tells: a table of faults, or JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import msgspec

from tests.chaos.oracle import Verdict
from tests.chaos.siege import Suffered

TOLD = (
    "how='intact'", "how='caught up'", "how='rebuilt'", "StateFoundLost", "StateAhead", "WorkerFenced",
    "CommitDoubtful", "TransactionAborted", "change='revoked'", "change='lost'",
)  # fmt: skip
"""What workers say of their ways out, in words that stand in their lines."""


class Round(msgspec.Struct):
    """One siege, judged."""

    seed: int
    verdict: Verdict
    suffered: list[Suffered]
    happened: dict[str, int]
    told: dict[str, int]
    seconds: float


class Row(msgspec.Struct, frozen=True):
    """One kind of fault. Times in ms; null: it never recovered."""

    fault: str
    times: int
    records: int
    produced_p50: float | None
    produced_max: int | None
    served_p50: float | None
    served_max: int | None


def ways_out(lines: Iterable[str]) -> dict[str, int]:
    """How often workers took each way out."""
    found: Counter[str] = Counter()
    for line in lines:
        found.update(word for word in TOLD if word in line)
    return dict(found)


def rows(suffered: Sequence[Suffered]) -> list[Row]:
    """By kind of fault, in order of appearance."""
    by_name: dict[str, list[Suffered]] = {}
    for one in suffered:
        by_name.setdefault(one.name, []).append(one)
    out = []
    for name, ones in by_name.items():
        produced = [one.recovery.produced_ms for one in ones if one.recovery]
        served = [one.recovery.served_ms for one in ones if one.recovery]
        times: list[Any] = [None] * 4
        if produced:
            times = [median(produced), max(produced), median(served), max(served)]
        out.append(Row(name, len(ones), sum(one.records for one in ones), *times))
    return out


def table(found: Sequence[Row]) -> str:
    """For people. Recovery: from the fault until every partition produces, and is served, again."""
    head = ("fault", "times", "records", "produces again p50", "max", "served again p50", "max")
    lines = [head, *((row.fault, str(row.times), f"{row.records:,}", *map(_seconds, _times(row))) for row in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )  # fmt: skip


def _times(row: Row) -> tuple[float | None, ...]:
    return row.produced_p50, row.produced_max, row.served_p50, row.served_max


def _seconds(ms: float | None) -> str:
    return "never" if ms is None else f"{ms / 1_000:.2f} s"
