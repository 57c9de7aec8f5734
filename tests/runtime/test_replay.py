"""Recorded input through the engine: the same bytes from the same records, the same answers from any seed."""

import json
import random
from typing import Any

import pytest

from streams.core.facts import Fact
from streams.errors import Fatal
from streams.runtime import facts
from streams.runtime.oracle import check
from streams.runtime.oracle_log import read
from streams.runtime.replay import SESSION_TIMEOUT_MS, Recorded, Replay, ReplayClock, merged, slices
from streams.runtime.topology import Topology
from streams.state.dict_store import DictStore
from streams.transport.sqlite_log import SqliteLog
from tests.support.toy_topology import QUIET_MS, add, payload, toy_topology

AT = 1_750_000_000_000


def recorded(count: int = 60, seed: int = 3) -> list[Recorded]:
    """Payloads of two topics over two minutes, some of them bad."""
    rng = random.Random(seed)
    found, at = [], AT
    for number in range(count):
        at += rng.choice((0, 5, 300, 6_000))
        value = payload(add(f"x{number}", to=rng.randrange(9), amount=rng.randrange(5), total=rng.randrange(3)))
        if number % 20 == 19:
            value = b"{broken"
        found.append(Recorded(rng.choice(("raw.a", "raw.b")), at, value))
    return found


class Run:
    """One replay, and what it left."""

    def __init__(
        self, records: list[Recorded], seed: int = 0, until: int | None = None, topology: Topology | None = None
    ) -> None:
        self.topology = topology or toy_topology(silence="unknown")
        clock = ReplayClock()
        log = SqliteLog(":memory:", clock=clock, session_timeout_ms=SESSION_TIMEOUT_MS)
        store = DictStore(log.cluster_id)
        self.facts: list[Fact] = []
        replay = Replay(self.topology, log, store, clock, self.facts.append, seed=seed)
        replay.feed(records)
        if until is not None:
            replay.pass_to(until)
        self.now = clock.now_ms()
        replay.close()
        self.topics = {
            name: [(record.key(), record.headers(), record.value()) for record in read(log, output.topic, 0)]
            for name, output in self.topology.outputs.items()
        }
        self.letters = [dict(record.headers() or ()) for record in read(log, self.topology.dlq, 0)]
        self.verdict = check(log, store, self.topology, value_bytes_max=1_000_000)
        log.close()

    def newest(self, name: str) -> dict[bytes, Any]:
        return {key: json.loads(value or b"null") for key, _, value in self.topics[name] if key is not None}


def test_the_same_records_and_seed_give_the_same_bytes() -> None:
    assert Run(recorded(), seed=5).topics == Run(recorded(), seed=5).topics


def test_another_seed_is_another_interleaving_with_the_same_answers() -> None:
    runs = [Run(recorded(), seed=seed) for seed in range(4)]
    assert len({str(run.topics) for run in runs}) > 1
    for run in runs:
        # What a total has heard depends on the order; what a counter has added up does not.
        assert run.newest("counts") == runs[0].newest("counts")
        assert len(run.letters) == 3


@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_finds_nothing_wrong(seed: int) -> None:
    assert Run(recorded(seed=seed), seed=seed, until=AT + 200_000).verdict.violations == []


def test_time_stops_at_the_last_record_or_goes_on_until_it_is_told() -> None:
    one = [Recorded("raw.a", AT, payload(add("x", 1)))]
    stopped, ran = Run(one), Run(one, until=AT + 60_000)
    assert stopped.now == AT
    assert ran.now == AT + 60_000
    assert [json.loads(value or b"").get("quiet") for _, _, value in stopped.topics["seen"]] == [None]
    assert [json.loads(value or b"").get("quiet") for _, _, value in ran.topics["seen"]][:2] == [None, AT + QUIET_MS]


def test_who_wants_to_be_woken_between_two_records_is_woken_between_them() -> None:
    """An hour without records is not a moment: wakes come in their time, level by level."""
    records = [Recorded("raw.a", AT, payload(add("x", 1))), Recorded("raw.a", AT + 3_600_000, payload(add("y", 1)))]
    seen = [json.loads(value or b"") for _, _, value in Run(records).topics["seen"]]
    assert [entry.get("id", "quiet") for entry in seen][:3] == ["x", "quiet", "y"]
    assert AT + QUIET_MS <= seen[1]["upto"] <= AT + QUIET_MS + 1_000


def test_a_payload_that_no_log_takes_is_a_dead_letter_and_its_neighbours_go_on() -> None:
    large = payload(add("large", 1), padding="x" * (20 << 20))
    run = Run(
        [
            Recorded("raw.a", AT + n, value)
            for n, value in enumerate((payload(add("x", 1)), large, payload(add("y", 1))))
        ]
    )
    assert [key for key, _, _ in run.topics["seen"]] == [b"x", b"y"]
    assert sum(isinstance(fact, facts.RecordRejected) for fact in run.facts) == 1
    (letter,) = run.letters
    assert b"the log takes up to" in letter["cause"]
    assert letter["topic"] == b"raw.a"
    assert letter["cut_from_bytes"] == b"%d" % len(large)


def test_bad_input_stops_nobody() -> None:
    run = Run([Recorded("raw.a", AT + number, b"{broken") for number in range(3_000)])
    assert len(run.letters) == 3_000


def test_streams_are_merged_by_time_and_keep_their_own_order() -> None:
    def stream(name: str, *times: int) -> list[Recorded]:
        return [Recorded(name, at, b"%d" % number) for number, at in enumerate(times)]

    found = [(r.topic, r.received_at) for r in merged([stream("a", 1, 5, 3, 9), stream("b", 2, 4, 9, 10)])]
    assert found == [("a", 1), ("b", 2), ("b", 4), ("a", 5), ("a", 3), ("a", 9), ("b", 9), ("b", 10)]


def test_slices_are_short_small_and_whole() -> None:
    records = [Recorded("a", at, b"") for at in (0, 1_000, 1_001, 2_500)]
    assert [[record.received_at for record in part] for part in slices(records)] == [[0, 1_000], [1_001], [2_500]]
    assert [len(part) for part in slices([Recorded("a", 0, b"")] * 4_500)] == [2_000, 2_000, 500]
    assert [len(part) for part in slices([Recorded("a", 0, b"x" * (5 << 20))] * 3)] == [2, 1]


def test_trouble_with_the_log_ends_a_replay() -> None:
    clock = ReplayClock()
    log = SqliteLog(":memory:", clock=clock, session_timeout_ms=SESSION_TIMEOUT_MS)
    replay = Replay(toy_topology(), log, DictStore(log.cluster_id), clock, list[Fact]().append)
    log.producer("toy-0").close()
    with pytest.raises(Fatal, match="nobody else touches, found trouble"):
        replay.feed(recorded(3))
    log.close()


def test_facts_are_told() -> None:
    told = Run(recorded()).facts
    assert sum(fact.amount for fact in told if isinstance(fact, facts.RecordsIngested)) == 60
    assert sum(fact.amount for fact in told if isinstance(fact, facts.RecordRejected)) == 3
