"""Generated traffic on its way through the whole product once, in memory: what every task was given, and every fold.

deliveries ──► replay ──► inbox partitions, to be folded again by the cases
                  └──► calls of folds, with the state as it was
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from benchmarks.nothing import told
from benchmarks.payloads import deliveries
from benchmarks.product import settings, topology
from streams.core.effects import Effect
from streams.core.fold import Fold, Now, State
from streams.runtime.ports import Record
from streams.runtime.replay import SESSION_TIMEOUT_MS, Recorded, Replay, ReplayClock
from streams.runtime.task import TICK_KEY
from streams.runtime.topology import Topology
from streams.state.dict_store import DictStore
from streams.transport.sqlite_log import SqliteLog
from topologies.traffic.feed import topics_for

PAYLOADS = 12_000
RELEVANT = 0.3
CALLS_MAX = 4_000
"""Kept of each kind."""


class Call(NamedTuple):
    """A fold's arguments, but for the model."""

    state: State
    event: Any
    now: Now


class Journey(NamedTuple):
    """`inbox` by partition, in order, without ticks; `calls` of folds by address type and kind of event.

    A replay has as many ticks as events; a worker that is busy has one a second.
    """

    inbox: tuple[tuple[Record, ...], ...]
    calls: dict[tuple[str, str], list[Call]]


@lru_cache(maxsize=1)
def journey() -> Journey:
    """The same in every run."""
    calls: dict[tuple[str, str], list[Call]] = {}
    watched = topology()
    stages = {
        name: msgspec.structs.replace(stage, fold=_watched(name, stage.fold, calls))
        for name, stage in watched.stages.items()
    }
    topics = topics_for(settings())
    records = [
        Recorded(topics[one.input], one.received_at, one.payload, one.key)
        for one in deliveries(PAYLOADS, RELEVANT)
        if one.input in topics
    ]
    return Journey(_inbox(msgspec.structs.replace(watched, stages=stages), records), calls)


def _inbox(product: Topology, records: Iterable[Recorded]) -> tuple[tuple[Record, ...], ...]:
    clock = ReplayClock()
    log = SqliteLog(":memory:", clock=clock, session_timeout_ms=SESSION_TIMEOUT_MS)
    try:
        replay = Replay(product, log, DictStore(log.cluster_id), clock, told)
        replay.feed(records)
        replay.close()
        return tuple(_read(log, product.inbox, partition) for partition in range(product.partitions))
    finally:
        log.close()


def _watched(name: str, fold: Fold, calls: dict[tuple[str, str], list[Call]]) -> Fold:
    def watch(state: State, event: Any, now: Now, model: Any, /) -> Iterable[Effect]:
        kept = calls.setdefault((name, type(event).__name__), [])
        if len(kept) < CALLS_MAX:
            # Values are frozen: a copy of the map is the state as it is now.
            kept.append(Call(State(state.address, dict(state.items())), event, now))
        return fold(state, event, now, model)

    return watch


def _read(log: SqliteLog, topic: str, partition: int) -> tuple[Record, ...]:
    reader = log.reader(topic, partition)
    found: list[Record] = []
    while part := reader.poll(5_000, 0):
        found += [record for record in part if record.key() != TICK_KEY]
    return tuple(found)
