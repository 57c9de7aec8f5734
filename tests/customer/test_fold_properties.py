"""The customer fold under any order of what it is told: sums, memory and what subscribers know come out the same."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Act, Join, JoinedAct
from schemas.state import JoinedItem, ScoreItem
from tests.customer.desk import ANN, Desk, a_model, ms, post
from tests.customer.test_alerts import ANGRY, THRICE, crosses
from topologies.customer import alerts

MODEL = a_model(ANGRY, THRICE, crosses(), score={"caps": {"like": 0.75, "post": 4.0}})
TEXTS = ("", "good", "bad", "awful")
ACCOUNTS = (ANN, "account:x:2")


class Stance(msgspec.Struct, frozen=True):
    """What an account says of one of its acts, as the n-th thing it says of it. Null `act`: it is not yours."""

    account: str
    name: str
    number: int
    act: Act | None


@st.composite
def stories(draw: st.DrawFn) -> list[Stance]:
    """For a few acts of two accounts, one to four stances each."""
    said: list[Stance] = []
    for account in ACCOUNTS:
        for n in range(draw(st.integers(0, 4))):
            name = f"{account}/{n}"
            for number in range(1, draw(st.integers(1, 4)) + 1):
                role = draw(st.sampled_from(("", "", "", "reply")))
                act = post(
                    name,
                    draw(st.integers(0, 12)) / 2,
                    draw(st.sampled_from(TEXTS)),
                    kind=draw(st.sampled_from(("post", "like", "dm"))),
                    role=role,
                    version=str(number),
                )
                said.append(Stance(account, name, number, draw(st.sampled_from((act, act, None)))))
    return said


def told(desk: Desk, one: Stance) -> None:
    joined = None if one.act is None else JoinedAct(one.act, one.account, 999, "asserted", (), 0)
    desk.fold(Join(one.account, one.name, one.number, one.number, joined), ms(13))


def ended(said: list[Stance], chance: Random | None = None, *, repeat: bool = False) -> Desk:
    """The customer after all of it, in an order of chance, some of it twice."""
    desk, order = Desk(MODEL), [*said]
    if repeat and chance is not None:
        order += chance.sample(order, len(order) // 2)
    if chance is not None:
        chance.shuffle(order)
    for one in order:
        told(desk, one)
    return desk


def score_of(desk: Desk) -> ScoreItem:
    found: ScoreItem = desk.items.get("score") or ScoreItem(half_life_ms=MODEL.score.half_life_ms)
    return msgspec.structs.replace(found, latest_at=0)


def subscribed(desk: Desk) -> dict[str, Any]:
    """What somebody knows who keeps the highest revision of each act."""
    newest: dict[str, Any] = {}
    for value in desk.of("enriched"):
        if value.act.id not in newest or newest[value.act.id].revision < value.revision:
            newest[value.act.id] = value
    return {act: value.act for act, value in newest.items() if not value.retracted}


@settings(deadline=None, max_examples=150)
@given(stories(), st.randoms(use_true_random=False), st.booleans())
def test_the_order_in_which_stances_come_does_not_matter(said: list[Stance], chance: Random, repeat: bool) -> None:
    one, two = ended(said), ended(said, chance, repeat=repeat)
    assert score_of(one) == score_of(two)
    assert subscribed(one) == subscribed(two)
    kept = [
        {
            name: msgspec.structs.replace(item, matched=())
            for name, item in desk.items.items()
            if isinstance(item, JoinedItem) and item.live
        }
        for desk in (one, two)
    ]
    assert kept[0] == kept[1]


@settings(deadline=None, max_examples=80)
@given(stories(), st.randoms(use_true_random=False))
def test_taking_everything_back_leaves_nothing(said: list[Stance], chance: Random) -> None:
    gone = {(one.account, one.name): Stance(one.account, one.name, 99, None) for one in said}
    desk = ended([*said, *gone.values()], chance)
    assert score_of(desk) == ScoreItem(half_life_ms=MODEL.score.half_life_ms)
    assert subscribed(desk) == {}
    assert all(value.status in {"withdrawn", "resolved"} for value in {v.id: v for v in desk.of("alerts")}.values())


@settings(deadline=None, max_examples=80)
@given(stories(), st.randoms(use_true_random=False))
def test_every_alert_lives_once_and_everything_is_let_go_of(said: list[Stance], chance: Random) -> None:
    desk = ended(said, chance)
    before = score_of(desk)
    for hour in range(13, 24 * 40, 7):
        desk.tick(ms(hour))
    assert desk.due() == 0
    assert not any(isinstance(item, JoinedItem) for item in desk.items.values())
    assert msgspec.structs.replace(score_of(desk), sums={}, frozen=before.frozen) == msgspec.structs.replace(
        before, sums={}
    )
    assert score_of(desk).sums == {}
    for statuses in lives_of(desk).values():
        assert statuses[0] == "fired"
        assert statuses.count("fired") == 1
        assert statuses[-1] in {"resolved", "withdrawn"}


def lives_of(desk: Desk) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in desk.of("alerts"):
        found.setdefault(value.id, []).append(value.status)
    return found


@settings(deadline=None, max_examples=80)
@given(stories(), st.randoms(use_true_random=False))
def test_not_calling_a_quiet_rule_is_the_same_as_calling_it(said: list[Stance], chance: Random) -> None:
    low = [
        crosses(f"r{limit}", threshold=limit, exit=limit / 2, for_ms=hold) for limit, hold in ((5, 0), (30, 7_200_000))
    ]
    falling = crosses("mood", score="sentiment", rising=False, threshold=-0.3, exit=0.1)
    model = a_model(*low, falling)
    order = [*said]
    chance.shuffle(order)
    desks = []
    for is_quiet in (alerts._is_quiet, lambda *_, **__: False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alerts, "_is_quiet", is_quiet)
            desk = Desk(model)
            for n, one in enumerate(order):
                told(desk, one)
                desk.tick(max(desk.upto, ms(n * 20)))
            desks.append(desk)
    assert desks[0].published == desks[1].published
    assert desks[0].items == desks[1].items


@settings(deadline=None, max_examples=60)
@given(stories(), st.randoms(use_true_random=False), st.lists(st.integers(0, 9), max_size=6))
def test_the_same_log_says_the_same(said: list[Stance], chance: Random, hours: list[int]) -> None:
    order = [*said]
    chance.shuffle(order)
    desks = Desk(MODEL), Desk(MODEL)
    for desk in desks:
        for n, one in enumerate(order):
            told(desk, one)
            if n < len(hours):
                desk.tick(max(desk.upto, ms(hours[n] * 12)))
    assert desks[0].published == desks[1].published
    assert desks[0].items == desks[1].items
