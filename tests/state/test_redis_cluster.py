"""A Redis Cluster keeps the promises of a store: at rest, through fail-overs, and when a fail-over forgot something."""

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis.crc import key_slot

from streams.errors import Fatal, Fenced, Retryable, StateLost
from streams.runtime import facts
from streams.runtime.ports import StateCommit
from streams.state.redis_store import RedisStore
from tests.contracts.state import (
    ItemPromises,
    P,
    RebuildPromises,
    StandingPromises,
    StateEdge,
    WakePromises,
    commit,
    items,
    rows,
)
from tests.runtime.world import World
from tests.support.redis_nodes import Cluster, nodes, wait_for
from tests.support.toy_topology import add, toy_topology

_numbers = itertools.count()


class ClusterEdge:
    """Every test is an application of its own on the one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.app = cluster, f"test-{uuid.uuid4().hex[:8]}-{next(_numbers)}"
        self._stores: list[RedisStore] = []

    def slot(self, partition: int = P) -> int:
        return key_slot(f"{{{self.app}:{partition}}}:meta".encode())

    def open(self, cluster_id: str = "cluster-1") -> RedisStore:
        store = RedisStore.connect(self.cluster.url, app=self.app, cluster_id=cluster_id)
        self._stores.append(store)
        return store

    def lose(self) -> None:
        self.cluster.flush()

    def close(self) -> None:
        for store in self._stores:
            store.close()


class Restless:
    """A store, or a rebuild, whose master is replaced by its replica in the middle of each test; it is tried again."""

    def __init__(self, inner: Any, edge: "FailOverEdge") -> None:
        self._inner, self._edge = inner, edge

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self._edge.count(name)
            found = retried(lambda: getattr(self._inner, name)(*arguments))
            return Restless(found, self._edge) if name == "rebuild" else found

        return call


class FailOverEdge(ClusterEdge):
    """One fail-over a test: before the second call that follows a write."""

    _calls_left = -1

    def open(self, cluster_id: str = "cluster-1") -> Any:
        return Restless(super().open(cluster_id), self)

    def count(self, name: str) -> None:
        if self._calls_left > 0:
            self._calls_left -= 1
            if self._calls_left == 0:
                self.cluster.fail_over(self.slot())
        elif self._calls_left < 0 and name in {"apply", "rebuild"}:
            self._calls_left = 2


def retried(call: Callable[[], Any]) -> Any:
    """The same call again until it is not `Retryable`, as the worker does."""
    answers: list[Any] = []

    def is_answered() -> bool:
        with contextlib.suppress(Retryable):
            answers.append(call())
        return bool(answers)

    wait_for(is_answered)
    return answers[0]


@pytest.fixture
def at_rest(three: Cluster) -> Iterator[ClusterEdge]:
    made = ClusterEdge(three)
    yield made
    made.close()


@pytest.fixture(params=["at rest", "through a fail-over"])
def edge(request: pytest.FixtureRequest, three: Cluster) -> Iterator[StateEdge]:
    made = ClusterEdge(three) if request.param == "at rest" else FailOverEdge(three)
    yield made
    made.close()


class TestItems(ItemPromises):
    pass


class TestStanding(StandingPromises):
    pass


class TestWakes(WakePromises):
    pass


class TestRebuild(RebuildPromises):
    pass


def test_partitions_on_all_masters_are_reached_in_one_call(at_rest: ClusterEdge) -> None:
    store = at_rest.open()
    count = 24
    masters = {at_rest.cluster.master_of(at_rest.slot(partition)).port for partition in range(count)}
    assert len(masters) == 3
    store.apply([commit(1, {f"a:{p}": {"x": b"%d" % p}}, [(1, f"a:{p}", p)], partition=p) for p in range(count)])
    found = store.load({p: [f"a:{p}"] for p in range(count)}, dict.fromkeys(range(count), 1))
    assert found == {f"a:{p}": {"x": b"%d" % p} for p in range(count)}
    assert [store.next_due(p, 1, 1) for p in range(count)] == list(range(count))
    assert list(store.scan_addresses(7)) == ["a:7"]


def forget_writes(cluster: Cluster, slot: int) -> Callable[[], None]:
    """From here on the replica of a slot's master hears nothing; the answer makes it the master, with what it has."""
    master = cluster.master_of(slot)
    replica = cluster.replica_of(master)
    wait_for(lambda: master.client.wait(1, 100))
    replica.client.config_set("masterauth", "nobody")
    master.client.client_kill_filter(_type="replica")
    wait_for(lambda: replica.client.info("replication")["master_link_status"] == "down")

    def take_over() -> None:
        cluster.take_over(replica, slot)
        replica.client.config_set("masterauth", "")
        wait_for(lambda: master.client.info("replication")["role"] == "slave")

    return take_over


