"""What a process shows of its state: gauges, each with its meaning and what to do about it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from streams.runtime.status import Status

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values, and the value."""


class View(NamedTuple):
    """What there is to be shown at the moment. `status` null: not started yet."""

    status: Status | None
    now_ms: int
    throughput: float
    loop_age_s: float
    is_ready: bool
    restore_left_ms: Mapping[int, int]


class Gauge(NamedTuple):
    """`rapport_<name>`. `read` gives its samples; none: nothing is known."""

    name: str
    labels: tuple[str, ...]
    help: str
    advice: str
    read: Callable[[View], Samples]


def _of_status(read: Callable[[Status], float]) -> Callable[[View], Samples]:
    return lambda view: [] if view.status is None else [((), read(view.status))]


def _lags(view: View) -> Samples:
    lags = view.status.lags if view.status else ()
    return [((lag.topic, str(lag.partition)), lag.records) for lag in lags]


def _behind(view: View) -> Iterator[tuple[tuple[str, ...], float]]:
    for level, upto in enumerate(view.status.upto if view.status else (), 1):
        # Before the first tick nobody knows; a distance from 1970 would only raise alarms.
        yield (str(level),), max(0, view.now_ms - upto) / 1000 if upto else 0


def _held_by(view: View) -> Samples:
    task, at = view.status.held_by if view.status else ("", 0)
    return [((task,), at / 1000)] if task else []


def _shares(view: View) -> Samples:
    progress = view.status.progress if view.status else ()
    return [((str(one.partition),), one.done / one.total if one.total else 0.0) for one in progress]


def _left(view: View) -> Samples:
    return [((str(partition),), left_ms / 1000) for partition, left_ms in view.restore_left_ms.items()]


GAUGES = (
    Gauge(
        "ready", (), "1 when the worker has joined and works on all that it owns; what `/ready` says.",
        "0 for minutes: ask `/ready`, it says what is missing.",
        lambda view: [((), float(view.is_ready))],
    ),
    Gauge(
        "loop_age_seconds", (), "Since the worker's loop has turned. It turns many times a second.",
        "Above 10: it waits for the brokers or for Redis; `/health` and `retries_total` say for which.",
        lambda view: [((), view.loop_age_s)],
    ),
    Gauge(
        "throughput_records_per_second", (), "Raw records and inbox events that were committed, since the last look.",
        "For a glance; for graphs take the rates of `raw_records_total` and `events_folded_total`.",
        lambda view: [((), view.throughput)],
    ),
    Gauge(
        "lag_records", ("topic", "partition"),
        "Records that wait in a partition this worker owns, raw or inbox, at least. Sum over workers, by topic.",
        "Grows for minutes: add a worker, up to one a partition. One partition alone: a busy key. Raw waits on purpose "
        "while the inbox is busy: see `raw_held`.",
        _lags,
    ),
    Gauge(
        "inbox_lag_records", (), "The sum of `lag_records` over this worker's inbox partitions.",
        "Alerts come late by about this divided by the rate of `events_folded_total`. See `lag_records`.",
        _of_status(lambda status: status.inbox_lag),
    ),
    Gauge(
        "raw_held", (), "1 while raw records wait because the inbox comes first.",
        "1 all the time: folding is the bottleneck; add workers with `--role fold`, or workers at all.",
        _of_status(lambda status: status.raw_held),
    ),
    Gauge(
        "tasks", (), "Inbox partitions this worker works on.",
        "The sum over workers is below `engine.partitions` for minutes: some are restored, or nobody has them.",
        _of_status(lambda status: len(status.tasks)),
    ),
    Gauge(
        "raw_tasks", (), "Raw partitions this worker reads.",
        "0 on all workers: none of them has the role `ingest` or `both`, or the topics have no partitions assigned.",
        _of_status(lambda status: len(status.raw)),
    ),
    Gauge(
        "restoring_tasks", (), "Inbox partitions whose state is being brought level with the log.",
        "Their events wait meanwhile. See `restore_left_seconds`.",
        _of_status(lambda status: len(status.restoring)),
    ),
    Gauge(
        "restore_done_ratio", ("partition",), "How much of its changelog the restore of a partition has read, 0 to 1.",
        "Stands still: the brokers or Redis do not answer; see `retries_total`, what=`restore`.",
        _shares,
    ),
    Gauge(
        "restore_left_seconds", ("partition",), "How long the restore of a partition will take still, at its pace so far.",
        "Too long too often: keep Redis's data over restarts; then only the gap is read.",
        _left,
    ),
    Gauge(
        "resident_addresses", (), "Addresses in the memory of this worker, up to `engine.cache_addresses_max`.",
        "At its maximum with many `cache_misses_total`: raise the setting if there is memory.",
        _of_status(lambda status: status.residents),
    ),
    Gauge(
        "stream_time_behind_seconds", ("level",),
        "How far stream time (the watermark) is behind the clock, by level of folds: 1 accounts and records, 2 "
        "customers, 3 groups. 0 before the first tick.",
        "Absence rules and `hold` wait for it. Level 1: see `stream_time_held_by`. Only level 2 or 3: the inbox lags.",
        _behind,
    ),
    Gauge(
        "stream_time_held_by", ("task",), "The raw task that stream time waits for; the value is how far it is (unix time).",
        "0: its partition never had a record. Old: its source is silent; see `silence` in `[[inputs]]`.",
        _held_by,
    ),
)  # fmt: skip
"""All of them."""
