"""A changelog that lost something stops the worker before it is taken for whole; on real brokers: tests/transport."""

import pytest

from streams.errors import Fatal
from streams.runtime import facts
from tests.runtime.world import World
from tests.support.toy_topology import add


def work_and_leave(world: World) -> None:
    for number in range(12):
        world.feed(add(f"x{number}", number))
    world.run(ms=400)
    world.workers.pop("0").close()
    world.facts.clear()


def cut(world: World, start: str, end: str) -> None:
    """Set where the changelog begins and ends."""
    for partition in range(world.topology.partitions):
        log = world.log._core.log_of(world.topology.changelog, partition)
        with world.log._db.write() as db:
            db.execute(f"UPDATE logs SET start_offset = {start}, next_offset = {end} WHERE log = ?", (log,))


def test_made_anew_under_an_intact_store(world: World) -> None:
    work_and_leave(world)
    cut(world, "0", "0")
    world.worker("1")
    with pytest.raises(Fatal, match="the topic was made anew or set back, and holds less than the state"):
        world.run("1", ms=500)


def test_cut_with_nothing_in_the_store(world: World) -> None:
    work_and_leave(world)
    cut(world, "1", "next_offset")
    world.store.lose()
    world.worker("1")
    with pytest.raises(Fatal, match="found it begins at 1: records were deleted"):
        world.run("1", ms=500)


def test_cut_under_an_intact_store_is_no_harm(world: World) -> None:
    work_and_leave(world)
    cut(world, "1", "next_offset")
    world.worker("1")
    world.run("1", ms=500)
    assert {fact.how for fact in world.told(facts.StateRestored) if fact.seq} == {"intact"}
