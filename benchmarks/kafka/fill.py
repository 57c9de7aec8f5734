"""Writing raw topics full before anything is measured, and knowing what must come of them."""

import time
from collections.abc import Iterable

import msgspec
from confluent_kafka import Producer

from benchmarks.kafka.firehose import NOBODY, Firehose, Item, Mix, act_of, customer_of, records
from benchmarks.kafka.servers import Site
from streams.errors import Fatal

_POLL_EVERY = 2_000
_FLUSH_S = 60


class Truth(msgspec.Struct):
    """What is in a raw topic. `owners`: the customer of each act that is a customer's."""

    records: int = 0
    bytes: int = 0
    relevant: int = 0
    owners: dict[str, str] = {}
    alarmed: set[str] = set()
    """Customers who must have an alert of the rule `bench-alarm`."""

    def note(self, item: Item) -> None:
        """It was written."""
        self.records += 1
        self.bytes += len(item.payload)
        self.relevant += item.owner != NOBODY
        if item.owner >= 0:
            customer = customer_of(item.owner)
            self.owners[act_of(item)] = customer
            if item.is_alarm:
                self.alarmed.add(customer)

    def add(self, other: "Truth") -> None:
        """That was written as well."""
        self.records += other.records
        self.bytes += other.bytes
        self.relevant += other.relevant
        self.owners |= other.owners
        self.alarmed |= other.alarmed


def fill_firehose(site: Site, topic: str, mix: Mix, count: int) -> Truth:
    """Make the topic and write `count` posts into it, the last of them written now."""
    site.make_raw(topic)
    truth = Truth()

    def rows() -> Iterable[tuple[bytes, bytes]]:
        for item in Firehose(mix).stored(count, time.time_ns() // 1_000):
            truth.note(item)
            yield item.key, item.payload

    _write(site, topic, rows())
    return truth


def fill_records(site: Site, topic: str, customers: int) -> None:
    """Make the topic and write the record of each customer into it."""
    site.make_raw(topic)
    _write(site, topic, records(customers, time.time_ns() // 1_000_000))


def producer_settings(site_bootstrap: str, linger_ms: int = 50) -> dict[str, str | int | bool]:
    """Of whoever writes raw topics."""
    return {
        "bootstrap.servers": site_bootstrap,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": linger_ms,
        "queue.buffering.max.messages": 1_000_000,
        "log_level": 0,
    }


def _write(site: Site, topic: str, rows: Iterable[tuple[bytes, bytes]]) -> None:
    producer = Producer(producer_settings(site.bootstrap))
    for number, (key, payload) in enumerate(rows):
        while True:
            try:
                producer.produce(topic, payload, key)
                break
            except BufferError:
                producer.poll(0.05)
        if number % _POLL_EVERY == 0:
            producer.poll(0)
    if left := producer.flush(_FLUSH_S):
        raise Fatal(f"bench: {left} records of {topic} could not be written within {_FLUSH_S} s")
