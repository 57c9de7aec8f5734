"""A real Redis keeps the promises of a store, and what goes wrong with it is told in words that help."""

import itertools
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from redis.crc import key_slot

from streams.errors import Fatal, Fenced, Retryable, StateLost
from streams.runtime import facts
from streams.runtime.ports import StateCommit, WakeChange
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_client import connect
from streams.state.redis_errors import in_our_words
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
from tests.support.redis_server import redis_server
from tests.support.toy_topology import add, toy_topology

_numbers = itertools.count()


class RedisEdge:
    """Every test is an application of its own on the one server."""

    def __init__(self, url: str) -> None:
        self.url, self.app = url, f"test-{uuid.uuid4().hex[:8]}-{next(_numbers)}"
        self.client = connect(url)
        self._stores: list[RedisStore] = []

    def open(self, cluster_id: str = "cluster-1") -> RedisStore:
        store = RedisStore.connect(self.url, app=self.app, cluster_id=cluster_id)
        self._stores.append(store)
        return store

    def lose(self) -> None:
        self.client.flushall()

    def close(self) -> None:
        for store in self._stores:
            store.close()
        self.client.close()


@pytest.fixture
def redis_edge(server: EmbeddedRedis) -> Iterator[RedisEdge]:
    made = RedisEdge(server.url)
    yield made
    made.close()


@pytest.fixture
def edge(redis_edge: RedisEdge) -> StateEdge:
    return redis_edge


class TestItems(ItemPromises):
    pass


class TestStanding(StandingPromises):
    pass


class TestWakes(WakePromises):
    pass


class TestRebuild(RebuildPromises):
    pass


def test_all_keys_of_a_partition_are_in_one_slot_and_partitions_are_not(redis_edge: RedisEdge) -> None:
    store = redis_edge.open()
    changes = {"customer:{x}": {"a": b"1"}, "account:y": {"a": b"1"}}
    for partition in range(4):
        store.apply([StateCommit(partition, 1, changes, [], 0)])
        store.apply([commit(2, wakes=[(1, "account:y", 5), (2, "customer:{x}", 6)], partition=partition)])
    slots: dict[bytes, set[int]] = {}
    for key in redis_edge.client.scan_iter(match=f"{{{redis_edge.app}:*"):
        tag = key[1 : key.index(b"}")]
        slots.setdefault(tag, set()).add(key_slot(key))
    assert sorted(slots) == [f"{redis_edge.app}:{partition}".encode() for partition in range(4)]
    assert all(len(found) == 1 for found in slots.values())
    assert len(set.union(*slots.values())) > 1


def test_two_applications_do_not_mix(server: EmbeddedRedis) -> None:
    one, two = RedisEdge(server.url), RedisEdge(server.url)
    one.open().apply([commit(1, {"a:1": {"x": b"one"}})])
    store = two.open()
    assert store.position(P).seq is None
    store.rebuild(P).finish(1, 0)
    assert items(one.open(), 1, "a:1") == {"a:1": {"x": b"one"}}
    one.close()
    two.close()


def test_a_new_log_begins_over_the_state_of_an_old_one(redis_edge: RedisEdge) -> None:
    """Somebody removed the log, and kept the server."""
    redis_edge.open("the old log").apply(
        [commit(1, {"counter:1": {"head": b"old"}}, [(1, "counter:1", 1)], partition=0)]
    )
    world = World(toy_topology(partitions=1))
    try:
        world.worker(store=redis_edge.open(world.log.cluster_id))
        world.feed(add("a", 1, 1))
        world.run(ms=300)
        assert [(key, value["count"]) for key, value in world.outputs("seen")] == [("a", 1)]
        assert world.told(facts.StateFoundLost) == []
    finally:
        world.close()


def test_a_rebuild_that_was_overtaken_removes_nothing(redis_edge: RedisEdge) -> None:
    """Its clean-up may come late: after the newer rebuild has written."""
    store = redis_edge.open()
    old = store.rebuild(P)
    new = store.rebuild(P)
    new.write(rows({f"a:{number}": {"x": b"new"} for number in range(50)}), [])
    with pytest.raises(Fenced, match="newer one"):
        old.empty()
    new.finish(4, 40)
    assert items(store, 4, "a:0", "a:49") == {"a:0": {"x": b"new"}, "a:49": {"x": b"new"}}


