"""Workers on a real broker: what stays is not read again, a backlog holds up nobody, and memory is bounded."""

import random
import time
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from streams.runtime import facts
from streams.runtime.ports import Record, TopicPartition
from streams.runtime.topology import Normalised
from streams.transport.kafka_config import Connection
from tests.support.kafka_world import KafkaWorld
from tests.support.toy_topology import add

ADDRESSES = 30
BACKLOG, RATE = 20_000, 4_000


@pytest.fixture
def world(kafka: str) -> Iterator[KafkaWorld]:
    made = KafkaWorld(kafka)
    yield made
    made.close()


def feed(world: KafkaWorld, turn: int) -> None:
    """One event for each of the same addresses; until all of them are folded."""
    world.feed(*(add(f"{turn}.{number}", number, 1, number % 5) for number in range(ADDRESSES)))
    wanted = (turn + 1) * ADDRESSES
    world.until(lambda: acts(world) == wanted)


def acts(world: KafkaWorld) -> int:
    decode, count = world.topology.decode_item, 0
    for number in range(ADDRESSES):
        for partition in range(world.topology.partitions):
            head = world.store.read_address(partition, f"counter:{number}").get("head")
            count += decode(head).acts if head else 0
    return count


def test_what_stays_is_not_read_again_whoever_comes_and_goes(world: KafkaWorld) -> None:
    first = world.worker("0")
    everything = tuple(range(world.topology.partitions))
    for turn in range(2):
        feed(world, turn)
    assert first.status().tasks == everything
    world.store.loads.clear()
    world.facts.clear()
    second = world.worker("1")
    world.until(lambda: bool(second.status().tasks))
    feed(world, 2)
    kept = set(first.status().tasks)
    assert 0 < len(kept) < len(everything)
    world.leave("1")
    world.until(lambda: first.status().tasks == everything)
    feed(world, 3)
    # A commit just in between is refused: the group has gone on, and the client does not know yet. What it would have
    # changed is done again, and read again for it; see the test of the same name in `tests/runtime`.
    if not world.told(facts.TransactionAborted):
        assert not kept & world.store.loads.keys(), "all of it is in memory still"
        assert not kept & {fact.partition for fact in world.told(facts.StateRestored)}
    assert first.status().residents >= ADDRESSES


def test_a_change_gets_through_while_a_firehose_backlog_waits(world: KafkaWorld) -> None:
    firehose, other = world.topology.inputs

    def slowly(records: Sequence[Record]) -> Normalised:
        time.sleep(len(records) / RATE)
        return firehose.normalise(records)

    world.topology = msgspec.structs.replace(
        world.topology, inputs=[msgspec.structs.replace(firehose, normalise=slowly), other]
    )
    for partition in (0, 1):
        # As different as posts are: fetches are measured as they come over the wire, packed.
        texts = [random.randbytes(200).hex().encode() for _ in range(BACKLOG // 2)]
        rows = [(None, b'{"irrelevant":1,"text":"%s"}' % text, None, 0) for text in texts]
        world.log.append(firehose.topic, rows, partition)
    raw = world.worker(commit_records_max=2_000, raw_records_max=500)._raw
    assert raw is not None

    def taken() -> int:
        return sum(task.position for where, task in raw.tasks.items() if where.topic == firehose.topic)

    world.until(lambda: taken() > 2_000)
    before = taken()
    world.feed(add("change", 1, 1), topic="raw.b", partition=1)
    world.until(lambda: acts(world) == 1)
    assert taken() - before < BACKLOG // 2, "most of the backlog still waits"


class Owner:
    """Takes whatever comes."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> None: ...
    def revoked(self, partitions: Sequence[TopicPartition]) -> None: ...
    def lost(self, partitions: Sequence[TopicPartition]) -> None: ...


def test_what_is_fetched_ahead_is_bounded(world: KafkaWorld) -> None:
    """Large records in many places: a member holds its queue and one answer, not all of it."""
    topic = world.topology.inputs[0].topic
    for partition in (0, 1):
        for _ in range(4):
            # Bytes that nobody can make smaller: an answer is measured as it comes over the wire.
            world.log.append(topic, [(None, random.randbytes(900_000), None, 0) for _ in range(8)], partition)
    consumer = world.log.consumer(f"bounded-{world.unique}")
    consumer.subscribe([topic], Owner())
    world.until(lambda: bool(consumer.poll(1, 100)))
    time.sleep(1)
    settings = Connection("nobody:1").consumer("g", 1_000)
    most = (settings["queued.max.messages.kbytes"] << 10) + settings["fetch.max.bytes"]
    held = sum(len(record.value() or b"") for record in consumer.poll(1_000, 0))
    assert 1_000_000 < held <= most + 2_000_000
    assert most < 40_000_000
    consumer.close()
