"""State comes back: from the store where it stands level, from the changelog where it does not."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schemas.log import MARKER_KEY, SEPARATOR, WAKE_ITEM, Marker, encode_wire
from streams.core.partition import partition_of
from streams.errors import Fatal, Retryable
from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.runtime.ports import Position, StateCommit, TopicPartition
from streams.state.dict_store import DictStore
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import add


class Unreachable(DictStore):
    """Does not answer while `down`."""

    down = False

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        self._check()
        return super().load(wanted, seqs)

    def apply(self, commits: Sequence[StateCommit]) -> None:
        self._check()
        super().apply(commits)

    def position(self, partition: int) -> Any:
        self._check()
        return super().position(partition)

    def _check(self) -> None:
        if self.down:
            raise Retryable("down")


def fill(world: World, count: int = 12) -> dict[str, Any]:
    """State at a dozen addresses; the worker leaves. What it was."""
    for number in range(count):
        world.feed(add(f"x{number}", number, 1 + number % 4))
    world.run(ms=400)
    world.workers.pop("0").close()
    return state(world, count)


def state(world: World, count: int = 12) -> dict[str, Any]:
    return {f"counter:{number}": world.items(f"counter:{number}") for number in range(count)} | {
        "total:1": world.items("total:1")
    }


def how(world: World) -> set[str]:
    return {fact.how for fact in world.told(facts.StateRestored) if fact.seq}


def restart(world: World, **more: Any) -> None:
    world.facts.clear()
    world.worker("1", **more)
    world.run("1", ms=300)


def test_a_store_that_stands_level_is_taken_as_it_is(world: World) -> None:
    before = fill(world)
    restart(world)
    assert how(world) == {"intact"}
    assert state(world) == before


@pytest.mark.parametrize("slice_records", [1, 7, 5_000])
def test_a_store_that_was_emptied_is_filled_anew(world: World, slice_records: int) -> None:
    before = fill(world)
    world.store.lose()
    restart(world, limits=Limits(restore_records_max=slice_records))
    world.run("1", ms=300)
    assert how(world) == {"rebuilt"}
    assert state(world) == before
    # Wakes came back with the items.
    world.run("1", ms=20_000)
    assert len([value for _, value in world.outputs("seen") if "quiet" in value]) >= 12


def test_a_store_that_is_behind_catches_up(world: World) -> None:
    """A worker died after its commit and before it told the store."""
    fill(world)
    older = copy.deepcopy(world.store)
    restart(world)
    world.feed(*[add(f"y{number}", number, 5) for number in range(12)])
    world.run("1", ms=200)
    world.workers.pop("1").close()
    after = state(world)
    world.store = older
    world.facts.clear()
    world.worker("2")
    world.run("2", ms=300)
    assert "caught up" in how(world)
    assert "rebuilt" not in how(world)
    assert state(world) == after


def test_a_gap_that_compaction_has_been_through_is_not_trusted(world: World) -> None:
    """With the next marker gone, nulls may be gone as well: what they removed would come back to life."""
    fill(world)
    older = copy.deepcopy(world.store)
    restart(world)
    for turn in range(4):
        world.feed(*[add(f"y{turn}.{number}", number, 5) for number in range(12)])
        world.run("1", ms=100)
    world.workers.pop("1").close()
    after = state(world)
    newest: dict[tuple[int, bytes | None], int] = {
        (record.partition(), record.key()): record.offset() for record in world.records("toy.changelog")
    }
    for record in world.records("toy.changelog"):
        if newest[record.partition(), record.key()] > record.offset():
            with world.log._db.write() as db:
                log = world.log._core.log_of("toy.changelog", record.partition())
                db.execute("DELETE FROM records WHERE id = ?", ((log << 40) + record.offset(),))
    assert len(world.records("toy.changelog")) == len(newest), "compacted"
    world.store = older
    world.facts.clear()
    world.worker("2")
    world.run("2", ms=300)
    assert how(world) == {"rebuilt"}
    assert state(world) == after


def test_a_gap_that_is_too_wide_is_filled_anew(world: World) -> None:
    older = copy.deepcopy(world.store)
    fill(world, 3)
    restart(world)
    world.feed(*[add(f"y{number}", number, 5) for number in range(12)])
    world.run("1", ms=200)
    world.workers.pop("1").close()
    after = state(world)
    older.apply([])
    world.store = older
    world.facts.clear()
    world.worker("2", limits=Limits(catch_up_items_max=2))
    world.run("2", ms=300)
    assert how(world) == {"rebuilt"}
    assert state(world) == after


def test_a_store_ahead_of_the_log_is_filled_anew_and_somebody_is_told(world: World) -> None:
    before = fill(world)
    for partition in range(3):
        found = world.store.position(partition)
        if found.seq:
            world.store.apply([StateCommit(partition, found.seq + 1, {"counter:1": {"head": None}}, (), 0)])
    restart(world)
    world.run("1", ms=200)
    assert how(world) == {"rebuilt"}
    assert world.told(facts.StateAhead)
    assert state(world) == before


def test_a_store_of_another_log_is_filled_anew(world: World) -> None:
    before = fill(world)
    stranger = DictStore("another cluster")
    for partition in range(3):
        seq = world.store.position(partition).seq or 0
        for number in range(1, seq + 1):
            stranger.apply([StateCommit(partition, number, {"counter:1": {"head": b"theirs"}}, (), 0)])
    assert {found.cluster_id for found in stranger._partitions.values()} == {"another cluster"}
    stranger._cluster_id = world.log.cluster_id
    world.store = stranger
    restart(world)
    assert how(world) == {"rebuilt"}
    assert state(world) == before


def test_an_idle_owner_notices_that_the_store_was_emptied_under_it(world: World) -> None:
    world.feed(*[add(f"x{number}", number, 2) for number in range(6)])
    world.run(ms=30_000)
    before = state(world, 6)
    world.store.lose()
    world.run(ms=world.limits.probe_ms + 500)
    assert world.told(facts.StateFoundLost)
    assert state(world, 6) == before


def test_a_busy_owner_whose_store_is_lost_loses_and_doubles_nothing(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(cache_addresses_max=3))
    world.worker()
    for number in range(60):
        world.feed(add(f"x{number}", number % 9, 1))
        world.run(ms=15)
        if number % 10 == 5:
            world.store.lose()
        if number % 10 == 9:
            world.store.lose(number % 3)
    world.run(ms=3_000)
    assert sorted(key for key, value in world.outputs("seen") if "count" in value) == sorted(f"x{n}" for n in range(60))
    assert sum(world.items(f"counter:{number}")["head"].count for number in range(9)) == 60
    assert world.told(facts.StateFoundLost)


def test_polling_goes_on_while_a_partition_is_restored(world: World) -> None:
    """A large state takes longer than a session lasts; the worker must not be taken for dead meanwhile."""
    before = fill(world)
    world.store.lose()
    world.facts.clear()
    world.worker("1", limits=Limits(restore_records_max=1))
    for _ in range(200):
        world.workers["1"].step()
        world.clock.sleep_ms(400)
        if len(how(world)) and not world.workers["1"].status().restoring:
            break
    assert how(world) == {"rebuilt"}
    assert not [fact for fact in world.told(facts.PartitionsChanged) if fact.change == "lost"]
    assert state(world) == before


def test_the_others_go_on_while_a_partition_is_filled(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(restore_records_max=1, cache_addresses_max=3))
    worker = world.worker()
    for number in range(150):
        world.feed(add(f"x{number}", number, 1))
    world.run(ms=1_000)
    lost = partition_of(b"counter:1", 3)
    going = next(number for number in range(150) if partition_of(b"counter:%d" % number, 3) != lost)
    world.store.lose(lost)
    world.feed(add("lost", 1, 1))
    world.run(ms=1_000, until=lambda: worker.status().restoring == (lost,))
    world.feed(add("goes on", going, 1))
    world.run(ms=60, until=lambda: "goes on" in dict(world.outputs("seen")))
    assert "goes on" in dict(world.outputs("seen"))
    assert worker.status().restoring == (lost,)
    world.run(ms=3_000)
    assert "lost" in dict(world.outputs("seen"))


def test_how_far_a_restore_is_can_be_seen(world: World) -> None:
    fill(world, 40)
    world.store.lose()
    worker = world.worker("1", limits=Limits(restore_records_max=3))
    seen: dict[int, list[tuple[int, int]]] = {}
    inbox = worker._inbox
    assert inbox is not None
    while not seen or inbox.restores:
        worker.step()
        for partition, restore in inbox.restores.items():
            seen.setdefault(partition, []).append(restore.progress)
        world.clock.sleep_ms(1)
    for steps in seen.values():
        known = [step for step in steps if step != (0, 0)]
        assert len(known) > 3
        assert known == sorted(known)
        assert len({total for _, total in known}) == 1
        done, total = known[-1]
        assert total // 2 < done <= total


def test_wakes_of_a_newer_release_stop_the_worker_with_the_way_out(world: World) -> None:
    fill(world)
    key = b"counter:1" + SEPARATOR + WAKE_ITEM.encode()
    with world.log._db.write() as db:
        db.execute("UPDATE records SET value = ? WHERE key = ?", (b"\x92\xcc\xff\x01", key))
    world.store.lose()
    world.worker("1")
    with pytest.raises(
        Fatal, match=r"want a wake this release knows, found one of a counter beginning with 92ccff01: .*newer"
    ):
        world.run("1", ms=1_000)


def test_a_store_that_is_down_is_waited_for(make_world: MakeWorld) -> None:
    world = make_world()
    store = Unreachable(world.log.cluster_id)
    world.store = store
    world.worker()
    world.feed(add("a", 1, 1))
    world.run(ms=300)
    store.down = True
    world.feed(add("b", 1, 1), add("c", 2, 1))
    world.run(ms=8_000)
    store.down = False
    world.feed(add("d", 1, 1))
    world.run(ms=2_000)
    assert sorted(key for key, value in world.outputs("seen") if "count" in value) == ["a", "b", "c", "d"]
    assert world.items("counter:1")["head"].count == 3
    assert world.told(facts.CallRetried)


def test_positions_that_vanished_stop_the_worker(world: World) -> None:
    fill(world)
    with world.log._db.write() as db:
        db.execute("DELETE FROM positions")
    world.worker("1")
    with pytest.raises(Fatal, match="want no state where the group has no position, found some"):
        world.run("1", ms=300)


def test_positions_below_the_start_of_the_log_stop_the_worker(world: World) -> None:
    fill(world)
    with world.log._db.write() as db:
        db.execute("UPDATE logs SET start_offset = next_offset + 10, next_offset = next_offset + 20")
    world.worker("1")
    with pytest.raises(Fatal, match=r"but the log begins at \d+: records were deleted before they were read"):
        world.run("1", ms=300)


def test_positions_somebody_else_wrote_stop_the_worker(world: World) -> None:
    fill(world)
    producer, consumer = world.log.producer("stranger"), world.log.consumer("toy.fold")
    producer.begin()
    producer.send_offsets({TopicPartition("toy.inbox", 0): Position(0, "hello")}, consumer.membership())
    producer.commit()
    consumer.close()
    world.worker("1")
    with pytest.raises(Fatal, match="want position metadata like 'v1;<seq>;<times>', found 'hello'"):
        world.run("1", ms=300)


def test_a_changelog_without_the_last_marker_stops_the_worker_after_a_while(world: World) -> None:
    fill(world)
    with world.log._db.write() as db:
        for partition in range(3):
            log = world.log._core.log_of("toy.changelog", partition)
            db.execute(
                "DELETE FROM records WHERE id >= ? AND id < ? AND key = ?", (log << 40, (log + 1) << 40, MARKER_KEY)
            )
    world.store.lose()
    world.worker("1", limits=Limits(restore_stuck_ms=2_000))
    with pytest.raises(Fatal, match="want the marker of the last commit, read up to offset"):
        world.run("1", ms=4_000)


def test_a_position_that_was_set_back_stops_the_worker_after_a_while(world: World) -> None:
    fill(world)
    for partition in range(3):
        world.log.append("toy.changelog", [(MARKER_KEY, encode_wire(Marker(99, "m", (0, 0, 0))), None, 0)], partition)
        with world.log._db.write() as db:
            log = world.log._core.log_of("toy.changelog", partition)
            db.execute("DELETE FROM records WHERE id IN (SELECT id FROM records WHERE id >= ? AND id < ? AND key = ? "
                       "ORDER BY id DESC LIMIT 1 OFFSET 1)", (log << 40, (log + 1) << 40, MARKER_KEY))  # fmt: skip
    world.store.lose()
    world.worker("1", limits=Limits(restore_stuck_ms=2_000))
    with pytest.raises(Fatal, match="the position was set back"):
        world.run("1", ms=6_000)
