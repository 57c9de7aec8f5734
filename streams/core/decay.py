"""Forward decay in exact integers (Cormode, Shkapenyuk, Srivastava, Xu: "Forward decay", ICDE 2009).

A point at time t weighs `2^((t - LANDMARK) / half_life)` for ever; what it is worth at time n is its weight divided by
the weight of n. Time is cut into buckets of half_life / 64 so that a weight is an exact integer:

    bucket b    weight(b) = 2^(b // 64) x TABLE[b mod 64]      TABLE[i] = round(2^(i/64) x 2^20)

Sums of weights are Python integers: adding and taking away are exact in any order. A seven-day half-life needs 51
bytes in 2026. Buckets before the landmark weigh floor(2^(b // 64) x TABLE): less and less, at last nothing.
"""

import math

STEPS = 64
"""Buckets in one half-life."""

SCALE_BITS = 20
LANDMARK = 1_577_836_800_000
"""2020-01-01T00:00:00Z in milliseconds."""

TABLE = tuple(round(2 ** (i / STEPS) * (1 << SCALE_BITS)) for i in range(STEPS))


def bucket_of(at: int, half_life_ms: int) -> int:
    """The bucket that `at` falls into; negative before the landmark."""
    return (at - LANDMARK) * STEPS // half_life_ms


def weight(bucket: int) -> int:
    """The integer weight of a point in `bucket`."""
    shift, step = divmod(bucket, STEPS)
    return TABLE[step] << shift if shift >= 0 else TABLE[step] >> -shift


def worth_at(total: int, bucket: int) -> float:
    """What a sum of `points x weight` is worth in `bucket`, in points. Source: S(n) = W / weight(n).

    Infinite where that is more than a float holds: in a bucket a thousand half-lives before the points.
    """
    if total == 0:
        return 0.0
    w = weight(bucket)
    try:
        # Integers of hundreds of bits overflow a float; their ratio at 2^30 precision does not.
        return (total << 30) // w / (1 << 30)
    except (OverflowError, ZeroDivisionError):
        return math.inf if total > 0 else -math.inf
