"""Facts → log lines and metrics. One a process: give it facts by calling it. Nothing here may stop a worker."""

import sys
from collections import Counter as Counts
from typing import Any, TextIO

from streams.core.facts import Fact
from streams.observe.gauges import View
from streams.observe.health import STUCK_MS, Health
from streams.observe.lines import LogFormat, fields_of, make_logger, masked
from streams.observe.metrics import Metrics, Registry
from streams.observe.pace import Pace
from streams.observe.server import LOOPBACK, Server
from streams.runtime.facts import CallRetried, EventsFolded, RecordsIngested
from streams.runtime.status import Status

SAY_MS = 10_000
"""How often a line says how far restores are."""


class Observer:
    """Counts facts, says what somebody should know, and answers those who ask how it goes."""

    def __init__(
        self,
        *,
        log_format: LogFormat = "console",
        out: TextIO | None = None,
        registry: Registry | None = None,
        stuck_ms: int = STUCK_MS,
    ) -> None:
        """`out` null: stderr. `registry` null: that of the process. `stuck_ms`: see `Health`."""
        self.health = Health(stuck_ms)
        self._log = make_logger(log_format, out or sys.stderr)
        self._status: tuple[Status | None, int] = None, 0
        self._throughput = 0.0
        self._looked: tuple[int, int] | None = None
        self._pace = Pace()
        self._said_at: int | None = None
        self._metrics = Metrics(self._view, registry)

    def __call__(self, fact: Fact) -> None:
        """Count it; and, unless all is well, say it."""
        if fact.counter:
            self._metrics.add(fact)
        if fact.level != "debug":
            getattr(self._log, fact.level)(type(fact).__name__, **fields_of(fact))
        elif type(fact) is CallRetried:
            self.health.note(masked(f"{fact.what}: {fact.reason}"))

    @property
    def totals(self) -> Counts[str]:
        """What was counted so far, by counter."""
        return self._metrics.totals()

    def say(self, text: str, **fields: Any) -> None:
        """A line of the process itself: that it starts, with what, and that it ends."""
        self._log.info(text, **fields)

    def turned(self) -> None:
        """The worker's loop has turned. Call it with every turn."""
        self.health.turned()

    def show(self, status: Status, now_ms: int) -> None:
        """This is what gauges show, and `/ready` judges. Call it every second or so."""
        self.health.show(status)
        self._status = status, now_ms
        self._throughput = self._rate(now_ms)
        self._pace.look(status.progress, now_ms)
        self._say_restores(status, now_ms)

    def serve(self, port: int, *, host: str = LOOPBACK, token: str = "") -> Server:
        """Answer `/metrics`, `/health` and `/ready`; see `Server`."""
        return Server(port, host, token, self._metrics.app(), self.health)

    def _rate(self, now_ms: int) -> float:
        """Records and events a second since the last call."""
        totals = self.totals
        done = totals[RecordsIngested.counter] + totals[EventsFolded.counter]
        before, self._looked = self._looked, (now_ms, done)
        if before is None or now_ms <= before[0]:
            return 0.0
        return (done - before[1]) * 1000 / (now_ms - before[0])

    def _view(self) -> View:
        is_ready, _ = self.health.ready()
        return View(*self._status, self._throughput, self.health.age_s, is_ready, self._pace.left_ms)

    def _say_restores(self, status: Status, now_ms: int) -> None:
        """A line now and then while there are restores that take their time."""
        if not status.progress:
            self._said_at = None
            return
        if self._said_at is None or now_ms < self._said_at:
            self._said_at = now_ms
        if now_ms - self._said_at < SAY_MS:
            return
        self._said_at = now_ms
        done, total = (sum(one[part] for one in status.progress) for part in (1, 2))
        left_ms = max(self._pace.left_ms.values(), default=None)
        estimates = {
            "done_percent": 100 * done // total if total else None,
            "left_s": None if left_ms is None else round(left_ms / 1000),
        }
        self.say(
            "restoring",
            partitions=[one.partition for one in status.progress],
            items=sum(one.items for one in status.progress),
            **{name: value for name, value in estimates.items() if value is not None},
        )