def test_a_fail_over_that_lost_acknowledged_writes_is_noticed(at_rest: ClusterEdge) -> None:
    store = at_rest.open()
    store.apply([commit(1, {"a:1": {"x": b"1"}})])
    take_over = forget_writes(at_rest.cluster, at_rest.slot())
    store.apply([commit(2, {"a:1": {"x": b"2"}})])
    store.apply([commit(3, {"a:1": {"x": b"3"}})])
    take_over()
    for call in (lambda: items(store, 3, "a:1"), lambda: store.apply([commit(4)])):
        with pytest.raises(StateLost) as lost:
            retried(call)
        assert (lost.value.want, lost.value.found) == (3, 1)
    store.catch_up(P, 1, commit(3, {"a:1": {"x": b"3"}}))
    assert items(store, 3, "a:1") == {"a:1": {"x": b"3"}}


def test_a_rebuild_that_lost_a_part_by_a_fail_over_is_begun_again(at_rest: ClusterEdge) -> None:
    """The new master knows of the rebuild, but not of all of it: what is written on top would hide the hole."""
    store = at_rest.open()
    rebuild = store.rebuild(P)
    rebuild.write(rows({"a:1": {"x": b"1"}}), [])
    rebuild._settle()
    take_over = forget_writes(at_rest.cluster, at_rest.slot())
    rebuild.write(rows({"a:2": {"x": b"2"}}), [])
    rebuild._settle()
    take_over()

    def write_and_finish() -> None:
        rebuild.write(rows({"a:3": {"x": b"3"}}), [])
        rebuild.finish(1, 0)

    with pytest.raises(Fenced, match="has lost what was written"):
        retried(write_and_finish)
    assert store.position(P).seq is None


def test_a_worker_goes_on_right_after_a_fail_over_that_forgot(at_rest: ClusterEdge) -> None:
    world = World(toy_topology(partitions=1))
    try:
        world.worker(store=at_rest.open(world.log.cluster_id))
        for number in range(5):
            world.feed(add(f"x{number}", 1, 1))
            world.run(ms=200)
        take_over = forget_writes(at_rest.cluster, at_rest.slot(0))
        for number in range(5, 10):
            world.feed(add(f"x{number}", 1, 1))
            world.run(ms=200)
        take_over()
        world.feed(add("last", 1, 1))
        repaired = {"caught up", "rebuilt"}
        world.run(ms=30_000, until=lambda: any(fact.how in repaired for fact in world.told(facts.StateRestored)))
        world.run(ms=2_000)
        assert world.told(facts.StateFoundLost)
        counts = sorted(value["count"] for _, value in world.outputs("seen") if "count" in value)
        assert counts == list(range(1, 12))
    finally:
        world.close()


def test_a_master_that_dies_is_waited_for_until_its_replica_takes_over(at_rest: ClusterEdge) -> None:
    store, slot = at_rest.open(), at_rest.slot()
    others = next(p for p in range(50) if at_rest.cluster.master_of(at_rest.slot(p)) != at_rest.cluster.master_of(slot))
    store.apply([commit(1, {"a:1": {"x": b"1"}}), commit(1, {"a:2": {"x": b"2"}}, partition=others)])
    master = at_rest.cluster.master_of(slot)
    replica = at_rest.cluster.replica_of(master)
    wait_for(lambda: master.client.wait(1, 100))
    master.kill()
    try:
        with pytest.raises(Retryable, match="is it running"):
            items(store, 1, "a:1")
        assert items(store, 1, "a:2", partition=others) == {"a:2": {"x": b"2"}}
        at_rest.cluster.take_over(replica, slot)
        assert retried(lambda: items(store, 1, "a:1")) == {"a:1": {"x": b"1"}}
        retried(lambda: store.apply([commit(2)]))
    finally:
        master.start()
    assert at_rest.cluster.replica_of(replica) is master


