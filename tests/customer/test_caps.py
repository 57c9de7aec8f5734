"""No item of a customer can become too large, and no call too long, whatever comes. The desk checks both at each call."""

from typing import get_args

from msgspec.structs import replace

from config.settings import DAY_MS, HOUR_MS, ProfileSettings
from schemas.events import ActKind, Decided
from schemas.state import CustomerHead, EpisodeItem, JoinedItem, Profile, ScoreItem, encode_item
from tests.customer.desk import ANN, Desk, a_model, lowered, ms, post
from tests.customer.test_alerts import THRICE, a_rule
from topologies.customer.alerts import EPISODE_BYTES_MAX
from topologies.customer.records import NAME_CHARS_MAX

LONG = "/" + "k" * 490
"""With the account in front of it: the longest an id can be."""


def size_of(desk: Desk, kind: type) -> int:
    """Bytes of the largest item of a kind."""
    return max(len(encode_item(item)) for item in desk.items.values() if type(item) is kind)


def test_sums_with_the_shortest_half_life_and_all_kinds_of_acts() -> None:
    caps = dict.fromkeys(get_args(ActKind), 1_000_000.0)
    desk = Desk(a_model(score={"half_life_ms": 6 * HOUR_MS, "caps": caps, "engagement": caps}))
    for n in range(300):
        desk.join(post(f"a{n}", n / 4, "awful", kind=get_args(ActKind)[n % 8]))
    assert 10_000 < size_of(desk, ScoreItem) < 100_000


def test_episodes_with_the_longest_ids() -> None:
    often = a_rule("often", "true", kind="event_count", threshold=64.0, within_ms=HOUR_MS, cooldown_ms=HOUR_MS)
    desk = Desk(lowered(a_model(often), joined_max=10_000))
    for hour in range(0, 16, 2):
        for n in range(64):
            desk.join(post(f"x:1/{hour}-{n}{LONG}", hour + n / 64))
        desk.tick(ms(hour + 1.99))
    assert desk.alerts().count("often fired") == 8
    item = desk.items["rule:often"]
    assert 2 < len(item.past) < 7, "the oldest were let go of"
    assert EPISODE_BYTES_MAX // 2 < size_of(desk, EpisodeItem) < EPISODE_BYTES_MAX * 1.05


def test_an_act_that_meets_every_rule_there_can_be() -> None:
    desk = Desk(a_model(*(a_rule(f"r{n:03d}", "true", hash=f"{n:016x}") for n in range(500))))
    desk.join(post("a", 1))
    assert size_of(desk, JoinedItem) < 16_000
    assert len(desk.of("alerts")) == 500


def test_profiles_with_the_longest_values() -> None:
    names = tuple(f"field{n}" for n in range(64))
    model = lowered(a_model(), identifiers_max=120)
    desk = Desk(replace(model, profile=ProfileSettings(fields=names)))
    for n in range(120):
        subject = f"record:hubspot:contact:{'9' * 480}{n}"
        desk.record(dict.fromkeys(names, "😀" * 400) | {"x": f"account:x:{'9' * 490}{n}"}, subject=subject)
    assert 150_000 < size_of(desk, Profile) < 230_000


def test_heads_with_the_longest_accounts() -> None:
    desk = Desk(lowered(a_model(), identifiers_max=120))
    for n in range(200):
        desk.join(post(f"a{n}", 1), account=f"account:x:{'9' * 490}{n}")
    assert 50_000 < size_of(desk, CustomerHead) < 70_000
    assert len(desk.items["head"].identifiers) == 120


def test_decisions_with_long_names() -> None:
    desk = Desk()
    desk.fold(Decided(ms(9), "p" * 400_000, "is", ANN, "n" * 400_000))
    item = desk.items[f"decided:{ANN}"]
    assert (len(item.by), len(item.position)) == (NAME_CHARS_MAX, NAME_CHARS_MAX)


def test_acts_of_many_accounts_over_days_leave_a_small_state() -> None:
    desk = Desk(lowered(a_model(THRICE), joined_max=64))
    for n in range(600):
        desk.join(post(f"a{n}", n / 6, "bad", kind="like" if n % 3 else "post"), account=f"account:x:{n % 90}")
        if n % 10 == 0:
            desk.tick(ms(n / 6))
    assert sum(len(encode_item(item)) + len(name) for name, item in desk.items.items()) < 40_000
    desk.tick(ms(100) + 9 * DAY_MS)
    assert sum(len(encode_item(item)) + len(name) for name, item in desk.items.items()) < 20_000
