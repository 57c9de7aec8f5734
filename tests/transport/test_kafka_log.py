"""The Kafka log keeps the promises of a log, on a real broker."""

import time
import uuid
from collections.abc import Iterator

import pytest

from streams.transport.kafka_config import RECORD_BYTES_MAX, Connection
from streams.transport.kafka_log import KafkaLog
from tests.contracts.log import RecordPromises, TransactionPromises
from tests.contracts.log_edge import LogEdge
from tests.contracts.log_fences import FencePromises
from tests.contracts.log_groups import GroupPromises, ReadingPromises


class KafkaEdge:
    """A connection for every handle. A member that does not poll is told by the client's own limit, not the broker's."""

    session_timeout_ms = 1_200
    record_bytes_max = RECORD_BYTES_MAX

    def __init__(self, bootstrap: str) -> None:
        self.unique = uuid.uuid4().hex[:8]
        # A broker does not take times that are far ahead of its own.
        self.time_ms_max = time.time_ns() // 1_000_000
        silent = {"max.poll.interval.ms": self.session_timeout_ms, "topic.metadata.refresh.interval.ms": 300}
        self._connection = Connection(bootstrap, silent, client_id=f"test-{self.unique}")
        self._logs: list[KafkaLog] = []

    def open(self) -> KafkaLog:
        log = KafkaLog(self._connection, session_timeout_ms=self.session_timeout_ms)
        self._logs.append(log)
        return log

    def pass_time(self, duration_ms: int) -> None:
        time.sleep(duration_ms / 1_000)

    def close(self) -> None:
        for log in self._logs:
            log.close()


@pytest.fixture
def edge(kafka: str) -> Iterator[LogEdge]:
    made = KafkaEdge(kafka)
    yield made
    made.close()


class TestRecords(RecordPromises):
    pass


class TestTransactions(TransactionPromises):
    pass


class TestGroups(GroupPromises):
    pass


class TestFences(FencePromises):
    pass


class TestReading(ReadingPromises):
    pass
