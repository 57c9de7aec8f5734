"""The promises of a `StateStore`. An edge inherits from the classes and gives them the fixture `edge`.

empty ──apply 1──► 1 ──apply 2──► 2 ──…        anything else: StateLost, and nothing has changed
  └──rebuild──► token ──write …──► finish ──► n     a newer rebuild fences an older one
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pytest

from schemas.log import SEPARATOR
from streams.errors import Fenced, StateLost
from streams.runtime.ports import Rebuild, StateCommit, StateStore, StorePosition, WakeChange

P = 3
"""The partition most tests use."""


class StateEdge(Protocol):
    """How the suites reach the store under test."""

    def open(self, cluster_id: str = "cluster-1") -> StateStore:
        """A handle of its own on the same state; each test has state of its own. The edge closes it."""
        ...

    def lose(self) -> None:
        """Everything vanishes, as by FLUSHALL."""
        ...


def commit(
    seq: int,
    changes: Mapping[str, Mapping[str, bytes | None]] | None = None,
    wakes: Sequence[tuple[int, str, int | None]] = (),
    partition: int = P,
) -> StateCommit:
    """A commit whose changelog offset is ten times its seq."""
    return StateCommit(partition, seq, changes or {}, [WakeChange(*wake) for wake in wakes], seq * 10)


def items(store: StateStore, seq: int, *addresses: str, partition: int = P) -> dict[str, dict[str, bytes]]:
    """What the store has of these addresses."""
    return store.load({partition: addresses}, {partition: seq})


def rows(changes: Mapping[str, Mapping[str, bytes | None]]) -> dict[bytes, bytes | None]:
    """As they stand in a changelog."""
    return {
        address.encode() + SEPARATOR + item.encode(): value
        for address, kept in changes.items()
        for item, value in kept.items()
    }


def write_twice(rebuild: Rebuild, changes: Mapping[str, Mapping[str, bytes | None]]) -> None:
    """What became of a part is told by the next call at the latest."""
    rebuild.write(rows(changes), [])
    rebuild.write(rows(changes), [])


class ItemPromises:
    """What is applied is what is loaded."""

    def test_items_come_back_address_by_address(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"account:a": {"head": b"1", "act:x": b"2"}, "account:b": {"head": b"3"}})])
        assert items(store, 1, "account:b", "account:a", "account:unknown") == {
            "account:a": {"head": b"1", "act:x": b"2"},
            "account:b": {"head": b"3"},
            "account:unknown": {},
        }
        # Also for another process.
        assert items(edge.open(), 1, "account:b") == {"account:b": {"head": b"3"}}

    def test_only_what_changed_is_written_and_null_removes(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"a:1": {"kept": b"1", "changed": b"2", "gone": b"3"}, "a:2": {"only": b"4"}})])
        store.apply([commit(2, {"a:1": {"changed": b"new", "gone": None, "never there": None}, "a:2": {"only": None}})])
        assert items(store, 2, "a:1", "a:2") == {"a:1": {"kept": b"1", "changed": b"new"}, "a:2": {}}
        store.apply([commit(3, {"a:2": {"again": b"5"}})])
        assert items(store, 3, "a:2") == {"a:2": {"again": b"5"}}

    def test_bytes_and_names_are_kept_as_they_are(self, edge: StateEdge) -> None:
        store = edge.open()
        odd = {
            "handle:x:ünï 漢字 *?[a]": {"\0w": b"\x00\xff", "": b"", "a b\n": bytes(range(256))},
            "a:{b}:c": {"item": b"\r\n$-1\r\n"},
        }
        store.apply([commit(1, odd)])
        assert items(store, 1, *odd) == odd

    def test_a_commit_of_many_items_is_applied_whole(self, edge: StateEdge) -> None:
        store = edge.open()
        wide = {"group:wide": {f"item {number}": b"%d" % number for number in range(20_001)}}
        many = {f"a:{number}": {"head": b"%d" % number} for number in range(9_000)}
        wakes = [(1, address, number) for number, address in enumerate(many)]
        store.apply([commit(1, wide | many, wakes)])
        assert items(store, 1, *wide) == wide
        assert items(store, 1, *many) == many
        assert len(store.due(P, 1, 10_000, 20_000, 1)) == 9_000
        none = {address: dict.fromkeys(kept) for address, kept in (wide | many).items()}
        store.apply([commit(2, none, [(1, address, None) for address in many])])
        assert items(store, 2, "group:wide", "a:0", "a:8999") == {"group:wide": {}, "a:0": {}, "a:8999": {}}
        assert store.next_due(P, 1, 2) is None

    def test_partitions_are_loaded_in_one_call_and_do_not_mix(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"a:1": {"in": b"one"}}, partition=1), commit(1, {"a:2": {"in": b"two"}}, partition=2)])
        store.apply([commit(2, {"a:2": {"in": b"2"}}, partition=2)])
        assert store.load({1: ["a:1"], 2: ["a:2"]}, {1: 1, 2: 2}) == {"a:1": {"in": b"one"}, "a:2": {"in": b"2"}}
        assert items(store, 2, "a:1", partition=2) == {"a:1": {}}
        assert store.load({}, {}) == {}

    def test_what_was_loaded_is_the_callers(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"a:1": {"head": b"1"}})])
        items(store, 1, "a:1")["a:1"]["head"] = b"scribble"
        assert items(store, 1, "a:1") == {"a:1": {"head": b"1"}}


class StandingPromises:
    """Apply n only on n-1; every read says where it expects to be."""

    def test_where_the_store_stands(self, edge: StateEdge) -> None:
        store = edge.open()
        assert store.position(P).seq is None
        store.apply([commit(1)])
        assert store.position(P) == StorePosition(1, 10, "cluster-1")
        store.apply([commit(2, {"a:1": {"x": b"1"}})])
        assert edge.open().position(P) == StorePosition(2, 20, "cluster-1")

    def test_a_commit_that_is_applied_twice_counts_once(self, edge: StateEdge) -> None:
        store = edge.open()
        first = commit(1, {"a:1": {"x": b"1"}}, [(1, "a:1", 5)])
        store.apply([first])
        store.apply([first])
        store.apply([commit(2, {"a:1": {"x": b"2"}})])
        store.apply([commit(2, {"a:1": {"x": b"2"}})])
        assert store.position(P).seq == 2
        assert items(store, 2, "a:1") == {"a:1": {"x": b"2"}}

    @pytest.mark.parametrize("seq", [1, 2, 3, 5, 7])
    def test_a_commit_that_does_not_follow_is_refused_and_changes_nothing(self, edge: StateEdge, seq: int) -> None:
        store = edge.open()
        for number in (1, 2, 3, 4):
            store.apply([commit(number, {"a:1": {"x": b"%d" % number}}, [(1, "a:1", number)])])
        if seq == 5:
            store.apply([commit(5, {"a:1": {"x": b"5"}})])
            assert items(store, 5, "a:1") == {"a:1": {"x": b"5"}}
            return
        with pytest.raises(StateLost) as lost:
            store.apply([commit(seq, {"a:1": {"x": b"wrong"}}, [(1, "a:1", 99)])])
        assert (lost.value.partition, lost.value.want, lost.value.found) == (P, seq - 1, 4)
        assert items(store, 4, "a:1") == {"a:1": {"x": b"4"}}
        assert store.next_due(P, 1, 4) == 4

    def test_the_first_commit_needs_an_empty_partition_and_others_do_not_get_one(self, edge: StateEdge) -> None:
        store = edge.open()
        with pytest.raises(StateLost) as lost:
            store.apply([commit(2, {"a:1": {"x": b"1"}})])
        assert (lost.value.want, lost.value.found) == (1, None)
        store.apply([commit(1)])
        assert items(store, 1, "a:1") == {"a:1": {}}

    def test_the_others_are_applied_when_one_is_refused(self, edge: StateEdge) -> None:
        store = edge.open()
        for partition in (1, 2, 4):
            store.apply([commit(1, partition=partition)])
        with pytest.raises(StateLost) as lost:
            store.apply([commit(2, partition=1), commit(3, partition=2), commit(2, partition=4)])
        assert (lost.value.partition, lost.value.want, lost.value.found) == (2, 2, 1)
        assert [store.position(partition).seq for partition in (1, 2, 4)] == [2, 1, 2]

    def test_every_read_is_checked(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"a:1": {"x": b"1"}}, [(1, "a:1", 5)])])
        reads = (
            lambda seq: store.load({P: ["a:1"]}, {P: seq}),
            lambda seq: store.due(P, 1, 10, 10, seq),
            lambda seq: store.next_due(P, 1, seq),
        )
        for read in reads:
            assert read(1)
            for seq in (0, 2):
                with pytest.raises(StateLost) as lost:
                    read(seq)
                assert (lost.value.partition, lost.value.want, lost.value.found) == (P, seq, 1)

    def test_a_load_of_several_partitions_names_the_one_that_stands_elsewhere(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, partition=1), commit(1, partition=2)])
        with pytest.raises(StateLost) as lost:
            store.load({1: ["a:1"], 2: ["a:2"]}, {1: 1, 2: 6})
        assert (lost.value.partition, lost.value.want, lost.value.found) == (2, 6, 1)

    def test_a_loss_is_noticed_by_whatever_comes_next(self, edge: StateEdge) -> None:
        store = edge.open()
        calls = (
            lambda: items(store, 1, "a:1"),
            lambda: store.apply([commit(2)]),
            lambda: store.due(P, 1, 10, 10, 1),
            lambda: store.next_due(P, 1, 1),
            lambda: store.catch_up(P, 1, commit(4)),
        )
        for call in calls:
            store.apply([commit(1, {"a:1": {"x": b"1"}}, [(1, "a:1", 5)])])
            edge.lose()
            with pytest.raises(StateLost) as lost:
                call()
            assert (lost.value.want, lost.value.found) == (1, None)
            assert store.position(P).seq is None

    def test_state_of_another_log_is_not_ours(self, edge: StateEdge) -> None:
        theirs, ours = edge.open("cluster-1"), edge.open("cluster-2")
        theirs.apply([commit(1, {"a:1": {"x": b"theirs"}})])
        assert ours.position(P).cluster_id == "cluster-1"
        with pytest.raises(StateLost):
            items(ours, 1, "a:1")
        with pytest.raises(StateLost):
            ours.apply([commit(2)])
        assert items(theirs, 1, "a:1") == {"a:1": {"x": b"theirs"}}


class WakePromises:
    """One wake per address, in order of due, level by level."""

    def test_due_wakes_come_smallest_first_up_to_a_limit(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, wakes=[(1, "a:3", 30), (1, "a:1", 10), (1, "b:2", 20), (1, "a:2", 20), (1, "a:4", 31)])])
        assert store.due(P, 1, 30, 10, 1) == [(10, "a:1"), (20, "a:2"), (20, "b:2"), (30, "a:3")]
        assert store.due(P, 1, 30, 2, 1) == [(10, "a:1"), (20, "a:2")]
        assert store.due(P, 1, 9, 10, 1) == []
        assert store.next_due(P, 1, 1) == 10

    def test_a_wake_is_replaced_and_removed(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, wakes=[(1, "a:1", 10), (1, "a:2", 20)])])
        store.apply([commit(2, wakes=[(1, "a:1", 50), (1, "a:2", None), (1, "a:9", None)])])
        assert store.due(P, 1, 100, 10, 2) == [(50, "a:1")]
        store.apply([commit(3, wakes=[(1, "a:1", 5)])])
        assert store.next_due(P, 1, 3) == 5

    def test_the_last_of_several_changes_of_one_wake_holds(self, edge: StateEdge) -> None:
        store = edge.open()
        changes = [(1, "a:1", 10), (1, "a:1", None), (1, "a:2", None), (1, "a:2", 7)]
        store.apply([commit(1, wakes=changes)])
        assert store.due(P, 1, 100, 10, 1) == [(7, "a:2")]

    def test_levels_and_partitions_are_apart(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply(
            [commit(1, wakes=[(1, "a:1", 10), (2, "customer:1", 5), (3, "group:1", 1)]), commit(1, partition=4)]
        )
        assert store.due(P, 1, 100, 10, 1) == [(10, "a:1")]
        assert store.due(P, 2, 100, 10, 1) == [(5, "customer:1")]
        assert [store.next_due(P, level, 1) for level in (1, 2, 3)] == [10, 5, 1]
        assert store.next_due(4, 1, 1) is None

    def test_times_are_exact_to_the_end_of_year_9999(self, edge: StateEdge) -> None:
        store = edge.open()
        late = 253_402_300_799_999
        store.apply([commit(1, wakes=[(1, "a:1", late), (1, "a:2", late - 1), (1, "a:0", 0)])])
        assert store.due(P, 1, late - 1, 10, 1) == [(0, "a:0"), (late - 1, "a:2")]
        assert store.due(P, 1, late, 10, 1)[-1] == (late, "a:1")


class RebuildPromises:
    """A partition made anew from the changelog, or brought up to date."""

    def test_a_rebuild_starts_empty_and_ends_where_it_says(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"a:old": {"x": b"old"}, "a:1": {"y": b"old"}}, [(1, "a:old", 1), (2, "c:old", 1)])])
        store.apply([commit(1, {"a:old": {"x": b"other"}}, [(1, "a:old", 1)], partition=4)])
        rebuild = store.rebuild(P)
        assert store.position(P).seq is None
        rebuild.write(rows({"a:1": {"x": b"1", "gone": b"2"}, "a:2": {"x": b"2"}}), [WakeChange(1, "a:1", 10)])
        rebuild.write(rows({"a:1": {"x": b"new", "gone": None}}), [WakeChange(1, "a:1", 20), WakeChange(1, "a:2", 30)])
        rebuild.finish(9, 95)
        assert store.position(P) == StorePosition(9, 95, "cluster-1")
        assert items(store, 9, "a:old", "a:1", "a:2") == {"a:old": {}, "a:1": {"x": b"new"}, "a:2": {"x": b"2"}}
        assert store.due(P, 1, 100, 10, 9) == [(20, "a:1"), (30, "a:2")]
        assert store.next_due(P, 2, 9) is None
        store.apply([commit(10, {"a:2": {"x": b"3"}})])
        # The neighbour is unharmed.
        assert items(store, 1, "a:old", partition=4) == {"a:old": {"x": b"other"}}
        assert store.next_due(4, 1, 1) == 1

    def test_nothing_is_read_or_applied_while_a_rebuild_is_under_way(self, edge: StateEdge) -> None:
        store, zombie = edge.open(), edge.open()
        store.apply([commit(1, {"a:1": {"x": b"1"}})])
        rebuild = store.rebuild(P)
        rebuild.write(rows({"a:1": {"x": b"half"}}), [])
        for call in (
            lambda: items(zombie, 1, "a:1"),
            lambda: zombie.apply([commit(2, {"a:1": {"x": b"zombie"}})]),
            lambda: zombie.apply([commit(1, {"a:1": {"x": b"zombie"}})]),
            lambda: zombie.catch_up(P, 1, commit(3, {"a:1": {"x": b"zombie"}})),
        ):
            with pytest.raises(StateLost) as lost:
                call()
            assert lost.value.found is None
        rebuild.finish(3, 30)
        assert items(zombie, 3, "a:1") == {"a:1": {"x": b"half"}}

    def test_a_partition_that_was_emptied_takes_the_first_commit(self, edge: StateEdge) -> None:
        """As when a new log meets the state of an old one."""
        store = edge.open()
        store.apply([commit(1, {"a:1": {"x": b"old"}}, [(1, "a:1", 5)])])
        store.rebuild(P).finish(0, 0)
        assert store.position(P).seq is None, "nothing is there"
        store.apply([commit(1, {"a:2": {"x": b"new"}})])
        assert items(store, 1, "a:1", "a:2") == {"a:1": {}, "a:2": {"x": b"new"}}
        assert store.next_due(P, 1, 1) is None
        store.rebuild(P).finish(0, 0)
        store.catch_up(P, 0, commit(3, {"a:3": {"x": b"newer"}}))
        assert items(store, 3, "a:2", "a:3") == {"a:2": {}, "a:3": {"x": b"newer"}}

    def test_a_newer_rebuild_fences_an_older_one(self, edge: StateEdge) -> None:
        store, other = edge.open(), edge.open()
        old = store.rebuild(P)
        old.write(rows({"a:old": {"x": b"old"}}), [WakeChange(1, "a:old", 1)])
        new = other.rebuild(P)
        new.write(rows({"a:1": {"x": b"new"}}), [])
        with pytest.raises(Fenced):
            write_twice(old, {"a:1": {"x": b"zombie"}})
        with pytest.raises(Fenced):
            old.finish(5, 50)
        new.finish(6, 60)
        with pytest.raises(Fenced):
            write_twice(old, {"a:1": {"x": b"zombie"}})
        assert items(store, 6, "a:1", "a:old") == {"a:1": {"x": b"new"}, "a:old": {}}
        assert store.next_due(P, 1, 6) is None

    def test_a_loss_during_a_rebuild_is_noticed(self, edge: StateEdge) -> None:
        store = edge.open()
        rebuild = store.rebuild(P)
        rebuild.write(rows({"a:1": {"x": b"1"}}), [])
        edge.lose()
        with pytest.raises(Fenced):
            write_twice(rebuild, {"a:2": {"x": b"2"}})
        with pytest.raises(Fenced):
            rebuild.finish(5, 50)
        assert store.position(P).seq is None

    def test_catching_up_takes_several_commits_at_once(self, edge: StateEdge) -> None:
        store = edge.open()
        store.apply([commit(1, {"a:1": {"x": b"1", "y": b"1"}}, [(1, "a:1", 10)])])
        several = commit(7, {"a:1": {"x": b"7", "y": None}, "a:2": {"x": b"6"}}, [(1, "a:1", None), (1, "a:2", 3)])
        for wrong in (2, 6):
            with pytest.raises(StateLost) as lost:
                store.catch_up(P, wrong, several)
            assert (lost.value.want, lost.value.found) == (wrong, 1)
        store.catch_up(P, 1, several)
        store.catch_up(P, 1, several)
        assert store.position(P) == StorePosition(7, 70, "cluster-1")
        assert items(store, 7, "a:1", "a:2") == {"a:1": {"x": b"7"}, "a:2": {"x": b"6"}}
        assert store.due(P, 1, 100, 10, 7) == [(3, "a:2")]
        store.apply([commit(8)])
