"""One thing that is measured, and what came of it."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec

Run = Callable[[], int]
"""Does the work; gives the number of records it did it for."""


class Goal(msgspec.Struct, frozen=True):
    """What design section 10 asks for: at most so many microseconds, or at least so many times the pace of a baseline."""

    us_max: float | None = None
    baseline: str = ""
    pace_min: float = 0.0


class Case(msgspec.Struct, frozen=True):
    """`prepare` makes everything ready for one round, gives the work, and clears up; only the work is measured."""

    name: str
    record: str
    """What one record is."""
    prepare: Callable[[], AbstractContextManager[Run]]
    goal: Goal = Goal()
    rounds: int = 7


class Row(msgspec.Struct, kw_only=True):
    """What a case has cost, in microseconds a record: of CPU, best and median round, and of the clock, median round."""

    name: str
    record: str
    records: int
    rounds: int
    best_us: float
    median_us: float
    wall_us: float
    goal: Goal
    paces: dict[str, float] = {}
    """How many times as fast as each baseline, best against best."""
    is_met: bool | None = None
    """Whether the goal is; null: there is none, or its baseline was not measured."""


def measure(cases: Sequence[Case], show: Callable[[str], None]) -> list[Row]:
    """All cases, in rounds. `show` is told what is being measured."""
    spent: dict[str, list[tuple[float, float, int]]] = {case.name: [] for case in cases}
    for number in range(max((case.rounds for case in cases), default=0)):
        for case in cases:
            if number < case.rounds:
                show(f"{case.name} {number + 1}/{case.rounds}")
                spent[case.name].append(_once(case))
    return [_row(case, spent[case.name]) for case in cases]


def compare(rows: Sequence[Row], baselines: Sequence[str]) -> None:
    """Fill in the paces against the baselines, and which goals are met."""
    by_name = {row.name: row for row in rows}
    for row in rows:
        row.paces = {name: by_name[name].best_us / row.best_us for name in baselines if name in by_name}
        if row.goal.us_max is not None:
            row.is_met = row.best_us <= row.goal.us_max
        elif row.goal.baseline in row.paces:
            row.is_met = row.paces[row.goal.baseline] >= row.goal.pace_min


def _once(case: Case) -> tuple[float, float, int]:
    with case.prepare() as run:
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        records = run()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / records * 1e6, wall / records * 1e6, records


def _row(case: Case, spent: Sequence[tuple[float, float, int]]) -> Row:
    costs = [cpu for cpu, _, _ in spent]
    return Row(
        name=case.name,
        record=case.record,
        records=spent[-1][2],
        rounds=len(spent),
        best_us=min(costs),
        median_us=statistics.median(costs),
        wall_us=statistics.median(wall for _, wall, _ in spent),
        goal=case.goal,
    )
