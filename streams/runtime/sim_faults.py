"""The ports with faults in front: what a broker, a store, a network and a scheduler can do to a worker.

    worker ──► FaultyLog, FaultyConsumer, FaultyProducer, FaultyReader, FaultyStore ──► the real edges
                       │ before and after every call
                       └──► Faults: nothing · crash · stall · Retryable · Fenced · Doubtful

A stall lets the others work on, inside the call, for longer than the session timeout: what comes back is a zombie.
"""

# ruff: noqa: D102  what these do stands in the protocols they follow

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from streams.errors import Doubtful, Fenced, Retryable, StateLost, StreamError
from streams.runtime.ports import (
    Consumer,
    Headers,
    Log,
    Membership,
    Position,
    Producer,
    Reader,
    Rebalance,
    Rebuild,
    Record,
    Row,
    StateCommit,
    StateStore,
    StorePosition,
    TopicPartition,
    WakeChange,
)


class SimCrash(BaseException):
    """The process dies here. No `except` of the product catches it, as none catches a kill -9."""


class Faults(Protocol):
    """Decides what goes wrong. `where` names the call and the side of it."""

    def before(self, where: str) -> None:
        """May raise `SimCrash`, `Retryable`, `Fenced`, or stall."""
        ...

    def after(self, where: str) -> None:
        """May raise `SimCrash`, or stall."""
        ...

    def outcome(self) -> str:
        """Of a commit: `fine`, or `in flight`, `done but unknown`, `done but retryable`."""
        ...

    def at_most(self, count: int) -> int:
        """How many of up to `count` records to hand out."""
        ...

    def hides(self) -> bool:
        """Whether a reader sees nothing now: an open transaction of somebody hides what there is."""
        ...

    def sent(self, producer: "FaultyProducer") -> None:
        """A commit of this producer is on its way: somebody decides later."""
        ...

    def undecided(self, transactional_id: str | None = None) -> bool:
        """Whether commits are on their way; with an id, those of that id are decided now."""
        ...

    def store(self) -> StateStore:
        """The store as it is now. Raises `Retryable` while it is down."""
        ...


