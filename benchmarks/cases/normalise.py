"""Every format: what a payload that matters costs from its bytes to events in an open transaction."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache

from benchmarks.case import Case, Goal, Run
from benchmarks.nothing import RealClock
from benchmarks.payloads import PARTITIONS, records
from benchmarks.product import model, settings, topology
from config.settings import InputSettings
from streams.runtime.batch import Batch
from streams.runtime.ingest import Ingest, RawTask
from streams.runtime.limits import Limits
from streams.runtime.ports import Record, TopicPartition
from streams.transport.sqlite_log import SqliteLog
from topologies.normalise.formats import FIREHOSES, build

_COUNT = 2_000
_REPEATS = 4
_ACT = Goal(us_max=9.0)


def cases() -> list[Case]:
    """Acts of people have a goal; what a CRM says comes seldom."""
    return [
        Case(f"normalise.{one.format}", _record(one), _preparation(one), _ACT if one.format in FIREHOSES else Goal())
        for one in settings().inputs
    ]


def _record(one: InputSettings) -> str:
    return "a payload that matters, read and sent" if one.format in FIREHOSES else "a payload, read and sent"


def _preparation(one: InputSettings) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        found = _relevant(one.name)
        log = SqliteLog(":memory:", clock=RealClock())
        log.create_topic(topology().inbox, PARTITIONS, compact=False, retention_ms=None)
        log.create_topic(topology().dlq, PARTITIONS, compact=False, retention_ms=None)
        limits = Limits()
        ingest, batch = Ingest(topology(), limits, RealClock()), Batch(log.producer("bench"), topology(), limits)
        homes = {TopicPartition(record.topic(), record.partition()) for record in found}
        tasks = {home: RawTask(home, "unknown", position=0, seen_at=0) for home in homes}

        def run() -> int:
            for _ in range(_REPEATS):
                batch.begin()
                ingest.take(found, tasks, batch)
                batch.producer.abort()
                batch.release(lambda _: None, 0)
            return _REPEATS * len(found)

        yield run
        log.close()

    return prepare


@lru_cache(maxsize=16)
def _relevant(name: str) -> tuple[Record, ...]:
    """Payloads of an input of which events are made."""
    normalise = build(next(one for one in settings().inputs if one.name == name), model())
    return tuple(record for record in records(name, _COUNT, 1.0) if normalise([record]).arrivals)
