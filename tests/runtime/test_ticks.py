"""Stream time: what ticks say, when they are written, and which wakes they fire."""

from typing import Any

import msgspec
import pytest

from schemas.log import Tick
from streams.core.effects import Publish, WakeAt
from streams.runtime import facts
from streams.runtime.codec import raw_task
from streams.runtime.limits import Limits
from streams.runtime.topology import Stage
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import QUIET_MS, add, decode_event, payload, toy_topology


def ticks(world: World) -> list[Tick]:
    return [decode_event(record.value() or b"")[1] for record in world.records("toy.inbox") if record.key() == b"tick:"]


def test_a_wake_comes_once_stream_time_has_reached_it_and_only_once(world: World) -> None:
    world.feed(add("a", 1, 1))
    at = world.clock.now_ms()
    world.run(ms=QUIET_MS + world.limits.drained_ms - 200)
    assert [value for _, value in world.outputs("seen") if "quiet" in value] == []
    world.run(ms=4_000)
    (told,) = (value for _, value in world.outputs("seen") if "quiet" in value)
    assert told["quiet"] == at + QUIET_MS
    assert told["upto"] >= at + QUIET_MS
    world.run(ms=20_000)
    assert len([value for _, value in world.outputs("seen") if "quiet" in value]) == 1
    assert "\0w" not in world.items("counter:1")


def test_a_later_wake_replaces_the_one_before(world: World) -> None:
    world.feed(add("a", 1, 1))
    world.run(ms=3_000)
    later = world.clock.now_ms()
    world.feed(add("b", 1, 1))
    world.run(ms=30_000)
    assert [value["quiet"] for _, value in world.outputs("seen") if "quiet" in value] == [later + QUIET_MS]


