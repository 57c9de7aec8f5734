"""Partitions that stay keep what is in memory; those that go are taken over at once."""

import pytest

from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.runtime.ports import Record
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.counting_store import CountingStore
from tests.support.toy_topology import add

ADDRESSES = 30


def feed(world: World, turn: int) -> None:
    """One event for each of the same addresses."""
    world.feed(*(add(f"{turn}.{number}", number, 1, number % 5) for number in range(ADDRESSES)))
    world.run(ms=600)


def test_what_stays_is_not_read_again_whoever_comes_and_goes(make_world: MakeWorld) -> None:
    world = make_world()
    store = CountingStore(world.log.cluster_id)
    world.store = store
    first = world.worker("0")
    for turn in range(3):
        feed(world, turn)
    assert first.status().tasks == (0, 1, 2)
    kept = set(first.status().tasks)
    for turn, slot in enumerate(("1", "2"), 3):
        store.loads.clear()
        world.facts.clear()
        before = first.status().residents
        world.worker(slot)
        feed(world, turn)
        kept &= set(first.status().tasks)
        assert kept
        assert 0 < first.status().residents <= before
        assert not [partition for partition in store.loads if partition in kept], "all of it is in memory still"
        assert not [fact for fact in world.told(facts.StateRestored) if fact.partition in kept]
    store.loads.clear()
    world.facts.clear()
    for slot in ("1", "2"):
        world.workers.pop(slot).close()
    feed(world, 9)
    assert first.status().tasks == (0, 1, 2)
    assert store.loads, "those that came back are read anew"
    assert not [partition for partition in store.loads if partition in kept]
    assert not world.told(facts.TransactionAborted)
    assert sum(world.items(f"counter:{number}")["head"].acts for number in range(ADDRESSES)) == 6 * ADDRESSES


def test_what_was_in_doubt_is_read_again_and_nothing_else(make_world: MakeWorld) -> None:
    """A commit that is refused, as brokers do in the middle of a handover: only what it would have changed is lost."""
    world = make_world(limits=Limits(commit_ms_min=50))
    store = CountingStore(world.log.cluster_id)
    world.store = store
    worker = world.worker("0")
    for turn in range(3):
        feed(world, turn)
    store.loads.clear()
    world.feed(add("in.flight", 1, 1))
    world.run(until=lambda: any(task.dirty for task in worker._inbox.tasks.values()))  # type: ignore[union-attr]
    in_flight = {address for task in worker._inbox.tasks.values() for address in task.dirty}  # type: ignore[union-attr]
    # Somebody takes its transactional id.
    world.log.producer("toy-0").close()
    world.run(ms=500)
    assert world.told(facts.TransactionAborted)
    assert 1 <= store.loads.total() <= len(in_flight)
    feed(world, 3)
    assert store.loads.total() <= len(in_flight)
    assert sum(world.items(f"counter:{number}")["head"].acts for number in range(ADDRESSES)) == 4 * ADDRESSES + 1


def test_after_a_crash_nothing_in_memory_is_trusted(make_world: MakeWorld) -> None:
    world = make_world()
    store = CountingStore(world.log.cluster_id)
    world.store = store
    worker = world.worker("0")
    feed(world, 0)
    feed(world, 1)
    store.loads.clear()
    poll = worker._inbox.consumer.poll  # type: ignore[union-attr]

    def breaks(*_: int) -> list[Record]:
        worker._inbox.consumer.poll = poll  # type: ignore[union-attr, method-assign]
        raise ValueError("a bug")

    worker._inbox.consumer.poll = breaks  # type: ignore[union-attr, method-assign]
    with pytest.raises(ValueError, match="a bug"):
        world.run(ms=100)
    feed(world, 2)
    assert store.loads.total() >= ADDRESSES


def test_who_leaves_hands_over_within_a_second(make_world: MakeWorld) -> None:
    world = make_world()
    world.worker("0")
    world.worker("1")
    feed(world, 0)
    feed(world, 1)
    assert len(world.workers["1"].status().tasks) < 3
    left_at = world.clock.now_ms()
    world.workers.pop("0").close()
    world.run(ms=5_000, until=lambda: world.workers["1"].status().tasks == (0, 1, 2))
    assert world.clock.now_ms() - left_at <= 1_000
    world.feed(add("last", 1, 1))
    world.run(ms=500)
    assert "last" in dict(world.outputs("seen"))
    assert not world.told(facts.WorkerFenced)
