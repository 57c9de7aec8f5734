"""Partitions that stay keep what is in memory; those that go are taken over at once."""

from streams.runtime import facts
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