def test_a_rebuild_removes_thousands_of_keys(redis_edge: RedisEdge) -> None:
    store = redis_edge.open()
    store.apply([commit(1, {f"a:{number}": {"x": b"1"} for number in range(5_000)})])
    store.rebuild(P).finish(2, 20)
    assert list(store.scan_addresses(P)) == []
    keys = list(redis_edge.client.scan_iter(match=f"{{{redis_edge.app}:{P}}}:*"))
    assert len(keys) == 1, "only the meta key is left"


def test_a_rebuild_removes_what_was_there_piece_by_piece(redis_edge: RedisEdge) -> None:
    """Polling goes on in between."""
    store = redis_edge.open()
    store.apply([commit(1, {f"a:{number}": {"x": b"1"} for number in range(9_000)})])
    rebuild = store.rebuild(P)
    pieces = 1
    while not rebuild.empty():
        pieces += 1
    assert pieces > 2
    rebuild.write(rows({"a:1": {"x": b"2"}}), [])
    rebuild.finish(2, 20)
    assert items(store, 2, "a:1", "a:2") == {"a:1": {"x": b"2"}, "a:2": {}}


@pytest.mark.parametrize("when", ["between parts", "after the last part"])
def test_a_rebuild_whose_connection_breaks_goes_on(redis_edge: RedisEdge, when: str) -> None:
    """What was under way is looked for, and sent again if it is not there."""
    store = redis_edge.open()
    rebuild = store.rebuild(P)
    for number in range(4):
        part = rows({f"a:{number}": {"x": b"%d" % number}})
        retried(lambda: rebuild.write(part, [WakeChange(1, f"a:{number}", number)]))  # noqa: B023
        if when == "between parts":
            redis_edge.client.client_kill_filter(_type="normal", skipme=True)
    if when == "after the last part":
        redis_edge.client.client_kill_filter(_type="normal", skipme=True)
    retried(lambda: rebuild.finish(5, 50))
    assert items(store, 5, *[f"a:{number}" for number in range(4)]) == {f"a:{n}": {"x": b"%d" % n} for n in range(4)}
    assert [due for due, _ in store.due(P, 1, 10, 10, 5)] == [0, 1, 2, 3]


def test_addresses_can_be_looked_at_without_a_seq(redis_edge: RedisEdge) -> None:
    store = redis_edge.open()
    store.apply([commit(1, {"customer:[1]": {"x": b"1"}, "customer:2": {"x": b"2"}, "account:1": {"x": b"3"}})])
    assert sorted(store.scan_addresses(P, "customer:")) == ["customer:2", "customer:[1]"]
    assert list(store.scan_addresses(P, "customer:[")) == ["customer:[1]"]
    assert store.read_address(P, "customer:[1]") == {"x": b"1"}
    assert store.read_address(P, "customer:none") == {}


def test_scripts_that_the_server_forgot_are_sent_again(redis_edge: RedisEdge) -> None:
    store = redis_edge.open()
    store.apply([commit(1, {"a:1": {"x": b"1"}})])
    redis_edge.client.script_flush()
    store.apply([commit(2, {"a:1": {"x": b"2"}})])
    redis_edge.client.script_flush()
    assert items(store, 2, "a:1") == {"a:1": {"x": b"2"}}
    rebuild = store.rebuild(P)
    redis_edge.client.script_flush()
    rebuild.write(rows({"a:1": {"x": b"3"}}), [])
    rebuild.finish(3, 30)
    assert items(store, 3, "a:1") == {"a:1": {"x": b"3"}}


