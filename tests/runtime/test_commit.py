"""A commit: its order, its number, and what is done when its outcome is not known."""

from collections.abc import Mapping
from typing import Any

import pytest

from schemas.log import MARKER_KEY, decode_marker
from streams.errors import Doubtful, Fenced, Poison, Retryable
from streams.runtime import facts
from streams.runtime.codec import Standing, fit_letter, read_standing, split_key, write_standing
from streams.runtime.limits import Limits
from streams.runtime.ports import Headers, Membership, Position, TopicPartition
from streams.runtime.worker import Worker
from tests.runtime.world import World
from tests.support.toy_topology import add


class Spy:
    """A producer that writes down what it is asked for, and may answer a commit with something else."""

    def __init__(self, inner: Any, calls: list[str], answers: list[Any]) -> None:
        self._inner, self._calls, self._answers = inner, calls, answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def begin(self) -> None:
        self._calls.append("begin")
        self._inner.begin()

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int = -1,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        self._calls.append(f"send {topic}" + (" marker" if key == MARKER_KEY else ""))
        self._inner.send(topic, value, key, partition, headers, timestamp_ms)

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        self._calls.append(f"offsets {membership.group} {len(offsets)}")
        self._inner.send_offsets(offsets, membership)

    def commit(self) -> None:
        self._calls.append("commit")
        before, error = self._answers.pop(0) if self._answers else (True, None)
        if before:
            self._inner.commit()
        if error is not None:
            raise error


def spied(world: World, *answers: Any) -> tuple[Worker, list[str]]:
    calls: list[str] = []
    left = list(answers)
    make = world.log.producer

    def producer(name: str) -> Any:
        return Spy(make(name), calls, left)

    world.log.producer = producer  # type: ignore[method-assign,assignment]
    apply = world.store.apply

    def spy_apply(commits: Any) -> None:
        calls.append("apply")
        apply(commits)

    world.store.apply = spy_apply  # type: ignore[method-assign]
    return world.worker("spied"), calls


def test_the_order_of_a_commit(world: World) -> None:
    world.workers.pop("0").close()
    _, calls = spied(world)
    world.run(ms=100)
    calls.clear()
    world.feed(add("a", 1, 1))
    world.run(ms=2_000, until=lambda: "apply" in calls)
    last = calls[len(calls) - 1 - calls[::-1].index("begin") :]
    kinds = list(dict.fromkeys(last))
    assert kinds.index("send toy.inbox") < kinds.index("send toy.counts") < kinds.index("send toy.changelog")
    assert kinds.index("send toy.changelog") < kinds.index("send toy.changelog marker")
    assert kinds[-4:] == ["offsets toy.ingest 4", "offsets toy.fold 3", "commit", "apply"]


def test_a_commit_without_a_change_of_state_has_no_number_and_asks_no_store(world: World) -> None:
    world.workers.pop("0").close()
    _, calls = spied(world)
    world.run(ms=100)
    calls.clear()
    world.feed_bytes(b"{}")
    world.run(ms=300)
    assert "commit" in calls
    assert "apply" not in calls
    assert not [call for call in calls if "changelog" in call]


def test_markers_count_the_commits_of_a_partition(world: World) -> None:
    for number in range(5):
        world.feed(add(f"x{number}", 1, 1))
        world.run(ms=200)
    by_partition: dict[int, list[int]] = {}
    for record in world.records("toy.changelog"):
        if record.key() == MARKER_KEY:
            marker = decode_marker(record.value() or b"")
            assert marker.model == "m1"
            by_partition.setdefault(record.partition(), []).append(marker.seq)
    for partition, seqs in by_partition.items():
        assert seqs == list(range(1, len(seqs) + 1))
        assert world.store.position(partition).seq == len(seqs)


@pytest.mark.parametrize("happened", [True, False])
def test_a_commit_in_doubt_is_looked_up(world: World, happened: bool) -> None:
    world.workers.pop("0").close()
    spied(world, (True, None), (True, None), (True, None), (happened, Doubtful("no answer")))
    for number in range(6):
        world.feed(add(f"x{number}", number, 2))
        world.run(ms=100)
    world.run(ms=500)
    assert len(world.told(facts.CommitDoubtful)) == 1
    assert sorted(key for key, _ in world.outputs("seen")) == [f"x{number}" for number in range(6)]
    assert [world.items(f"counter:{number}")["head"].count for number in range(6)] == [2] * 6
    assert world.items("total:1")["sum"].count == 12


