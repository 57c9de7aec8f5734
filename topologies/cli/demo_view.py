"""How the demo looks: a live page on a terminal, a line now and then elsewhere, and a summary at the end."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from topologies.cli.demo_board import MOVED_MS, AlertShown, Board, LinkShown, ScoreShown
from topologies.cli.shell import table

_SEVERITY = {"critical": "bold white on red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
_STATUS = {"fired": "fired", "updated": "updated", "resolved": "resolved", "withdrawn": "taken back"}
_BAND = {"ok": "green", "watch": "yellow", "at-risk": "red"}
_BAR = 8
_NUMBERS_HEIGHT = 5
_WIDE = 118
"""From so many columns on links have a place of their own."""
_ROOMY = 46
"""A column of so many has room for tiers."""


def page(board: Board, now_ms: int, width: int, height: int, *, state: str, left: str) -> Layout:
    """The live page. `state`: what the worker does; `left`: how long it goes on."""
    upper = max(5, (height - 1 - _NUMBERS_HEIGHT) // 2)
    lower = max(3, height - 1 - _NUMBERS_HEIGHT - upper)
    columns = 3 if width >= _WIDE else 2
    has_tier = width // columns >= _ROOMY
    people = [
        Layout(_panel("Most at risk", _scores(board, now_ms, "risk", upper - 2, has_tier=has_tier))),
        Layout(_panel("Most engaged", _scores(board, now_ms, "engagement", upper - 2, has_tier=has_tier))),
    ]
    if columns == 3:
        people.append(Layout(_panel("Links", _links(board, upper - 2))))
    whole = Layout()
    whole.split_column(
        Layout(_title(state, left, width), size=1),
        Layout(_numbers(board), size=_NUMBERS_HEIGHT),
        Layout(name="people", size=upper),
        Layout(_panel("Alerts", _alerts(board, lower - 2))),
    )
    whole["people"].split_row(*people)
    return whole


def line(board: Board, now_ms: int, state: str) -> str:
    """The same in one line."""
    seconds = (now_ms - board.started_ms) / 1000
    return (
        f"{seconds:5.0f} s  {state:8}  payloads {board.done:,} ({board.rate():,.0f}/s)  "
        f"lag {board.raw_lag + board.inbox_lag:,}  links {board.linked:,}  joined {board.joined:,}  "
        f"scores {board.outputs['scores']:,}  alerts {board.alerts_by['fired']:,}  {_latency(board)}"
    )


def alert_line(alert: AlertShown) -> str:
    """An alert where nothing scrolls."""
    return f"         {_STATUS[alert.status]:10}  {alert.severity:8}  {alert.reason}"


def summary(board: Board, ended_ms: int) -> RenderableType:
    """What there was, at the end."""
    seconds = (ended_ms - board.started_ms) / 1000
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column()
    fired, back = board.alerts_by["fired"], board.alerts_by["withdrawn"]
    for name, value in (
        ("payloads", f"{board.done:,} in {seconds:,.1f} s, {board.done / max(seconds, 0.001):,.0f} a second"),
        ("events", f"{board.events:,} through the inbox"),
        ("links", f"{board.linked:,} accounts recognised as customers'"),
        ("acts", f"{board.joined:,} of customers, {board.outputs['enriched']:,} enriched events written"),
        ("scores", f"{board.outputs['scores']:,} published, of {len(board.scores):,} customers"),
        ("alerts", f"{fired:,} fired, {board.alerts_by['resolved']:,} resolved, {back:,} taken back"),
        ("dead letters", f"{board.outputs['dlq']:,}"),
        ("latency", f"{_latency(board)}, from received to seen by a subscriber".removeprefix("latency ")),
    ):
        rows.add_row(name, value)
    risky = [one for one in board.top("risk", 3) if one.risk > 0]
    parts: list[RenderableType] = [rows]
    if risky:
        tops = table("most at risk", "tier", "risk", "engagement", "band", right=("risk", "engagement"))
        for one in risky:
            name, tier = board.names.get(one.customer, ("", ""))
            band = Text(one.band, _BAND.get(one.band, ""))
            tops.add_row(name or one.customer, tier, f"{one.risk:.1f}", f"{one.engagement:.1f}", band)
        parts += [Text(""), tops]
    return Group(*parts)


def summary_json(board: Board, ended_ms: int) -> dict[str, object]:
    """The same for scripts."""
    seconds = (ended_ms - board.started_ms) / 1000
    return {
        "seconds": round(seconds, 3),
        "payloads": board.done,
        "payloads_sent": board.sent,
        "payloads_per_second": round(board.done / max(seconds, 0.001), 1),
        "events": board.events,
        "links": board.linked,
        "acts": board.joined,
        "outputs": dict(sorted(board.outputs.items())),
        "alerts": dict(sorted(board.alerts_by.items())),
        "latency_ms": {"p50": board.latency(0.5), "p99": board.latency(0.99), "acts": board.latencies.total()},
    }


# -- parts of the page


def _title(state: str, left: str, width: int) -> Text:
    title = Text.assemble((" Rapport demo ", "bold reverse"), "  Acme Cloud and its customers   ", (state, "cyan"))
    title.append(f"{left}Ctrl-C ends it ".rjust(max(0, width - title.cell_len)), "dim")
    return title


def _numbers(board: Board) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    for ratio in (4, 4, 5):
        grid.add_column(ratio=ratio, no_wrap=True)
    cells = (
        ("payloads", f"{board.done:,}", f"{board.rate():,.0f}/s"),
        ("lag", f"{board.raw_lag:,}", f"raw, {board.inbox_lag:,} inbox"),
        ("latency", _ms(board.latency(0.5)), f"p99 {_ms(board.latency(0.99))}"),
        ("events", f"{board.events:,}", ""),
        ("links", f"{board.linked:,}", "accounts"),
        ("acts joined", f"{board.joined:,}", ""),
        ("scores", f"{board.outputs['scores']:,}", ""),
        ("alerts", f"{board.alerts_by['fired']:,}", f"{_open(board):,} open"),
        ("dead letters", f"{board.outputs['dlq']:,}", ""),
    )
    texts = [Text.assemble((f"{name} ", "dim"), (value, "bold"), (f" {more}", "dim")) for name, value, more in cells]
    for start in range(0, len(texts), 3):
        grid.add_row(*texts[start : start + 3])
    return Panel(grid, border_style="dim", padding=(0, 1))


def _scores(board: Board, now_ms: int, name: str, count: int, *, has_tier: bool) -> RenderableType:
    rows = Table.grid(expand=True, padding=(0, 1))
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True, justify="right")
    rows.add_column(no_wrap=True, width=1)
    for one in board.top(name, count):
        value = getattr(one, name)
        if value <= 0:
            continue
        style = _BAND.get(one.band, "") if name == "risk" else "cyan"
        who, tier = board.names.get(one.customer, ("", ""))
        text = Text.assemble(who or one.customer, (f"  {tier}" if has_tier else "", "dim"))
        rows.add_row(text, Text(_bar(value), style), f"{value:.1f}", _arrow(one, name, now_ms))
    return rows


def _arrow(one: ScoreShown, name: str, now_ms: int) -> Text:
    moved = one.moved[0 if name == "risk" else 1]
    if now_ms - one.moved_at > MOVED_MS or abs(moved) < 0.05:
        return Text(" ")
    is_bad = (moved > 0) == (name == "risk")
    return Text("▲" if moved > 0 else "▼", "red" if is_bad else "green")


def _bar(value: float) -> str:
    full = round(value / 100 * _BAR)
    return "█" * full + "░" * (_BAR - full)


def _alerts(board: Board, count: int) -> RenderableType:
    rows = Table.grid(expand=True, padding=(0, 1))
    rows.add_column(no_wrap=True, style="dim")
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    newest = list(board.alerts)[-count:]
    for alert in reversed(newest):
        is_over = alert.status in {"resolved", "withdrawn"}
        severity = Text(alert.severity, "dim" if is_over else _SEVERITY.get(alert.severity, ""))
        reason = Text(alert.reason, "dim" if is_over else "")
        rows.add_row(
            alert.at[11:19], severity, Text(_STATUS[alert.status], "" if alert.status == "fired" else "dim"), reason
        )
    return rows if newest else Text("none yet", "dim")


def _links(board: Board, count: int) -> RenderableType:
    rows = Table.grid(expand=True, padding=(0, 1))
    rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for one in reversed(list(board.links)[-count:]):
        rows.add_row(_link(board, one))
    return rows


def _link(board: Board, one: LinkShown) -> Text:
    platform, _, name = one.identifier.partition(":")
    sign = ("+ ", "green") if one.status == "linked" else ("− ", "yellow")
    return Text.assemble(sign, board.name_of(one.customer), (f"  {platform} {name.removeprefix('did:plc:')}", "dim"))


def _panel(title: str, inside: RenderableType) -> Panel:
    return Panel(inside, title=title, title_align="left", border_style="dim", padding=(0, 1))


def _open(board: Board) -> int:
    over: Iterable[str] = ("resolved", "withdrawn")
    return max(0, board.alerts_by["fired"] - sum(board.alerts_by[one] for one in over))


def _latency(board: Board) -> str:
    return f"latency p50 {_ms(board.latency(0.5))} p99 {_ms(board.latency(0.99))}"


def _ms(value: int | None) -> str:
    return "–" if value is None else f"{value:,} ms"
