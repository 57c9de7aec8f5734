"""Records and moments that were made to break a worker: none of them may stop it, lose anything, or count twice."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from streams.core.effects import Effect, Publish, Put, Send
from streams.errors import Fatal, Retryable
from streams.runtime.attempts import CAUSE
from streams.runtime.batch import Batch
from streams.runtime.limits import Limits
from streams.runtime.ports import Headers, Record, TopicPartition
from streams.runtime.task import Task
from streams.runtime.topology import Arrival, Input, Normalised, Stage, Topology
from streams.runtime.worker import Worker
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import Add, Count, add, counter, encode_event, toy_topology

MIB = 1 << 20


def topology_with(bad: Callable[[], list[Effect]]) -> Topology:
    """Counters that do as usual, but for an event named `bad`."""

    def fold(state: Any, event: Any, now: Any, model: Any) -> Any:
        return bad() if getattr(event, "id", "") == "bad" else counter(state, event, now, model)

    topology = toy_topology()
    return msgspec.structs.replace(topology, stages={**topology.stages, "counter": Stage(fold, 1)})


HALF = "\ud83d"
"""Half of a surrogate pair: text in Python, but no UTF-8."""

UNWRITABLE: dict[str, list[Effect]] = {
    "an address as long as a record": [Send("total:" + "x" * MIB, Add("a", 1, "total:1"))],
    "an address longer than any may be": [Send("total:" + "x" * 5_000, Add("a", 1, "total:1"))],
    "an address that is no text": [Send(f"total:{HALF}", Add("a", 1, "total:1"))],
    "an item with a name as long as a record": [Put("x" * MIB, Count(1, 1, 1))],
    "an item with a name that is no text": [Put(f"x{HALF}", Count(1, 1, 1))],
    "a key as long as a record": [Publish("seen", "k" * MIB, {"x": 1})],
    "a key that leaves no room": [Publish("counts", "k" * 600_000, {"x": "y" * 600_000})],
    "a key that is no text": [Publish("seen", HALF, {"x": 1})],
    "an erased key that is no text": [Publish("counts", HALF, None)],
    "a document and its headers": [Publish("seen", "k" * 30_000, {"x": "y" * 1_000_000})],
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_what_the_log_would_refuse_is_a_dead_letter_before_anything_is_kept(make_world: MakeWorld, name: str) -> None:
    bad = [Put("head", Count(9, 9, 9)), *UNWRITABLE[name]]
    world = make_world(topology_with(lambda: bad))
    world.worker()
    world.feed(add("good", 1, 1), add("bad", 1, 1), add("better", 1, 1))
    world.run(ms=500)
    assert [(key, value["count"]) for key, value in world.outputs("seen") if "count" in value] == [
        ("good", 1),
        ("better", 2),
    ]
    (letter,) = world.letters()
    assert letter["fold"] == b"counter"


@pytest.mark.parametrize("address", ["counter:" + "x" * 5_000, "counter:" + "x" * MIB, f"counter:{HALF}"])
def test_a_payload_that_leads_to_no_address_is_a_dead_letter(make_world: MakeWorld, address: str) -> None:
    def normalise(records: Any) -> Normalised:
        return Normalised(
            [
                Arrival(i, 1, address if r.value() == b"bad" else "counter:1", Add("a", 1, "total:1"))
                for i, r in enumerate(records)
            ]
        )

    topology = msgspec.structs.replace(toy_topology(), inputs=[Input("raw.a", normalise)])
    world = make_world(topology)
    world.log.create_topic("raw.b", 1, compact=False, retention_ms=None)
    world.worker()
    for value in (b"good", b"bad", b"good"):
        world.feed_bytes(value)
    world.run(ms=500)
    assert [value["count"] for _, value in world.outputs("seen") if "count" in value] == [1, 2]
    assert [letter["fold"] for letter in world.letters()] == [b"normalise"]


@pytest.mark.parametrize(("key", "value"), [(500_000, 500_000), (1_040_000, 10), (0, 1_040_000), (1_023_000, 0)])
def test_a_bad_record_as_large_as_the_log_takes_becomes_a_letter_that_it_takes_too(
    world: World, key: int, value: int
) -> None:
    world.log.append("raw.a", [(b"k" * key, b"{" * value, [("h", b"v" * 5_000)], 0)], 0)
    world.feed(add("good", 1, 1))
    world.run(ms=500)
    (record,) = world.records("toy.dlq")
    headers = dict(record.headers() or ())
    assert (record.key() or b"") == (b"k" * key)[: len(record.key() or b"")]
    assert len(record.key() or b"") == key or headers["key_cut_from_bytes"] == b"%d" % key
    assert len(record.value() or b"") == value or headers["cut_from_bytes"] == b"%d" % value
    assert "good" in dict(world.outputs("seen"))


def test_a_header_without_a_value_does_not_keep_a_record_from_being_set_aside(world: World) -> None:
    """Kafka's headers may be null."""
    from streams.runtime.codec import letter_headers
    from streams.runtime.ports import LogRecord

    null: Any = None
    record = LogRecord("raw.a", 0, 1, None, b"{", 0, [("empty", null), ("attempt", null)])
    headers = letter_headers(record, cause="c", path="$", fold="f", code_version="1")
    assert dict(headers)["header.empty"] == b""
    assert dict(headers)["attempt"] == b"1"


