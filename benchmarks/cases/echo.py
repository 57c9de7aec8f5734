"""Baseline: the plain loop on the SQLite log, in transactions: consume, parse, serialise, produce, commit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from benchmarks.case import Case, Goal, Run
from benchmarks.nothing import NoRebalance, RealClock
from benchmarks.payloads import FIREHOSE, PARTITIONS, PAYLOADS, deliveries
from benchmarks.product import folder
from streams.runtime.ports import Position, TopicPartition
from streams.transport.sqlite_log import SqliteLog

NAME = "baseline.echo"
_COMMIT_S = 0.1
_POLL_MAX = 4_000


def cases() -> list[Case]:
    """Both read the firehose that the whole path reads."""
    return [
        Case(NAME, "a raw record, echoed exactly once", _prepare_echo, rounds=5),
        Case("log.consume", "a raw record, polled", _prepare_consume, Goal(us_max=1.2), rounds=5),
    ]


@contextmanager
def _filled() -> Iterator[tuple[SqliteLog, int]]:
    """A log with raw records, and how many."""
    rows = [
        (one.key, one.payload or b"null", None, one.received_at)
        for one in deliveries(PAYLOADS, 0.1)
        if one.input == FIREHOSE
    ]
    with folder() as path:
        log = SqliteLog(str(path / "log.sqlite"), clock=RealClock())
        for topic in ("raw", "out"):
            log.create_topic(topic, PARTITIONS, compact=False, retention_ms=None)
        for start in range(0, len(rows), 2_000):
            log.append("raw", rows[start : start + 2_000])
        yield log, len(rows)
        log.close()


@contextmanager
def _prepare_consume() -> Iterator[Run]:
    with _filled() as (log, count):

        def run() -> int:
            consumer = log.consumer("bench")
            consumer.subscribe(["raw"], NoRebalance())
            left = count
            while left > 0:
                left -= len(consumer.poll(_POLL_MAX, 10))
            consumer.close()
            return count

        yield run


@contextmanager
def _prepare_echo() -> Iterator[Run]:
    with _filled() as (log, count):
        yield lambda: _echo(log, count)


def _echo(log: SqliteLog, count: int) -> int:
    consumer, producer = log.consumer("bench"), log.producer("bench")
    consumer.subscribe(["raw"], NoRebalance())
    positions: dict[TopicPartition, Position] = {}
    left, committed_at = count, time.perf_counter()
    producer.begin()
    while left > 0:
        records = consumer.poll(_POLL_MAX, 10)
        left -= len(records)
        for record in records:
            producer.send("out", orjson.dumps(orjson.loads(record.value() or b"null")), record.key())
            positions[TopicPartition(record.topic(), record.partition())] = Position(record.offset() + 1, "")
        if left <= 0 or time.perf_counter() - committed_at >= _COMMIT_S:
            producer.send_offsets(positions, consumer.membership())
            producer.commit()
            producer.begin()
            positions, committed_at = {}, time.perf_counter()
    producer.abort()
    consumer.close()
    return count
