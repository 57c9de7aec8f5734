"""How long a worker needs to bring a state of many items level: Redis intact, lost before the start, lost under way.

The changelog is written as a worker would leave it, one commit a partition: five items of 100 bytes an address, which
is what a run leaves on average. The times are the worker's own, from what it says of itself.
"""

import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.kafka.fill import producer_settings
from benchmarks.kafka.firehose import CRM
from benchmarks.kafka.looks import wait_until
from benchmarks.kafka.servers import PARTITIONS, Application, Site
from benchmarks.kafka.workers import Worker, workers
from schemas.log import MARKER_KEY, SEPARATOR, Marker, encode_wire
from streams.core.partition import murmur2
from streams.errors import Fatal
from streams.runtime.codec import Standing, write_standing

_ITEMS = 5
"""Of an address."""
_BYTES = 100
_RESTORED_S = 300.0
_EVENT = "StateRestored"
_NOTHING = "bench.nothing"
"""A raw topic without records: whoever works has nothing else to do."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds`: from the assignment, or from the loss, until the last partition had its state."""

    name: str
    items: int
    seconds: float
    since_start_s: float
    """The same from the start of the process; 0 when it ran already."""

    @property
    def per_s(self) -> float:
        """Items a second."""
        return self.items / self.seconds


def restores(site: Site, items: int, show: Callable[[str], None]) -> list[Restored]:
    """All three. Raises `Fatal` when a restore was not what it should have been, or Redis holds something else."""
    found = []
    nothing = msgspec.structs.replace(CRM, topic=_NOTHING)
    site.make_raw(_NOTHING)
    with site.application(f"bench-{time.time_ns() // 1_000_000}", [nothing]) as application:
        show(f"restore: writing {items} items")
        addresses = _write_state(site, application, items)
        site.redis.flushdb()
        for name, how in (("Redis lost before the start", "rebuilt"), ("Redis intact", "intact")):
            show(f"restore: {name}")
            with workers(application) as running:
                found.append(_at_start(name, how, running[0], items))
                if how == "intact":
                    show("restore: Redis lost under way")
                    found.append(_under_way(site, running[0], items))
                running[0].end(signal.SIGTERM)
            _check(site, addresses)
    return found


def _at_start(name: str, how: str, worker: Worker, items: int) -> Restored:
    restored = _wait(worker, 0, how)
    ended_s = max(one["at_s"] for one in restored)
    assigned_s = min(one["at_s"] for one in worker.said_of("PartitionsChanged"))
    if how == "rebuilt":
        _count(restored, items)
    return Restored(
        name=name, items=items, seconds=ended_s - assigned_s, since_start_s=ended_s - worker.samples[0].at_s
    )  # fmt: skip


def _under_way(site: Site, worker: Worker, items: int) -> Restored:
    before = len(worker.said_of(_EVENT))
    began_s = time.time()
    site.redis.flushdb()
    restored = _wait(worker, before, "rebuilt")
    _count(restored, items)
    ended_s = max(one["at_s"] for one in restored)
    return Restored(name="Redis lost under way", items=items, seconds=ended_s - began_s, since_start_s=0.0)


def _wait(worker: Worker, before: int, how: str) -> Sequence[dict[str, Any]]:
    """What it says of its restores, until all partitions have their state; `before` were told already."""

    def is_done() -> bool:
        worker.check()
        return {one["partition"] for one in worker.said_of(_EVENT)[before:]} == set(range(PARTITIONS))

    wait_until("the state of all partitions", is_done, _RESTORED_S, 0.1)
    restored = worker.said_of(_EVENT)[before:]
    if others := [one["how"] for one in restored if one["how"] != how]:
        raise Fatal(f"bench: want all partitions {how}, found {', '.join(others)}")
    return restored


def _count(restored: Sequence[dict[str, Any]], items: int) -> None:
    # The last of each partition: a loss that is noticed while another partition is restored begins anew.
    if (count := sum({one["partition"]: one["items"] for one in restored}.values())) != items:
        raise Fatal(f"bench: want {items} items restored, found {count}")


def _check(site: Site, addresses: int) -> None:
    """Each address is a key of its own."""
    found = sum(1 for _ in site.redis.scan_iter(match="*account:*", count=10_000))
    if found != addresses:
        raise Fatal(f"bench: want {addresses} addresses in Redis, found {found}")


def _write_state(site: Site, application: Application, items: int) -> int:
    """One commit a partition; how many addresses."""
    topology = application.topology
    settings = producer_settings(site.bootstrap) | {"transactional.id": f"{application.name}.state"}
    producer = Producer(settings)
    producer.list_topics(timeout=10)
    producer.init_transactions(30)
    producer.begin_transaction()
    addresses = items // _ITEMS
    filler = bytes(range(256)) * 2
    for number in range(addresses):
        address = f"account:bluesky:did:plc:s{number:023d}".encode()
        partition = (murmur2(address) & 0x7FFFFFFF) % PARTITIONS
        prefix = address + SEPARATOR
        for item in range(_ITEMS):
            value = filler[number % 256 : number % 256 + _BYTES]
            producer.produce(topology.changelog, value, prefix + b"a%d" % item, partition)
        if number % 1_000 == 0:
            producer.poll(0)
    marker = encode_wire(Marker(1, topology.model_hash, (0, 0, 0)))
    standing = write_standing(Standing(1, (0, 0, 0)))
    for partition in range(PARTITIONS):
        producer.produce(topology.changelog, marker, MARKER_KEY, partition)
    at = [TopicPartition(topology.inbox, number, 0, metadata=standing) for number in range(PARTITIONS)]
    # Nobody is in the group yet: it takes positions from anybody.
    group = Consumer({"bootstrap.servers": site.bootstrap, "group.id": f"{application.name}.fold", "log_level": 0})
    producer.send_offsets_to_transaction(at, group.consumer_group_metadata(), 10)
    producer.commit_transaction(60)
    group.close()
    return addresses
