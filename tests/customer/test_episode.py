"""Episodes of rules that count acts: timelines of what a reader should see."""

import pytest

from schemas.state import encode_item
from tests.customer.episodes import MATCH, TWICE, World, play, rule
from topologies.customer.rules.episode import RULE_CHANGED, Step, advance, alert_id, close
from topologies.customer.rules.episode_count import KEPT_MAX, PAST_MAX


def test_every_match_within_the_cooldown_joins_one_alert() -> None:
    world = World(MATCH)
    play(
        world,
        """
        act 100  -> fired 100
        act 105  -> updated 100
        tick 109 ->
        tick 114 ->                  # the window goes on from the newest act
        tick 115 -> resolved 100
        act 116  -> fired 116
        tick 200 -> resolved 116
        """,
    )
    assert [change.evidence for change in world.told] == [
        ("a100",),
        ("a105", "a100"),
        ("a105", "a100"),
        ("a116",),
        ("a116",),
    ]
    assert [change.value for change in world.told] == [1, 2, 2, 1, 1]
    assert world.told[2].at == 115


def test_a_count_fires_at_the_act_that_makes_it_enough() -> None:
    world = World(TWICE)
    play(
        world,
        """
        act 100  ->
        act 110  ->                  # (100, 110] holds one act only: the window is open at its beginning
        act 119  -> fired 119
        tick 119 ->
        tick 120 -> resolved 119
        """,
    )
    assert world.told[0].value == 2
    assert world.told[0].alert == alert_id("r", ("c",), 119)


def test_wakes_are_asked_for_where_time_alone_changes_something() -> None:
    world = World(rule(for_ms=5))
    play(world, "act 100 ->\nact 102 ->")
    assert world.wake == 107
    play(world, "tick 106 ->\ntick 107 -> fired 102")
    assert world.told[0].at == 107
    assert world.wake == 110
    play(world, "tick 110 -> resolved 102")
    assert world.wake is None


def test_what_does_not_hold_for_long_enough_does_not_fire() -> None:
    world = World(rule(for_ms=9))
    play(world, "act 100 ->\nact 102 ->")
    assert world.wake == 110
    assert world.remembered() == ("pending", 102)
    play(world, "tick 110 ->\ntick 200 ->")
    assert world.remembered() is None
    play(world, "act 201 ->\nact 203 ->\nact 209 ->\ntick 212 -> fired 203")


def test_a_gap_that_stream_time_has_not_seen_still_interrupts_for() -> None:
    world = World(rule(kind="match", threshold=1.0, for_ms=9))
    play(world, "act 100 ->\nact 112 ->\ntick 113 -> fired 100 resolved 100\ntick 122 -> fired 112 resolved 112")
    longer = World(rule(kind="match", threshold=1.0, for_ms=10))
    play(longer, "act 100 ->\nact 112 ->\ntick 300 ->")


def test_cooldown_counts_from_the_start_in_event_time() -> None:
    world = World(rule(kind="match", threshold=1.0, within_ms=10, cooldown_ms=50))
    play(
        world,
        """
        act 100  -> fired 100
        tick 110 -> resolved 100
        act 120  ->
        act 149  ->
        act 150  -> fired 150
        """,
    )


def test_an_alert_is_taken_back_when_what_it_rested_on_is_gone() -> None:
    world = World(TWICE)
    play(
        world,
        "act 100 ->\nact 103 -> fired 103\nact 104 -> updated 103\ngone a104 -> updated 103\ngone a100 -> withdrawn 103",
    )
    assert world.told[-1].value == 1
    play(world, "act 100 ->\nact 105 -> fired 105")  # it stays withdrawn, and its acts count for the next one


def test_an_alert_whose_start_still_stands_is_updated() -> None:
    world = World(MATCH)
    play(world, "act 100 -> fired 100\nact 95 -> updated 100\ngone a100 -> updated 100\ngone a95 -> withdrawn 100")


def test_an_alert_is_taken_back_after_it_was_over_and_after_later_ones() -> None:
    world = World(MATCH)
    play(
        world,
        """
        act 100  -> fired 100
        tick 110 -> resolved 100
        act 120  -> fired 120
        tick 130 -> resolved 120
        act 140  -> fired 140
        gone a100 -> withdrawn 100
        gone a140 -> withdrawn 140
        gone a120 -> withdrawn 120
        """,
    )


def test_the_next_act_fires_anew_when_the_first_is_gone() -> None:
    world = World(MATCH)
    play(
        world,
        "act 100 -> fired 100\nact 104 -> updated 100\ngone a100 -> withdrawn 100 fired 104\ntick 114 -> resolved 104",
    )


def test_sealed_acts_take_nothing_back_and_go_on_counting() -> None:
    world = World(rule(within_ms=100, cooldown_ms=100))
    play(
        world,
        """
        act 100  ->
        act 110  -> fired 110
        seal a100 ->
        act 150  -> updated 110
        seal a110 ->
        tick 209 ->
        tick 210 -> resolved 110     # a110 counts to its end though it is sealed
        gone a150 ->
        """,
    )
    assert world.told[1].value == 3


