"""How bad a world is: drawn from the seed, so that some worlds are calm in one respect and terrible in another."""

import random

import msgspec

from streams.runtime.limits import Limits

_WEIGHTS = {
    "poll": 0.3, "committed": 2.0, "begin": 1.0, "send": 0.3, "send_offsets": 4.0, "commit": 6.0, "apply": 10.0,
    "load": 5.0, "due": 5.0, "next_due": 1.0, "position": 1.0, "read": 2.0, "rebuild": 8.0, "rebuild write": 6.0,
    "rebuild finish": 6.0, "catch_up": 10.0, "new producer": 2.0,
}  # fmt: skip
"""How often things go wrong at a call, against each other. The steps of a commit are where it matters."""


class Profile(msgspec.Struct, frozen=True):
    """Chances per call (times its weight), per commit, or per turn."""

    crash: float
    stall: float
    retry: float
    fence: float
    doubt: float
    short: float
    hide: float
    lose: float
    roll_back: float
    down: float
    leave: float
    gap: int
    slots: int
    turns: int

    def weight(self, where: str) -> float:
        """Of a call."""
        return _WEIGHTS.get(where, 1.0)


CALM = Profile(
    crash=0, stall=0, retry=0, fence=0, doubt=0, short=0, hide=0, lose=0, roll_back=0, down=0, leave=0,
    gap=0, slots=1, turns=150,
)  # fmt: skip
"""Nothing goes wrong."""


def draw_profile(rng: random.Random) -> Profile:
    """A world of its own."""

    def some(*chances: float) -> float:
        return rng.choice((0.0, *chances))

    return Profile(
        crash=some(0.003, 0.01, 0.025),
        stall=some(0.001, 0.004),
        retry=some(0.002, 0.01),
        fence=some(0.003, 0.01),
        doubt=some(0.03, 0.15),
        short=some(0.3, 0.8),
        hide=some(0.3, 0.6),
        lose=some(0.005, 0.02),
        roll_back=some(0.01, 0.04),
        down=some(0.01),
        leave=some(0.005, 0.02),
        gap=rng.choice((0, 1, 2)),
        slots=rng.choice((1, 2, 2, 3)),
        turns=rng.choice((150, 250, 400)),
    )


def draw_limits(rng: random.Random) -> Limits:
    """Small ones, so that every limit is met."""
    return Limits(
        commit_ms_min=rng.choice((1, 5, 20)),
        commit_ms_max=rng.choice((20, 60, 200)),
        commit_records_max=rng.choice((5, 50)),
        commit_bytes_max=rng.choice((500, 50_000)),
        inbox_records_max=rng.choice((1, 4, 20)),
        raw_records_max=rng.choice((1, 5, 20)),
        inbox_busy_records=rng.choice((2, 10)),
        inbox_lag_max=rng.choice((3, 30)),
        cache_addresses_max=rng.choice((1, 6, 100)),
        tick_ms=rng.choice((200, 1_000)),
        quiet_tick_ms=rng.choice((1_000, 5_000)),
        drained_ms=rng.choice((500, 5_000)),
        wakes_max=rng.choice((1, 2, 500)),
        probe_ms=rng.choice((50, 500)),
        retry_ms=3,
        commit_retry_ms=20,
        apply_retry_ms=20,
        close_ms=20,
        restore_records_max=rng.choice((2, 10, 200)),
        restore_wait_ms=1,
        catch_up_items_max=rng.choice((3, 1_000)),
        restore_stuck_ms=1 << 40,
        crashes_max=rng.choice((1, 2, 1_000)),
        reject_share_max=1.0,
    )
