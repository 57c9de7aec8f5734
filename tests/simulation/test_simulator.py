"""Worlds in which everything goes wrong, and still everything happens exactly once.

A failing seed prints its last events and the command that runs it again.
"""

import pytest

from streams.runtime.simulator import simulate
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import NAME, scenario

SEEDS = 240
CHUNK = 20
MUTANT_SEEDS = 60


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_world_ends_as_the_oracle_says(first: int) -> None:
    for seed in range(first, first + CHUNK):
        report = simulate(seed, scenario())
        assert report.ok, report.text()


def test_the_worlds_are_as_bad_as_they_claim_to_be() -> None:
    """Every kind of fault and every way out of it occurs among the seeds: else their passing would mean little."""
    happened = "\n".join(line for seed in range(60) for line in simulate(seed, scenario()).counts)
    for what in (
        "crash before send_offsets", "crash before commit", "crash after commit", "crash before apply", "crash after apply",
        "crash before load", "falls asleep before", "falls asleep after", "fence before", "retry before",
        "commit in flight", "arrives", "never arrives", "commit done but unknown", "the store is lost",
        "the store is rolled back", "the store is down", "leaves", "the zombie dies", "WorkerFenced", "CommitDoubtful",
        "TransactionAborted", "StateFoundLost", "how='intact'", "how='caught up'", "how='rebuilt'", "change='lost'",
    ):  # fmt: skip
        assert what in happened, f"never happened: {what}"


def test_a_seed_is_a_world() -> None:
    one, two, other = simulate(7, scenario()), simulate(7, scenario()), simulate(8, scenario())
    assert one.timeline == two.timeline
    assert one.verdict == two.verdict
    assert one.timeline != other.timeline
    assert one.verdict is not None
    assert one.verdict.raw_records > 0
    assert one.verdict.outputs > 0
    assert one.verdict.ticks > 0


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_protocol_is_found_out(name: str) -> None:
    """On the seeds on which the right one passes; see the first test."""
    report = next((report for seed in range(MUTANT_SEEDS) if not (report := simulate(seed, MUTANTS[name])).ok), None)
    assert report is not None, f"{name}: {MUTANT_SEEDS} worlds and nobody noticed"
    assert report.text().endswith(f"rapport simulate --scenario {NAME} --seed {report.seed}")
