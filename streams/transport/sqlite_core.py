"""What consumers, producers and readers of one SQLite log share: topics, ends, fetching, appending."""

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from streams.core.partition import partition_of
from streams.errors import Fatal, Poison
from streams.runtime.ports import Clock, Headers, LogRecord, Record, TopicPartition
from streams.transport.sqlite_presence import Presence
from streams.transport.sqlite_schema import OFFSET_BITS, Database

OFFSET_MASK = (1 << OFFSET_BITS) - 1
FETCH_BYTES_MAX = 16 << 20
"""A poll stops taking records once it holds so much: a backlog of large payloads must not fill the memory."""
_NAP_MS_MAX = 4
_STAMP_MS = 60_000
"""How often a log remembers how far it was: retention is that exact."""
_TIME_MAX = (1 << 63) - 1

Stored = tuple[bytes | None, bytes | None, int, bytes | None]
"""(key, value, time in ms, encoded headers); time 0: when it is written"""

_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


class Topic(msgspec.Struct, frozen=True):
    """A topic; its logs are `base` … `base + partitions - 1`."""

    name: str
    base: int
    partitions: int
    compact: bool
    retention_ms: int | None


class Core:
    """One open log file, as its consumers, producers and readers see it."""

    def __init__(self, db: Database, clock: Clock, *, record_bytes_max: int, offset_gap: int) -> None:
        """`offset_gap`: unused offsets after each transaction in every log it wrote to."""
        self.db, self.clock, self.presence = db, clock, Presence(db.path)
        self._record_bytes_max, self._offset_gap = record_bytes_max, offset_gap
        self._topics: dict[str, Topic] = {}
        self._names: dict[int, TopicPartition] = {}
        self._any_partition = itertools.count()
        self._stamped: dict[int, int] = {}

    def find(self, name: str) -> Topic | None:
        """The topic, or nothing."""
        if (topic := self._topics.get(name)) is not None:
            return topic
        rows = self.db.rows("SELECT * FROM topics WHERE name = ?", (name,))
        if not rows:
            return None
        _, base, partitions, compact, retention_ms = rows[0]
        topic = Topic(name, base, partitions, bool(compact), retention_ms)
        self._topics[name] = topic
        self._names.update({base + number: TopicPartition(name, number) for number in range(partitions)})
        return topic

    def topic(self, name: str) -> Topic:
        """The topic. Raises `Fatal` when there is none."""
        topic = self.find(name)
        if topic is None:
            raise Fatal(f"topic {name}: want a topic of that name, found none in {self.db.path}; create it first")
        return topic

    def log_of(self, name: str, partition: int) -> int:
        """The number of a log. Raises `Fatal` when there is no such partition."""
        topic = self.topic(name)
        if not 0 <= partition < topic.partitions:
            raise Fatal(f"topic {name}: want a partition from 0 to {topic.partitions - 1}, got {partition}")
        return topic.base + partition

    def name_of(self, log: int) -> TopicPartition:
        """The topic and partition of a log."""
        if log not in self._names:
            for (name,) in self.db.rows(
                "SELECT name FROM topics WHERE ? BETWEEN base AND base + partitions - 1", (log,)
            ):
                self.find(name)
        return self._names[log]

    def bounds(self, log: int) -> tuple[int, int]:
        """Start offset and next offset."""
        start, end = self.db.rows("SELECT start_offset, next_offset FROM logs WHERE log = ?", (log,))[0]
        return start, end

    def ends(self, logs: Sequence[int]) -> dict[int, int]:
        """The next offset of each log."""
        marks = ",".join("?" * len(logs))
        return dict(self.db.rows(f"SELECT log, next_offset FROM logs WHERE log IN ({marks})", logs))  # noqa: S608

    def fetch(
        self, log: int, offset: int, records_max: int, bytes_max: int | None = None
    ) -> tuple[list[Record], int, bool]:
        """Records from `offset` on, in order; their bytes; and whether there were no more at that moment."""
        topic, partition = self.name_of(log)
        first = log << OFFSET_BITS
        rows, size, whole = self.db.rows_within(
            "SELECT id, key, value, at, headers FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (first + offset, first + OFFSET_MASK, records_max),
            FETCH_BYTES_MAX if bytes_max is None else bytes_max,
        )
        records: list[Record] = [
            LogRecord(
                topic,
                partition,
                row & OFFSET_MASK,
                key,
                value,
                at,
                None if headers is None else _decode_headers(headers),
            )
            for row, key, value, at, headers in rows
        ]
        return records, size, whole and len(records) < records_max

    def place(
        self, name: str, value: bytes | None, key: bytes | None, partition: int, headers: Headers | None, at: int
    ) -> tuple[int, Stored]:
        """Which log a record goes to, and the record as it is kept. Raises `Poison` when it cannot be kept."""
        topic = self._topics.get(name) or self.topic(name)
        if partition < 0:
            # Without a key any partition will do; taking turns spreads them, and is the same in every run.
            partition = (
                next(self._any_partition) % topic.partitions if key is None else partition_of(key, topic.partitions)
            )
        elif partition >= topic.partitions:
            raise Fatal(f"topic {name}: want a partition below {topic.partitions}, got {partition}")
        kept = _encode_headers(headers) if headers else None
        size = (len(value) if value else 0) + (len(key) if key else 0) + (len(kept) if kept else 0)
        if size > self._record_bytes_max:
            raise Poison(f"a record of {size} bytes for {name}: the log takes up to {self._record_bytes_max}")
        if not 0 <= at <= _TIME_MAX:
            raise Poison(f"a record for {name} with the time {at}: want milliseconds since 1970 in 63 bits")
        return topic.base + partition, (key, value, at, kept)

    def append(self, db: sqlite3.Connection, batches: Mapping[int, list[Stored]]) -> None:
        """Write records at the ends of their logs; inside a write transaction."""
        now_ms = self.clock.now_ms()
        for log, batch in batches.items():
            (first,) = db.execute("SELECT next_offset FROM logs WHERE log = ?", (log,)).fetchone()
            ids = itertools.count((log << OFFSET_BITS) + first)
            db.executemany(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
                [
                    (row, key, value, at or now_ms, headers)
                    for row, (key, value, at, headers) in zip(ids, batch, strict=False)
                ],
            )
            following = first + len(batch) + self._offset_gap
            db.execute("UPDATE logs SET next_offset = ? WHERE log = ?", (following, log))
            if abs(now_ms - self._stamped.get(log, -_STAMP_MS)) >= _STAMP_MS:
                db.execute("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?)", (log, now_ms, following))
                self._stamped[log] = now_ms

    def wait_for(self, take: Callable[[], list[Record]], wait_ms: int) -> list[Record]:
        """The first answer of `take` that is not empty, or nothing after `wait_ms`."""
        waited_ms, nap_ms = 0, 1
        while True:
            found = take()
            if found or waited_ms >= wait_ms:
                return found
            # Waiting is counted in what was asked for: it ends under any clock, also one that stands still.
            nap_ms = min(nap_ms, wait_ms - waited_ms)
            self.clock.sleep_ms(nap_ms)
            waited_ms += nap_ms
            nap_ms = min(nap_ms * 2, _NAP_MS_MAX)


def by_log(records: Iterable[tuple[int, Stored]]) -> dict[int, list[Stored]]:
    """Placed records by their log, each in the order given."""
    batches: dict[int, list[Stored]] = {}
    for log, stored in records:
        batches.setdefault(log, []).append(stored)
    return batches
