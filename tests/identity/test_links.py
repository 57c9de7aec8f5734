"""What subscribers of `identity.links` are told, as events cause it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import FINAL, FOREVER, Bound, BoundClaim, Decided, Gone, Interval
from schemas.outputs import LinkEvent
from tests.identity.town import ALWAYS, ANN, BEA, C1, C2, C3, X1, X2, X3, Town, claim, ms, post_, sighting
from topologies.identity.documents import time_text
from topologies.identity.join import conflicts, links_of

INF = float("inf")


def told(town: Town) -> list[str]:
    """All of `identity.links` in words: `linked x:1 c1 0-50`."""
    out = []
    for one in town.said("links"):
        who = one.customer.removeprefix("salesforce:contact:") if one.customer else "-"
        out.append(f"{one.status} {one.identifier} {who} {hour(one.start)}-{hour(one.end)}")
    return out


def hour(text: str | None) -> str:
    """A time of the town as its hour; nothing for what has no end."""
    return next((str(n) for n in range(200) if text == time_text(ms(n))), text or "")


# ---------------------------------------------------------------- accounts
def test_a_claim_is_linked_ends_and_is_retracted() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS))
    assert told(town) == ["linked x:1 1 0-"]
    (one,) = town.said("links")
    assert (one.confidence, one.method, one.evidence[0].kind) == (0.999, "asserted", "x")
    assert told(town.tell(X1, claim(C1, 2, (0, 50))))[1:] == ["linked x:1 1 0-50"]
    assert told(town.tell(X1, claim(C1, 3)))[2:] == ["retracted x:1 1 0-50"]
    assert told(town.tell(X1, claim(C1, 3), claim(C1, 1, ALWAYS)))[3:] == [], "what is no news is not told"


def test_a_conflict_appears_and_vanishes() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 10), claim(C2, 1, (5, INF)))
    assert told(town)[1:] == ["linked x:1 2 5-", "conflict x:1 - 5-"]
    (conflict,) = town.said("links", "conflict")
    assert [one.value for one in conflict.evidence] == ["salesforce:contact:1", "salesforce:contact:2"]
    assert (town.joined(C1), town.joined(C2)) == ({}, {})
    town.tell(X1, claim(C2, 2, (5, 8)))
    assert told(town)[3:] == ["linked x:1 2 5-8", "conflict x:1 - 5-8"]
    assert list(town.joined(C1)) == ["x:1/000001"]
    town.tell(X1, claim(C2, 3))
    assert told(town)[5:] == ["retracted x:1 2 5-8", "retracted x:1 - 5-8"]


def test_who_is_stronger_is_in_no_conflict() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), claim(C2, 1, (0, INF, 4)))
    assert [one.method for one in town.said("links", "linked")] == ["asserted", "confirmed"]
    assert town.said("links", "conflict") == []


def test_two_who_say_the_same_under_another_name_are_one_customer() -> None:
    town = Town().tell(X1, claim(C1, 1, (0, INF), (5, INF)))
    assert town.said("links", "conflict") == []


def test_a_persons_no_retracts_and_unset_links_again() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 1), claim(C1, 2, ALWAYS, (0, INF, 0)))
    assert told(town)[1:] == ["retracted x:1 1 0-"]
    assert town.joined() == {}
    assert told(town.tell(X1, claim(C1, 3, ALWAYS)))[2:] == ["linked x:1 1 0-"]
    assert list(town.joined()) == ["x:1/000001"]


def test_an_account_that_a_person_says_is_nobodys_has_no_links_until_the_next_word() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 1), Decided(ms(2), "1", "never", X1, "olga"))
    assert told(town)[1:] == ["retracted x:1 1 0-"]
    assert town.said("links")[-1].cause == "olga decided: never"
    town.tell(X1, Decided(ms(1), "9", "is", X1), claim(C2, 1, ALWAYS))
    assert told(town)[2:] == [], "an older word does not count, and nobody is linked"
    town.tell(X1, Decided(ms(3), "1", "unset", X1))
    assert sorted(told(town)[2:]) == ["conflict x:1 - 0-", "linked x:1 1 0-", "linked x:1 2 0-"]


spans = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from([0, 2, 3, 3, 4])), max_size=3)
senders = st.sampled_from([C1, C2, C3])
stances = st.lists(st.tuples(senders, st.sampled_from(["", ANN, BEA]), spans), max_size=14)


@settings(max_examples=200, deadline=None)
@given(stances)
def test_who_listens_knows_what_holds(said: list[tuple[str, str, list[tuple[int, int, int]]]]) -> None:
    """Of one customer, start and method the newest `linked` or `retracted` holds; so with conflicts and their start."""
    town = Town()
    for version, (sender, handle, parts) in enumerate(said):
        stance = claim(sender, version, *((float(a), float(a + n), strength) for a, n, strength in parts if n))
        bound = tuple(BoundClaim(sender, one) for one in stance.intervals if one.strength)
        town.tell(X1, Bound(handle, version, bound) if handle else stance)
    items = town.items.get(X1, {})
    links = links_of(items.get("claims"), items.get("bounds"))
    held, undecided = dict[Any, LinkEvent](), dict[Any, LinkEvent]()
    for one in town.said("links"):
        if one.customer is None:
            undecided[one.start, one.evidence] = one
        else:
            held[one.customer, one.start, one.method] = one
    assert {key[:2] for key, one in held.items() if one.status == "linked"} == {
        (link.customer.removeprefix("customer:"), time_text(link.start)) for link in links
    }
    assert {(one.start, one.end) for one in undecided.values() if one.status == "conflict"} == {
        (time_text(one.start), time_text(one.end)) for one in conflicts(links)
    }
    ids = [one.id for one in town.said("links")]
    assert len(ids) == len(set(ids))


# ---------------------------------------------------------------- handles
def handle_claim(customer: str, version: int, *spans: tuple[float, float]) -> Any:
    """Claims on a handle."""
    return claim(customer, version, *((start, end, 2) for start, end in spans))


def test_a_claimed_handle_nobody_was_seen_with_is_unresolved_once() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, ALWAYS))
    assert told(town) == ["unresolved handle:x:ann 1 0-"]
    assert told(town.tell(ANN, handle_claim(C1, 2, (1, INF))))[1:] == []
    town.tell(X1, sighting(ANN, 3))
    assert told(town)[1:] == ["linked x:1 1 1-"]
    assert [one.kind for one in town.said("links", "linked")[0].evidence] == ["x", "handle"]


def test_a_handle_that_was_resolved_can_be_unresolved_again() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, ALWAYS)).tell(X1, sighting(ANN, 3), claim(C2, 1, ALWAYS))
    town.tell(ANN, handle_claim(C1, 2, (0, 2)))
    assert town.said("links", "unresolved")[1:] == [], "nobody has to look for who had it once"
    town.tell(ANN, handle_claim(C1, 3, (0, 2), (5, INF)))
    assert told(town)[-1] == "linked x:1 1 5-", "it is used still"


def test_a_handle_two_customers_claim_is_unresolved_without_a_name() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, (0, 5)), handle_claim(C2, 1, (5, INF)))
    assert told(town) == ["unresolved handle:x:ann 2 5-"]
    town = Town().tell(X1, sighting(BEA, 0)).tell(ANN, handle_claim(C1, 1, (0, 5)), handle_claim(C1, 2, ALWAYS))
    assert [one.customer for one in town.said("links", "unresolved")] == ["salesforce:contact:1"]


def test_a_later_account_on_the_handle_is_for_review_and_joins_nothing() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, ALWAYS))
    town.tell(X1, post_(1, 10, handle=ANN)).tell(X2, post_(2, 20, handle=ANN))
    assert told(town)[1:] == ["linked x:1 1 0-", "review x:2 1 0-"]
    assert list(town.joined()) == ["x:1/000001"]
    town.tell(X2, post_(3, 21, handle=ANN), sighting(BEA, 22), sighting(ANN, 23))
    assert told(town)[3:] == [], "that has been told"
    town.tell(X3, post_(4, 30, handle=ANN))
    assert told(town)[3:] == ["review x:3 1 0-"]


def test_the_crms_new_value_ends_the_review_and_links_the_later_account() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, ALWAYS))
    town.tell(X1, post_(1, 10, handle=ANN)).tell(X2, post_(2, 20, handle=ANN))
    town.tell(ANN, handle_claim(C1, 2, (0, 15), (15, INF)))
    # At 15 the first account used the handle still, and was not seen to let go of it: it stays with that.
    assert town.bound(X2) == ()
    town.tell(X1, sighting(BEA, 12))
    assert [claim_.interval.start for claim_ in town.bound(X2)] == [ms(15)]
    assert sorted(town.joined()) == ["x:1/000001", "x:1/000002"]
    assert town.items[ANN]["head"].review == ()


def test_a_person_who_confirms_the_later_account_links_it() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, ALWAYS))
    town.tell(X1, post_(1, 10, handle=ANN)).tell(X2, post_(2, 20, handle=ANN), claim(C1, 9, (0, INF, 4)))
    assert told(town)[-1] == "linked x:2 1 0-"
    assert sorted(town.joined()) == ["x:1/000001", "x:1/000002"]


def test_a_deleted_sighting_unbinds_and_what_it_leaves_open_is_unresolved() -> None:
    town = Town().tell(ANN, handle_claim(C1, 1, ALWAYS)).tell(X1, post_(1, 10, handle=ANN))
    town.tell(X1, Gone("x:1/000001", FINAL, ms(11), ms(11)))
    assert told(town) == [
        "unresolved handle:x:ann 1 0-",
        "linked x:1 1 0-",
        "unresolved handle:x:ann 1 0-",
        "retracted x:1 1 0-",
    ]


def test_evidence_says_which_field_of_which_record() -> None:
    interval = Interval(0, FOREVER, 2, "bluesky=hubspot:contact:7")
    town = Town().tell(X1, Bound("handle:bluesky:ann.example", 1, (BoundClaim(C1, interval),)))
    (one,) = town.said("links")
    assert [(each.kind, each.value) for each in one.evidence] == [
        ("bluesky", "hubspot:contact:7"),
        ("handle", "bluesky:ann.example"),
    ]
    assert (one.start, one.end) == (None, None)
