"""Recorded payloads through the very same code as production: a worker, a log, a store, on time that follows the records.

    records, by receive time ──► a slice ──► clock to its end ──► into the log ──► the worker steps until nothing moves
                                     ▲                                                     │
                                     └──── time passes, from wake to wake, to the next ────┘

Everything follows from the records and the seed: the same give the same bytes. The seed decides in which order
partitions get their turns, and nothing else. A record is complete input: an empty topic means that nothing happened.
"""

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from streams.core.facts import Fact
from streams.errors import Fatal, Poison
from streams.runtime import facts
from streams.runtime.codec import fit_letter, letter_headers
from streams.runtime.limits import Limits
from streams.runtime.ports import Consumer, Headers, Log, LogRecord, Row, StateStore, TopicPartition
from streams.runtime.topology import Topology
from streams.runtime.worker import Worker

SLICE_MS = 1_000
SLICE_RECORDS_MAX = 2_000
SLICE_BYTES_MAX = 8 << 20
"""What is fed at a time: about what a live worker would find between two ticks."""

QUIET_MS = 60_000
"""Stream time moves at least so often; else only when somebody waits for it."""

RAW_KEPT_MS = 3_600_000
"""Raw records are not needed once they were read; everything else is kept to be looked at."""

SESSION_TIMEOUT_MS = 1 << 50
"""For the log of a replay: hours pass at once, and nobody is dead because of that."""

_NEVER_MS = 1 << 50
_SETTLE_STEPS_MAX = 1_000_000

_TROUBLE = (
    facts.CallRetried, facts.WorkerFenced, facts.CommitDoubtful, facts.StateFoundLost, facts.TransactionAborted,
)  # fmt: skip
"""Facts that cannot be in a replay: nobody else is there."""


class Recorded(NamedTuple):
    """A payload as it was received, in ms since 1970. Its time becomes the log's."""

    topic: str
    received_at: int
    value: bytes | None
    key: bytes | None = None
    headers: Headers | None = None


class ReplayClock:
    """See `streams.runtime.ports.Clock`. Stands still until the records say that time has passed."""

    def __init__(self, now_ms: int = 0) -> None:
        """Begins before all records."""
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """The time of the newest record."""
        return self._now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        """Whoever waits, waits in vain: nothing comes by itself."""

    def to(self, at: int) -> None:
        """Only forwards."""
        self._now_ms = max(self._now_ms, at)


class ReplayWorker(Worker):
    """A worker whose partitions take turns as a generator says."""

    rng = random.Random(0)
    keeps_time = True
    """Whether stream time moves with this turn. A tick costs a round through all partitions, three for three levels."""

    def step(self) -> bool:
        """One turn, in which only some partitions are looked at; sometimes all of them."""
        for consumer, owned in self._owned():
            count = self.rng.choice((len(owned), self.rng.randint(1, len(owned)))) if owned else 0
            chosen = set(self.rng.sample(owned, count))
            consumer.resume(owned)
            consumer.pause([where for where in owned if where not in chosen])
        return super().step()

    def step_all(self) -> bool:
        """One turn in which all are looked at. False: nothing is left to do."""
        for consumer, owned in self._owned():
            consumer.resume(owned)
        return super().step()

    def next_due(self) -> int | None:
        """When the next address wants to be woken. Only between commits."""
        assert self._inbox is not None
        found = [
            due
            for task in self._inbox.tasks.values()
            for level in (range(1, 4) if task.seq else ())
            if (due := self._store.next_due(task.partition, level, task.seq)) is not None
        ]
        return min(found, default=None)

    def _keep_time(self, now_ms: int) -> None:
        if self.keeps_time:
            super()._keep_time(now_ms)

    def _owned(self) -> Iterator[tuple[Consumer, list[TopicPartition]]]:
        if self._inbox is not None:
            topic = self._topology.inbox
            yield self._inbox.consumer, [TopicPartition(topic, number) for number in sorted(self._inbox.tasks)]
        if self._raw is not None:
            yield self._raw.consumer, sorted(self._raw.tasks)


