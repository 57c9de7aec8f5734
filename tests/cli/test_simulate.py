"""`rapport simulate`: the product in worlds where everything goes wrong."""

import pytest

from streams.runtime.simulator import Scenario, simulate
from tests.cli.shell import ask
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import NAME
from topologies.simulation import scenario

SEEDS = 12
BROKEN = "tests.cli.test_simulate:broken"


def broken() -> Scenario:
    """A protocol that is wrong, for the command to find out."""
    return next(iter(MUTANTS.values()))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_product_loses_nothing_and_doubles_nothing(seed: int) -> None:
    report = simulate(seed, scenario())
    assert report.ok, report.text()


def test_one_seed_tells_its_story() -> None:
    answer = ask("simulate", "--seed", "3", "--scenario", NAME)
    assert answer.code == 0
    assert "faults end" in answer.out
    assert "nothing lost, nothing doubled, nothing invented" in answer.out
    assert ask("simulate", "--seed", "3", "--scenario", NAME).out == answer.out


def test_many_seeds_are_summed_up() -> None:
    answer = ask("simulate", "--seeds", "0..3", "--scenario", NAME, "--json")
    assert answer.json["failed"] == []
    assert [world["seed"] for world in answer.json["worlds"]] == [0, 1, 2, 3]
    assert all(world["verdict"]["outputs"] > 0 for world in answer.json["worlds"])


def test_a_failing_seed_prints_the_command_that_runs_it_again() -> None:
    seed = next(number for number in range(60) if not simulate(number, broken()).ok)
    answer = ask("simulate", "--seeds", f"{seed}..{seed}", "--scenario", BROKEN)
    assert answer.code == 1
    assert f"rapport simulate --scenario {NAME} --seed {seed}" in answer.err
    assert f"1 worlds are not as they must be: {seed}" in answer.out


@pytest.mark.parametrize(
    "options",
    [("--seeds", "5"), ("--seeds", "5..3"), ("--seed", "1", "--seeds", "1..2"), ("--scenario", "nowhere:nothing")],
)
def test_wrong_options_are_wrong_usage(options: tuple[str, ...]) -> None:
    assert ask("simulate", *options).code == 2