def test_a_full_server_is_retried_and_nothing_was_half_written(redis_edge: RedisEdge) -> None:
    store = redis_edge.open()
    store.apply([commit(1, {"a:1": {"x": b"1"}})])
    second = commit(2, {"a:1": {"x": b"2"}, "a:2": {"y": b"2" * 1000}})
    redis_edge.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(Retryable, match="maxmemory"):
            store.apply([second])
        assert items(store, 1, "a:1", "a:2") == {"a:1": {"x": b"1"}, "a:2": {}}
    finally:
        redis_edge.client.config_set("maxmemory", 0)
    store.apply([second])
    assert items(store, 2, "a:1") == {"a:1": {"x": b"2"}}


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (redis.exceptions.ConnectionError("Error 111 connecting"), Retryable, "is it running"),
        (redis.exceptions.TimeoutError("Timeout reading"), Retryable, "did not answer"),
        (redis.exceptions.ReadOnlyError("READONLY You can't write"), Retryable, "the master"),
        (redis.exceptions.ResponseError("MISCONF Redis is configured to save"), Retryable, "disk"),
        (redis.exceptions.ResponseError("ERR Error running script: -OOM command not allowed"), Retryable, "maxmemory"),
        (redis.exceptions.BusyLoadingError("LOADING Redis is loading"), Retryable, "loading"),
        (redis.exceptions.ResponseError("BUSY Redis is busy running a script"), Retryable, "long script"),
        (redis.exceptions.ResponseError("CLUSTERDOWN The cluster is down"), Retryable, "cluster"),
        (redis.exceptions.AuthenticationError("WRONGPASS invalid username-password pair"), Fatal, "password_file"),
        (redis.exceptions.NoPermissionError("NOPERM this user has no permissions"), Fatal, "rights"),
        (redis.exceptions.ResponseError("WRONGTYPE Operation against a key"), Fatal, "somebody else"),
    ],
)
def test_errors_are_named_by_what_to_do(error: Exception, kind: type[Exception], words: str) -> None:
    ours = in_our_words(error)
    assert type(ours) is kind
    assert words in str(ours)


def test_a_server_that_is_not_there_is_retried() -> None:
    with pytest.raises(Retryable, match="is it running"):
        RedisStore.connect("unix:///nowhere/redis.sock", app="test", cluster_id="c")


@pytest.mark.parametrize(
    "url", ["redis://:secret@localhost:6379/0", "redis://user:secret@h", "unix:///s?password=secret"]
)
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(Fatal, match="redis_password_file") as refused:
        connect(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["localhost:6379", "http://x", "redis://h:port", ""])
def test_an_address_of_another_shape_is_refused(url: str) -> None:
    with pytest.raises(Fatal, match="redis_url"):
        connect(url)


def test_a_server_that_evicts_is_refused_with_the_way_out(redis_edge: RedisEdge) -> None:
    redis_edge.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(Fatal, match="CONFIG SET maxmemory-policy noeviction"):
            redis_edge.open()
    finally:
        redis_edge.client.config_set("maxmemory-policy", "noeviction")
    redis_edge.open().check_server()


def test_a_password_is_used_and_a_wrong_one_is_told() -> None:
    with redis_server() as server:
        client = connect(server.url)
        client.config_set("requirepass", "secret")
        client.close()
        with pytest.raises(Fatal, match="password_file") as refused:
            RedisStore.connect(server.url, app="test", cluster_id="c", password="wrong")
        assert "wrong" not in str(refused.value)
        store = RedisStore.connect(server.url, app="test", cluster_id="c", password="secret")
        store.apply([commit(1)])
        store.close()


@pytest.mark.parametrize("persist", [True, False])
def test_a_redis_that_is_killed_in_between_comes_back_right(persist: bool) -> None:
    """With its file it stands where it stood; without it, it is empty and says so."""
    with redis_server(persist=persist) as server:
        store = RedisStore.connect(server.url, app="test", cluster_id="c")
        for seq in range(1, 20):
            store.apply([commit(seq, {"a:1": {"x": b"%d" % seq}}, [(1, "a:1", seq)])])
        client = connect(server.url)
        os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
        client.close()
        with pytest.raises(Retryable, match="is it running"):
            read_until_it_fails(store)
        following = commit(20, {"a:1": {"x": b"20"}})
        if persist:
            retried(lambda: store.apply([following]))
            assert items(store, 20, "a:1") == {"a:1": {"x": b"20"}}
        else:
            with pytest.raises(StateLost) as lost:
                retried(lambda: store.apply([following]))
            assert (lost.value.want, lost.value.found) == (19, None)
        store.close()


def read_until_it_fails(store: RedisStore) -> None:
    """The kernel takes a moment to carry out a kill."""
    for _ in range(10_000):
        items(store, 19, "a:1")


def retried(call: Callable[[], object]) -> None:
    """The same call again until it is not `Retryable`, as the worker does."""
    for _ in range(200):
        try:
            call()
        except Retryable:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("still not reachable after ten seconds")