def test_a_commit_that_cannot_be_finished_now_is_called_again(world: World) -> None:
    world.workers.pop("0").close()
    spied(world, *[(False, Retryable("busy"))] * 5)
    world.feed(add("a", 1, 1))
    world.run(ms=500)
    assert len([fact for fact in world.told(facts.CallRetried) if fact.what == "commit"]) == 5
    assert world.told(facts.CommitDoubtful) == []
    assert [key for key, _ in world.outputs("seen")] == ["a"]


def test_a_commit_that_is_never_finished_is_doubtful(world: World) -> None:
    world.workers.pop("0").close()
    world.limits = Limits(commit_retry_ms=100, retry_ms=20)
    spied(world, *[(False, Retryable("busy"))] * 8)
    world.feed(add("a", 1, 1))
    world.run(ms=2_000)
    assert world.told(facts.CommitDoubtful)
    assert [key for key, _ in world.outputs("seen")] == ["a"]
    assert world.items("counter:1")["head"].count == 1


def test_nothing_is_committed_by_somebody_who_is_no_member(world: World) -> None:
    """The log takes the positions of one that never joined without any check: so we must not send them."""
    worker = world.workers["0"]
    world.run(ms=200)
    world.feed(add("a", 1, 1))
    assert worker._inbox is not None
    consumer = worker._inbox.consumer
    real = consumer.membership
    consumer.membership = lambda: Membership("toy.fold", -1, "")  # type: ignore[method-assign]
    world.run(ms=300)
    assert world.outputs("seen") == []
    assert any("not a member" in fact.reason for fact in world.told(facts.WorkerFenced))
    consumer.membership = real  # type: ignore[method-assign]
    world.run(ms=500)
    assert [key for key, _ in world.outputs("seen")] == ["a"]
    assert not world.told(facts.CommitDoubtful)


def test_a_fenced_worker_goes_on_with_what_it_owns(world: World) -> None:
    world.workers.pop("0").close()
    spied(world, (True, None), (False, Fenced("somebody else")), (True, None), (False, Fenced("again")))
    for number in range(4):
        world.feed(add(f"x{number}", 1, 1))
        world.run(ms=100)
    world.run(ms=500)
    assert len(world.told(facts.WorkerFenced)) == 2
    assert sorted(key for key, _ in world.outputs("seen")) == ["x0", "x1", "x2", "x3"]
    assert world.items("counter:1")["head"].count == 4


def test_metadata_and_keys_are_read_as_they_were_written() -> None:
    where = TopicPartition("t", 1)
    for standing in (Standing(0, (0,)), Standing(7, (1_760_000_000_000, 5, 0))):
        assert read_standing(write_standing(standing), where) == standing
    assert write_standing(Standing(7, (3, 2, 1))) == "v1;7;3,2,1"
    assert split_key("account:é".encode() + b"\0" + b"act:1") == ("account:é", "act:1")
    assert split_key(b"a:b\0\0w") == ("a:b", "\0w")
    assert Poison("cause", "$.a").path == "$.a"


@pytest.mark.parametrize("size", [0, 10, 500, 900, 990, 1_000, 5_000])
def test_a_letter_fits_into_the_log(size: int) -> None:
    headers = [("cause", b"c" * 50), ("header.signature", b"s" * 300)]
    key, value, kept = fit_letter(b"k" * 20, b"x" * size, headers, 1_000)
    assert key == b"k" * 20
    assert len(key) + len(value or b"") + sum(len(name) + len(data) for name, data in kept) <= 1_000
    assert ("cause", b"c" * 50) in kept
    if size <= 600:
        assert (value, kept) == (b"x" * size, headers)
    if size == 5_000:
        assert ("cut_from_bytes", b"5000") in kept
    assert fit_letter(None, None, headers, 1_000) == (None, None, headers)