def test_an_episode_that_rests_on_sealed_acts_alone_is_not_watched_any_more() -> None:
    world = World(MATCH)
    play(world, "act 100 -> fired 100\ntick 110 -> resolved 100\nact 120 -> fired 120")
    assert world.episode is not None
    assert [past.start for past in world.episode.past] == [100]
    world.seal("a100")
    assert world.episode.past == ()


def test_the_window_of_the_start_is_open_at_its_beginning() -> None:
    world = World(TWICE)
    play(world, "act 100 ->\nact 109 -> fired 109\nact 99 ->\ngone a100 -> withdrawn 109")


def test_an_alert_that_had_not_held_for_long_enough_without_an_act_is_taken_back() -> None:
    world = World(rule(kind="match", threshold=1.0, for_ms=15))
    play(world, "act 100 ->\nact 108 ->\ntick 115 -> fired 100\ngone a108 -> withdrawn 100")


def test_many_acts_over_days_are_one_alert_with_bounded_state() -> None:
    world = World(MATCH)
    for at in range(100, 1100, 5):
        world.upto = at
        world.act(at)
        world.acts = {name: act for name, act in world.acts.items() if act.at > at - 60}
    assert {change.status for change in world.told} == {"fired", "updated"}
    assert world.episode is not None
    assert len(world.episode.acts) == len(world.episode.times) == KEPT_MAX
    assert len(encode_item(world.episode)) < 8_000
    assert world.tick(1104) == ""
    assert world.tick(1105) == "resolved 100"


def test_past_episodes_are_bounded() -> None:
    world = World(MATCH)
    for at in range(100, 100 + 20 * (PAST_MAX + 5), 20):
        world.upto = at
        world.act(at)
    assert world.episode is not None
    assert len(world.episode.past) == PAST_MAX
    assert world.gone("a100") == ""
    assert world.gone("a220") == "withdrawn 220"


def test_late_acts_fire_for_a_time_that_is_over() -> None:
    world = World(TWICE)
    world.upto = 1_000
    play(world, "act 100 ->\nact 105 -> fired 105 resolved 105\nact 300 ->\nact 301 -> fired 301 resolved 301")
    play(world, "act 200 ->\nact 201 ->")  # before the last start: never


def test_a_late_act_neither_moves_nor_reopens() -> None:
    world = World(MATCH)
    play(world, "act 100 -> fired 100\nact 95 -> updated 100\ntick 110 -> resolved 100\nact 108 ->\nact 109 ->")


def test_links_that_are_not_sure_enough_do_not_count() -> None:
    world = World(rule(kind="match", threshold=1.0, link_confidence_min=0.9))
    assert world.act(100, "x", 899) == ""
    assert world.act(100, "x", 900) == "fired 100"
    assert world.told[0].confidence == 900
    assert world.act(100, "x", 500) == "withdrawn 100"


def test_a_changed_rule_ends_its_alert_and_begins_anew() -> None:
    world = World(MATCH)
    play(world, "act 100 -> fired 100")
    world.rule = rule(kind="match", threshold=1.0, hash="other")
    play(world, "act 104 -> resolved 100\nact 109 ->\nact 110 -> fired 110\ngone a100 ->")
    assert [change.cause for change in world.told] == ["", RULE_CHANGED, ""]


def test_a_changed_rule_is_armed_from_then_on() -> None:
    world = World(MATCH)
    play(world, "act 100 -> fired 100\ntick 110 -> resolved 100")
    world.rule = rule(kind="match", threshold=1.0, hash="other")
    play(world, "tick 140 ->\nact 135 ->\nact 145 -> fired 145")


def test_a_removed_rule_ends_its_alert() -> None:
    world = World(MATCH)
    play(world, "act 100 -> fired 100")
    assert world.episode is not None
    (change,) = close(world.episode, 1.0, at=105, cause="rule removed")
    assert (change.status, change.alert, change.at, change.cause) == (
        "resolved",
        world.told[0].alert,
        105,
        "rule removed",
    )
    play(world, "tick 110 -> resolved 100")
    assert close(world.episode, 1.0, at=105, cause="rule removed") == ()


def test_nothing_is_remembered_of_nothing() -> None:
    nothing = advance(TWICE, None, [], customer="c", score=None, upto=5, at=5, retracted=())
    assert nothing == Step(None)


@pytest.mark.parametrize("group", [("c",), ("c", "d"), ("c\0d",)])
def test_alert_ids_are_fixed_by_rule_group_and_start(group: tuple[str, ...]) -> None:
    assert alert_id("r", group, 1) == alert_id("r", group, 1)
    assert len({alert_id("r", group, 1), alert_id("r", group, 2), alert_id("s", group, 1)}) == 3
