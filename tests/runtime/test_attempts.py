"""Records that kill the process: found out by the notes it left, and set aside."""

from typing import Any

import msgspec
import pytest

from schemas.log import TICK_ADDRESS, Tick
from streams.runtime.attempts import CAUSE
from streams.runtime.limits import Limits
from streams.runtime.topology import Stage, Topology
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import Add, add, counter, encode_event, toy_topology


class Death(BaseException):
    """As good as kill -9: nothing catches it."""


def deadly_fold(state: Any, event: Any, now: Any, model: Any) -> Any:
    if getattr(event, "id", "").startswith("deadly"):
        raise Death
    return counter(state, event, now, model)


def deadly_input(topology: Topology) -> Topology:
    honest = topology.inputs[0]

    def normalise(records: Any) -> Any:
        if any(b"deadly" in record.value() for record in records):
            raise Death
        return honest.normalise(records)

    return msgspec.structs.replace(topology, inputs=[msgspec.structs.replace(honest, normalise=normalise)])


def deadly_topology() -> Topology:
    topology = toy_topology(partitions=2)
    return msgspec.structs.replace(topology, stages={**topology.stages, "counter": Stage(deadly_fold, 1)})


def live(world: World, ms: int) -> int:
    """A worker under a supervisor that starts it again; how often it died."""
    deaths = 0
    ends_at = world.clock.now_ms() + ms
    worker = world.worker("s")
    while world.clock.now_ms() < ends_at:
        try:
            worker.step()
        except Death:
            deaths += 1
            world.clock.sleep_ms(11_000)
            worker = world.worker("s")
        world.clock.sleep_ms(1)
    return deaths


@pytest.mark.parametrize("topology", [deadly_topology(), deadly_input(toy_topology(partitions=2))], ids=["fold", "raw"])
def test_a_record_that_kills_is_set_aside_and_its_neighbours_are_not(make_world: MakeWorld, topology: Topology) -> None:
    world = make_world(topology)
    for number in range(8):
        name = "deadly" if number == 4 else f"x{number}"
        world.feed(add(name, number, 1))
    deaths = live(world, 90_000)
    assert deaths == 4, "two to become careful, two more to be sure"
    (letter,) = world.letters()
    assert letter["cause"].decode() == CAUSE
    names = {key for key, value in world.outputs("seen") if "count" in value}
    assert names == {f"x{number}" for number in range(8) if number != 4}
    assert len([key for key, value in world.outputs("seen") if "count" in value]) == 7


def test_what_comes_behind_a_long_tick_is_taken_with_care_too(make_world: MakeWorld) -> None:
    world = make_world(toy_topology(partitions=1), limits=Limits(wakes_max=2))
    for number in range(7):
        world.feed(add(f"x{number}", number, 1))
    world.worker("s")
    world.run(ms=500)
    world.workers.pop("s").close()
    world.topology = msgspec.structs.replace(deadly_topology(), partitions=1)
    rows = [(TICK_ADDRESS.encode(), encode_event(0, Tick(0, (1 << 50,) * 3)), None, 0)]
    rows += [
        (f"counter:{name}".encode(), encode_event(1, Add(name, 1, "total:1")), None, 0) for name in ("deadly", "y")
    ]
    world.log.append(world.topology.inbox, rows, 0)
    assert live(world, 90_000) == 4
    (letter,) = world.letters()
    assert (letter["cause"].decode(), letter["topic"].decode()) == (CAUSE, world.topology.inbox)
    assert [value["count"] for key, value in world.outputs("seen") if key == "y"] == [1]


def test_two_deaths_at_different_places_are_not_held_against_a_record(make_world: MakeWorld) -> None:
    """Somebody kills the process now and then; work goes on in between."""
    world = make_world()
    for round_ in range(6):
        worker = world.worker("s")
        for number in range(10):
            world.feed(add(f"x{round_}{number}", number, 1))
        world.run(ms=300)
        assert not worker._attempts.careful
        for number in range(10):
            world.feed(add(f"y{round_}{number}", number, 1))
        worker.step()
        world.clock.sleep_ms(11_000)
    world.worker("s")
    world.run(ms=1_000)
    assert world.letters() == []
    assert len({key for key, value in world.outputs("seen") if "count" in value}) == 120


def test_care_ends_behind_the_last_record_also_where_offsets_have_gaps(make_world: MakeWorld) -> None:
    world = make_world(deadly_input(toy_topology(partitions=2)))
    world.feed(add("deadly", 1, 1))
    world.feed(add("x", 1, 1))
    live(world, 60_000)
    assert len(world.letters()) == 1
    assert not world.workers["s"]._attempts.careful


def test_coming_and_going_is_no_crash(make_world: MakeWorld) -> None:
    """A worker that is stopped again and again, with work waiting, sets nothing aside and does not get careful."""
    world = make_world()
    for number in range(50):
        world.feed(add(f"x{number}", number, 1))
    for _ in range(12):
        worker = world.worker("s")
        for _ in range(3):
            worker.step()
        worker.close()
        del world.workers["s"]
    worker = world.worker("s")
    for _ in range(4):
        worker.step()
    assert not worker._attempts.careful
    world.run(ms=500)
    assert world.letters() == []
    assert len({key for key, value in world.outputs("seen") if "count" in value}) == 50