class Replay:
    """One run. Feed it, let time pass, close it; then look into the log."""

    def __init__(
        self, topology: Topology, log: Log, store: StateStore, clock: ReplayClock, tell: Callable[[Fact], None],
        *, seed: int = 0,
    ) -> None:  # fmt: skip
        """`log`: empty, on this clock, with `SESSION_TIMEOUT_MS`. Creates the topics."""
        inputs = [msgspec.structs.replace(entry, silence="nothing happened") for entry in topology.inputs]
        self._topology = msgspec.structs.replace(topology, inputs=inputs)
        self._log, self._clock, self._tell = log, clock, tell
        self._limits = _limits()
        _create_topics(log, self._topology)
        self._worker = ReplayWorker(self._topology, log, store, clock, self._told, limits=self._limits)
        self._worker.rng = random.Random(seed)
        self._told_time_at = clock.now_ms()
        self._settle()

    def feed(self, records: Iterable[Recorded], done: Callable[[int, int], None] | None = None) -> None:
        """Take records in the order given, which is that of their receive times but for small leaps back.

        `done(records, bytes)` is told after every slice how much was in it.
        """
        for part in slices(records):
            first, last = part[0].received_at, max(record.received_at for record in part)
            self.pass_to(first)
            self._clock.to(last)
            self._append(part)
            self._settle()
            if self._is_time_wanted():
                self._tell_time()
            if done is not None:
                done(len(part), sum(len(record.value or b"") for record in part))
        self._tell_time()

    def pass_to(self, at: int) -> None:
        """Let time pass: whoever wants to be woken until `at` (inclusive) is, one after the other."""
        while (due := self._worker.next_due()) is not None and due <= at and self._clock.now_ms() < at:
            # As in production, where ticks come once a second.
            self._clock.to(min(at, max(due, self._clock.now_ms() + SLICE_MS)))
            self._tell_time()
        if at > self._clock.now_ms():
            self._clock.to(at)

    def close(self) -> None:
        """The worker leaves."""
        self._worker.close()

    def _is_time_wanted(self) -> bool:
        """Whether somebody is due by now; and once a minute, as in production where nobody waits."""
        due, now_ms = self._worker.next_due(), self._clock.now_ms()
        return (due is not None and due <= now_ms) or now_ms - self._told_time_at >= QUIET_MS

    def _tell_time(self) -> None:
        """Bring stream time to where the clock stands, and do what follows from it."""
        self._told_time_at = self._clock.now_ms()
        self._worker.keeps_time = True
        self._settle()
        self._worker.keeps_time = False

    def _settle(self) -> None:
        """Step until nothing moves any more: everything fed is folded."""
        for _ in range(_SETTLE_STEPS_MAX):
            if not self._worker.step() and not self._worker.step_all():
                return
        raise Fatal(f"replay: want an end, found none after {_SETTLE_STEPS_MAX} turns: does a fold send for ever?")

    def _append(self, records: Sequence[Recorded]) -> None:
        by_topic: dict[str, list[Row]] = {}
        for topic, received_at, value, key, headers in records:
            by_topic.setdefault(topic, []).append((key, value, headers, max(1, received_at)))
        for topic, rows in by_topic.items():
            try:
                self._log.append(topic, rows, 0)
            except Poison:
                for row in rows:
                    self._append_one(topic, row)

    def _append_one(self, topic: str, row: Row) -> None:
        """What the log does not take is a dead letter, cut to what it takes."""
        try:
            self._log.append(topic, [row], 0)
        except Poison as problem:
            key, value, own, at = row
            record = LogRecord(topic, 0, -1, key, value, at, own)
            headers = letter_headers(
                record, cause=problem.cause, path=problem.path, fold="replay", code_version=self._topology.code_version
            )
            key, value, fitted = fit_letter(key, value, headers, self._limits.record_bytes_max)
            self._log.append(self._topology.dlq, [(key, value, fitted, at)], 0)
            self._tell(facts.RecordsIngested(topic=topic))
            self._tell(
                facts.RecordRejected(
                    topic=topic, partition=0, offset=-1, fold="replay", cause=problem.cause, path=problem.path
                )
            )

    def _told(self, fact: Fact) -> None:
        if isinstance(fact, _TROUBLE):
            reason = getattr(fact, "reason", "the state was lost")
            raise Fatal(f"replay: want a log and a store that nobody else touches, found trouble: {reason}")
        self._tell(fact)


def slices(records: Iterable[Recorded]) -> Iterator[list[Recorded]]:
    """Records in hand at a time: of about a second, not too many, not too large."""
    part: list[Recorded] = []
    size = 0
    for record in records:
        if part and (
            record.received_at - part[0].received_at > SLICE_MS
            or len(part) >= SLICE_RECORDS_MAX
            or size >= SLICE_BYTES_MAX
        ):
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record.value or b"")
    if part:
        yield part


def merged(streams: Sequence[Iterable[Recorded]]) -> Iterator[Recorded]:
    """Several streams by receive time. Each keeps its own order: a leap back stays where it was recorded."""
    return (record for _, record in heapq.merge(*map(_rising, streams), key=lambda pair: pair[0]))


def _rising(stream: Iterable[Recorded]) -> Iterator[tuple[int, Recorded]]:
    """With the newest time so far."""
    newest = 0
    for record in stream:
        newest = max(newest, record.received_at)
        yield newest, record


def _limits() -> Limits:
    """Everything as early as possible: the clock stands still meanwhile. Bad input stops nobody."""
    return Limits(
        commit_ms_min=0, commit_ms_max=0, idle_wait_ms=0, tick_ms=0, quiet_tick_ms=0, drained_ms=0,
        reject_window=_NEVER_MS,
    )  # fmt: skip


def _create_topics(log: Log, topology: Topology) -> None:
    """One partition for what is read in order, and no end to what is kept."""
    log.create_topic(topology.inbox, topology.partitions, compact=False, retention_ms=None)
    log.create_topic(topology.changelog, topology.partitions, compact=True, retention_ms=None)
    log.create_topic(topology.progress, 1, compact=True, retention_ms=None)
    log.create_topic(topology.dlq, 1, compact=False, retention_ms=None)
    for entry in topology.inputs:
        log.create_topic(entry.topic, 1, compact=False, retention_ms=RAW_KEPT_MS)
    for output in topology.outputs.values():
        log.create_topic(output.topic, 1, compact=False, retention_ms=None)
