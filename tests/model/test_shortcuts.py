"""Stories with their right answers; and each tempting shortcut gets its story wrong, and is caught by the property.

`no_path` (a merge that comes back to itself) has no place here before merges have.
"""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Erase
from streams.runtime.topology import Stage
from tests.model import cast, world
from tests.model.cast import C1, External, ms
from tests.model.examples import examples
from tests.model.extract import found, traces
from tests.model.mutants import MUTANTS, mutated
from tests.model.oracle import Answer, answer
from tests.model.runner import PingPong, play
from tests.model.stories import MODEL, MODEL_STORIES, STORIES, Story
from topologies.social_crm import stages

STAGES: Mapping[str, Stage] = stages()
ORDERS = 40
by_name = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)


def is_erasing(story: Story) -> bool:
    """The oracle does not speak of erased people."""
    return any(isinstance(event, Erase) for _, event in story.events)


def wrong(story: Story, got: Answer) -> str:
    """What of an answer is not as the story says; empty when all is."""
    if (pairs := {(pair.act, pair.customer) for pair in got.pairs}) != story.pairs:
        return f"pairs {pairs}"
    if any(got.sums[who].engagement != points for who, points in story.engagement.items()):
        return f"sums {got.sums}"
    if any(got.profiles.get(who) != profile for who, profile in story.profiles.items()):
        return f"profiles {got.profiles}"
    return ""


def told(story: Story, stages: Mapping[str, Stage]) -> list[str]:
    """What went wrong over many orders."""
    out = []
    for seed in range(ORDERS):
        played = play(story.events, stages, MODEL, seed=seed, partitions=1 + seed % 8, reorder=bool(seed % 2))
        try:
            out += [problem] if (problem := wrong(story, found(played))) else []
        except AssertionError as problem:
            out.append(str(problem))
        out += traces(played, C1) if is_erasing(story) else []
    return out


@by_name
def test_the_story_ends_as_it_should_in_every_order(story: Story) -> None:
    assert told(story, STAGES) == []


@by_name
def test_the_oracle_knows_the_story(story: Story) -> None:
    if not is_erasing(story):
        assert wrong(story, answer(story.events, MODEL)) == ""


@pytest.mark.parametrize("name", MUTANTS)
def test_the_shortcut_gets_its_story_wrong(name: str) -> None:
    (story,) = [story for story in MODEL_STORIES if story.shortcut == name]
    assert told(story, mutated(STAGES, name)), f"{name} passes for right"


@pytest.mark.parametrize("name", MUTANTS)
def test_the_property_catches_the_shortcut(name: str) -> None:
    stages, model = mutated(STAGES, name), cast.model()

    @examples(600, shrink=False)
    @given(world.worlds, st.integers(0, (1 << 19) - 1))
    def check(events: list[External], number: int) -> None:
        seed, partitions = number >> 3, 1 + number % 8
        if name == "erase_forget":
            erased = [*events, (C1, Erase(ms(10), ms(10)))]
            assert traces(play(erased, stages, model, seed=seed, partitions=partitions, reorder=True), C1) == []
            return
        got = found(play(events, stages, model, seed=seed, partitions=partitions, reorder=True))
        want = answer(events, model)
        assert (got.pairs, got.sums) == (want.pairs, want.sums)

    with pytest.raises((AssertionError, PingPong)):
        check()
