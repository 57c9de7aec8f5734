"""The SQLite log keeps the promises of a log: in memory and in a file, with and without gaps between offsets."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.transport.sqlite_log import SqliteLog
from tests.contracts.log import RecordPromises, TransactionPromises
from tests.contracts.log_edge import LogEdge
from tests.contracts.log_fences import FencePromises, OwnershipPromises
from tests.contracts.log_groups import GroupPromises, ReadingPromises
from tests.support.clock import ManualClock


class SqliteEdge:
    """One file with a connection for every handle, or one shared log in memory."""

    session_timeout_ms = 10_000
    record_bytes_max = 1 << 20
    time_ms_max = 253_402_300_799_999

    def __init__(self, path: str, offset_gap: int) -> None:
        self.unique = uuid.uuid4().hex[:8]
        self._path, self._gap = path, offset_gap
        self._clock = ManualClock(1_760_000_000_000)
        self._logs: list[SqliteLog] = []

    def open(self) -> SqliteLog:
        if self._path == ":memory:" and self._logs:
            return self._logs[0]
        log = SqliteLog(self._path, clock=self._clock, session_timeout_ms=self.session_timeout_ms, offset_gap=self._gap)
        self._logs.append(log)
        return log

    def pass_time(self, duration_ms: int) -> None:
        self._clock.sleep_ms(duration_ms)

    def close(self) -> None:
        for log in self._logs:
            log.close()


@pytest.fixture(params=["memory", "memory, gaps", "file", "file, gaps"])
def edge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogEdge]:
    kind, _, gaps = str(request.param).partition(", ")
    made = SqliteEdge(":memory:" if kind == "memory" else str(tmp_path / "log.sqlite"), 1 if gaps else 0)
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


class TestOwnership(OwnershipPromises):
    pass


class TestReading(ReadingPromises):
    pass
