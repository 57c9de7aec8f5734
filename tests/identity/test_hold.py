"""How long acts are remembered: until stream time has passed `hold`, and not a tick longer or shorter.

hold 72 h · of accounts nobody ever claimed 36 h
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import HOUR_MS
from schemas.events import FINAL, AccountStatus, Gone
from tests.identity.town import ALWAYS, ANN, C1, C2, X1, X2, Town, claim, ms, post_, sighting
from topologies.identity.facts import ActTooLate


def test_an_unclaimed_act_is_sealed_after_a_day_and_a_half_and_said_to_be_unmatched() -> None:
    town = Town().tell(X1, post_(1, 0)).tick(35.9)
    assert len(town.kept()) == 1
    assert town.said("unmatched") == []
    town.tick(36)
    assert [(one.act.id, one.reason, one.author.identifier) for one in town.said("unmatched")] == [
        ("x:1/000001", "unclaimed", "x:1")
    ]
    assert town.said("late") == []
    assert town.items[X1] == {}, "an account that nobody claimed is forgotten with its last act"


def test_a_claimed_act_is_kept_for_three_days_and_its_join_stays() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 0)).tick(71.9)
    assert len(town.kept()) == 1
    town.tick(72)
    assert town.kept() == {}
    assert list(town.joined()) == ["x:1/000001"]
    assert town.said("unmatched") == []


def test_an_act_that_is_in_conflict_when_it_is_sealed_says_so() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), claim(C2, 2, ALWAYS), post_(1, 0)).tick(72)
    assert [one.reason for one in town.said("unmatched")] == ["conflict"]


def test_only_stream_time_seals_whatever_time_the_act_claims() -> None:
    town = Town().tell(X1, post_(1, 0, at=ms(-9000)), post_(2, 0, at=ms(0.01))).tick(35.9)
    assert len(town.kept()) == 2
    assert [one.act.late for one in town.tick(36).said("unmatched")] == [True, False]


def test_a_claim_that_comes_in_time_makes_all_that_is_kept_stay_longer() -> None:
    town = Town().tell(X1, post_(1, 0)).tick(30).tell(X1, claim(C1, 1, ALWAYS)).tick(60)
    assert len(town.kept()) == 1
    assert list(town.joined()) == ["x:1/000001"]
    assert town.tick(72).kept() == {}


def test_what_is_sealed_cannot_be_joined_any_more() -> None:
    town = Town().tell(X1, post_(1, 0), post_(2, 5)).tick(36).tell(X1, claim(C1, 1, ALWAYS))
    assert list(town.joined()) == ["x:1/000002"]
    assert len(town.said("unmatched")) == 1


def test_an_act_that_would_have_been_sealed_is_late_and_a_repetition_is_not_a_second_act() -> None:
    town = Town().tell(X1, post_(1, 0)).tick(36).tell(X1, post_(1, 0), post_(2, 0))
    assert [one.act for one in town.said("late")] == ["x:1/000001", "x:1/000002"]
    assert {one.reason for one in town.said("late")} == {"older than what is remembered"}
    assert town.noted(ActTooLate) == 2
    assert town.kept() == {}
    assert len(town.said("unmatched")) == 1


def test_what_was_sealed_as_nobodys_is_no_news_after_the_first_claim_either() -> None:
    # Claimed accounts remember for 72 hours, but this one has remembered for 36 until now.
    town = Town().tell(X1, post_(1, 0)).tick(40).tell(X1, claim(C1, 1, ALWAYS), post_(1, 0), post_(2, 39))
    assert list(town.joined()) == ["x:1/000002"]
    assert [one.act for one in town.said("late")] == ["x:1/000001"]


def test_a_delete_stays_for_hold_without_its_act() -> None:
    town = Town().tell(X1, Gone("x:1/000001", FINAL, ms(0), ms(0))).tick(35.9).tell(X1, post_(1, 34))
    assert [kept.act for kept in town.kept().values()] == [None]
    assert town.tick(36).tell(X1, post_(1, 34)).kept()["x:1/000001"].act is not None


def test_an_account_that_only_was_seen_is_forgotten_and_its_handle_with_it() -> None:
    town = Town().tell(X1, sighting(ANN, 0)).tick(35)
    assert town.items[ANN]
    town.tick(36)
    assert town.items[X1] == {}
    assert town.items[ANN]["seen:account:x:1"].runs == (), "the handle forgets whom it has seen"
    assert town.tick(36 + 72).items[ANN] == {}


def test_whatever_an_account_is_told_it_does_not_stay_for_ever_if_nobody_claims_it() -> None:
    town = Town()
    town.tell(X1, AccountStatus(True, "suspended", ms(0), ms(0)), sighting(ANN, 1), post_(1, 2, handle=ANN))
    town.tell(X1, Gone("x:1/000009", FINAL, ms(3), ms(3)), AccountStatus(False, "active", ms(4), ms(4)))
    town.tick(40)
    assert town.items[X1] == {}
    assert town.wakes.keys() <= {ANN}
    town.tick(200)
    assert all(items == {} for items in town.items.values())
    assert town.wakes == {}


def test_a_claimed_account_is_never_forgotten() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 0), claim(C1, 2)).tick(9000)
    # An older claim that comes late, as out of the dead letters, is still no news.
    assert town.tell(X1, claim(C1, 1, ALWAYS), post_(2, 8999)).joined() == {}


acts = st.tuples(st.just("act"), st.integers(0, 40))
deletes = st.tuples(st.just("gone"), st.integers(0, 40))
claims = st.tuples(st.just("claim"), st.integers(0, 1))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.one_of(acts, acts, acts, deletes, claims)), max_size=40))
def test_no_act_is_told_twice_or_lost_however_time_passes(timeline: list[tuple[int, tuple[str, int]]]) -> None:
    """Every act that came was joined, is unmatched, was deleted, or is late; an act is received at its own hour."""
    town, hour = Town(hold_ms=12 * HOUR_MS, hold_unclaimed_ms=6 * HOUR_MS), 0
    came, deleted = set[str](), set[str]()
    for version, (step, (what, number)) in enumerate(timeline):
        hour += step
        town.tick(hour)
        act = post_(number, number)
        if what == "act":
            town.tell(X1, act)
            came.add(act.id)
        elif what == "gone":
            town.tell(X1, Gone(act.id, FINAL, ms(number), ms(number)))
            deleted.add(act.id)
        else:
            town.tell(X1, claim(C1, version, *([(-99.0, float("inf"))] * number)))
    town.tick(hour + 100)
    assert town.kept() == {}
    said, late = [one.act.id for one in town.said("unmatched")], {one.act for one in town.said("late")}
    joined, ever = set(town.joined()), {event.subject for _, event in town.sent if event.joined is not None}
    assert len(said) == len(set(said)), "an act is sealed twice"
    assert not set(said) & joined, "what is final as nobody's is somebody's"
    assert came <= {*said, *late, *deleted, *ever}
    revisions = [(event.subject, event.revision) for _, event in town.sent]
    assert len(revisions) == len(set(revisions)), "a revision is told twice"


def test_the_wake_of_one_account_is_not_that_of_another() -> None:
    town = Town().tell(X1, post_(1, 0)).tell(X2, post_(2, 10)).tick(36)
    assert (len(town.kept(X1)), len(town.kept(X2))) == (0, 1)
