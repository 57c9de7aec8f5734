"""A worker as a whole: raw records in, outputs and state out, and how it comes and goes."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from streams.errors import Fatal, Retryable
from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.runtime.ports import Record, StateStore, TopicPartition
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import Count, add, toy_topology


def test_raw_records_become_outputs_state_and_messages(world: World) -> None:
    world.feed(add("a", 1, 2), add("b", 2, 3))
    world.feed(add("c", 1, 5), topic="raw.b", partition=1)
    world.run(ms=500)
    assert {key: value["count"] for key, value in world.outputs("seen")} == {"a": 2, "b": 3, "c": 7}
    assert dict(world.outputs("totals"))["total:1"] == {"sum": 10}
    assert world.items("counter:1")["head"].count == 7
    assert world.items("total:1")["sum"].count == 10
    assert world.letters() == []


def test_three_hops_take_three_commits_and_no_more(world: World) -> None:
    """Raw → counter → total → written: what a commit sends is folded right after it."""
    world.run(ms=200)
    world.feed(add("a"))
    began_at = world.clock.now_ms()
    world.run(ms=1_000, until=lambda: bool(world.outputs("totals")))
    assert world.clock.now_ms() - began_at < 3 * (world.limits.commit_ms_min + world.limits.idle_wait_ms + 5)


def test_two_workers_share_and_one_takes_over_when_the_other_leaves(make_world: MakeWorld) -> None:
    world = make_world()
    world.worker("0")
    world.worker("1")
    for number in range(20):
        world.feed(add(f"x{number}", number), partition=number % 2)
        world.run(ms=30)
    mine, yours = (world.workers[slot].status() for slot in ("0", "1"))
    assert sorted(mine.tasks + yours.tasks) == [0, 1, 2]
    assert mine.tasks
    assert yours.tasks
    world.workers.pop("0").close()
    for number in range(20, 30):
        world.feed(add(f"x{number}", number), partition=number % 2)
    world.run(ms=1_000)
    assert world.workers["1"].status().tasks == (0, 1, 2)
    assert sorted(key for key, value in world.outputs("seen")) == sorted(f"x{number}" for number in range(30))


def test_a_worker_that_falls_silent_is_replaced_and_harms_nobody_when_it_comes_back(make_world: MakeWorld) -> None:
    world = make_world()
    world.worker("0")
    world.run(ms=100)
    world.feed(add("a", 1, 1))
    # It reads and folds, but dies in our eyes before it commits.
    world.workers["0"].step()
    world.clock.sleep_ms(11_000)
    world.worker("1")
    world.run("1", ms=500)
    assert [key for key, _ in world.outputs("seen")] == ["a"]
    world.run("0", "1", ms=500)
    assert [key for key, _ in world.outputs("seen")] == ["a"]
    assert dict(world.outputs("totals"))["total:1"] == {"sum": 1}


class Stutter:
    """A consumer or a log that gives every record twice, as a client does that was paused while it gave it."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._again = inner, list[Record]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def consumer(self, group: str) -> Any:
        return Stutter(self._inner.consumer(group))

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        again, self._again = self._again, self._inner.poll(records_max, wait_ms)
        return again + self._again


def test_what_a_log_gives_twice_is_taken_once(world: World) -> None:
    world.log = Stutter(world.log)  # type: ignore[assignment]  # by __getattr__
    world.worker("1")
    for number in range(30):
        world.feed(add(f"e{number}"), topic="raw.a", partition=number % 2)
        world.run("1", ms=7)
    world.run("1")
    assert sorted(key for key, _ in world.outputs("seen")) == sorted(f"e{number}" for number in range(30))


def test_closing_commits_what_is_in_hand(world: World) -> None:
    world.run(ms=100)
    world.feed(add("a", 1, 4))
    while not world.records("toy.seen"):
        world.workers["0"].step()
    world.feed(add("b", 1, 5))
    world.workers["0"].step()
    world.workers.pop("0").close()
    next_one = world.worker("1")
    world.run("1", ms=300)
    assert sorted(key for key, _ in world.outputs("seen")) == ["a", "b"]
    restored = [fact for fact in world.told(facts.StateRestored) if fact.seq]
    assert {fact.how for fact in restored} == {"intact"}
    assert next_one.status().tasks == (0, 1, 2)


def test_roles_split_the_work(make_world: MakeWorld) -> None:
    world = make_world()
    world.worker("in", role="ingest")
    world.feed(add("a", 1, 1))
    world.run("in", ms=300)
    assert world.outputs("seen") == []
    assert len([record for record in world.records("toy.inbox") if record.key() == b"counter:1"]) == 1
    world.worker("fold", role="fold")
    world.run("fold", ms=500)
    assert [key for key, _ in world.outputs("seen")] == ["a"]


