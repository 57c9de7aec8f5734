"""Sums are exact in any order, undo leaves nothing behind, caps hold; what is shown adds up and falls as it should."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from config.settings import DAY_MS, HOUR_MS, Band, ScoreSettings
from schemas.state import JoinedItem, ScoreItem, decode_item, encode_item
from streams.core.decay import bucket_of, weight, worth_at
from tests.customer.desk import ms, post
from topologies.customer.score import (
    OK,
    OTHER,
    SUMS_MAX,
    Ledger,
    Numbers,
    Recipe,
    band_of,
    begins_at,
    contributions,
    falls_below,
    leaves_below,
    number,
    numbers,
    points_of,
    recipe_of,
    rescaled,
    saturated,
)

HOLD_MS = 3 * DAY_MS
RECIPE = recipe_of(ScoreSettings(), HOLD_MS)

acts = st.builds(
    JoinedItem,
    version=st.just(1),
    revision=st.just(1),
    live=st.just(True),
    kind=st.sampled_from(("post", "like", "like", "repost", "dm")),
    at=st.integers(0, 40).map(lambda hour: ms(hour / 4)),
    engagement=st.sampled_from((0, 500, 2000, 3000)),
    risk=st.sampled_from((0, 0, 700, 3000)),
    sentiment=st.integers(-1000, 1000),
    has_sentiment=st.booleans(),
)


def ledger(counted: list[JoinedItem], recipe: Recipe = RECIPE) -> Ledger:
    """One after the other, through the state's bytes each time: a restore knows no more."""
    item: ScoreItem | None = None
    for act in counted:
        one = Ledger(item, recipe)
        one.add(act)
        item = decode_item(encode_item(one.item()))
    return Ledger(item, recipe)


def by_hand(counted: list[JoinedItem]) -> tuple[int, int, int, int]:
    """The four sums from the definition."""
    engagement, risk = dict[tuple[str, int], int](), dict[tuple[str, int], int]()
    mood = mass = 0
    for act in counted:
        key = act.kind, bucket_of(act.at, RECIPE.half_life_ms)
        engagement[key] = engagement.get(key, 0) + act.engagement
        risk[key] = risk.get(key, 0) + act.risk
        if act.has_sentiment:
            mood += act.sentiment * weight(key[1])
            mass += weight(key[1])

    def worth(points: dict[tuple[str, int], int]) -> int:
        return sum(min(p, RECIPE.caps.get(key[0], p)) * weight(key[1]) for key, p in points.items())

    return worth(engagement), worth(risk), mood, mass


def sums(one: Ledger) -> tuple[int, int, int, int]:
    return one.engagement, one.risk, one.sentiment, one.weight


# ---------------------------------------------------------------- sums
@given(st.lists(acts, max_size=30), st.randoms())
def test_sums_are_the_same_in_any_order_and_as_defined(counted: list[JoinedItem], chance: Random) -> None:
    shuffled = [*counted]
    chance.shuffle(shuffled)
    assert ledger(counted).item() == ledger(shuffled).item()
    assert sums(ledger(counted)) == by_hand(counted)


@given(st.lists(acts, max_size=20), st.lists(acts, max_size=20), st.randoms())
def test_what_is_taken_back_leaves_nothing(kept: list[JoinedItem], undone: list[JoinedItem], chance: Random) -> None:
    steps = [(act, True) for act in kept] + [(act, True) for act in undone]
    chance.shuffle(steps)
    one = ledger([act for act, _ in steps])
    back = [*undone]
    chance.shuffle(back)
    for act in back:
        one.remove(act)
    want = ledger(kept).item()
    assert replace(one.item(), latest_at=0) == replace(want, latest_at=0)


@given(st.lists(acts, max_size=30))
def test_kinds_add_up_to_the_totals(counted: list[JoinedItem]) -> None:
    item = ledger(counted).item()
    assert sum(number(one) for one, _ in item.by_kind.values()) == number(item.engagement)
    assert sum(number(two) for _, two in item.by_kind.values()) == number(item.risk)
    assert all(key.partition(":")[0] in RECIPE.caps for key in item.sums), "sums are kept where there is a cap"


def test_a_cap_has_room_again_when_an_act_goes() -> None:
    likes = [JoinedItem(1, 1, live=True, kind="like", at=ms(0), engagement=500) for _ in range(6)]
    one = ledger(likes)
    w = weight(bucket_of(ms(0), RECIPE.half_life_ms))
    assert one.engagement == 2000 * w
    one.remove(likes[0])
    assert one.engagement == 2000 * w
    one.remove(likes[0])
    one.remove(likes[0])
    assert one.engagement == 1500 * w


def test_buckets_are_closed_when_nothing_in_them_can_change() -> None:
    like = JoinedItem(1, 1, live=True, kind="like", at=ms(0), engagement=500)
    later = replace(like, at=ms(100))
    one = ledger([like, later])
    one.close_before(ms(50))
    assert len(one.item().sums) == 1
    before = sums(one)
    one.remove(like)
    assert sums(one) == before, "a closed bucket does not change"
    one.remove(later)
    assert one.engagement == 500 * weight(bucket_of(ms(0), RECIPE.half_life_ms))


def test_buckets_are_bounded_however_many_come() -> None:
    one = Ledger(None, RECIPE)
    for hour in range(0, 3 * 3000, 3):
        one.add(JoinedItem(1, 1, live=True, kind="like", at=ms(hour), engagement=500))
    item = one.item()
    assert len(item.sums) <= SUMS_MAX
    assert len(encode_item(item)) < 10_000
    assert max(int(key.partition(":")[2]) for key in item.sums) == bucket_of(ms(8997), RECIPE.half_life_ms)