def run_and_close(world: World, ms: int) -> None:
    """As the command does it, with the worker called 0."""
    ends_at = world.clock.now_ms() + ms

    def should_stop() -> bool:
        world.clock.sleep_ms(1)
        return world.clock.now_ms() > ends_at

    world.workers.pop("0").run(should_stop)


class Interrupt(KeyboardInterrupt):
    """A second Ctrl-C, in the middle of whatever is going on."""


class Interrupted(Worker):
    """Is interrupted at the nth record it sends."""

    def __init__(self, *parts: Any, at: int, how: BaseException, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._left, send = at, self._batch.send

        def interrupted(*parts: Any, **more: Any) -> None:
            self._left -= 1
            if self._left == 0:
                raise how
            send(*parts, **more)

        self._batch.send = interrupted


@pytest.mark.parametrize("how", [Interrupt, MemoryError])
@pytest.mark.parametrize("at", range(1, 20))
def test_closing_after_an_interruption_commits_nothing_half_way(
    make_world: MakeWorld, at: int, how: type[BaseException]
) -> None:
    world = make_world()
    world.worker("0", type=Interrupted, at=at, how=how())
    for number in range(5):
        world.feed(add(f"a{number}", 1, 1))
    with pytest.raises(how):
        run_and_close(world, 5_000)
    world.worker("1")
    world.run("1", ms=1_000)
    assert sorted(value["count"] for _, value in world.outputs("seen") if "count" in value) == [1, 2, 3, 4, 5]
    assert world.items("total:1")["sum"].count == 5
    assert world.letters() == []


class MistakenTask(Task):
    def fold(self, records: Sequence[Record], batch: Batch) -> None:
        if any(record.offset() >= self.position and b"deadly" in (record.key() or b"") for record in records):
            raise KeyError("nobody thought of that")
        super().fold(records, batch)


class Mistaken(Worker):
    task_type = MistakenTask


def test_a_record_that_brings_out_a_mistake_of_ours_is_set_aside_like_one_that_kills(make_world: MakeWorld) -> None:
    """The process ends in good order each time, and somebody starts it again."""
    world = make_world()
    for number in range(4):
        world.feed(add(f"a{number}", "deadly" if number == 2 else number, 1))
    ends = 0
    for _ in range(8):
        world.worker("0", type=Mistaken)
        try:
            run_and_close(world, 1_000)
        except KeyError:
            ends += 1
    assert ends == 4
    assert [letter["cause"].decode() for letter in world.letters()] == [CAUSE]
    assert sorted(key for key, value in world.outputs("seen") if "count" in value) == ["a0", "a1", "a3"]


def test_records_of_a_partition_that_was_lost_while_polling_are_not_folded_later(make_world: MakeWorld) -> None:
    """It comes back to the same worker; what it held before must not be taken for what comes next."""
    world = make_world(toy_topology(partitions=1))
    worker = world.worker()
    world.run(ms=100)
    assert worker._inbox is not None
    side, where = worker._inbox, TopicPartition("toy.inbox", 0)
    for number in range(6):
        world.log.append("toy.inbox", [(b"counter:1", encode_event(1, Add(f"a{number}", 1, "total:1")), None, 0)], 0)
    records = world.log.reader("toy.inbox", 0).poll(10, 0)
    side.left = list(records[3:])
    poll = side.consumer.poll

    def lose_quietly(records_max: int, wait_ms: int) -> list[Any]:
        worker._abandon("lost")
        side.drop([where])
        side.add([where])
        side.consumer.poll = poll  # type: ignore[method-assign]
        return []

    side.consumer.poll = lose_quietly  # type: ignore[method-assign]
    side._by_partition = lambda: (_ for _ in ()).throw(Retryable("not now"))  # type: ignore[method-assign]
    worker.step()
    del side._by_partition
    world.run(ms=500)
    assert sorted(key for key, _ in world.outputs("seen") if key.startswith("a")) == [
        f"a{number}" for number in range(6)
    ]


def test_a_clock_that_is_set_back_does_not_stop_the_commits(world: World) -> None:
    world.run(ms=3_000)
    world.clock.sleep_ms(-3_600_000)
    world.feed(add("a", 1, 1))
    world.run(ms=500)
    assert "a" in dict(world.outputs("seen"))
    before = len([record for record in world.records("toy.inbox") if record.key() == b"tick:"])
    world.feed(add("b", 1, 1))
    world.run(ms=12_000)
    assert before is not None


def test_a_topic_that_is_missing_stops_the_start_and_not_the_first_record_for_it(make_world: MakeWorld) -> None:
    world = make_world()
    outputs = dict(world.topology.outputs)
    outputs["more"] = msgspec.structs.replace(outputs["seen"], topic="toy.more")
    world.topology = msgspec.structs.replace(world.topology, outputs=outputs)
    with pytest.raises(Fatal, match=r"toy\.more"):
        world.worker()
    world.topology = msgspec.structs.replace(toy_topology(), dlq="toy.nothing")
    with pytest.raises(Fatal, match=r"toy\.nothing"):
        world.worker()


def test_a_worker_that_stops_loudly_still_gives_its_partitions_back(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(reject_window=10))
    world.worker("0")
    for _ in range(30):
        world.feed_bytes(b"{broken")
    with pytest.raises(Fatal):
        run_and_close(world, 5_000)
    world.limits = Limits()
    world.worker("1")
    world.run("1", ms=200)
    assert world.workers["1"].status().tasks == (0, 1, 2)
    assert len(world.workers["1"].status().raw) == 4


def test_an_input_that_comes_later_keeps_what_the_ticks_have_promised(make_world: MakeWorld) -> None:
    """Its backlog is older than stream time, and is folded when that has moved on already."""
    world = make_world()
    world.clock.sleep_ms(100_000)
    old = world.clock.now_ms() - 50_000
    world.log.append(
        "raw.b",
        [(None, b'{"events": [{"id": "old", "to": "counter:2", "amount": 1, "total": "total:1"}]}', None, old)],
        0,
    )
    world.topology = msgspec.structs.replace(toy_topology(), inputs=toy_topology().inputs[:1])
    world.worker("0")
    world.feed(add("a", 1, 1))
    world.run(ms=20_000)
    world.workers.pop("0").close()
    world.topology = toy_topology()
    world.worker("1")
    world.run(ms=5_000)
    seen = dict(world.outputs("seen"))
    assert seen["a"]["upto"] == 0
    assert seen["old"]["upto"] > 0, "stream time had begun"
    assert seen["old"]["at"] >= seen["old"]["upto"]


def test_a_batch_whose_effects_are_large_is_cut_by_its_size(make_world: MakeWorld) -> None:
    """Two thousand events may come at once, and each may write as much as a record holds."""
    bad: list[Effect] = [Publish("seen", "large", {"x": "y" * 100_000})]
    world = make_world(topology_with(lambda: bad), limits=Limits(commit_bytes_max=1_000_000))
    worker = world.worker()
    world.run(ms=100)
    most = 0
    rows: list[tuple[bytes | None, bytes | None, Headers | None, int]] = [
        (b"counter:1", encode_event(1, Add("bad", 1, "total:1")), None, 0) for _ in range(100)
    ]
    world.log.append("toy.inbox", rows, 0)
    for _ in range(200):
        commit = worker._commit

        def counted(*parts: Any, commit: Any = commit) -> None:
            nonlocal most
            most = max(most, worker._batch.bytes)
            commit(*parts)

        worker._commit = counted  # type: ignore[method-assign, assignment]
        worker.step()
        worker._commit = commit  # type: ignore[method-assign]
        world.clock.sleep_ms(1)
    assert len(world.outputs("seen")) == 100
    assert most < 1_200_000
