"""The file itself: what is refused, what is waited for, what survives."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from streams.errors import Fatal, Poison, Retryable
from streams.runtime.ports import Position, TopicPartition
from streams.transport import sqlite_core, sqlite_schema
from streams.transport.sqlite_log import SqliteLog
from tests.contracts.log_edge import values
from tests.support.clock import ManualClock, RealClock


class Nobody:
    """Does not care."""

    def assigned(self, partitions: object) -> None: ...
    def revoked(self, partitions: object) -> None: ...
    def lost(self, partitions: object) -> None: ...


def make(path: Path, **options: int) -> SqliteLog:
    return SqliteLog(str(path), clock=ManualClock(), **options)  # type: ignore[arg-type]


def read_all_of(path: Path) -> None:
    with contextlib.closing(make(path)) as log:
        log.reader("t", 0).poll(1000, 0)


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    log = make(tmp_path / "log")
    log.create_topic("t", 2, compact=False, retention_ms=None)
    log.append("t", [(b"k", b"v", [("h", b"1")], 7)], partition=1)
    log.create_topic("u", 1, compact=True, retention_ms=None)
    log.close()
    again = make(tmp_path / "log")
    assert again.cluster_id == log.cluster_id
    assert (again.partitions("t"), again.partitions("u")) == (2, 1)
    (record,) = again.reader("t", 1).poll(10, 0)
    assert (record.key(), record.value(), record.headers(), record.timestamp()) == (b"k", b"v", [("h", b"1")], (1, 7))
    again.close()


def test_two_files_are_two_logs(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    assert one.cluster_id != two.cluster_id
    one.close()
    two.close()


def test_several_may_create_the_same_file_at_the_same_moment(tmp_path: Path) -> None:
    for turn in range(20):
        together = threading.Barrier(4)
        ids: list[str] = []

        def create(path: Path, together: threading.Barrier, ids: list[str]) -> None:
            together.wait()
            with contextlib.closing(make(path)) as log:
                log.create_topic("t", 2, compact=False, retention_ms=None)
                log.append("t", [(None, b"x", None, 0)], partition=0)
                ids.append(log.cluster_id)

        threads = [threading.Thread(target=create, args=(tmp_path / f"log{turn}", together, ids)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ids) == 4
        assert len(set(ids)) == 1
        with contextlib.closing(make(tmp_path / f"log{turn}")) as log:
            assert len(log.reader("t", 0).poll(10, 0)) == 4


def test_a_newer_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    make(tmp_path / "log").close()
    connection = sqlite3.connect(tmp_path / "log")
    connection.execute(f"PRAGMA user_version={sqlite_schema.SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(Fatal, match=r"want version 1, found 2; use the release that wrote it"):
        make(tmp_path / "log")


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "theirs")
    connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(Fatal, match="somebody else"):
        make(tmp_path / "theirs")
    connection = sqlite3.connect(tmp_path / "theirs")
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("precious",)]
    connection.close()


@pytest.mark.parametrize(
    ("content", "words"), [(b"this is a text file, not a log" * 100, "not a log file"), (None, "folder must exist")]
)
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "folder" / "log"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(Fatal, match=words):
        make(path)


def test_a_damaged_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    log = make(tmp_path / "log")
    log.create_topic("t", 1, compact=False, retention_ms=None)
    log.append("t", [(None, b"x" * 1000, None, 0)] * 200)
    log.close()
    whole = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(whole[:8192] + b"\xa5" * (len(whole) - 8192))
    with pytest.raises(Fatal, match="damaged: restore a copy"):
        read_all_of(tmp_path / "log")


def test_a_full_disk_is_retried_and_nothing_is_half_written(tmp_path: Path) -> None:
    log = make(tmp_path / "log")
    log.create_topic("t", 1, compact=False, retention_ms=None)
    log.append("t", [(None, b"before", None, 0)])
    producer = log.producer("p")
    producer.begin()
    for _ in range(200):
        producer.send("t", b"x" * 100_000, partition=0)
    # The file may not grow: what a full disk does.
    ((pages,),) = log._db.rows("PRAGMA page_count")
    log._db.rows(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Retryable, match="full: make room"):
        producer.commit()
    assert values(log.reader("t", 0).poll(10, 0)) == [b"before"]
    log._db.rows("PRAGMA max_page_count=1000000")
    producer.commit()
    assert len(log.reader("t", 0).poll(1000, 0)) + len(log.reader("t", 0, 150).poll(1000, 0)) >= 200
    log.close()


def test_a_writer_that_hangs_is_told_and_the_same_call_succeeds_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_schema, "BUSY_S", 0.05)
    log = make(tmp_path / "log")
    log.create_topic("t", 1, compact=False, retention_ms=None)
    producer = log.producer("p")
    producer.begin()
    producer.send("t", b"once", partition=0)
    other = sqlite3.connect(tmp_path / "log", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Retryable, match="write lock"):
        producer.commit()
    other.execute("ROLLBACK")
    other.close()
    producer.commit()
    assert values(log.reader("t", 0).poll(10, 0)) == [b"once"]
    log.close()


def test_a_poll_holds_no_more_than_its_share_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_core, "FETCH_BYTES_MAX", 1 << 20)
    log = SqliteLog(":memory:", clock=ManualClock())
    log.create_topic("t", 1, compact=False, retention_ms=None)
    for _ in range(5):
        log.append("t", [(None, b"x" * 10_000, None, 0)] * 200)
    reader, sizes = log.reader("t", 0), []
    while records := reader.poll(1_000_000, 0):
        sizes.append(len(records))
    assert sum(sizes) == 1000
    assert max(sizes) <= 104 + 64
    log.close()


def test_a_poll_of_many_partitions_holds_no_more_than_one_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog of large payloads in every partition; whoever got nothing in one poll gets something in another."""
    monkeypatch.setattr(sqlite_core, "FETCH_BYTES_MAX", 1 << 20)
    log = SqliteLog(":memory:", clock=ManualClock())
    log.create_topic("t", 16, compact=False, retention_ms=None)
    for partition in range(16):
        log.append("t", [(None, b"x" * 500_000, None, 0)] * 6, partition)
    consumer = log.consumer("g")
    consumer.subscribe(["t"], Nobody())
    polls = [records for _ in range(60) if (records := consumer.poll(4_000, 0))]
    assert sum(map(len, polls)) == 96
    assert max(map(len, polls)) <= 4
    assert {record.partition() for records in polls[:16] for record in records} == set(range(16))
    consumer.close()
    log.close()


