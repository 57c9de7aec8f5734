"""Facts → log lines and counters. The only owner of structlog and prometheus_client.

    fact ──► counter  rapport_<counter>{labels} += amount
        └──► line     time level Name field=value …            levels above debug; personal data masked
    Status ──► gauges lag, tasks, throughput, how far stream time is behind and which task holds it

Lines go to stderr: what a command answers goes to stdout. Nothing here may stop a worker.
"""

import hashlib
import re
import sys
from collections import Counter as Counts
from http.server import HTTPServer
from typing import Any, Literal, TextIO

import msgspec
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, disable_created_metrics, start_http_server

from streams.core.facts import Fact
from streams.errors import Fatal
from streams.runtime.facts import EventsFolded, RecordsIngested
from streams.runtime.status import Status

NAMESPACE = "rapport"
LOOPBACK = "127.0.0.1"
"""Metrics name topics and tasks: they are for this machine's collector, not for the network."""

LABEL_SETS_MAX = 200
"""Of one counter. Kinds come from payloads: whoever sends a new one each time must not fill the memory."""
_OTHER = "other"
_LABEL_CHARS_MAX = 100
_LINE_CHARS_MAX = 500
_LIST_MAX = 8

_PERSONAL = re.compile(
    r"\b(?P<type>(?:account|handle|email|phone|post):(?:(?:bluesky|x|mastodon):)?)[^\s'\",;()\[\]{}]+"
    r"|(?P<did>\bdid:[a-z]+:)[A-Za-z0-9._:%-]+"
    r"|(?P<mail>[^\s'\"<>,;:=]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"|(?P<phone>\+\d[\d ()./-]{5,}\d)"
    r"|(?P<mention>(?<![\w@])@[A-Za-z0-9_.-]{2,})"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_QUOTING = frozenset({"cause"})
"""Fields whose quoted parts are from a payload; the whole of it stands in the dead-letter topic."""


class Observer:
    """Give it facts by calling it. One per process."""

    def __init__(
        self,
        *,
        log_format: Literal["console", "json"] = "console",
        out: TextIO | None = None,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """`out` null: stderr. Tests bring a registry of their own."""
        # When a counter began is nobody's question, and doubles the page.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.totals: Counts[str] = Counts()
        """What was counted so far, by counter."""
        self._log = _logger(log_format, out or sys.stderr)
        self._registry = registry
        self._counters: dict[str, Counter] = {}
        self._label_sets: dict[str, set[tuple[str, ...]]] = {}
        self._gauges = _gauges(registry)
        self._looked: tuple[int, int] | None = None

    def __call__(self, fact: Fact) -> None:
        """Count it; and, unless all is well, say it."""
        if fact.counter:
            self.totals[fact.counter] += fact.amount
            self._count(fact)
        if fact.level != "debug":
            getattr(self._log, fact.level)(type(fact).__name__, **_fields(fact))

    def say(self, text: str, **fields: Any) -> None:
        """A line of the process itself: that it starts, with what, and that it ends."""
        self._log.info(text, **fields)

    def show(self, status: Status, now_ms: int) -> None:
        """Set the gauges. Call it every second or so."""
        gauges = self._gauges
        gauges["inbox_lag"].set(status.inbox_lag)
        gauges["tasks"].set(len(status.tasks))
        gauges["restoring"].set(len(status.restoring))
        gauges["raw_tasks"].set(len(status.raw))
        gauges["residents"].set(status.residents)
        for level, upto in enumerate(status.upto, 1):
            # Before the first tick nobody knows; a distance from 1970 would only raise alarms.
            gauges["behind"].labels(level=str(level)).set(max(0, now_ms - upto) / 1000 if upto else 0)
        gauges["held_by"].clear()
        task, at = status.held_by
        if task:
            gauges["held_by"].labels(task=task).set(at / 1000)
        gauges["throughput"].set(self._throughput(now_ms))

    def serve(self, port: int) -> "MetricsServer":
        """See `serve_metrics`."""
        return serve_metrics(port, self._registry)

    def _throughput(self, now_ms: int) -> float:
        """Records and events a second since the last call."""
        done = self.totals[RecordsIngested.counter] + self.totals[EventsFolded.counter]
        before, self._looked = self._looked, (now_ms, done)
        if before is None or now_ms <= before[0]:
            return 0.0
        return (done - before[1]) * 1000 / (now_ms - before[0])

    def _count(self, fact: Fact) -> None:
        counter = self._counters.get(fact.counter)
        if counter is None:
            counter = Counter(fact.counter, fact.help, fact.labels, namespace=NAMESPACE, registry=self._registry)
            self._counters[fact.counter] = counter
        if not fact.labels:
            counter.inc(fact.amount)
            return
        values = tuple(str(getattr(fact, label))[:_LABEL_CHARS_MAX] for label in fact.labels)
        known = self._label_sets.setdefault(fact.counter, set())
        if values not in known:
            if len(known) >= LABEL_SETS_MAX:
                values = (_OTHER,) * len(values)
            known.add(values)
        counter.labels(*values).inc(fact.amount)


class MetricsServer:
    """`/metrics` on loopback."""

    def __init__(self, server: HTTPServer) -> None:
        """Made by `serve_metrics`."""
        self._server = server
        self.port: int = server.server_port

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def serve_metrics(port: int, registry: CollectorRegistry = REGISTRY) -> MetricsServer:
    """Answer `GET /metrics` on 127.0.0.1; port 0: any free one. Raises `Fatal` when the port is taken."""
    try:
        server, _ = start_http_server(port, addr=LOOPBACK, registry=registry)
    except (OSError, OverflowError) as problem:
        raise Fatal(
            f"observe.metrics_port: want a free port, found {port} taken ({problem}); "
            "name another one, one for each worker of this machine"
        ) from problem
    return MetricsServer(server)


def masked(text: str) -> str:
    """The text with identifiers of people replaced: the same one by the same six digits, so that lines can be joined."""
    return _PERSONAL.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    kept = found["type"] or found["did"] or ""
    hidden = found[0][len(kept) :]
    digest = hashlib.blake2b(hidden.encode("utf-8", "replace"), digest_size=3).hexdigest()
    return f"{kept}#{digest}"


def _fields(fact: Fact) -> dict[str, Any]:
    """A fact's fields as a line shows them."""
    fields = {name: _shown(name, value) for name, value in msgspec.structs.asdict(fact).items()}
    if fields["amount"] == 1:
        del fields["amount"]
    return fields


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, str):
        text = _QUOTED.sub("'…'", value) if name in _QUOTING else value
        return masked(text)[:_LINE_CHARS_MAX]
    if isinstance(value, tuple | list):
        shown = [_shown(name, one) for one in value[:_LIST_MAX]]
        return shown if len(value) <= _LIST_MAX else [*shown, f"… {len(value) - _LIST_MAX} more"]
    return value


def _logger(log_format: str, out: TextIO) -> Any:
    render: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if log_format == "console":
        render = structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)
    return structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
        wrapper_class=structlog.BoundLogger,
    )


def _gauges(registry: CollectorRegistry) -> dict[str, Gauge]:
    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace=NAMESPACE, registry=registry)

    return {
        "inbox_lag": gauge("inbox_lag_records", "Records that wait in the inbox partitions of this worker, at least."),
        "tasks": gauge("tasks", "Inbox partitions this worker works on."),
        "restoring": gauge("restoring_tasks", "Inbox partitions whose state is being brought level with the log."),
        "raw_tasks": gauge("raw_tasks", "Raw partitions this worker reads."),
        "residents": gauge("resident_addresses", "Addresses in the memory of this worker."),
        "behind": gauge("stream_time_behind_seconds", "How far stream time is behind the clock, by level.", "level"),
        "held_by": gauge(
            "stream_time_held_by", "The raw task that stream time waits for, and how far that is (unix time).", "task"
        ),
        "throughput": gauge("throughput_records_per_second", "Raw records and inbox events, since the last look."),
    }
