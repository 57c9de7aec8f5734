"""Somebody who claimed an identifier was erased: what was kept of him goes, and stays gone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Act, Changed, Cluster, Content, Erase, Purge, Record
from schemas.state import encode_item
from tests.identity.town import ALWAYS, ANN, C1, C2, T0, X1, X2, Town, claim, ms, post_, sighting
from topologies.identity.facts import ActAfterErase, ChangeAfterErase

S1, H1, CASE = "record:salesforce:contact:1", "record:hubspot:contact:7", "record:salesforce:case:5"
ACME = "record:salesforce:company:1"


def texts(town: Town) -> bytes:
    """Everything the folds hold, as it is written."""
    return b"".join(encode_item(item) for items in town.items.values() for item in items.values())


def test_kept_acts_become_tombstones_and_sightings_go() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 1, text="secret", handle=ANN, name="Ann"))
    town.tell(X1, Purge(C1, 2, ms(5)))
    assert b"secret" not in texts(town)
    assert [kept.act for kept in town.kept().values()] == [None]
    assert town.items[ANN]["seen:account:x:1"].runs == ()
    assert town.said("links")[-1].status == "retracted"
    assert town.items[X1]["claims"].by[C1] == (2, ())


def test_what_comes_afterwards_and_was_received_before_is_left_out_and_counted() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 1), Purge(C1, 2, ms(5)))
    town.tell(X1, post_(1, 1), post_(1, 1, version="9"), post_(2, 4), sighting(ANN, 4))
    assert [kept.act for kept in town.kept().values()] == [None]
    assert town.noted(ActAfterErase) == 1
    assert town.items[X1]["head"].seen == ()


def test_what_the_account_does_later_is_an_act_of_nobodys_customer() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 1), Purge(C1, 2, ms(5)), post_(3, 6)).tick(100)
    assert [one.act.id for one in town.said("unmatched")] == ["x:1/000003"]


def test_a_purge_that_is_repeated_takes_nothing_that_came_since() -> None:
    town = Town().tell(X1, claim(C1, 1, ALWAYS), post_(1, 1), Purge(C1, 2, ms(5)), post_(3, 6), Purge(C1, 2, ms(5)))
    assert [act for act, kept in town.kept().items() if kept.act is not None] == ["x:1/000003"]


def test_another_customer_of_the_account_keeps_what_is_theirs() -> None:
    town = Town().tell(X1, claim(C1, 1, (0, 5)), claim(C2, 1, (5, float("inf"))))
    town.tell(X1, post_(1, 1), post_(2, 6), sighting(ANN, 2), Purge(C1, 2, ms(9)))
    assert [act for act, kept in town.kept().items() if kept.act is not None] == ["x:1/000002"]
    assert list(town.joined(C2)) == ["x:1/000002"]
    assert town.items[X1]["head"].seen == ((ms(2), ANN),)
    assert list(town.tell(X1, post_(3, 8)).joined(C2)) == ["x:1/000002", "x:1/000003"]


def test_a_purge_of_a_handle_reaches_the_account_it_is_bound_to() -> None:
    town = Town().tell(ANN, claim(C1, 1, (0, float("inf"), 2))).tell(X1, post_(1, 1, handle=ANN, text="secret"))
    town.tell(X2, post_(2, 2, handle=ANN))
    assert list(town.joined()) == ["x:1/000001"]
    town.tell(ANN, Purge(C1, 2, ms(5)))
    assert b"secret" not in texts(town)
    assert town.bound(X1) == ()
    assert len([kept for kept in town.kept(X2).values() if kept.act is not None]) == 1, "who else used it is not meant"


def test_an_account_that_only_a_purge_was_for_is_forgotten_in_time() -> None:
    town = Town().tell(X1, Purge(C1, 2, ms(5))).tick(24 * 10)
    assert town.items[X1]
    assert town.tick(24 * 12).items[X1] == {}


@settings(max_examples=150, deadline=None)
@given(st.permutations(range(8)), st.integers(0, 7))
def test_in_every_order_nothing_of_an_erased_person_is_left(order: list[int], again: int) -> None:
    """The customer's two stances and what raw records say come in any order, one of them twice."""
    events = [
        claim(C1, 1, ALWAYS),
        claim(C1, 9),
        Purge(C1, 9, ms(5)),
        *(post_(n, n, text="secret", handle=ANN, name="Ann") for n in (1, 2, 3)),
        sighting(ANN, 4),
        post_(2, 2.5, version="2", text="secret"),
    ]
    town = Town().tell(X1, *(events[n] for n in [*order, again]))
    assert b"secret" not in texts(town)
    assert all(not kept.customer for kept in town.kept().values())
    seen = town.items.get(ANN, {}).get("seen:account:x:1")
    assert seen is None or not seen.runs


# ---------------------------------------------------------------- records
def change(hour: float, **fields: str | None) -> Changed:
    """A change of a record."""
    return Changed(ms(hour), str(hour), "set", fields, ms(hour))


def purged(hour: float) -> Changed:
    """The CRM says that a person has to be forgotten."""
    return Changed(ms(hour), "p", "purge", {}, ms(hour))


def test_a_purged_record_erases_its_customer_and_forgets_itself() -> None:
    town = (
        Town().tell(S1, change(0, name="Ann", company=ACME, x=ANN)).tell(CASE, change(0, contact=S1, status="secret"))
    )
    town.tell(S1, purged(5))
    assert ("customer:salesforce:contact:1", Erase(ms(5), ms(5))) in town.sent
    assert b"Ann" not in texts(town)
    assert b"secret" not in b"".join(encode_item(item) for item in town.items[S1].values())
    assert town.items[S1].keys() == {"head"}, "only the tombstone"
    assert town.items[ACME][f"from:{S1}"].content.content is None


def test_later_changes_of_a_purged_record_are_left_out_until_its_tombstone_goes() -> None:
    town = Town().tell(S1, change(0, name="Ann"), purged(5), change(6, name="Ann"), change(1, tier="gold"))
    assert town.noted(ChangeAfterErase) == 2
    assert town.items[S1].keys() == {"head"}
    town.tell(S1, Content(CASE, CASE, 1, Record(CASE, {}, {})), Cluster("email:a@a.example", 1, H1))
    assert town.items[S1].keys() == {"head"}
    assert town.tick(24 * 12).items[S1] == {}
    assert town.tell(S1, change(24 * 13, name="Ann")).items[S1].keys() > {"head", "field:name"}


def test_a_purged_record_of_another_customer_is_taken_back_there_and_erases_nobody() -> None:
    town = Town().tell(S1, change(0, name="Ann")).tell(H1, change(0, external_id=S1, name="Annie"), purged(5))
    assert not [event for _, event in town.sent if isinstance(event, Erase)]
    newest = [event for _, event in town.sent if isinstance(event, Content) and event.subject == H1][-1]
    assert newest.content is None
    assert b"Annie" not in texts(town)


def test_a_purge_of_a_record_with_many_cases_goes_in_pages() -> None:
    town = Town().tell(S1, change(0, name="Ann"))
    for n in range(300):
        town.tell(f"record:salesforce:case:{n}", change(0, contact=S1, status="open"))
    town.tell(S1, Purge(C1, 9, T0))
    assert town.items[S1].keys() == {"head"}
    newest = {event.subject: event.content for _, event in town.sent if isinstance(event, Content)}
    assert len(newest) == 301
    assert set(newest.values()) == {None}


def test_acts_have_to_be_acts() -> None:
    assert Town().tell(S1, Act("a", "1", 1, 1, "x", "post")).rejected == ["record: cannot do anything with a Act"]