def test_acts_from_before_the_landmark_count_for_nothing_and_harm_nothing() -> None:
    old = JoinedItem(
        1, 1, live=True, kind="post", at=1_000_000_000_000, engagement=3000, sentiment=-1000, has_sentiment=True
    )
    one = ledger([old])
    assert numbers(one, bucket_of(ms(0), RECIPE.half_life_ms), RECIPE) == Numbers(0, 0, None)
    assert band_of(0, OK, RECIPE) == OK


@given(st.lists(acts, min_size=1, max_size=20), st.sampled_from((6 * HOUR_MS, DAY_MS, 30 * DAY_MS)))
def test_another_half_life_counts_kept_acts_anew(counted: list[JoinedItem], half_life_ms: int) -> None:
    other = replace(RECIPE, half_life_ms=half_life_ms)
    one = rescaled(ledger(counted).item(), counted, other)
    want = ledger(counted, other)
    assert sums(one) == sums(want)
    assert one.item() == want.item()


def test_another_half_life_keeps_the_worth_of_sealed_acts() -> None:
    sealed = JoinedItem(1, 1, live=True, kind="post", at=ms(0), engagement=30_000)
    other = replace(RECIPE, half_life_ms=DAY_MS)
    one = rescaled(ledger([sealed]).item(), [], other)
    assert worth_at(one.engagement, bucket_of(ms(0), DAY_MS)) == pytest.approx(30_000, rel=0.01)
    assert one.item().half_life_ms == DAY_MS


# ---------------------------------------------------------------- points
def test_points_of_an_act() -> None:
    assert points_of(post("a", 0, "x"), -500, RECIPE) == (3000, 1500)
    assert points_of(post("a", 0, "x"), 500, RECIPE) == (3000, 0)
    assert points_of(post("a", 0, "x"), None, RECIPE) == (3000, 0)
    assert points_of(post("a", 0, kind="block"), None, RECIPE) == (0, 0)
    assert points_of(post("a", 0, "x", role="reply"), -500, RECIPE) == (0, 0)


def test_a_capped_act_that_is_very_late_is_worth_nothing() -> None:
    """The function of one act alone: so the order of arrival cannot matter."""
    assert points_of(post("a", 0, kind="like", received_at=ms(0) + HOLD_MS), None, RECIPE) == (500, 0)
    assert points_of(post("a", 0, kind="like", received_at=ms(0) + HOLD_MS + 1), None, RECIPE) == (0, 0)
    assert points_of(post("a", 0, received_at=ms(0) + 9 * HOLD_MS), None, RECIPE) == (3000, 0)


# ---------------------------------------------------------------- what is shown
@given(st.floats(0, 1e9), st.floats(0.001, 1e6))
def test_saturation_is_the_exponential(worth: float, kappa: float) -> None:
    assert abs(saturated(worth, kappa) - 1000 * (1 - math.exp(-worth / 1000 / kappa))) < 0.501
    assert saturated(-worth, kappa) == 0
    assert saturated(math.inf, kappa) == 1000


@given(st.lists(acts, min_size=1, max_size=30), st.integers(0, 3000))
def test_contributions_add_up_to_what_is_shown(counted: list[JoinedItem], later: int) -> None:
    one = ledger(counted)
    shown = numbers(one, bucket_of(ms(10), RECIPE.half_life_ms) + later, RECIPE)
    found = contributions(one, shown)
    assert sum(tenths for _, tenths in found) == shown.engagement + shown.risk
    assert len(found) <= 3
    named = [tenths for kind, tenths in found if kind != OTHER]
    assert named == sorted(named, reverse=True)
    assert all(tenths > 0 for _, tenths in found)


BANDS = recipe_of(
    ScoreSettings(bands=(Band(name="watch", enter=40, leave=30), Band(name="at-risk", enter=60, leave=50))), 0
)


@pytest.mark.parametrize(
    ("risk", "before", "after"),
    [
        (399, OK, OK),
        (400, OK, "watch"),
        (600, OK, "at-risk"),
        (300, "watch", "watch"),
        (299, "watch", OK),
        (500, "at-risk", "at-risk"),
        (499, "at-risk", "watch"),
        (299, "at-risk", OK),
        (450, "renamed", "watch"),
    ],
)
def test_bands_are_entered_and_left_at_different_scores(risk: int, before: str, after: str) -> None:
    assert band_of(risk, before, BANDS) == after


def test_what_a_band_is_left_below() -> None:
    assert [leaves_below(band, BANDS) for band in (OK, "watch", "at-risk", "renamed")] == [0, 300, 500, 0]


@settings(deadline=None)
@given(st.integers(1, 10**8), st.integers(1, 999), st.sampled_from((6.0, 20.0, 0.01)))
def test_the_fall_of_a_score_is_foretold_to_the_bucket(points: int, limit: int, kappa: float) -> None:
    now = bucket_of(ms(0), RECIPE.half_life_ms)
    total = points * weight(now)
    found = falls_below(total, kappa, limit, now)
    assert found is not None
    assert found > now
    assert saturated(worth_at(total, found), kappa) < limit
    if found > now + 1:
        assert saturated(worth_at(total, found - 1), kappa) >= limit
    assert bucket_of(begins_at(found, RECIPE.half_life_ms), RECIPE.half_life_ms) == found
    assert bucket_of(begins_at(found, RECIPE.half_life_ms) - 1, RECIPE.half_life_ms) == found - 1


def test_nothing_falls_below_nothing() -> None:
    assert falls_below(0, 6.0, 500, 0) is None
    assert falls_below(1000, 6.0, 0, 0) is None