class FaultyLog:
    """See `streams.runtime.ports.Log`."""

    def __init__(self, log: Log, faults: Faults) -> None:
        """`faults` of one worker."""
        self._log, self._faults = log, faults
        self.cluster_id = log.cluster_id

    def consumer(self, group: str) -> Consumer:
        return FaultyConsumer(self._log.consumer(group), self._faults)

    def producer(self, transactional_id: str) -> Producer:
        self._faults.before("new producer")
        self._faults.undecided(transactional_id)
        return FaultyProducer(self._log.producer(transactional_id), self._faults, transactional_id)

    def reader(self, topic: str, partition: int, offset: int = 0) -> Reader:
        return FaultyReader(self._log.reader(topic, partition, offset), self._faults)

    def partitions(self, topic: str) -> int:
        return self._log.partitions(topic)

    def start_offset(self, topic: str, partition: int) -> int:
        return self._log.start_offset(topic, partition)

    def end_offset(self, topic: str, partition: int) -> int:
        return self._log.end_offset(topic, partition)

    def create_topic(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> None:
        self._log.create_topic(topic, partitions, compact=compact, retention_ms=retention_ms)

    def topic_problems(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> list[str]:
        return self._log.topic_problems(topic, partitions, compact=compact, retention_ms=retention_ms)

    def append(self, topic: str, records: Iterable[Row], partition: int | None = None) -> None:
        self._log.append(topic, records, partition)

    def maintain(self) -> None:
        self._log.maintain()

    def close(self) -> None:
        """Not the worker's to close."""


class FaultyConsumer:
    """See `streams.runtime.ports.Consumer`."""

    def __init__(self, consumer: Consumer, faults: Faults) -> None:
        self._consumer, self._faults = consumer, faults

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        self._consumer.subscribe(topics, rebalance)

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        self._faults.before("poll")
        records = self._consumer.poll(self._faults.at_most(records_max), wait_ms)
        self._faults.after("poll")
        return records

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position | None]:
        self._faults.before("committed")
        if self._faults.undecided():
            raise Retryable("positions are in an open transaction")
        return self._consumer.committed(partitions)

    def membership(self) -> Membership:
        return self._consumer.membership()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._consumer.seek(partition, offset)

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self._consumer.pause(partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self._consumer.resume(partitions)

    def lag(self, partition: TopicPartition) -> int:
        return self._consumer.lag(partition)

    def close(self) -> None:
        self._consumer.close()


class FaultyProducer:
    """See `streams.runtime.ports.Producer`."""

    def __init__(self, producer: Producer, faults: Faults, transactional_id: str) -> None:
        self.inner, self.transactional_id = producer, transactional_id
        self._faults = faults
        self._done = False

    def begin(self) -> None:
        self._faults.before("begin")
        self.inner.begin()
        self._done = False

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int = -1,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        self._faults.before("send")
        self.inner.send(topic, value, key, partition, headers, timestamp_ms)

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        self._faults.before("send_offsets")
        self.inner.send_offsets(offsets, membership)
        self._faults.after("send_offsets")

    def commit(self) -> None:
        if self._done:
            # An earlier call went through, but its answer was lost.
            return
        self._faults.before("commit")
        outcome = self._faults.outcome()
        if outcome == "in flight":
            self._faults.sent(self)
            raise Doubtful("no answer to a commit that may still arrive")
        self.inner.commit()
        self._done = True
        self._faults.after("commit")
        if outcome == "done but unknown":
            raise Doubtful("no answer to a commit")
        if outcome == "done but retryable":
            raise Retryable("the answer to a commit came too late")

    def arrive(self, *, commits: bool) -> None:
        """A commit that was on its way is decided."""
        try:
            if commits:
                self.inner.commit()
            else:
                self.inner.abort()
        except StreamError:
            self.inner.abort()

    def abort(self) -> None:
        self.inner.abort()

    def close(self) -> None:
        self.inner.close()


class FaultyReader:
    """See `streams.runtime.ports.Reader`."""

    def __init__(self, reader: Reader, faults: Faults) -> None:
        self._reader, self._faults = reader, faults

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        self._faults.before("read")
        if self._faults.hides():
            return []
        return self._reader.poll(self._faults.at_most(records_max), wait_ms)

    def take(self, records_max: int, wait_ms: int) -> list[Record]:
        return self.poll(records_max, wait_ms)

    def close(self) -> None:
        self._reader.close()


class FaultyStore:
    """See `streams.runtime.ports.StateStore`. The store behind it may be another one with each call."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def position(self, partition: int) -> StorePosition:
        self._faults.before("position")
        return self._faults.store().position(partition)

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        self._faults.before("load")
        return self._faults.store().load(wanted, seqs)

    def due(self, partition: int, level: int, upto: int, limit: int, seq: int) -> list[tuple[int, str]]:
        self._faults.before("due")
        return self._faults.store().due(partition, level, upto, limit, seq)

    def next_due(self, partition: int, level: int, seq: int) -> int | None:
        self._faults.before("next_due")
        return self._faults.store().next_due(partition, level, seq)

    def apply(self, commits: Sequence[StateCommit]) -> None:
        """One partition at a time, so that a crash can fall between them."""
        lost: StateLost | None = None
        for commit in commits:
            self._faults.before("apply")
            try:
                self._faults.store().apply([commit])
            except StateLost as error:
                lost = lost or error
            self._faults.after("apply")
        if lost is not None:
            raise lost

    def rebuild(self, partition: int) -> Rebuild:
        self._faults.before("rebuild")
        return FaultyRebuild(self._faults.store().rebuild(partition), self._faults)

    def catch_up(self, partition: int, seq_from: int, commit: StateCommit) -> None:
        self._faults.before("catch_up")
        self._faults.store().catch_up(partition, seq_from, commit)
        self._faults.after("catch_up")

    def heed(self, should_stop: Callable[[], bool]) -> None:
        """It never waits."""

    def close(self) -> None:
        """Not the worker's to close."""


class FaultyRebuild:
    """See `streams.runtime.ports.Rebuild`."""

    def __init__(self, rebuild: Rebuild, faults: Faults) -> None:
        self._rebuild, self._faults = rebuild, faults

    def empty(self) -> bool:
        self._faults.store()
        return self._rebuild.empty()

    def write(self, rows: Mapping[bytes, bytes | None], wakes: Sequence[WakeChange]) -> None:
        self._faults.before("rebuild write")
        self._faults.store()
        self._rebuild.write(rows, wakes)

    def finish(self, seq: int, changelog_offset: int) -> None:
        self._faults.before("rebuild finish")
        self._faults.store()
        self._rebuild.finish(seq, changelog_offset)
        self._faults.after("rebuild finish")

    def close(self) -> None:
        self._rebuild.close()


FENCEABLE = frozenset({"send_offsets", "commit"})
"""Calls after which a worker must expect to be told that it is fenced."""

RETRYABLE = frozenset(
    {
        "poll", "committed", "begin", "send_offsets", "commit", "read", "position", "load", "due", "next_due", "apply",
        "rebuild", "catch_up", "rebuild write", "rebuild finish", "new producer",
    }
)  # fmt: skip


def raise_fault(kind: str, where: str) -> None:
    """The exception for a kind of fault."""
    if kind == "crash":
        raise SimCrash(where)
    if kind == "retry":
        raise Retryable(f"injected at {where}")
    if kind == "fence":
        raise Fenced(f"injected at {where}")
