"""How far everything is, asked of the broker from outside: no figure is what the measured process says of itself."""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from benchmarks.kafka.servers import PARTITIONS, Application, Site
from schemas.log import TICK_ADDRESS
from streams.errors import Fatal

_TICK = TICK_ADDRESS.encode()
_TAIL = 64
_ASK_S = 10.0
_POLL_MAX = 10_000
_UNSEEN = 4
"""Offsets at an inbox partition's end that a worker is always behind by: a tick, and what ends transactions."""


def ends(site: Site, topic: str) -> dict[int, int]:
    """Where readers of committed records find the end, by partition."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, number): latest for number in range(PARTITIONS)}
    found = site.admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_ASK_S)
    return {at.partition: answer.result().offset for at, answer in found.items()}


def committed(site: Site, group: str, topic: str) -> dict[int, int]:
    """Where a group stands, by partition; partitions it has never committed are left out."""
    asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, number) for number in range(PARTITIONS)])]
    found = site.admin.list_consumer_group_offsets(asked, request_timeout=_ASK_S)[group].result()
    return {at.partition: at.offset for at in found.topic_partitions if at.offset >= 0}


def lag(site: Site, application: Application, topic: str) -> int:
    """Raw records of a topic that are not committed yet."""
    done = committed(site, f"{application.name}.ingest", topic)
    return sum(end - done.get(number, 0) for number, end in ends(site, topic).items())


def inbox_lag(site: Site, application: Application) -> int:
    """Inbox records that are not committed yet, ticks left out as far as that is known."""
    topic = application.topology.inbox
    done = committed(site, f"{application.name}.fold", topic)
    return sum(max(0, end - done.get(number, 0) - _UNSEEN) for number, end in ends(site, topic).items())


def shares(site: Site, group: str) -> list[int]:
    """How many partitions each member of a group has."""
    found = site.admin.describe_consumer_groups([group], request_timeout=_ASK_S)[group].result()
    return [len(one.assignment.topic_partitions) for one in found.members]


def wait_until(what: str, reached: Callable[[], bool], seconds: float, look_s: float = 0.25) -> None:
    """Raises `Fatal` when it does not come to it in time."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise Fatal(f"bench: {what} did not happen within {seconds:.0f} s")
        time.sleep(look_s)


def first_act_s(site: Site, topic: str, starts: dict[int, int]) -> float:
    """When the first record but ticks was written from these offsets on."""
    at = [TopicPartition(topic, number, start) for number, start in starts.items()]
    return min(_times(_read(site, at, _TAIL)))


def last_write_s(site: Site, topic: str) -> float:
    """When the last record was written."""
    at = [TopicPartition(topic, number, max(0, end - _TAIL)) for number, end in ends(site, topic).items()]
    return max(_times(_read(site, at, _TAIL)))


def values(site: Site, topic: str) -> list[bytes]:
    """Of all committed records that are there, nulls left out."""
    starts = [TopicPartition(topic, number, 0) for number in range(PARTITIONS)]
    return [value for record in _read(site, starts) if (value := record.value()) is not None]


def _times(records: Iterable[Message]) -> list[float]:
    times = [record.timestamp()[1] / 1_000 for record in records if record.key() != _TICK]
    if not times:
        raise Fatal("bench: nothing was written where something must have been")
    return times


def _read(site: Site, at: Sequence[TopicPartition], count_max: int = 1 << 62) -> list[Message]:
    """Committed records from there to the end; so many of each partition at most."""
    consumer = Consumer(
        {
            "bootstrap.servers": site.bootstrap,
            "group.id": "bench.looks",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20,
            "log_level": 0,
        }
    )
    found: list[Message] = []
    left = {place.partition: count_max for place in at}
    end = time.monotonic() + _ASK_S
    consumer.assign(list(at))
    while left:
        if time.monotonic() > end:
            raise Fatal(f"bench: {at[0].topic} could not be read to its end; nothing came for {_ASK_S:.0f} s")
        for record in consumer.consume(_POLL_MAX, 0.05):
            end = time.monotonic() + _ASK_S
            number = record.partition() or 0
            if record.error():
                left.pop(number, None)
            elif left.get(number, 0) > 0:
                left[number] -= 1
                found.append(record)
                if not left[number]:
                    del left[number]
    consumer.close()
    return found
