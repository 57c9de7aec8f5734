"""Episodes of rules that watch a score."""

from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.customer.episodes import RISK, World, lives, rule
from topologies.customer.rules.episode_score import watched


def test_a_score_fires_at_the_threshold_and_ends_beyond_the_exit() -> None:
    world = World(RISK)
    assert watched(RISK, None) == 600
    assert world.go(100, score=599) == ""
    assert world.episode is None
    assert world.go(101, score=600) == "fired 101"
    assert watched(RISK, world.episode) == 500
    assert world.go(102, score=609) == ""
    assert world.go(103, score=610) == "updated 101"
    assert world.go(104, score=500) == "updated 101"
    assert world.go(105, score=499) == "resolved 101"
    assert [change.value for change in world.told] == [60.0, 61.0, 50.0, 49.9]
    assert world.go(106, score=700) == ""  # in the cooldown
    assert world.wake == 201
    assert world.tick(201, score=700) == "fired 201"


def test_a_score_must_hold_for_as_long_as_the_rule_says() -> None:
    world = World(msgspec.structs.replace(RISK, for_ms=10))
    assert world.go(100, score=650) == ""
    assert world.wake == 110
    assert world.go(105, score=599) == ""
    assert world.go(106, score=650) == ""
    assert world.wake == 116
    assert world.tick(115, score=650) == ""
    assert world.tick(116, score=650) == "fired 106"


def test_a_falling_score_fires_from_above() -> None:
    falling = rule(kind="score_crosses", score="sentiment", threshold=-0.5, exit=-0.3, rising=False)
    world = World(falling)
    assert world.go(100, score=-499) == ""
    assert world.go(101, score=-500) == "fired 101"
    assert world.go(102, score=-300) == "updated 101"
    assert world.go(103, score=-299) == "resolved 101"
    assert world.told[0].value == -0.5


def test_a_score_episode_ends_with_a_retraction_or_when_nothing_is_measured() -> None:
    world = World(RISK)
    world.go(100, score=650)
    assert world.go(101, score=550, retracted=("x",)) == "resolved 100"
    world = World(RISK)
    world.go(100, score=650)
    assert world.go(101, score=None) == "resolved 100"


SCORES = st.lists(
    st.tuples(st.integers(0, 15), st.one_of(st.none(), st.integers(0, 1000)), st.booleans(), st.booleans()), max_size=30
)


@settings(deadline=None, max_examples=200)
@given(SCORES, st.sampled_from([0, 5]), st.sampled_from([1, 30]))
def test_score_alerts_live_once_and_only_while_the_score_is_there(
    steps: list[tuple[int, int | None, bool, bool]], hold: int, cooldown: int
) -> None:
    world = World(msgspec.structs.replace(RISK, for_ms=hold, cooldown_ms=cooldown))
    for ahead, score, is_tick, is_retraction in steps:
        world.upto += ahead if is_tick else 0
        world.go(world.upto + (0 if is_tick else ahead), score=score, retracted=("x",) if is_retraction else ())
        if world.episode is not None and world.episode.status == "firing":
            assert score is not None
            assert score >= 500
    for statuses in lives(world.told).values():
        assert statuses[0] == "fired"
        assert statuses.count("fired") == 1
        assert "resolved" not in statuses[:-1]
        assert "withdrawn" not in statuses
    fired = [change for change in world.told if change.status == "fired"]
    assert all(change.value >= 60 for change in fired)
    assert all(later.episode_start - one.episode_start >= cooldown for one, later in pairwise(fired))
