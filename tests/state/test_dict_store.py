"""The dictionary keeps the promises of a store."""

import pytest

from streams.state.dict_store import DictStore
from tests.contracts.state import ItemPromises, RebuildPromises, StandingPromises, StateEdge, WakePromises, commit


class DictEdge:
    """Handles share one store; one of another log gets its partitions."""

    def __init__(self) -> None:
        self._store = DictStore("cluster-1")

    def open(self, cluster_id: str = "cluster-1") -> DictStore:
        return self._store if cluster_id == "cluster-1" else self._store.seen_from(cluster_id)

    def lose(self) -> None:
        self._store.lose()


@pytest.fixture
def edge() -> StateEdge:
    return DictEdge()


class TestItems(ItemPromises):
    pass


class TestStanding(StandingPromises):
    pass


class TestWakes(WakePromises):
    pass


class TestRebuild(RebuildPromises):
    pass


def test_one_partition_can_be_lost_alone() -> None:
    store = DictStore("cluster-1")
    store.apply([commit(1, partition=1), commit(1, partition=2)])
    store.lose(1)
    assert (store.position(1).seq, store.position(2).seq) == (None, 1)


def test_addresses_can_be_looked_at_without_a_seq() -> None:
    store = DictStore("cluster-1")
    store.apply([commit(1, {"customer:2": {"x": b"2"}, "customer:1": {"x": b"1"}, "account:1": {"x": b"3"}})])
    assert store.scan_addresses(3, "customer:") == ["customer:1", "customer:2"]
    assert store.read_address(3, "customer:1") == {"x": b"1"}
    assert store.read_address(9, "customer:1") == {}
