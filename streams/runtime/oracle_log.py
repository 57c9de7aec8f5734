"""Reading a log at rest, for the oracle: all records of a partition, and where groups stand."""

import re
from collections.abc import Iterator

import msgspec

from schemas.log import decode_progress
from streams.runtime.ports import Log, Record, TopicPartition
from streams.runtime.topology import Topology


class Standpoint(msgspec.Struct, frozen=True):
    """A committed position, read apart."""

    offset: int
    seq: int
    upto: tuple[int, ...]


def waiting(log: Log, topology: Topology) -> list[TopicPartition]:
    """Partitions with records that no group has committed yet."""
    owed = [(f"{topology.app}.fold", TopicPartition(topology.inbox, number)) for number in range(topology.partitions)]
    for entry in topology.inputs:
        parts = range(log.partitions(entry.topic))
        owed += [(f"{topology.app}.ingest", TopicPartition(entry.topic, number)) for number in parts]
    found = []
    for group, where in owed:
        position = position_of(log, group, where)
        reader = log.reader(*where, position.offset if position else log.start_offset(*where))
        if reader.poll(1, 0):
            found.append(where)
        reader.close()
    return found


def progress(log: Log, topology: Topology) -> dict[str, tuple[int, ...]]:
    """What tasks have published of themselves, newest; not the notes of others that stand beside it."""
    return {
        key.decode(): decode_progress(record.value() or b"").upto
        for record in read(log, topology.progress, 0)
        if (key := record.key()) is not None and key.startswith((b"raw:", b"inbox/"))
    }


def deadly(log: Log, topology: Topology) -> set[tuple[str, int, int]]:
    """Records that were left out because they killed the process: (topic, partition, offset)."""
    found = set()
    for partition in range(log.partitions(topology.dlq)):
        for record in read(log, topology.dlq, partition):
            headers = {name: value.decode() for name, value in record.headers() or ()}
            if headers.get("cause", "").startswith("crash: "):
                found.add((headers["topic"], int(headers["partition"]), int(headers["offset"])))
    return found


def read(log: Log, topic: str, partition: int) -> Iterator[Record]:
    """All records of a partition."""
    reader = log.reader(topic, partition, log.start_offset(topic, partition))
    try:
        while records := reader.poll(10_000, 0):
            yield from records
    finally:
        reader.close()


def positions(log: Log, group: str, topic: str, count: int) -> dict[TopicPartition, Standpoint | None]:
    """Where a group stands in every partition of a topic."""
    return {
        TopicPartition(topic, partition): position_of(log, group, TopicPartition(topic, partition))
        for partition in range(count)
    }


def position_of(log: Log, group: str, where: TopicPartition) -> Standpoint | None:
    """Where a group stands in a partition; null: it has never committed there."""
    consumer = log.consumer(group)
    found = consumer.committed([where])[where]
    consumer.close()
    if found is None:
        return None
    parts = re.fullmatch(r"v1;(\d+);([\d,]+)", found.metadata)
    assert parts is not None, found.metadata
    return Standpoint(found.offset, int(parts[1]), tuple(int(part) for part in parts[2].split(",")))


def seqs(log: Log, topology: Topology) -> dict[int, int]:
    """The number of the last commit of each inbox partition, as the log has it."""
    return {
        where.partition: position.seq if position else 0
        for where, position in positions(log, f"{topology.app}.fold", topology.inbox, topology.partitions).items()
    }