@pytest.mark.parametrize("wakes_max", [1, 2, 3, 500])
def test_however_few_wakes_fit_into_a_commit_they_fire_at_the_tick_and_in_order(
    make_world: MakeWorld, wakes_max: int
) -> None:
    order: list[str] = []

    def fold(state: Any, event: Any, now: Any, model: Any) -> Any:
        if type(event).__name__ == "Wake":
            order.append(f"{event.due - at} {state.address} {now.position & 0xFFFF}")
            return [WakeAt(event.due), Publish("seen", state.address, {"upto": now.upto})]
        return [WakeAt(at + event.amount)]

    topology = toy_topology(partitions=1)
    topology = msgspec.structs.replace(topology, stages={**topology.stages, "counter": Stage(fold, 1)})
    world = make_world(topology, Limits(wakes_max=wakes_max))
    at = world.clock.now_ms()
    world.worker()
    world.feed(*[add(f"x{number}", number, 9 - number // 2) for number in range(10)])
    world.run(ms=6_500)
    position = order[0].split()[-1]
    assert order[:10] == [
        f"{due} counter:{number} {position}"
        for due, number in sorted((9 - number // 2, number) for number in range(10))
    ], "by due, then by address, all at the position of the tick"
    assert len(order) == 10, "a wake that asks for the past comes with the next tick, not with this one"
    world.run(ms=1_100)
    assert len(order) == 20


def test_levels_follow_one_another(world: World) -> None:
    """u1 from raw tasks; u2 once every inbox task has folded up to u1; u3 after u2."""
    world.feed(add("a", 1, 1))
    world.run(ms=20_000)
    found = ticks(world)
    assert found
    assert all(tick.upto[0] >= tick.upto[1] >= tick.upto[2] for tick in found)
    last = world.workers["0"].status().upto
    assert last[0] > last[1] > last[2] > 0
    assert world.outputs("late"), "a total waits on its own level's time"
    assert world.outputs("boards")


def test_ticks_come_once_a_second_while_somebody_waits_and_once_a_minute_else(world: World) -> None:
    world.run(ms=180_000)
    quiet = len(ticks(world))
    assert quiet == 3 * 3, "three partitions, three minutes"
    world.feed(add("a", 1, 6))
    world.run(ms=10_000)
    assert 3 * 7 <= len(ticks(world)) - quiet <= 3 * 11


def test_a_tick_that_says_nothing_new_is_passed_over(world: World) -> None:
    world.feed(add("a", 1, 1))
    world.run(ms=20_000)
    before = world.outputs("seen"), world.outputs("late"), world.items("counter:1")
    old = world.topology.encode_event(1, Tick(1, (5, 5, 5)))
    world.log.append("toy.inbox", [(b"tick:", old, None, 0)] * 3, 0)
    world.run(ms=900)
    assert (world.outputs("seen"), world.outputs("late"), world.items("counter:1")) == before


def test_an_input_that_does_not_say_what_silence_means_holds_time_back_and_is_named(make_world: MakeWorld) -> None:
    world = make_world(toy_topology(silence="unknown"))
    world.worker()
    for partition in (0, 1):
        world.feed(add("a", 1, 1), topic="raw.a", partition=partition)
    world.feed(add("b", 2, 1), topic="raw.b", partition=0)
    world.run(ms=30_000)
    assert [value for _, value in world.outputs("seen") if "quiet" in value] == []
    assert world.workers["0"].status().held_by == (raw_task("raw.b", 1), 0)
    # Its first record frees the time of all: up to the oldest of the last records.
    world.feed(add("c", 3, 1), topic="raw.b", partition=1)
    world.run(ms=3_000)
    assert ticks(world)


def test_time_that_was_never_told_is_told_to_the_operator(make_world: MakeWorld) -> None:
    world = make_world(toy_topology(silence="unknown"))
    world.worker()
    world.feed(add("a", 1, 1), topic="raw.a", partition=0)
    world.run(ms=70_000)
    assert {fact.task for fact in world.told(facts.StreamTimeHeld)} == {"raw:raw.a/1"}
    assert len(world.told(facts.StreamTimeHeld)) <= 3


def test_seen_at_never_goes_back_within_a_raw_partition(world: World) -> None:
    now = world.clock.now_ms()
    for number, at in enumerate((now, now - 5_000, now - 60_000, now + 10)):
        world.log.append("raw.a", [(None, world_payload(number), None, at)], 0)
    world.run(ms=300)
    at_by_name = {key: value["at"] - now for key, value in world.outputs("seen")}
    assert at_by_name == {"x0": 0, "x1": 0, "x2": 0, "x3": 10}


def test_seen_at_is_never_below_the_progress_that_was_published(world: World) -> None:
    world.feed(add("a", 1, 1))
    world.run(ms=10_000)
    (upto,) = [value for value in [world.workers["0"].status().upto[0]] if value]
    world.log.append("raw.a", [(None, world_payload(1), None, 1_000)], 1)
    world.run(ms=300)
    assert dict(world.outputs("seen"))["x1"]["at"] >= upto


def test_a_receive_time_from_the_future_is_not_believed(make_world: MakeWorld) -> None:
    """It would end every window at once, for good."""
    topology = toy_topology()
    honest = topology.inputs[0].normalise

    def from_the_future(records: Any) -> Any:
        out = honest(records)
        out.arrivals = [msgspec.structs.replace(part, received_at=253_402_300_799_999) for part in out.arrivals]
        out.last_received_at = dict.fromkeys(out.last_received_at, 253_402_300_799_999)
        return out

    inputs = [msgspec.structs.replace(topology.inputs[0], normalise=from_the_future)]
    world = make_world(msgspec.structs.replace(topology, inputs=inputs))
    world.worker()
    now = world.clock.now_ms()
    world.feed(add("a", 1, 1))
    world.run(ms=2_000)
    assert dict(world.outputs("seen"))["a"]["at"] == now
    assert world.workers["0"].status().upto[0] <= world.clock.now_ms()
    assert world.told(facts.TimeNotBelieved)


def world_payload(number: int) -> bytes:
    return payload(add(f"x{number}", number, 1))
