"""`rapport demo`: the whole product on this machine, with generated traffic, for everybody to look at.

    World ──► raw topics ──► rapport run (a process of its own) ──► outputs ──► Board ──► page, or lines
    feeding thread           embedded log and embedded Redis        watching thread       this thread

No configuration, no broker, no Redis of yours. Ends after `--seconds` and with Ctrl-C; then nothing is left, unless
`--dir` names a folder for it.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from config.settings import LogSettings, Settings
from topologies.cli.demo_board import Board
from topologies.cli.demo_view import alert_line, line, page, summary, summary_json
from topologies.cli.shell import Json, answer_json, answers, asides, refuse, usage, writing
from topologies.traffic.settings import demo_settings, demo_toml
from topologies.traffic.stage import Options
from topologies.traffic.world import World

SECONDS = 60.0
"""How long it goes on where nobody looks at a terminal."""
CONFIG, WORKER_LOG = "rapport.toml", "worker.log"
_FRAME_S = 0.25
_DRAIN_S = 5.0
"""So long the worker may take to finish what was sent, at the end."""
_ALERTS_MAX = 3
"""Alerts shown under one line."""


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(
            help="How long. Default: DEMO_SECONDS; 60 where the output is no terminal, else until Ctrl-C.", min=0.1
        ),
    ] = None,
    rate: Annotated[float, typer.Option(help="Payloads a second.", min=1, max=100_000)] = 100.0,
    relevant: Annotated[float, typer.Option(help="Share of payloads that concern the brand.", min=0, max=1)] = 0.2,
    customers: Annotated[int, typer.Option(help="How many people the CRMs know.", min=1, max=100_000)] = 300,
    seed: Annotated[int, typer.Option(help="The same seed is the same world.")] = 1,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Keep log, state and configuration there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Everything at once: embedded log and Redis, generated traffic, a worker, and a live view of what comes of it."""
    console = asides() if as_json else answers()
    ends_s = _seconds(seconds, console)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _folder(directory) as folder:
        settings = demo_settings(Settings(log=LogSettings(directory=str(folder))))
        with writing("--dir", folder):
            (folder / CONFIG).write_text(demo_toml(str(folder)), encoding="utf-8")
        options = Options(seed=seed, start_ms=0, rate=rate, relevant=relevant, customers=customers)
        board, ended_ms = _play(console, settings, options, folder, ends_s)
        if as_json:
            answer_json(summary_json(board, ended_ms))
            return
        console.print(Text("\nRapport demo: what there was", "bold"), summary(board, ended_ms))
        if directory is not None:
            config = folder / CONFIG
            console.print(
                Text(
                    f"\nkept in {folder}; look around with\n  rapport tail alerts --config {config}\n"
                    f"  rapport customer ID --config {config}",
                    "dim",
                )
            )


def _seconds(given: float | None, console: Console) -> float | None:
    """How long it goes on; None: until somebody ends it."""
    if given is not None:
        return given
    text = os.environ.get("DEMO_SECONDS", "").strip()
    if not text:
        return None if console.is_terminal else SECONDS
    with suppress(ValueError):
        if (found := float(text)) > 0:
            return found
    raise usage("DEMO_SECONDS", want="a number of seconds above 0", got=repr(text), fix="correct it, or unset it")


@contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    """The folder named, or one that is gone afterwards."""
    if directory is not None:
        with writing("--dir", directory):
            directory.mkdir(parents=True, exist_ok=True)
        yield directory.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="rapport-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _play(
    console: Console, settings: Settings, options: Options, folder: Path, ends_s: float | None
) -> tuple[Board, int]:
    """Start everything, show it, end it. Returns the board, and when the last payload was sent."""
    from topologies.assemble import SystemClock, create_topics, open_log
    from topologies.cli.demo_parts import Feeder, Watcher, WorkerProcess

    clock = SystemClock()
    with open_log(settings, clock) as log:
        create_topics(log, settings)
        worker = WorkerProcess(folder / CONFIG, folder / WORKER_LOG)
        try:
            with _starting(console):
                worker.wait_until_ready()
            board = Board(clock.now_ms())
            world = World(msgspec.structs.replace(options, start_ms=board.started_ms))
            feeder = Feeder(log, settings, world, board, clock)
            watcher = Watcher(log, settings, board, clock)
            watcher.start()
            feeder.start()

            def is_well() -> bool:
                return worker.is_alive and feeder.problem is None and watcher.problem is None

            with suppress(KeyboardInterrupt):
                _show(console, board, clock.now_ms, ends_s, is_well)
            feeder.end()
            ended_ms = clock.now_ms()
            with suppress(KeyboardInterrupt):
                _drain(board, is_well)
            was_alive = worker.is_alive
            worker.stop()
            watcher.end()
        except BaseException:
            worker.kill()
            raise
    if not was_alive:
        raise refuse(f"the worker ended before the demo did; it said:\n{worker.last_words()}")
    return board, ended_ms


@contextmanager
def _starting(console: Console) -> Iterator[None]:
    text = "starting an embedded log, a Redis and a worker …"
    if not console.is_terminal:
        console.print(text)
        yield
        return
    with console.status(text):
        yield


def _drain(board: Board, is_well: Callable[[], bool]) -> None:
    """Let the worker finish what was sent."""
    end = time.monotonic() + _DRAIN_S
    while is_well() and time.monotonic() < end and (board.done < board.sent or board.inbox_lag):
        time.sleep(_FRAME_S / 5)


# -- showing


def _show(
    console: Console, board: Board, now: Callable[[], int], ends_s: float | None, is_well: Callable[[], bool]
) -> None:
    """Until the end, until something ends, or until Ctrl-C."""
    frames = _pages(console, board) if console.is_terminal else nullcontext(_Lines(console, board, ends_s).draw)
    with frames as draw:
        while is_well():
            passed_s = (now() - board.started_ms) / 1000
            if ends_s is not None and passed_s >= ends_s:
                return
            draw(now(), "" if ends_s is None else f"{max(0, ends_s - passed_s):.0f} s left · ")
            time.sleep(min(_FRAME_S, max(0.01, (ends_s or passed_s + 1) - passed_s)))


Draw = Callable[[int, str], None]


@contextmanager
def _pages(console: Console, board: Board) -> Iterator[Draw]:
    """A page that fills the terminal and leaves nothing behind."""
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(now_ms: int, left: str) -> None:
            live.update(
                page(board, now_ms, console.width, console.height, state=_state(board), left=left), refresh=True
            )  # fmt: skip

        yield draw


class _Lines:
    """A line every few seconds, and under it the alerts since the last one."""

    def __init__(self, console: Console, board: Board, ends_s: float | None) -> None:
        self._console, self._board = console, board
        self._every_ms = 1_000 if ends_s is not None and ends_s <= 10 else 5_000
        self._shown_ms, self._alerts = board.started_ms, 0

    def draw(self, now_ms: int, _: str) -> None:
        """How long it goes on is no news here."""
        if now_ms - self._shown_ms < self._every_ms:
            return
        self._shown_ms = now_ms
        board, console = self._board, self._console
        count = board.alerts_seen - self._alerts
        self._alerts += count
        console.print(line(board, now_ms, _state(board)), soft_wrap=True)
        for alert in list(board.alerts)[-min(count, _ALERTS_MAX) :] if count else []:
            console.print(Text(alert_line(alert)), soft_wrap=True)
        if count > _ALERTS_MAX:
            console.print(f"         … and {count - _ALERTS_MAX} more")
        # Whoever reads a pipe wants to see it now.
        sys.stdout.flush()


def _state(board: Board) -> str:
    """What the worker does, in a word."""
    if not board.done:
        return "starting"
    return "catching up" if board.raw_lag > max(50, 2 * board.rate()) else "running"
