"""Posts know their author for those who do not name him: Mastodon's deletes, and answers of ours."""

from itertools import permutations

import pytest

from schemas.events import Act, Authored, GonePost, ReplyTo
from tests.identity.town import ALWAYS, C1, Town, claim, ms
from topologies.identity.facts import ActSealedEarly, ReplyUnanswered

M1, POST, THEIRS = "account:mastodon:ann@m.example", "post:mastodon:m.example/1", "mastodon:m.example/1"


def act(act_id: str, hour: float, version: str = "1") -> Act:
    """An act on Mastodon. Ours names us."""
    ours = "" if act_id == THEIRS else "handle:mastodon:us@us.example"
    return Act(act_id, version, ms(hour), ms(hour), "mastodon", "reply", handle=ours)


EVENTS = [
    (M1, claim(C1, 1, ALWAYS)),
    (M1, act(THEIRS, 1)),
    (POST, Authored(M1, THEIRS, ms(1))),
    (POST, ReplyTo(act("mastodon:us.example/9", 2))),
    (POST, GonePost(ms(3), ms(3))),
]


@pytest.mark.parametrize("order", [*permutations(range(5))])
def test_in_every_order_the_reply_joins_and_the_post_is_gone(order: tuple[int, ...]) -> None:
    town = Town()
    for n in order:
        town.tell(*EVENTS[n]).tell(*EVENTS[n])
    assert list(town.joined()) == ["mastodon:us.example/9"]
    joined = town.joined()["mastodon:us.example/9"].joined
    assert joined is not None
    assert joined.act.role == "reply"
    assert "handle:mastodon:us@us.example" not in town.items, "our handle is not theirs"


def test_what_never_finds_its_author_is_let_go_and_said() -> None:
    town = Town().tell(POST, ReplyTo(act("us", 2)), GonePost(ms(3), ms(3))).tick(74)
    assert len(town.items[POST]) == 2
    town.tick(75)
    assert town.items[POST] == {}
    assert [(one.act, one.reason) for one in town.said("late")] == [
        ("us", "the author of the post it answers was not seen")
    ]
    assert town.noted(ReplyUnanswered) == 1


def test_the_author_is_remembered_for_hold_after_the_last_that_is_heard_of_the_post() -> None:
    town = Town().tell(POST, Authored(M1, THEIRS, ms(0)), Authored(M1, THEIRS, ms(50))).tick(100)
    town.tell(POST, GonePost(ms(100), ms(100)))
    assert [kept.act for kept in town.kept(M1).values()] == [None]
    assert town.tick(172).items[POST] == {}


def test_an_edit_of_our_answer_replaces_it_while_it_waits() -> None:
    town = Town().tell(POST, ReplyTo(act("us", 2, "2")), ReplyTo(act("us", 2, "1"))).tell(*EVENTS[2])
    assert [kept.version for kept in town.kept(M1).values()] == ["2"]
    town.tell(POST, ReplyTo(act("us", 2, "3")))
    assert [kept.version for kept in town.kept(M1).values()] == ["3"]


def test_too_many_answers_to_one_post_are_let_go() -> None:
    town = Town(unclaimed_per_hour_max=100).tell(POST, *(ReplyTo(act(f"us{n:03d}", 2)) for n in range(70)))
    assert len(town.items[POST]) == 65
    assert town.noted(ActSealedEarly) == 6
    assert [one.act for one in town.said("late")] == [f"us{n:03d}" for n in range(64, 70)]
    assert len(town.tell(*EVENTS[2]).kept(M1)) == 64
