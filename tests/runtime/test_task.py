"""Folding: what a call may do, what it may not, and that one that fails has changed nothing."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.effects import Drop, Forget, Publish, Put, Send, WakeAt
from streams.errors import Fatal
from streams.runtime.limits import Limits
from streams.runtime.topology import Stage, Topology
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import Add, Kept, add, encode_event, toy_topology


def with_fold(fold: Any) -> Topology:
    """The toy topology with another counter."""
    topology = toy_topology()
    return msgspec.structs.replace(topology, stages={**topology.stages, "counter": Stage(fold, 1)})


@pytest.mark.parametrize(
    ("how", "cause", "path"),
    [
        ("reject", "not wanted", "$.how"),
        ("raise", "RuntimeError: told to fail: raise", "$"),
        ("many", "more than 256 effects of one call: the fold must send itself Continue", "$"),
        ("output", "no output 'nowhere'; there are boards, counts, late, seen, totals", "$"),
        ("large", "a document of 2000011 bytes for seen: up to 1024000", "$"),
        ("item", "ValidationError: Invalid value 10 - at `$[0]`", "$"),
    ],
)
def test_a_call_that_fails_changes_nothing_and_its_event_is_kept(world: World, how: str, cause: str, path: str) -> None:
    world.feed(
        add("before", 1, 1), {"id": "bad", "to": "counter:1", "bad": how}, add("after", 1, 2), add("other", 2, 4)
    )
    world.run(ms=500)
    (letter,) = world.letters()
    assert letter["cause"].decode() == cause
    assert letter["path"].decode() == path
    assert letter["fold"] == b"counter"
    assert letter["topic"] == b"toy.inbox"
    assert letter["code_version"] == b"test"
    assert letter["attempt"] == b"1"
    (record,) = world.records("toy.dlq")
    assert record.key() == b"counter:1"
    origin = next(
        entry
        for entry in world.records("toy.inbox")
        if (entry.partition(), entry.offset()) == (int(letter["partition"]), int(letter["offset"]))
    )
    assert record.value() == origin.value(), "the original bytes"
    assert world.items("counter:1")["head"].count == 3
    assert "x" not in world.items("counter:1")
    assert world.items("total:bad") == {}
    assert {key for key, _ in world.outputs("seen")} == {"before", "after", "other"}


@pytest.mark.parametrize(
    ("key", "value", "cause", "fold"),
    [
        (b"counter:1", b"\x93broken", "decode", "decode"),
        (b"counter:1", b"", "decode", "decode"),
        (b"counter:1", None, "decode", "decode"),
        (b"nobody:1", encode_event(1, Add("a", 1, "total:1")), "want an address", ""),
        (b"\xff\xfe", encode_event(1, Add("a", 1, "total:1")), "want an address", ""),
        (b"counter:1\0x", encode_event(1, Add("a", 1, "total:1")), "want an address", ""),
        (b"counter:" + b"x" * 5_000, encode_event(1, Add("a", 1, "total:1")), "want an address", ""),
        (None, encode_event(1, Add("a", 1, "total:1")), "want an address", ""),
        (b"tick:", encode_event(1, Add("a", 1, "total:1")), "want a tick at 'tick:', got a Add", "decode"),
    ],
)
def test_an_inbox_record_that_cannot_be_folded_is_a_dead_letter(
    world: World, key: bytes | None, value: bytes | None, cause: str, fold: str
) -> None:
    world.log.append("toy.inbox", [(key, value, None, 0)], 0)
    world.feed(add("neighbour", 1, 1), add("n", 2, 1), add("m", 3, 1), add("o", 4, 1))
    world.run(ms=500)
    (record,) = world.records("toy.dlq")
    assert (record.key(), record.value()) == (key, value)
    headers = dict(record.headers() or ())
    assert headers["fold"] == fold.encode()
    if cause != "decode":
        assert headers["cause"].decode().startswith(cause)
    assert len(world.outputs("seen")) == 4


def test_a_raw_payload_that_cannot_be_read_is_a_dead_letter_and_its_batch_goes_on(world: World) -> None:
    world.log.append("raw.a", [(b"k", b"{broken", [("signature", b"s"), ("attempt", b"2")], 0)], 0)
    world.feed(add("good", 1, 1), refuse=True)
    world.run(ms=500)
    broken, half = sorted(world.records("toy.dlq"), key=lambda record: record.offset() * 10 + record.partition())
    by_path = {dict(record.headers() or ())["path"]: record for record in (broken, half)}
    whole = by_path[b"$"]
    headers = dict(whole.headers() or ())
    assert (whole.key(), whole.value()) == (b"k", b"{broken")
    assert headers["fold"] == b"normalise"
    assert headers["attempt"] == b"3", "it had been tried twice before"
    assert headers["header.signature"] == b"s", "what it came with is needed to try it again"
    assert json.loads(by_path[b"$.refuse"].value() or b"")["refuse"] is True
    assert [key for key, _ in world.outputs("seen")] == ["good"]


def test_a_letter_too_large_for_the_log_is_cut_and_says_so(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(record_bytes_max=1_000))
    world.worker()
    payload = b"{" + b"x" * 5_000
    world.feed_bytes(payload)
    world.run(ms=300)
    (record,) = world.records("toy.dlq")
    headers = dict(record.headers() or ())
    assert headers["cut_from_bytes"] == b"5001"
    assert payload.startswith(record.value() or b"?")
    assert len(record.value() or b"") > 500


def test_state_this_release_cannot_read_stops_the_task(world: World) -> None:
    world.feed(add("a", 1, 1))
    world.run(ms=500)
    world.workers.pop("0").close()
    newer = msgspec.msgpack.encode([999, "from", "the", "future"])
    for partition in range(3):
        found = world.store.read_address(partition, "counter:1")
        if found:
            world.store._partitions[partition].items["counter:1"]["head"] = newer
    world.worker("1")
    world.feed(add("b", 1, 1))
    with pytest.raises(
        Fatal, match=r"state of a counter \(item 'head', partition \d\): want an item this release knows"
    ):
        world.run("1", ms=500)
    assert world.letters() == []


def test_compacted_outputs_are_written_once_a_commit_and_others_each_time(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(commit_ms_min=1_000, commit_ms_max=1_000))
    world.worker()
    world.run(ms=3_000)
    world.feed(*[add(f"x{number}", 1, 1) for number in range(10)], add("y", 2, 1))
    world.run(ms=4_000)
    assert sorted(value["count"] for key, value in world.outputs("seen") if key != "y") == list(range(1, 11))
    assert [value["count"] for key, value in world.outputs("counts") if key == "counter:1"] == [10]
    assert dict(world.records("toy.counts")[0].headers() or ())["ce_id"] in {b"counter:1", b"counter:2"}


def test_forget_leaves_nothing_in_store_or_changelog(world: World) -> None:
    world.feed(*[add(f"x{number}", 1, 1) for number in range(3)])
    world.run(ms=300)
    assert "\0w" in world.items("counter:1")
    world.feed({"id": "r", "to": "counter:1", "reset": True})
    world.run(ms=300)
    assert world.items("counter:1") == {}
    newest = {record.key(): record.value() for record in world.records("toy.changelog")}
    ours = {key: value for key, value in newest.items() if (key or b"").startswith(b"counter:1\0")}
    assert len(ours) == 5
    assert set(ours.values()) == {None}
    assert dict(world.outputs("counts"))["counter:1"] is None
    quiet = [value for _, value in world.outputs("seen") if "quiet" in value]
    world.run(ms=8_000)
    assert [value for _, value in world.outputs("seen") if "quiet" in value] == quiet, "its wake went as well"


def test_effects_of_one_call_are_taken_in_order(make_world: MakeWorld) -> None:
    """The last word on an item wins; Forget takes back what was put before it, not what comes after."""

    def fold(state: Any, event: Any, now: Any, model: Any) -> Any:
        yield Put("gone", Kept(1, 1))
        yield WakeAt(5)
        if len(state):
            yield Forget()
        yield Put("a", Kept(len(state), 0))
        yield Put("a", Kept(len(state), 1))
        yield Drop("never there")
        yield Put("b", Kept(1, 1))
        yield Drop("b")

    world = make_world(with_fold(fold))
    world.worker()
    world.feed(add("1", 1))
    world.run(ms=300)
    first = world.items("counter:1")
    assert (first["a"], first["gone"]) == (Kept(0, 1), Kept(1, 1))
    assert "b" not in first
    world.feed(add("2", 1))
    world.run(ms=300)
    assert world.items("counter:1") == {"a": Kept(2, 1)}


def test_a_fold_sees_what_was_put_before_in_the_same_commit_and_not_its_own_wake(make_world: MakeWorld) -> None:
    seen = []

    def fold(state: Any, event: Any, now: Any, model: Any) -> Any:
        seen.append([name for name, _ in state.starting("")])
        return [Put(event.id, Kept(1, 1)), WakeAt(1 << 60)]

    world = make_world(with_fold(fold))
    world.worker()
    world.feed(add("a", 1), add("b", 1), add("c", 1))
    world.run(ms=300)
    assert seen == [[], ["a"], ["a", "b"]]
    assert world.items("counter:1")["\0w"].due == 1 << 52


def test_normalisers_that_raise_lose_only_the_payload_that_made_them(make_world: MakeWorld) -> None:
    topology = toy_topology()
    good = topology.inputs[0]

    def breaks(records: Any) -> Any:
        if any(b"boom" in record.value() for record in records):
            raise ValueError("boom")
        return good.normalise(records)

    world = make_world(msgspec.structs.replace(topology, inputs=[msgspec.structs.replace(good, normalise=breaks)]))
    world.worker()
    world.feed(add("a", 1))
    world.feed(add("boom", 1))
    world.feed(add("c", 1))
    world.run(ms=300)
    assert sorted(key for key, _ in world.outputs("seen")) == ["a", "c"]
    (letter,) = world.letters()
    assert letter["cause"] == b"ValueError: boom"


@settings(max_examples=15, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=25),
    cache=st.integers(1, 4),
    batch=st.integers(1, 7),
)
def test_neither_the_cache_nor_the_cut_of_batches_shows(events: list[tuple[int, int]], cache: int, batch: int) -> None:
    def outcome(limits: Limits) -> Any:
        world = World(limits=limits)
        try:
            world.worker()
            for number, (to, amount) in enumerate(events):
                world.feed(add(f"x{number}", to, amount))
            world.run(ms=1_500)
            assert len(world.outputs("seen")) == len(events)
            return sorted(world.outputs("seen"), key=str), [
                world.items(f"counter:{to}")["head"].count for to, _ in events
            ]
        finally:
            world.close()

    small = Limits(cache_addresses_max=cache, inbox_records_max=batch, raw_records_max=batch, commit_records_max=batch)

    def bare(found: Any) -> Any:
        outputs, counts = found
        return [(key, value["count"]) for key, value in outputs], counts

    assert bare(outcome(small)) == bare(outcome(Limits()))


def test_sends_to_other_addresses_carry_seen_at(make_world: MakeWorld) -> None:
    def fold(state: Any, event: Any, now: Any, model: Any) -> Any:
        return [Send("board:1", event), Publish("seen", "k", {"at": now.seen_at})]

    world = make_world(with_fold(fold))
    world.worker()
    world.feed(add("a", 1))
    at = world.clock.now_ms()
    world.run(ms=500)
    assert world.outputs("seen") == [("k", {"at": at})]
    assert [value["at"] for _, value in world.outputs("boards")][:1] == [at]
