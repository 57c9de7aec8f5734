"""A Redis that hangs, dies, goes back, or is not ours any more, under a worker: nothing is lost, and it is told why.

The workers are real and so is the time; the log is in memory.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from streams.core.facts import Fact
from streams.errors import Fatal, Retryable
from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.runtime.ports import StateCommit
from streams.runtime.worker import Worker
from streams.state.redis_store import RedisStore
from streams.transport.sqlite_log import SqliteLog
from tests.contracts.state import P, commit, items
from tests.support.redis_nodes import Node, nodes, wait_for
from tests.support.toy_topology import add, create_topics, payload, toy_topology
from topologies.assemble import SystemClock

LEAVE_S = 2.0
"""A second is promised; a machine that is busy gets another one. The socket alone would take ten."""


class Town:
    """A log, a Redis of its own, and a worker."""

    def __init__(self, node: Node) -> None:
        self.node, self.clock = node, SystemClock()
        self.topology = toy_topology(partitions=2)
        self.log = SqliteLog(":memory:", clock=self.clock)
        create_topics(self.log, self.topology)
        self.facts: list[Fact] = []
        self.store = self.connect()
        self._workers = 0

    def connect(self) -> RedisStore:
        return RedisStore.connect(self.node.url, app="toy", cluster_id=self.log.cluster_id)

    def worker(self, **limits: int) -> Worker:
        self._workers += 1
        return Worker(
            self.topology, self.log, self.store, self.clock, self.facts.append,
            slot=str(self._workers), limits=Limits(**limits),
        )  # fmt: skip

    def feed(self, *events: dict[str, Any]) -> None:
        self.log.append("raw.a", [(None, payload(*events), None, self.clock.now_ms())], 0)

    def counts(self) -> list[int]:
        found = []
        for partition in range(self.log.partitions("toy.seen")):
            reader = self.log.reader("toy.seen", partition)
            found += [int(text) for one in reader.poll(1_000, 0) for text in COUNT.findall(one.value() or b"")]
        return sorted(found)

    def told(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if type(fact) is kind]

    def run(self, worker: Worker, until: Callable[[], bool]) -> None:
        wait_for(lambda: until() or (worker.step() and False))

    def close(self) -> None:
        self.store.close()
        self.log.close()


COUNT = re.compile(rb'"count":\s*(\d+)')


@pytest.fixture
def town() -> Iterator[Town]:
    with nodes(1) as (node,):
        made = Town(node)
        yield made
        made.close()


def test_a_redis_that_hangs_keeps_nobody_from_leaving(town: Town) -> None:
    worker = town.worker()
    town.feed(add("a", 1, 1))
    town.run(worker, lambda: town.counts() == [1])
    asked_at = 0.0

    def should_stop() -> bool:
        nonlocal asked_at
        if time.monotonic() > frozen_at + 0.5:
            asked_at = asked_at or time.monotonic()
        return asked_at > 0

    with town.node.frozen():
        frozen_at = time.monotonic()
        town.feed(add("b", 1, 1))
        worker.run(should_stop)
        left_after_s = time.monotonic() - asked_at
    assert left_after_s < LEAVE_S
    assert [fact.reason for fact in town.told(facts.CallRetried) if "did not answer" in fact.reason]
    town.feed(add("c", 1, 1))
    other = town.worker()
    town.run(other, lambda: len(town.counts()) == 3)
    other.close()
    assert town.counts() == [1, 2, 3]


def test_a_redis_that_dies_in_the_middle_is_waited_for_and_filled_again(town: Town) -> None:
    worker = town.worker(apply_retry_ms=200)
    town.feed(add("a", 1, 1))
    town.run(worker, lambda: town.counts() == [1])
    town.node.kill()
    town.feed(add("b", 1, 1))
    town.run(worker, lambda: any("is it running" in fact.reason for fact in town.told(facts.CallRetried)))
    town.node.start()
    town.feed(add("c", 1, 1))
    town.run(worker, lambda: len(town.counts()) == 3)
    worker.close()
    assert town.counts() == [1, 2, 3]
    assert [fact for fact in town.told(facts.StateRestored) if fact.how == "rebuilt"]


def test_a_redis_that_went_back_to_an_old_dump_is_brought_up_to_date(town: Town) -> None:
    worker = town.worker()
    town.feed(add("a", 1, 1))
    town.run(worker, lambda: town.counts() == [1])
    town.node.client.save()
    town.feed(add("b", 1, 1))
    town.run(worker, lambda: town.counts() == [1, 2])
    town.node.kill()
    town.node.start()
    town.feed(add("c", 1, 1))
    town.run(worker, lambda: len(town.counts()) == 3 and bool(town.told(facts.StateFoundLost)))
    town.run(worker, lambda: [fact.how for fact in town.told(facts.StateRestored)][-1] in {"caught up", "rebuilt"})
    worker.close()
    assert town.counts() == [1, 2, 3]


def test_a_replica_that_took_over_without_the_last_writes_is_brought_up_to_date(town: Town) -> None:
    """As by an operator's REPLICAOF NO ONE: the address leads to what the replica has."""
    worker = town.worker(apply_retry_ms=200)
    town.feed(add("a", 1, 1))
    town.run(worker, lambda: town.counts() == [1])
    with nodes(1) as (replica,):
        replica.follow(town.node)
        replica.promote()
        town.feed(add("b", 1, 1))
        town.run(worker, lambda: town.counts() == [1, 2])
        town.node.follow(replica)
        town.feed(add("c", 1, 1))
        # For a while the address leads to a replica: it takes no writes, and whatever is read of it is checked.
        town.run(worker, lambda: any("is a replica" in fact.reason for fact in town.told(facts.CallRetried)))
        with pytest.raises(Fatal, match="role: want master, found slave; use the address of the master"):
            town.connect()
        town.node.promote()
    town.feed(add("d", 1, 1))
    town.run(worker, lambda: len(town.counts()) == 4 and bool(town.told(facts.StateFoundLost)))
    town.run(worker, lambda: [fact.how for fact in town.told(facts.StateRestored)][-1] in {"caught up", "rebuilt"})
    worker.close()
    assert town.counts() == [1, 2, 3, 4]


