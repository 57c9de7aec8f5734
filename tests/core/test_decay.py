"""Forward decay is arithmetic in whole numbers: exact in any order, and what it shows is what the formula says."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.decay import LANDMARK, SCALE_BITS, STEPS, TABLE, bucket_of, weight, worth_at

DAY_MS = 86_400_000
HALF_LIFE_MS = 7 * DAY_MS
IN_2026 = LANDMARK + 2_400 * DAY_MS

buckets = st.integers(-30 * STEPS, 200 * STEPS)
points = st.integers(-50_000, 50_000)
amounts = st.lists(st.tuples(buckets, points), max_size=40)


def total_of(parts: list[tuple[int, int]]) -> int:
    return sum(amount * weight(bucket) for bucket, amount in parts)


def test_a_bucket_is_a_64th_of_a_half_life_and_its_start_belongs_to_it() -> None:
    width = HALF_LIFE_MS // STEPS
    assert bucket_of(LANDMARK, HALF_LIFE_MS) == 0
    assert bucket_of(LANDMARK + width - 1, HALF_LIFE_MS) == 0
    assert bucket_of(LANDMARK + width, HALF_LIFE_MS) == 1
    assert bucket_of(LANDMARK - 1, HALF_LIFE_MS) == -1
    assert bucket_of(LANDMARK + HALF_LIFE_MS, HALF_LIFE_MS) == STEPS


@pytest.mark.parametrize("half_life_ms", [1, 63, 64, 3_600_000, HALF_LIFE_MS, HALF_LIFE_MS + 1])
@given(at=st.integers(-(1 << 45), 1 << 45), later=st.integers(0, 1 << 40))
def test_later_times_fall_into_later_buckets(half_life_ms: int, at: int, later: int) -> None:
    assert bucket_of(at, half_life_ms) <= bucket_of(at + later, half_life_ms)


@given(st.integers(0, 4_000))
def test_a_weight_doubles_exactly_with_every_half_life(bucket: int) -> None:
    assert weight(bucket + STEPS) == 2 * weight(bucket)
    assert weight(bucket + 1) > weight(bucket)


@given(st.integers(-25 * STEPS, 25 * STEPS))
def test_a_weight_is_the_power_of_two_to_a_millionth(bucket: int) -> None:
    exact = Fraction(2) ** (bucket // STEPS) * Fraction(2 ** (bucket % STEPS / STEPS)) * (1 << SCALE_BITS)
    assert abs(weight(bucket) - exact) <= max(exact / 1_000_000, Fraction(1))


def test_before_the_landmark_points_weigh_less_and_less_and_at_last_nothing() -> None:
    weights = [weight(bucket) for bucket in range(0, -25 * STEPS, -1)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == 0
    assert all(type(one) is int for one in weights)
    assert len(TABLE) == STEPS


@given(amounts, st.randoms(use_true_random=False))
def test_sums_are_the_same_in_any_order_and_taking_away_restores_exactly(
    parts: list[tuple[int, int]], chance: random.Random
) -> None:
    shuffled = [*parts]
    chance.shuffle(shuffled)
    assert total_of(parts) == total_of(shuffled)
    kept, gone = shuffled[::2], shuffled[1::2]
    assert total_of(parts) - total_of(gone) == total_of(kept)


@given(amounts, st.integers(0, 200 * STEPS))
def test_the_worth_of_a_sum_is_the_exact_quotient_to_a_billionth(parts: list[tuple[int, int]], now: int) -> None:
    total = total_of(parts)
    exact = Fraction(total, weight(now))
    assert abs(Fraction(worth_at(total, now)) - exact) <= Fraction(1, 1 << 29) + abs(exact) / (1 << 50)


@given(points, st.integers(0, 100 * STEPS), st.integers(0, 20 * STEPS))
def test_what_is_added_at_one_time_is_worth_half_as_much_a_half_life_later(amount: int, at: int, later: int) -> None:
    now = worth_at(amount * weight(at), at + later)
    assert now == pytest.approx(amount * 2 ** (-later / STEPS), rel=2e-6, abs=1e-8)


@given(amounts, amounts, st.integers(0, 200 * STEPS), st.integers(0, 20 * STEPS))
def test_who_is_ahead_stays_ahead_while_nothing_happens(
    mine: list[tuple[int, int]], yours: list[tuple[int, int]], now: int, later: int
) -> None:
    """A board sorted by the sums needs no sorting as time passes."""
    first, second = sorted((total_of(mine), total_of(yours)))
    assert worth_at(first, now) <= worth_at(second, now)
    assert worth_at(first, now + later) <= worth_at(second, now + later)


def test_a_sum_of_seven_days_half_life_fits_into_51_bytes() -> None:
    total = 1_000_000 * weight(bucket_of(IN_2026, HALF_LIFE_MS))
    assert (total.bit_length() + 8) // 8 <= 51


def test_nothing_is_worth_nothing_at_any_time() -> None:
    assert worth_at(0, -10_000 * STEPS) == 0.0
    assert worth_at(0, 10_000 * STEPS) == 0.0


def test_what_is_too_large_for_a_number_is_infinite_and_no_error() -> None:
    """An hour's half-life, looked at a year before: 2^8760."""
    assert worth_at(weight(8_760 * STEPS), 0) == math.inf
    assert worth_at(-weight(8_760 * STEPS), 0) == -math.inf
    assert worth_at(1, -10_000 * STEPS) == math.inf
    assert worth_at(-1, -10_000 * STEPS) == -math.inf
