"""Generated payloads in their true wire formats, by input. The same in every run."""

from functools import lru_cache
from itertools import islice

from benchmarks.product import settings
from streams.runtime.ports import LogRecord, Record
from topologies.traffic.feed import topics_for
from topologies.traffic.outbox import Delivery
from topologies.traffic.stage import Options
from topologies.traffic.world import World

BEGIN_MS = 1_785_000_000_000
"""In July 2026."""
RATE = 200.0
PAYLOADS = 20_000
FIREHOSE = "bluesky"
"""The input that brings most of them, and what the peers were measured on: posts of about 500 bytes."""
PARTITIONS = 8


@lru_cache(maxsize=8)
def deliveries(count: int, relevant: float) -> tuple[Delivery, ...]:
    """The records of the opening, then so many payloads; `relevant` of them concern the brand."""
    world = World(Options(seed=7, start_ms=BEGIN_MS, rate=RATE, relevant=relevant, customers=1_000))
    return (*world.opening(), *islice(world.beats(), count))


@lru_cache(maxsize=32)
def records(name: str, count: int, relevant: float) -> tuple[Record, ...]:
    """The first so many payloads of one input, as a consumer hands them out; fewer, where there are not so many."""
    topic = topics_for(settings())[name]
    found: list[Record] = []
    for one in deliveries(PAYLOADS, relevant):
        if one.input == name and one.payload is not None:
            offset = len(found)
            found.append(LogRecord(topic, offset % PARTITIONS, offset, one.key, one.payload, one.received_at))
            if len(found) == count:
                break
    return tuple(found)
