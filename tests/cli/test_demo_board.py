"""What the demo shows follows from the documents that were seen."""

from typing import Any

from rich.console import Console

from topologies.cli.demo_board import Board
from topologies.cli.demo_view import alert_line, line, page, summary, summary_json

START = 1_764_000_000_000
"""2025-11-24T16:00:00Z"""


def enriched(act: str, received: str, *, retracted: bool = False) -> dict[str, Any]:
    author = {"identifier": "x:1"}
    return {"act": {"id": act, "received_at": received}, "author": author, "retracted": retracted}


def score(risk: float, engagement: float, band: str = "ok") -> dict[str, Any]:
    return {"risk": risk, "engagement": engagement, "band": band}


def alert(status: str, at: str = "2025-11-24T16:00:05.000Z", reason: str = "Ann is\nangry") -> dict[str, Any]:
    return {
        "at": at,
        "status": status,
        "severity": "high",
        "rule": "angry-vip",
        "customer": {"name": "Ann"},
        "reason": reason,
    }


def link(status: str, identifier: str = "x:1") -> dict[str, Any]:
    return {"status": status, "identifier": identifier, "customer": "crm:contact:1", "method": "asserted"}


def shown(board: Board, width: int = 80, height: int = 24) -> str:
    """The page as text."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(page(board, START + 9_000, width, height, state="running", left=""), height=height)
    return capture.get()


def test_latency_counts_acts_of_authors_who_were_known_when_they_were_received() -> None:
    board = Board(START)
    board.see("enriched", "c", enriched("before", "2025-11-24T16:00:01.000Z"), START + 60_000)
    board.see("links", "x:1", link("linked"), START + 2_000)
    board.see("enriched", "c", enriched("early", "2025-11-24T16:00:01.999Z"), START + 60_000)
    assert board.latency(0.5) is None
    for number, ms in enumerate([10, 20, 30, 40]):
        board.see("enriched", "c", enriched(f"act {number}", "2025-11-24T16:00:05.000Z"), START + 5_000 + ms)
    assert board.latency(0.5) == 20
    assert board.latency(0.99) == 40
    assert board.joined == 6


def test_a_retracted_act_and_a_retracted_link_do_not_count() -> None:
    board = Board(START)
    board.see("links", "x:1", link("linked"), START)
    board.see("links", "x:2", link("linked", "x:2"), START)
    board.see("links", "x:2", link("retracted", "x:2"), START)
    board.see("enriched", "c", enriched("1", "2025-11-24T16:00:01.000Z"), START)
    board.see("enriched", "c", enriched("1", "2025-11-24T16:00:01.000Z", retracted=True), START)
    assert (board.linked, board.joined) == (1, 0)


def test_rates_are_of_late_and_lag_is_what_is_left() -> None:
    board = Board(START)
    for second in range(1, 11):
        done = 100 * second if second <= 5 else 500 + 20 * (second - 5)
        board.reach(START + 1000 * second, done=done, events=done, raw_lag=3, inbox_lag=4)
    assert board.rate() == 20


def test_the_highest_scores_come_first_and_say_where_they_go() -> None:
    board = Board(START)
    board.see("profiles", "crm:contact:1", {"name": "Ann Lee", "tier": "Gold"}, START)
    board.see("scores", "crm:contact:1", score(10, 5), START)
    board.see("scores", "crm:contact:1", score(70, 5, "at-risk"), START + 8_000)
    board.see("scores", "crm:contact:2", score(50, 90, "watch"), START)
    board.see("scores", "crm:contact:3", score(99, 99), START)
    board.see("scores", "crm:contact:3", None, START)
    assert [one.customer for one in board.top("risk", 5)] == ["crm:contact:1", "crm:contact:2"]
    text = shown(board)
    assert "Ann Lee" in text
    assert "70.0 ▲" in text
    assert "crm:contact:2" in text


def test_the_page_fits_the_terminal_and_shows_the_newest_alerts_first() -> None:
    board = Board(START)
    for second in range(30):
        board.see("alerts", "a", alert("fired", f"2025-11-24T16:00:{second:02d}.000Z"), START)
    board.see("alerts", "a", alert("withdrawn", "2025-11-24T16:00:59.000Z"), START)
    for width, height in ((80, 24), (120, 30), (200, 60), (60, 15)):
        lines = shown(board, width, height).splitlines()
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
    text = shown(board)
    assert text.index("16:00:59") < text.index("16:00:29")
    assert "16:00:00" not in text
    assert "taken back" in text
    assert "Ann is angry" in text


def test_an_alert_that_goes_on_is_counted_but_no_news() -> None:
    board = Board(START)
    for status in ("fired", "updated", "updated", "resolved"):
        board.see("alerts", "a", alert(status), START)
    assert [one.status for one in board.alerts] == ["fired", "resolved"]
    board.see("alerts", "a", alert("withdrawn", reason="Taken back"), START)
    assert board.alerts[-1].reason == "Ann: Taken back"
    assert board.alerts_seen == 3
    assert board.alerts_by["updated"] == 2


def test_lines_and_the_summary_say_the_same() -> None:
    board = Board(START)
    board.reach(START + 1000, done=42, events=50, raw_lag=1, inbox_lag=2)
    board.see("alerts", "a", alert("fired"), START)
    assert "payloads 42" in line(board, START + 1000, "running")
    assert "lag 3" in line(board, START + 1000, "running")
    assert "fired" in alert_line(board.alerts[0])
    assert "\n" not in alert_line(board.alerts[0])
    console = Console(width=100)
    with console.capture() as capture:
        console.print(summary(board, START + 2_000))
    assert "42 in 2.0 s, 21 a second" in capture.get()
    found = summary_json(board, START + 2_000)
    assert found["payloads"] == 42
    assert found["latency_ms"] == {"p50": None, "p99": None, "acts": 0}
