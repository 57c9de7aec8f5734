"""What a worker says of itself to people who look at it. Asks nobody over the network."""

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import msgspec

from streams.errors import Retryable
from streams.runtime.inbox import InboxSide
from streams.runtime.ports import Consumer, TopicPartition
from streams.runtime.raw import RawSide
from streams.runtime.ticks import ProgressBoard


class Lag(NamedTuple):
    """How many records wait in a partition, at least."""

    topic: str
    partition: int
    records: int


class Restoring(NamedTuple):
    """How far the restore of a partition is, in offsets of its changelog; 0 of 0 while nothing is known.

    `items`: read so far. Compaction leaves gaps between offsets: an estimate.
    """

    partition: int
    done: int
    total: int
    items: int


class Status(msgspec.Struct, frozen=True):
    """What a worker is doing. `held_by`: the raw task that stream time waits for, and how far it is.

    `missing`: in words, what it still needs before it works on everything it owns; empty: it is ready.
    `waits_for`: in words, what it waits for because it gets nowhere; empty: nothing.
    """

    tasks: tuple[int, ...]
    restoring: tuple[int, ...]
    raw: tuple[str, ...]
    inbox_lag: int
    residents: int
    upto: tuple[int, int, int]
    held_by: tuple[str, int]
    lags: tuple[Lag, ...] = ()
    progress: tuple[Restoring, ...] = ()
    raw_held: bool = False
    missing: tuple[str, ...] = ()
    waits_for: str = ""


def status_of(inbox: InboxSide | None, raw: RawSide | None, board: ProgressBoard, waits_for: str = "") -> Status:
    """From what its two sides know."""
    tasks = inbox.tasks if inbox else {}
    homes = raw.tasks if raw else {}
    of_inbox = _lags(inbox.consumer, [TopicPartition(inbox.topic, partition) for partition in tasks]) if inbox else []
    of_raw = _lags(raw.consumer, homes) if raw else []
    return Status(
        tasks=tuple(sorted(tasks)),
        restoring=tuple(sorted(inbox.restores)) if inbox else (),
        raw=tuple(_named(where) for where in sorted(homes)),
        inbox_lag=sum(lag.records for lag in of_inbox),
        residents=sum(task.residents for task in tasks.values()),
        upto=board.upto(),
        held_by=board.held_by(),
        lags=(*of_raw, *of_inbox),
        progress=_progress(inbox) if inbox else (),
        raw_held=raw is not None and raw.paused,
        missing=tuple(missing_of(inbox, raw)),
        waits_for=waits_for,
    )


def missing_of(inbox: InboxSide | None, raw: RawSide | None) -> list[str]:
    """What is needed before there is work on everything that is owned."""
    missing = [problem for side in (raw, inbox) if side is not None and (problem := _not_joined(side.consumer))]
    if raw is not None:
        missing += [f"{_named(where)}: its position is not known yet" for where in raw.arriving]
    if inbox is not None:
        for partition, done, total, _ in _progress(inbox):
            share = f" ({100 * done // total} %)" if total else ""
            missing.append(f"{_named(TopicPartition(inbox.topic, partition))}: its state is being restored{share}")
    return missing


def _progress(inbox: InboxSide) -> tuple[Restoring, ...]:
    return tuple(
        Restoring(partition, *restore.progress, restore.so_far.items)
        for partition, restore in sorted(inbox.restores.items())
    )


def _lags(consumer: Consumer, wheres: Iterable[TopicPartition]) -> list[Lag]:
    """Those that cannot be told at the moment are left out."""
    found = []
    for where in sorted(wheres):
        with suppress(Retryable):
            found.append(Lag(*where, consumer.lag(where)))
    return found


def _not_joined(consumer: Consumer) -> str:
    """Why a consumer takes no part in its group; empty: it does. One that owns nothing takes part as well."""
    try:
        found = consumer.membership()
    except Retryable as problem:
        return f"the group does not answer: {problem}"
    return "" if found.generation >= 0 and found.member else f"group {found.group}: not joined yet"


def _named(where: TopicPartition) -> str:
    return f"{where.topic}[{where.partition}]"