@pytest.mark.parametrize("at", [-1, 1 << 63, 1 << 70])
def test_a_time_that_cannot_be_kept_is_poison_for_its_record_only(at: int) -> None:
    log = SqliteLog(":memory:", clock=ManualClock())
    log.create_topic("t", 1, compact=False, retention_ms=None)
    producer = log.producer("p")
    producer.begin()
    with pytest.raises(Poison, match="63 bits"):
        producer.send("t", b"x", timestamp_ms=at)
    producer.send("t", b"fine")
    producer.commit()
    assert values(log.reader("t", 0).poll(10, 0)) == [b"fine"]
    log.close()


def test_records_without_key_and_partition_take_turns() -> None:
    log = SqliteLog(":memory:", clock=ManualClock())
    log.create_topic("t", 3, compact=False, retention_ms=None)
    log.append("t", [(None, b"%d" % number, None, 0) for number in range(9)])
    assert [len(log.reader("t", partition).poll(10, 0)) for partition in range(3)] == [3, 3, 3]
    log.close()


def test_a_gap_is_left_after_each_transaction_in_every_log_it_wrote_to() -> None:
    log = SqliteLog(":memory:", clock=ManualClock(), offset_gap=2)
    log.create_topic("t", 2, compact=False, retention_ms=None)
    for partition in (0, 0, 1):
        log.append("t", [(None, b"x", None, 0)] * 2, partition=partition)
    offsets = [[r.offset() for r in log.reader("t", partition).poll(10, 0)] for partition in (0, 1)]
    assert offsets == [[0, 1, 4, 5], [0, 1]]
    assert log.end_offset("t", 0) == 8
    log.close()


def test_one_poll_takes_from_every_partition() -> None:
    log = SqliteLog(":memory:", clock=ManualClock())
    log.create_topic("t", 4, compact=False, retention_ms=None)
    for partition, count in enumerate((500, 1, 0, 500)):
        log.append("t", [(None, b"x", None, 0)] * count, partition=partition)
    consumer = log.consumer("g")
    consumer.subscribe(["t"], Nobody())
    for _ in range(3):
        records = consumer.poll(100, 0)
        assert len(records) == 100, "what one does not need goes to the others"
        assert {record.partition() for record in records} >= {0, 3}
    log.close()


def test_what_does_not_exist_is_named() -> None:
    log = SqliteLog(":memory:", clock=ManualClock())
    log.create_topic("t", 2, compact=False, retention_ms=None)
    producer = log.producer("p")
    producer.begin()
    with pytest.raises(Fatal, match="topic nowhere: want a topic of that name"):
        producer.send("nowhere", b"x")
    with pytest.raises(Fatal, match="want a partition below 2, got 2"):
        producer.send("t", b"x", partition=2)
    with pytest.raises(Fatal, match="want a partition from 0 to 1, got 7"):
        log.reader("t", 7)
    with pytest.raises(Fatal, match="at least 1 partition, got 0"):
        log.create_topic("u", 0, compact=False, retention_ms=None)
    log.close()


def test_without_strictness_a_partition_that_is_not_owned_can_be_committed_as_on_a_broker() -> None:
    log = SqliteLog(":memory:", clock=ManualClock(), strict=False)
    log.create_topic("t", 2, compact=False, retention_ms=None)
    one, two = log.consumer("g"), log.consumer("g")

    for consumer in (one, two, one, two):
        if consumer.membership().generation < 0:
            consumer.subscribe(["t"], Nobody())
        consumer.poll(1, 0)
    producer = log.producer("p")
    everything = {TopicPartition("t", partition): Position(4, "") for partition in range(2)}
    for consumer in (one, two):
        producer.begin()
        producer.send_offsets(everything, consumer.membership())
        producer.commit()
    assert one.committed(list(everything)) == everything
    log.close()


def test_threads_of_a_process_share_a_log(tmp_path: Path) -> None:
    log = SqliteLog(str(tmp_path / "log"), clock=RealClock())
    log.create_topic("t", 4, compact=False, retention_ms=None)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            producer = log.producer(f"p{number}")
            for turn in range(20):
                producer.begin()
                for partition in range(4):
                    producer.send("t", b"%d.%d" % (number, turn), partition=partition)
                producer.commit()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    seen: list[bytes | None] = []
    reader = log.reader("t", 2)
    while any(thread.is_alive() for thread in threads):
        seen += values(reader.poll(100, 5))
    for thread in threads:
        thread.join()
    seen += values(reader.poll(1000, 0))
    assert not failures
    for number in range(4):
        assert [v for v in seen if v is not None and v.startswith(b"%d." % number)] == [
            b"%d.%d" % (number, turn) for turn in range(20)
        ]
    log.close()
