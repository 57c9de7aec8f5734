"""When enough acts fall into one window: arithmetic on sorted times, nothing else.

    count 2, within 10            acts        3     9      14                 40
    window (t - 10, t]            held        |     |==================|      |
                                  run               9                 19          Run(start=9, end=19)

Between acts the number in the window only falls, so it becomes enough only at an act. `start` is inside a run, `end`
outside it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """A longest time in which at least `count` acts were within the window."""

    start: int
    end: int


def runs(times: Sequence[int], count: int, within_ms: int) -> list[Run]:
    """All runs, in order. `times` ascend; `count` is at least 1."""
    found: list[Run] = []
    since: int | None = None
    until = 0
    for newest in range(count - 1, len(times)):
        start, end = times[newest], times[newest - count + 1] + within_ms
        if end <= start:
            continue
        if since is not None and start <= until:
            until = end
            continue
        if since is not None:
            found.append(Run(since, until))
        since, until = start, end
    if since is not None:
        found.append(Run(since, until))
    return found


def first_start(times: Sequence[int], found: Sequence[Run], bound: int) -> Run | None:
    """The first act at or after `bound` at which the number is enough, with the end of its run."""
    for run in found:
        if run.end > bound:
            place = bisect_left(times, max(run.start, bound))
            if place < len(times) and times[place] < run.end:
                return Run(times[place], run.end)
    return None


def run_at(found: Sequence[Run], time: int) -> Run | None:
    """The run that `time` is in."""
    return next((run for run in found if run.start <= time < run.end), None)
