"""A process that copies records, exactly once: for tests that kill it.

    python -m tests.support.echo_worker FILE SLOT SESSION_TIMEOUT_MS

Each transaction writes what it has read to two topics, and its positions. Ends by SIGTERM, or by being killed.
"""

import signal
import sys
from collections.abc import Sequence

from streams.errors import Fenced, Retryable
from streams.runtime.ports import Position, TopicPartition
from streams.transport.sqlite_log import SqliteLog
from tests.support.clock import RealClock

PARTITIONS = 4
GROUP = "echo"


class Owned:
    """What the worker owns now."""

    def __init__(self) -> None:
        self.partitions: set[TopicPartition] = set()

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.partitions |= set(partitions)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.partitions -= set(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        self.partitions -= set(partitions)


def run(path: str, slot: str, session_timeout_ms: int) -> None:
    """Copy until told to stop."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    log = SqliteLog(path, clock=RealClock(), session_timeout_ms=session_timeout_ms, offset_gap=1)
    producer, consumer, owned = log.producer(f"echo-{slot}"), log.consumer(GROUP), Owned()
    consumer.subscribe(["in"], owned)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not stopping:
        try:
            records = consumer.poll(7, 20)
            if not records:
                continue
            producer.begin()
            for record in records:
                for topic in ("out", "twin"):
                    producer.send(topic, record.value(), record.key(), record.partition(), [("slot", slot.encode())])
            positions = {
                TopicPartition(record.topic(), record.partition()): Position(record.offset() + 1, slot)
                for record in records
            }
            producer.send_offsets(positions, consumer.membership())
            producer.commit()
        except (Fenced, Retryable):
            producer.abort()
            for partition, position in consumer.committed(sorted(owned.partitions)).items():
                consumer.seek(partition, position.offset if position else 0)
    consumer.close()
    producer.close()
    log.close()


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
