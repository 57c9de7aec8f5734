"""Three pictures in one SVG: rates, latency, memory. Written by hand: bars and a line need no library."""

import statistics
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from benchmarks.kafka.report import Measured

_WIDTH, _ROW, _LEFT, _RIGHT = 900, 24, 250, 130
_INK, _PALE, _COLOURS = "#222222", "#d9dee4", ("#2f6f9f", "#7fb2d6", "#c9683c")
_FONT = "font-family='Helvetica, Arial, sans-serif'"


class Bar(NamedTuple):
    """`low` and `high` are shown as a whisker. `goal`: a mark; 0: none."""

    label: str
    value: float
    low: float
    high: float
    colour: int
    goal: float = 0.0


def plot(measured: "Measured") -> str:
    """The whole picture."""
    parts, top = [], 10.0
    for panel, height in (
        bars("Records a second: dark by the clock, light by CPU time (all threads of the process)", _rates(measured)),
        bars("Latency in ms: p50, p99, p99.9 (marks: the goals, 120 and 200)", _latencies(measured)),
        curve("Memory of a worker at saturation, MB, over time", measured.soak.curve_mb if measured.soak else ()),
    ):
        if panel:
            parts.append(f"<g transform='translate(0,{top:.0f})'>{panel}</g>")
            top += height
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{top + 10:.0f}' {_FONT} font-size='12'>"
    return f"{head}<rect width='100%' height='100%' fill='white'/>{''.join(parts)}</svg>\n"


def bars(title: str, rows: Sequence[Bar]) -> tuple[str, float]:
    """A panel and its height; nothing of nothing."""
    if not rows:
        return "", 0.0
    most = max(max(row.high, row.goal) for row in rows)
    scale = (_WIDTH - _LEFT - _RIGHT) / (most or 1.0)
    drawn = [_text(10, 18, title, weight="bold")]
    for number, row in enumerate(rows):
        y = 32 + number * _ROW
        drawn.append(_text(_LEFT - 8, y + 13, row.label, anchor="end"))
        drawn.append(_box(_LEFT, y, row.value * scale, _ROW - 7, _COLOURS[row.colour]))
        if row.high > row.low:
            middle = y + (_ROW - 7) / 2
            drawn.append(_stroke(_LEFT + row.low * scale, middle, _LEFT + row.high * scale, middle, _INK))
        if row.goal:
            x = _LEFT + row.goal * scale
            drawn.append(_stroke(x, y - 3, x, y + _ROW - 4, "#b00020"))
        drawn.append(_text(_LEFT + max(row.high, row.goal) * scale + 6, y + 13, f"{row.value:,.0f}"))
    return "".join(drawn), 32 + len(rows) * _ROW + 18


def curve(title: str, values: Sequence[float]) -> tuple[str, float]:
    """The same for a line that begins at zero."""
    if len(values) < 2:
        return "", 0.0
    height, width, most = 120, _WIDTH - 80 - _RIGHT, max(values)
    points = " ".join(
        f"{60 + number * width / (len(values) - 1):.1f},{32 + height - value / most * height:.1f}"
        for number, value in enumerate(values)
    )
    drawn = [
        _text(10, 18, title, weight="bold"),
        _stroke(60, 32 + height, 60 + width, 32 + height, _PALE),
        _text(52, 38, f"{most:.0f}", anchor="end"),
        _text(52, 32 + height, "0", anchor="end"),
        f"<polyline points='{points}' fill='none' stroke='{_COLOURS[0]}' stroke-width='2'/>",
    ]
    return "".join(drawn), height + 60


def _rates(measured: "Measured") -> list[Bar]:
    rows = []
    for name in dict.fromkeys(run.name for run in measured.runs):
        same = [run for run in measured.runs if run.name == name]
        for label, colour, values in (
            (name, 0, [run.per_s for run in same]),
            ("", 1, [run.per_cpu_s for run in same]),
        ):
            rows.append(Bar(label, statistics.median(values), min(values), max(values), colour))
    return rows


def _latencies(measured: "Measured") -> list[Bar]:
    rows = []
    for one in measured.latency:
        for what, times in (("enriched", one.enriched_ms), ("alerts", one.alerts_ms)):
            for number, value in enumerate(times[:3]):
                label = f"{what} at {one.name}" if number == 0 else ""
                rows.append(Bar(label, value, value, value, number, (120.0, 200.0, 0.0)[number]))
    return rows


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='{_INK}' text-anchor='{anchor}' font-weight='{weight}'>{escape(text)}</text>"


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0.5):.1f}' height='{height:.1f}' fill='{colour}'/>"


def _stroke(x: float, y: float, x2: float, y2: float, colour: str) -> str:
    return f"<line x1='{x:.1f}' y1='{y:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' stroke-width='1.5'/>"