def test_who_was_told_that_it_is_a_replica_is_asked_for_anew(town: Town) -> None:
    """An address that was given to another server leads there with the next connection, and not before."""

    def connected() -> int:
        return len(town.node.client.client_list(_type="normal"))

    town.store.apply([commit(1)])
    before = connected()
    with nodes(1) as (master,):
        master.follow(town.node)
        master.promote()
        town.node.follow(master)
        with pytest.raises(Retryable, match="the address must lead to the master"):
            town.store.apply([commit(2)])
        wait_for(lambda: connected() < before)


def test_a_redis_without_memory_holds_the_work_up_and_loses_none(town: Town) -> None:
    worker = town.worker(apply_retry_ms=200)
    town.feed(add("a", 1, 1))
    town.run(worker, lambda: town.counts() == [1])
    town.node.client.config_set("maxmemory", 1)
    town.feed(add("b", 1, 1))
    town.run(worker, lambda: any("maxmemory" in fact.reason for fact in town.told(facts.CallRetried)))
    # A rebuild needs room as well.
    town.node.client.flushall()
    town.run(worker, lambda: any("maxmemory" in f.reason for f in town.told(facts.CallRetried) if f.what == "restore"))
    town.node.client.config_set("maxmemory", 0)
    town.feed(add("c", 1, 1))
    town.run(worker, lambda: len(town.counts()) == 3)
    worker.close()
    assert town.counts() == [1, 2, 3]


def test_a_redis_that_is_filled_by_another_log_is_told_and_taken_over(town: Town) -> None:
    """The names of the keys are the same: two clusters with one application id share a Redis by mistake."""
    worker = town.worker()
    town.feed(*[add(f"x{number}", number, 1) for number in range(9)])
    town.run(worker, lambda: len(town.counts()) == 9)
    theirs = RedisStore.connect(town.node.url, app="toy", cluster_id="another log")
    for partition in range(2):
        rebuild = theirs.rebuild(partition)
        rebuild.finish(7, 0)
        rebuild.close()
    theirs.close()
    town.feed(*[add(f"y{number}", number, 1) for number in range(9)])
    town.run(worker, lambda: len(town.counts()) == 18)
    town.run(worker, lambda: len(town.told(facts.StateOfAnotherLog)) == 2)
    worker.close()
    assert town.counts() == [1] * 9 + [2] * 9
    assert {fact.found for fact in town.told(facts.StateOfAnotherLog)} == {"another log"}
    assert town.told(facts.StateOfAnotherLog)[0].level == "error"


def test_state_of_a_newer_release_stops_the_worker_and_names_the_way_out(town: Town) -> None:
    worker = town.worker()
    town.feed(add("a", 1, 1))
    town.run(worker, lambda: town.counts() == [1])
    worker.close()
    for key in town.node.client.scan_iter(match="*:a:counter:1"):
        town.node.client.hset(key, "head", b"\x92\xcc\xc8\x01")
    town.feed(add("b", 1, 1))
    newer = town.worker()
    with pytest.raises(Fatal, match="newer"):
        town.run(newer, lambda: len(town.counts()) == 2)


def test_a_store_that_is_full_is_read_all_the_same(town: Town) -> None:
    town.store.apply([StateCommit(P, 1, {"a:1": {"x": b"1"}}, [], 0)])
    town.node.client.config_set("maxmemory", 1)
    with pytest.raises(Retryable, match="maxmemory"):
        town.store.apply([commit(2)])
    assert items(town.store, 1, "a:1") == {"a:1": {"x": b"1"}}
