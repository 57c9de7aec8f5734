"""Retention and compaction of the SQLite log."""

from collections.abc import Iterator

import pytest

from streams.runtime.ports import Row
from streams.transport import sqlite_keep
from streams.transport.sqlite_log import SqliteLog
from tests.contracts.log_edge import values
from tests.support.clock import ManualClock

HOUR_MS = 3_600_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log(clock: ManualClock) -> Iterator[SqliteLog]:
    made = SqliteLog(":memory:", clock=clock, offset_gap=1)
    yield made
    made.close()


def content(log: SqliteLog, topic: str = "t") -> list[tuple[bytes | None, bytes | None]]:
    return [(r.key(), r.value()) for r in log.reader(topic, 0).poll(1_000_000, 0)]


def maintain(log: SqliteLog, clock: ManualClock) -> None:
    """As often as a worker calls it within some minutes."""
    for _ in range(30):
        clock.sleep_ms(10_000)
        log.maintain()


def rows(*pairs: tuple[bytes, bytes | None]) -> list[Row]:
    return [(key, value, None, 0) for key, value in pairs]


def test_records_go_after_their_retention_and_not_before(log: SqliteLog, clock: ManualClock) -> None:
    log.create_topic("t", 1, compact=False, retention_ms=10 * HOUR_MS)
    log.create_topic("forever", 1, compact=False, retention_ms=None)
    for number in range(4):
        for topic in ("t", "forever"):
            # What the record says about its time does not matter: it was written now.
            log.append(topic, [(None, b"%d" % number, None, 5)])
        clock.sleep_ms(4 * HOUR_MS)
        maintain(log, clock)
    assert values(log.reader("t", 0).poll(10, 0)) == [b"2", b"3"]
    assert log.start_offset("t", 0) == log.reader("t", 0).poll(1, 0)[0].offset()
    assert len(values(log.reader("forever", 0).poll(10, 0))) == 4
    clock.sleep_ms(20 * HOUR_MS)
    maintain(log, clock)
    assert content(log) == []
    assert log.start_offset("t", 0) == log.end_offset("t", 0)
    log.append("t", [(None, b"new", None, 0)])
    assert values(log.reader("t", 0).poll(10, 0)) == [b"new"]


def test_retention_works_in_pieces(log: SqliteLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_keep, "_PIECE", 10)
    log.create_topic("t", 1, compact=False, retention_ms=HOUR_MS)
    log.append("t", [(None, b"x", None, 0)] * 25)
    log.maintain()
    clock.sleep_ms(2 * HOUR_MS)
    left = []
    for _ in range(3):
        log.maintain()
        left.append(len(content(log)))
    assert left == [15, 5, 0]


def test_compaction_keeps_the_newest_of_each_key(log: SqliteLog, clock: ManualClock) -> None:
    log.create_topic("t", 1, compact=True, retention_ms=None)
    log.append("t", rows(*[(b"k%d" % (number % 10), b"%d" % number) for number in range(5_000)]))
    log.append("t", rows((b"k3", None), (b"\0m", b"marker 1"), (b"\0m", b"marker 2"), (b"only", b"once")))
    ends = log.end_offset("t", 0)
    newest = log.reader("t", 0, 4_990).poll(100, 0)
    want = {record.key(): (record.offset(), record.value()) for record in newest}
    maintain(log, clock)
    kept = log.reader("t", 0).poll(1_000, 0)
    assert {record.key(): (record.offset(), record.value()) for record in kept} == want
    assert len(kept) == 12, "each key once, the null and the last marker among them"
    assert log.end_offset("t", 0) == ends
    # A reader that begins in the middle sees every key that changed since.
    assert [r.key() for r in log.reader("t", 0, 5_000).poll(10, 0)] == [b"k3", b"\0m", b"only"]


def test_a_null_goes_after_its_grace_and_takes_its_key_along(log: SqliteLog, clock: ManualClock) -> None:
    log.create_topic("t", 1, compact=True, retention_ms=None)
    filler = rows(*[(b"filler", b"x")] * 3_000)
    log.append("t", rows((b"gone", b"1"), (b"back", b"1"), (b"gone", None), (b"back", None)))
    log.append("t", filler)
    for _ in range(2):
        maintain(log, clock)
        assert (b"gone", None) in content(log), "younger than the grace"
        log.append("t", filler)
    clock.sleep_ms(sqlite_keep.NULL_GRACE_MS)
    log.append("t", rows((b"back", b"2")))
    log.append("t", filler)
    maintain(log, clock)
    assert content(log) == [(b"back", b"2"), (b"filler", b"x")]


def test_an_old_null_is_not_dropped_before_the_values_it_removes(log: SqliteLog, clock: ManualClock) -> None:
    """Nothing was swept in time: at the first sweep value and null are both old."""
    log.create_topic("t", 1, compact=True, retention_ms=None)
    log.append("t", rows((b"gone", b"1"), (b"gone", None)))
    clock.sleep_ms(2 * sqlite_keep.NULL_GRACE_MS)
    log.append("t", rows(*[(b"filler", b"x")] * 3_000))
    seen = set()
    for _ in range(30):
        clock.sleep_ms(10_000)
        log.maintain()
        seen.add(tuple(value for key, value in content(log) if key == b"gone"))
    assert seen <= {(b"1", None), (None,), ()}


def test_a_sweep_with_more_keys_than_memory_takes_several_rounds(
    log: SqliteLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_keep, "_PIECE", 100)
    monkeypatch.setattr(sqlite_keep, "_KEYS_MAX", 500)
    log.create_topic("t", 1, compact=True, retention_ms=None)
    for round_ in range(3):
        log.append("t", rows(*[(b"k%d" % number, b"%d" % round_) for number in range(2_000)]))
    for _ in range(100):
        maintain(log, clock)
        if len(content(log)) <= 4_000:
            break
    kept = content(log)
    assert len(kept) <= 4_000, "half of it may be dirty"
    assert dict(kept) == {b"k%d" % number: b"2" for number in range(2_000)}


def test_housekeeping_disturbs_no_reader(log: SqliteLog, clock: ManualClock) -> None:
    log.create_topic("t", 1, compact=True, retention_ms=None)
    log.append("t", rows(*[(b"k%d" % (number % 100), b"%d" % number) for number in range(3_000)]))
    reader = log.reader("t", 0)
    seen: dict[bytes | None, bytes | None] = {}
    while records := reader.poll(70, 0):
        seen.update({record.key(): record.value() for record in records})
        maintain(log, clock)
    assert seen == {b"k%d" % number: b"%d" % (2_900 + number) for number in range(100)}
