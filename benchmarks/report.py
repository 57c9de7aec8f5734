"""Rows as a table for people, as JSON for scripts, and as a file that is kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.case import Row

RESULTS = Path(__file__).with_name("results")
_HEAD = ("case", "one record is", "best us", "median us", "wall us", "goal", "met")


def table(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    """As Markdown: it reads well on a terminal too."""
    cells = [_HEAD, *[_cells(row) for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    about = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([f"{about}", "", *lines])


def as_json(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    """The same for scripts."""
    return msgspec.json.format(msgspec.json.encode({"machine": dict(machine), "rows": rows}), indent=1).decode()


def keep(rows: Sequence[Row], machine: Mapping[str, str]) -> Path:
    """Write both into `results`. What was measured before is never written over."""
    RESULTS.mkdir(exist_ok=True)
    name = f"{machine['date']}-{machine['commit'].replace('+', '-changed')}"
    number = 1
    while (path := RESULTS / f"{name}-{number}.json").exists():
        number += 1
    path.write_text(as_json(rows, machine) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(rows, machine) + "\n", encoding="utf-8")
    return path


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: ""}[row.is_met]
    return (row.name, row.record, f"{row.best_us:.2f}", f"{row.median_us:.2f}", f"{row.wall_us:.2f}", _goal(row), met)


def _goal(row: Row) -> str:
    goal = row.goal
    if goal.us_max is not None:
        return f"<= {goal.us_max:g} us"
    if goal.baseline:
        found = row.paces.get(goal.baseline)
        return f">= {goal.pace_min:g} x {goal.baseline}" + ("" if found is None else f" ({found:.2f})")
    return ""
