"""The cases, one kind a file. Baselines come first."""

from benchmarks.case import Case
from benchmarks.cases import act, echo, fold, json_loads, normalise, path, restore, scan, task

BASELINES = (json_loads.NAME, echo.NAME)


def all_cases() -> list[Case]:
    """In the order in which they are shown."""
    return [
        *json_loads.cases(),
        *echo.cases(),
        *scan.cases(),
        *normalise.cases(),
        *fold.cases(),
        *act.cases(),
        *task.cases(),
        *restore.cases(),
        *path.cases(),
    ]
