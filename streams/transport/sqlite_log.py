"""A log in one SQLite file, or in memory: for one machine, demos, replays, tests and the simulator.

    SqliteLog(path)          up to 4 processes share the file, each with its own SqliteLog
    SqliteLog(":memory:")    one process; gone with it

The same promises as a broker's, but for throughput, offsets without meaning, and network file systems (do not use one).
A commit survives the death of the process at any point; a power loss may take the last commits, whole ones only.
"""

from collections.abc import Iterable

from streams.errors import Fatal
from streams.runtime.ports import Clock, Record, Row
from streams.transport import sqlite_group as group
from streams.transport import sqlite_keep as keep
from streams.transport.sqlite_consumer import SqliteConsumer
from streams.transport.sqlite_core import Core, by_log
from streams.transport.sqlite_producer import SqliteProducer
from streams.transport.sqlite_schema import Database

RECORD_BYTES_MAX = 1 << 20
"""Key, value and headers of one record, as brokers have it by default (1 MiB)."""


class SqliteReader:
    """See `streams.runtime.ports.Reader`."""

    def __init__(self, core: Core, log: int, offset: int) -> None:
        """Read from `offset` (inclusive) on; offsets that are not there any more are passed over."""
        self._core, self._log, self._offset = core, log, offset
        self._nothing_at: tuple[int, int] | None = None

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        """The next records, in order."""
        return self._core.wait_for(lambda: self._take(records_max), wait_ms)

    def take(self, records_max: int, wait_ms: int) -> list[Record]:
        """What is there is at hand."""
        return self.poll(records_max, wait_ms)

    def close(self) -> None:
        """Nothing to release."""

    def _take(self, records_max: int) -> list[Record]:
        version = self._core.db.version()
        if version == self._nothing_at:
            return []
        records, _, _ = self._core.fetch(self._log, self._offset, records_max)
        if records:
            self._offset = records[-1].offset() + 1
        else:
            self._nothing_at = version
        return records


class SqliteLog:
    """See `streams.runtime.ports.Log`."""

    def __init__(
        self,
        path: str,
        *,
        clock: Clock,
        session_timeout_ms: int = 10_000,
        offset_gap: int = 0,
        record_bytes_max: int = RECORD_BYTES_MAX,
        strict: bool = True,
    ) -> None:
        """Open or create the file at `path`; `:memory:` for none.

        `offset_gap`: so many offsets stay unused after each transaction, as a broker's control records do.
        `strict=False`: commits check no more than Kafka does (producer, member, generation; not who owns a partition).
        """
        self._db = Database(path)
        self._core = Core(self._db, clock, record_bytes_max=record_bytes_max, offset_gap=offset_gap)
        self._session_timeout_ms, self._strict = session_timeout_ms, strict
        self._keeper = keep.Keeper(self._core)
        self.cluster_id: str = self._db.rows("SELECT value FROM meta WHERE name = 'cluster_id'")[0][0]

    def consumer(self, group: str) -> SqliteConsumer:
        """See the port."""
        return SqliteConsumer(self._core, group, session_timeout_ms=self._session_timeout_ms)

    def producer(self, transactional_id: str) -> SqliteProducer:
        """See the port."""
        return SqliteProducer(self._core, transactional_id, strict=self._strict)

    def reader(self, topic: str, partition: int, offset: int = 0) -> SqliteReader:
        """See the port."""
        return SqliteReader(self._core, self._core.log_of(topic, partition), offset)

    def partitions(self, topic: str) -> int:
        """See the port."""
        return self._core.topic(topic).partitions

    def start_offset(self, topic: str, partition: int) -> int:
        """See the port."""
        return self._core.bounds(self._core.log_of(topic, partition))[0]

    def end_offset(self, topic: str, partition: int) -> int:
        """See the port."""
        return self._core.bounds(self._core.log_of(topic, partition))[1]

    def create_topic(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> None:
        """See the port. The policy of a topic that exists stays as it is."""
        if partitions < 1:
            raise Fatal(f"topic {topic}: want at least 1 partition, got {partitions}")
        with self._db.write() as db:
            found = db.execute("SELECT partitions FROM topics WHERE name = ?", (topic,)).fetchone()
            if found is None:
                (base,) = db.execute("SELECT coalesce(max(log), 0) + 1 FROM logs").fetchone()
                db.execute(
                    "INSERT INTO topics VALUES (?, ?, ?, ?, ?)", (topic, base, partitions, compact, retention_ms)
                )
                db.executemany("INSERT INTO logs (log) VALUES (?)", [(base + number,) for number in range(partitions)])
                group.rebalance_readers_of(db, topic)
        if found is not None and found[0] != partitions:
            raise Fatal(_miscounted(topic, partitions, found[0]))

    def topic_problems(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> list[str]:  # noqa: ARG002  the policy of a file is its own
        """See the port."""
        found = self._db.rows("SELECT partitions FROM topics WHERE name = ?", (topic,))
        if not found:
            return [
                f"topic {topic}: want {partitions} partitions, found no such topic; `rapport topics create` makes it"
            ]
        return [] if found[0][0] == partitions else [_miscounted(topic, partitions, found[0][0])]

    def append(self, topic: str, records: Iterable[Row], partition: int | None = None) -> None:
        """See the port."""
        number = -1 if partition is None else partition
        placed = [self._core.place(topic, value, key, number, headers, at) for key, value, headers, at in records]
        with self._db.write() as db:
            self._core.append(db, by_log(placed))

    def maintain(self) -> None:
        """See the port."""
        self._keeper.work()

    def close(self) -> None:
        """Close the file."""
        self._core.presence.close()
        self._db.close()


def _miscounted(topic: str, want: int, found: int) -> str:
    return (
        f"topic {topic}: want {want} partitions, found {found}; "
        f"set the configured count to {found}, or use another application id"
    )