def test_a_slot_on_its_way_to_another_master_is_waited_for(at_rest: ClusterEdge) -> None:
    """Half of its keys are elsewhere: nobody could say that a partition is empty."""
    store, slot = at_rest.open(), at_rest.slot()
    store.apply([commit(1, {"a:1": {"x": b"1"}})])
    master = at_rest.cluster.master_of(slot)
    target = next(node for node in at_rest.cluster.nodes if node is not master and at_rest.cluster.is_master(node))
    names = [node.client.execute_command("CLUSTER", "MYID").decode() for node in (master, target)]
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
    master.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])
    try:
        with pytest.raises(Retryable, match="moving the slot of partition 3"):
            store.rebuild(P).empty()
        with pytest.raises(Retryable, match="moving the keys"):
            store.load({P: ["a:1", "a:unknown"]}, {P: 1})
    finally:
        for node in (master, target):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "STABLE")
    rebuild = store.rebuild(P)
    rebuild.write(rows({"a:1": {"x": b"2"}}), [])
    rebuild.finish(2, 20)
    assert items(store, 2, "a:1") == {"a:1": {"x": b"2"}}


def test_every_master_is_checked(at_rest: ClusterEdge) -> None:
    master = at_rest.cluster.master_of(at_rest.slot())
    master.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(Fatal, match=rf"127.0.0.1:{master.port}: maxmemory-policy: want noeviction"):
            at_rest.open()
    finally:
        master.client.config_set("maxmemory-policy", "noeviction")
    at_rest.open().check_server()


def test_a_cluster_at_the_address_of_a_server_is_told_and_the_other_way_round(three: Cluster) -> None:
    with pytest.raises(Fatal, match=r"write redis_url as redis\+cluster://"):
        RedisStore.connect(three.nodes[0].url, app="test", cluster_id="c")
    with nodes(1) as (alone,), pytest.raises(Fatal, match="found a server of its own; write redis://"):
        RedisStore.connect(f"redis+cluster://127.0.0.1:{alone.port}", app="test", cluster_id="c")


def test_a_cluster_that_is_not_there_is_retried_and_one_node_of_the_list_is_enough(three: Cluster) -> None:
    with pytest.raises(Retryable, match="is it running"):
        RedisStore.connect("redis+cluster://127.0.0.1:1,127.0.0.1:2", app="test", cluster_id="c")
    url = f"redis+cluster://127.0.0.1:1,127.0.0.1:{three.nodes[0].port}"
    RedisStore.connect(url, app="test", cluster_id="c").close()


def test_a_password_is_used_with_every_node(three: Cluster) -> None:
    for node in three.nodes:
        node.client.config_set("masterauth", "secret")
        node.client.config_set("requirepass", "secret")
    try:
        with pytest.raises(Fatal, match="password_file") as refused:
            RedisStore.connect(three.url, app="test", cluster_id="c", password="wrong")
        assert "wrong" not in str(refused.value)
        store = RedisStore.connect(three.url, app="password", cluster_id="c", password="secret")
        store.apply([StateCommit(partition, 1, {"a:1": {"x": b"1"}}, [], 0) for partition in range(6)])
        store.close()
    finally:
        for node in three.nodes:
            node.client.config_set("requirepass", "")
            node.client.config_set("masterauth", "")


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://",
        "redis+cluster://h:1,",
        "redis+cluster://h:port",
        "redis+cluster://h:1/3",
        "redis+cluster:///s",
    ],
)
def test_a_cluster_address_of_another_shape_is_refused(url: str) -> None:
    with pytest.raises(Fatal, match=r"want redis\+cluster://host:port,host:port"):
        RedisStore.connect(url, app="test", cluster_id="c")


@pytest.mark.parametrize(
    "url", ["redis+cluster://:secret@h:1,h:2", "redis+cluster://user:secret@h:1", "redis+cluster://h:1?password=secret"]
)
def test_a_password_in_the_address_of_a_cluster_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(Fatal, match="redis_password_file") as refused:
        RedisStore.connect(url, app="test", cluster_id="c")
    assert "secret" not in str(refused.value)
