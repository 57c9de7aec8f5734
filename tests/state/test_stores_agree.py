"""Whatever is done to them in whatever order: the dictionary and Redis answer alike."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streams.errors import Fenced, StateLost
from streams.runtime.ports import Rebuild, StateCommit, StateStore, WakeChange
from streams.state.dict_store import DictStore
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_client import connect
from streams.state.redis_store import RedisStore
from streams.state.redis_wire import Wire
from tests.contracts.state import rows

ADDRESSES = ("a:1", "a:2", "customer:1")
_numbers = itertools.count()

changes = st.dictionaries(
    st.sampled_from(ADDRESSES),
    st.dictionaries(st.sampled_from(["x", "y", ""]), st.none() | st.binary(max_size=3), max_size=3),
    max_size=3,
)
wakes = st.lists(
    st.builds(WakeChange, st.integers(1, 2), st.sampled_from(ADDRESSES), st.none() | st.integers(0, 5)), max_size=4
)
partitions = st.integers(0, 1)
# Relative to where the dictionary stands: mostly right, sometimes not.
steps = st.sampled_from([1, 1, 1, 1, 0, 2, -1])
actions = st.one_of(
    st.tuples(st.just("apply"), partitions, steps, changes, wakes),
    st.tuples(st.just("catch up"), partitions, steps, changes, wakes),
    st.tuples(st.just("rebuild"), partitions),
    st.tuples(st.just("write"), st.integers(0, 3), changes, wakes),
    st.tuples(st.just("finish"), st.integers(0, 3), st.integers(1, 5)),
    st.tuples(st.just("lose")),
)


class Side:
    """One store with the rebuilds that were begun on it."""

    def __init__(self, store: StateStore, lose: Callable[[], object]) -> None:
        self.store, self.lose = store, lose
        self.rebuilds: list[Rebuild] = []

    def do(self, action: tuple[Any, ...], stands: int) -> object:
        """What the caller gets to see of it."""
        try:
            return self._do(action, stands)
        except StateLost as lost:
            return "lost", lost.partition, lost.want, lost.found
        except Fenced:
            return "fenced"

    def _do(self, action: tuple[Any, ...], stands: int) -> object:
        match action:
            case ("apply", partition, step, items, due):
                seq = max(1, stands + step)
                self.store.apply([StateCommit(partition, seq, items, due, seq)])
            case ("catch up", partition, step, items, due):
                self.store.catch_up(partition, stands, StateCommit(partition, stands + 1 + abs(step), items, due, 7))
            case ("rebuild", partition):
                self.rebuilds.append(self.store.rebuild(partition))
            case ("write", index, items, due) if index < len(self.rebuilds):
                self.rebuilds[index].write(rows(items), due)
                # What became of it may be told by the next call only.
                getattr(self.rebuilds[index], "_settle", lambda: None)()
            case ("finish", index, seq) if index < len(self.rebuilds):
                self.rebuilds[index].finish(seq, seq)
            case ("lose",):
                self.lose()
        return "done"

    def content(self, partition: int) -> object:
        """Everything a reader can see of a partition."""
        position = self.store.position(partition)
        seq = position.seq
        if seq is None:
            return "nothing"
        dues = [
            (self.store.due(partition, level, 5, 10, seq), self.store.next_due(partition, level, seq))
            for level in (1, 2)
        ]
        return position, self.store.load({partition: ADDRESSES}, {partition: seq}), dues


@pytest.fixture(scope="module")
def redis_side(server: EmbeddedRedis) -> Iterator[Callable[[], Side]]:
    opened: list[RedisStore] = []
    client = connect(server.url)

    def make() -> Side:
        store = RedisStore(Wire.open(server.url), f"agree{next(_numbers)}", "cluster")
        opened.append(store)
        return Side(store, client.flushall)

    yield make
    for store in opened:
        store.close()
    client.close()


@example(script=[("rebuild", 0), ("rebuild", 0), ("finish", 1, 1), ("finish", 0, 1)])
@example(script=[("rebuild", 0), ("write", 0, {}, []), ("rebuild", 0), ("finish", 1, 1), ("finish", 0, 1)])
@example(script=[("rebuild", 0), ("finish", 0, 1), ("write", 0, {"a:1": {"x": b"1"}}, []), ("finish", 0, 2)])
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(actions, max_size=20))
def test_the_dictionary_and_redis_answer_alike(redis_side: Callable[[], Side], script: list[tuple[Any, ...]]) -> None:
    dictionary = DictStore("cluster")
    sides = [Side(dictionary, dictionary.lose), redis_side()]
    for action in script:
        partition = action[1] if action[0] in {"apply", "catch up"} else 0
        stands = dictionary.position(partition).seq or 0
        answers = [side.do(action, stands) for side in sides]
        assert answers[0] == answers[1], action
        for number in (0, 1):
            contents = [side.content(number) for side in sides]
            assert contents[0] == contents[1], (action, number)
