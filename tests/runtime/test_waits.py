"""A worker that gets nowhere says what it waits for: soon, in words, and less and less often."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from streams.errors import Retryable
from streams.runtime import facts
from streams.runtime.limits import Limits
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import add, toy_topology


class Away:
    """Somebody (a store, a log, a consumer) who does not answer these calls while `is_away`."""

    def __init__(self, whom: Any, calls: set[str], is_away: Callable[[], bool]) -> None:
        self._whom, self._calls, self._is_away = whom, calls, is_away

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whom, name)
        if name not in self._calls:
            return found

        def call(*given: Any, **more: Any) -> Any:
            if self._is_away():
                raise Retryable(f"{name}: nobody there")
            return found(*given, **more)

        return call


class Switch:
    def __init__(self) -> None:
        self.off = False

    def __call__(self) -> bool:
        return self.off


def said(world: World) -> list[facts.WorkerWaits]:
    return world.told(facts.WorkerWaits)


def test_a_store_that_is_away(make_world: MakeWorld) -> None:
    world, away = make_world(), Switch()
    worker = world.worker(store=Away(world.store, {"apply", "load", "position"}, away))
    world.feed(add("a"))
    world.run(ms=300)
    assert worker.status().waits_for == ""
    away.off = True
    world.feed(add("b"))
    world.run(ms=2_000)
    assert worker.status().waits_for.endswith("nobody there")
    assert said(world) == [], "not at once: a moment is nobody's business"
    world.run(ms=4_000)
    first = said(world)[0]
    assert 5_000 <= first.since_ms < 6_500
    assert "nobody there" in first.reason
    for _ in range(700):
        worker.step()
        world.clock.sleep_ms(200)
    times = [fact.since_ms for fact in said(world)]
    gaps = [after - before for before, after in pairwise(times)]
    assert [round(gap / 1_000) for gap in gaps[:3]] == [10, 20, 40]
    assert all(58_000 < gap < 63_000 for gap in gaps[3:]), "then once a minute"
    assert len(gaps) >= 4
    away.off = False
    world.run(ms=1_000)
    over, *_ = world.told(facts.WorkerWentOn)
    assert over.after_ms >= 140_000
    assert worker.status().waits_for == ""
    assert [key for key, value in world.outputs("seen") if "count" in value] == ["a", "b"]


def test_a_log_that_takes_no_commit(make_world: MakeWorld) -> None:
    world, away = make_world(), Switch()
    worker = world.worker()
    world.run(ms=300)
    worker._batch.producer = Away(worker._batch.producer, {"commit"}, away)
    away.off = True
    world.feed(add("a"))
    world.run(ms=8_000)
    assert said(world)
    assert (said(world)[0].what, said(world)[0].reason) == ("the log to take a commit", "commit: nobody there")
    assert worker.status().waits_for.startswith("the log to take a commit") or world.outputs("seen")


def test_a_log_that_does_not_answer_an_idle_worker(make_world: MakeWorld) -> None:
    """Nothing is to be done as far as it knows: but it could not know."""
    for role in ("both", "ingest", "fold"):
        world, away = make_world(toy_topology(silence="unknown")), Switch()
        worker = world.worker(role=role)
        world.run(ms=300)
        worker._board._reader = Away(worker._board._reader, {"poll"}, away)
        away.off = True
        world.run(ms=12_000)
        assert said(world), role
        assert worker.status().waits_for == "an answer: poll: nobody there"
        away.off = False
        world.run(ms=7_000)
        assert worker.status().waits_for == ""
        assert len(world.told(facts.WorkerWentOn)) == 1


def test_a_group_that_does_not_let_it_in(make_world: MakeWorld) -> None:
    world = make_world()
    worker = world.worker()
    assert worker._inbox is not None
    worker._inbox.consumer.poll = lambda *_: []  # type: ignore[method-assign]
    world.run(ms=8_000)
    assert worker.status().waits_for == "its partitions: group toy.fold: not joined yet"
    (first,) = said(world)
    assert (first.what, first.reason) == ("its partitions", "group toy.fold: not joined yet")


def test_a_restore_that_takes_long(make_world: MakeWorld) -> None:
    world = make_world()
    world.worker()
    for number in range(12):
        world.feed(add(f"x{number}", number))
    world.run(ms=400)
    world.workers.pop("0").close()
    world.store.lose()
    worker = world.worker("1", limits=Limits(restore_records_max=1))
    for _ in range(200):
        worker.step()
        world.clock.sleep_ms(400)
        if said(world):
            break
    assert said(world)[0].what == "its partitions"
    assert "its state is being restored" in said(world)[0].reason
    world.run("1", ms=3_000)
    assert worker.status().waits_for == ""
    assert world.told(facts.WorkerWentOn)


def test_time_that_is_held(make_world: MakeWorld) -> None:
    world = make_world(toy_topology(silence="unknown"))
    worker = world.worker()
    world.feed(add("a"))
    world.run(ms=62_000)
    assert worker.status().waits_for == "stream time: raw:raw.a/1 has not said how far it is"
    assert said(world) == [], "it has its own fact"


def test_who_works_says_nothing(world: World) -> None:
    for number in range(100):
        world.feed(add(f"x{number}", number))
        world.run(ms=200)
    assert said(world) == []
    assert world.workers["0"].status().waits_for == ""