def test_facts_of_work_that_was_not_committed_are_never_told(world: World) -> None:
    """A fold's note of an aborted transaction would be counted twice."""
    for number in range(12):
        world.feed({"id": f"x{number}", "to": "counter:2", "bad": "reject"})
        for _ in range(3):
            world.workers["0"].step()
            world.clock.sleep_ms(1)
        # Somebody takes its transactional id: what is in hand is lost, and done again.
        world.log.producer("toy-0").close()
    world.run(ms=1_000)
    assert len(world.told(facts.TransactionAborted)) >= 2
    assert len(world.told(facts.WorkerFenced)) >= 2
    assert len(world.letters()) == 12
    assert len(world.told(facts.RecordRejected)) == 12


def test_raw_records_wait_while_the_inbox_is_full(make_world: MakeWorld) -> None:
    """A firehose backlog never delays what is in the inbox already."""
    limits = Limits(inbox_lag_max=5, inbox_records_max=2, raw_records_max=10, commit_ms_min=1, commit_ms_max=1)
    world = make_world(limits=limits)
    world.worker()
    for number in range(300):
        world.feed(add(f"x{number}", number % 7))
    longest = 0
    for _ in range(3_000):
        world.workers["0"].step()
        world.clock.sleep_ms(1)
        longest = max(longest, world.workers["0"].status().inbox_lag)
    assert longest < 60, "one batch of raw records and its echoes, not the backlog"
    assert len(world.outputs("seen")) >= 300


def test_a_wrong_number_of_partitions_stops_the_start(make_world: MakeWorld) -> None:
    world = make_world()
    world.log.create_topic("other.inbox", 5, compact=False, retention_ms=None)
    world.topology = msgspec.structs.replace(world.topology, inbox="other.inbox")
    with pytest.raises(Fatal, match=r"other\.inbox: want 3 partitions as configured, found 5"):
        world.worker()


def test_positions_carry_the_number_of_the_commit_and_stream_time(world: World) -> None:
    world.feed(add("a", 1, 1))
    world.run(ms=3_000)
    consumer = world.log.consumer("toy.fold")
    wheres = [TopicPartition("toy.inbox", partition) for partition in range(3)]
    found = consumer.committed(wheres)
    consumer.close()
    metadata = [position.metadata for position in found.values() if position is not None]
    assert len(metadata) == 3
    assert all(text.startswith("v1;") for text in metadata)
    seqs = {int(text.split(";")[1]) for text in metadata}
    assert 0 in seqs, "a partition without state has no commits of its own"
    assert max(seqs) >= 1
    raw = world.log.consumer("toy.ingest")
    where = TopicPartition("raw.a", 0)
    position = raw.committed([where])[where]
    raw.close()
    assert position is not None
    assert position.metadata.startswith("v1;0;17")


def test_a_stream_of_rejects_stops_the_worker_loudly(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(reject_window=20, reject_share_max=0.5))
    world.worker()
    for _ in range(40):
        world.feed_bytes(b"{broken")
    with pytest.raises(Fatal, match=r"of the last \d+ records went to toy\.dlq, want at most 50%"):
        world.run(ms=1_000)
    assert len(world.letters()) >= 20, "what stopped it can be looked at"


def test_status_names_what_stream_time_waits_for(make_world: MakeWorld) -> None:
    world = make_world(toy_topology(silence="unknown"))
    world.worker()
    world.feed(add("a", 1, 1), topic="raw.a", partition=0)
    world.run(ms=3_000)
    status = world.workers["0"].status()
    assert status.held_by == ("raw:raw.a/1", 0)
    assert status.upto == (0, 0, 0)
    assert isinstance(world.items("counter:1")["head"], Count)


class DownStore:
    """Refuses every write from some time on, at once: nobody listens there."""

    def __init__(self, store: StateStore, is_down: Callable[[], bool]) -> None:
        self._store, self._is_down = store, is_down

    def __getattr__(self, name: str) -> Any:
        if name == "apply" and self._is_down():
            raise Retryable("connection refused")
        return getattr(self._store, name)


@pytest.mark.parametrize("asked_after_ms", [0, 700, 2_900])
def test_who_is_told_to_stop_does_not_wait_for_a_store_that_is_down(make_world: MakeWorld, asked_after_ms: int) -> None:
    world = make_world()
    fed_at = 0
    worker = world.worker("0", store=DownStore(world.store, lambda: fed_at > 0))
    world.run(ms=100)
    world.feed(add("a", 1, 1))
    fed_at = world.clock.now_ms()
    del world.workers["0"]

    def should_stop() -> bool:
        world.clock.sleep_ms(1)
        return world.clock.now_ms() >= fed_at + asked_after_ms

    worker.run(should_stop)
    assert world.clock.now_ms() <= fed_at + asked_after_ms + 1_000
    world.worker("1")
    world.run("1", ms=500)
    assert [value["count"] for _, value in world.outputs("seen")] == [1]
