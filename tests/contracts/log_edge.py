"""How the suites reach the log they test, and the verbs they are written in.

Nothing assumes offsets without gaps, and whatever may take a moment is waited for: so a broker joins unchanged.
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from streams.errors import Retryable
from streams.runtime.ports import Consumer, Log, Membership, Position, Producer, Reader, Record, TopicPartition

_names = itertools.count()


class LogEdge(Protocol):
    """How the suites reach the log under test."""

    session_timeout_ms: int
    """A member that does not poll for so long is taken out by the others."""
    record_bytes_max: int
    time_ms_max: int
    """The latest time a record may claim."""
    unique: str
    """A word that makes names unique to this run."""

    def open(self) -> Log:
        """A handle of its own, as another process would have it. The edge closes it."""
        ...

    def pass_time(self, duration_ms: int) -> None:
        """Let time pass for everybody."""
        ...


def name_of(edge: LogEdge, word: str) -> str:
    """A topic, group or producer name that nobody used before."""
    return f"{word}.{edge.unique}.{next(_names)}"


def make_topic(edge: LogEdge, log: Log, partitions: int = 1) -> str:
    """A new topic."""
    name = name_of(edge, "topic")
    log.create_topic(name, partitions, compact=False, retention_ms=None)
    return name


def read_all(log: Log, topic: str, partition: int = 0, offset: int = 0, *, expect: int) -> list[Record]:
    """Records from `offset` on: waits until there are `expect`, then makes sure that there are no more."""
    reader = log.reader(topic, partition, offset)
    try:
        records = drain(reader, expect)
        return records + reader.poll(10, 50)
    finally:
        reader.close()


def drain(reader: Reader, expect: int) -> list[Record]:
    """`expect` records, or as many as come in some seconds."""
    records: list[Record] = []
    for _ in range(200):
        if len(records) >= expect:
            break
        records += reader.poll(expect - len(records), 50)
    return records


def committed_at_rest(consumer: Consumer, at: TopicPartition) -> Position | None:
    """The committed position as everybody sees it; nothing while a transaction that sets it is still open.

    Some logs answer at once with what was before, others make the caller wait.
    """
    try:
        return consumer.committed([at])[at]
    except Retryable:
        return None


def committed_position(consumer: Consumer, at: TopicPartition) -> Position | None:
    """The committed position, asked for until there is an answer."""
    for _ in range(500):
        try:
            return consumer.committed([at])[at]
        except Retryable:
            time.sleep(0.02)
    raise AssertionError(f"no answer where the group stands in {at}")


def values(records: Sequence[Record]) -> list[bytes | None]:
    """What the records say."""
    return [record.value() for record in records]


def fill(log: Log, topic: str, partitions: int, each: int) -> None:
    """`each` records in every partition, one transaction per record: so offsets have gaps where an edge makes them."""
    for number in range(each):
        for partition in range(partitions):
            log.append(topic, [(None, b"%d.%d" % (partition, number), None, 0)], partition=partition)


class Watcher:
    """A rebalance listener that remembers, and does what a test asks for."""

    def __init__(self) -> None:
        self.owned: set[TopicPartition] = set()
        self.told: list[tuple[str, tuple[TopicPartition, ...]]] = []
        self.on_assigned: Callable[[Sequence[TopicPartition]], None] = lambda _: None
        self.on_revoked: Callable[[Sequence[TopicPartition]], None] = lambda _: None

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        assert not self.owned & set(partitions), "assigned what it owns already"
        self.told.append(("assigned", tuple(partitions)))
        self.owned |= set(partitions)
        self.on_assigned(partitions)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        assert self.owned >= set(partitions), "revoked what it does not own"
        self.told.append(("revoked", tuple(partitions)))
        self.on_revoked(partitions)
        self.owned -= set(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        assert self.owned >= set(partitions), "lost what it does not own"
        self.told.append(("lost", tuple(partitions)))
        self.owned -= set(partitions)


class Member:
    """A consumer with its listener and everything it was given."""

    def __init__(self, log: Log, group: str, topics: Sequence[str]) -> None:
        self.log, self.watcher = log, Watcher()
        self.consumer: Consumer = log.consumer(group)
        self.consumer.subscribe(topics, self.watcher)
        self.records: list[Record] = []

    @property
    def owned(self) -> set[TopicPartition]:
        return self.watcher.owned

    def turn(self, records_max: int = 100) -> list[Record]:
        """One poll."""
        got = self.consumer.poll(records_max, 20)
        self.records += got
        return got


def until(condition: Callable[[], bool], *members: Member) -> None:
    """All members poll in turn until the condition holds; fails after some seconds of polling."""
    for _ in range(500):
        if condition():
            return
        for member in members:
            member.turn()
    raise AssertionError(f"not within 500 turns; told: {[member.watcher.told for member in members]}")


def commit(
    producer: Producer,
    membership: Membership | None = None,
    positions: Mapping[TopicPartition, Position] | None = None,
    sends: Sequence[tuple[str, bytes]] = (),
) -> None:
    """One transaction with these sends and positions."""
    producer.begin()
    for topic, value in sends:
        producer.send(topic, value, partition=0)
    if membership is not None and positions is not None:
        producer.send_offsets(positions, membership)
    producer.commit()
