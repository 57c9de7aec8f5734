"""What does not fit into one call goes on in the next, whatever comes in between. `Town` counts the effects of each call."""

from typing import Any

from schemas.events import Changed, Erase, Sighting
from schemas.log import Continue, Wake
from tests.identity.town import ANN, C1, FOLDS, X1, Town, claim, ms, post_, sighting
from topologies.customer.fold import customer
from topologies.identity.facts import HistoryFolded

S1, H1 = "record:salesforce:contact:1", "record:hubspot:contact:7"
ACME = "record:salesforce:company:1"
EVER = (-99.0, float("inf"))


def change(hour: float, **fields: str | None) -> Changed:
    """A change of a record."""
    return Changed(ms(hour), f"{hour:09.3f}", "set", fields, ms(hour))


def purged(hour: float) -> Changed:
    """The CRM says that it has to be forgotten."""
    return Changed(ms(hour), "p", "purge", {}, ms(hour))


def one_call(town: Town, address: str, event: Any) -> Town:
    """The event alone: what the address sends itself has to wait."""
    town._fold(address, event, ms(1))
    return town


def test_a_company_that_is_purged_takes_its_name_back_from_all_its_contacts() -> None:
    town = Town().tell(ACME, change(0, name="Acme"))
    contacts = [f"record:salesforce:contact:{n}" for n in range(300)]
    for contact in contacts:
        town.tell(contact, change(0, company=ACME))
    town.tell(ACME, purged(1))
    assert town.items[ACME].keys() == {"head"}
    assert {town.items[contact][f"from:{ACME}"].content.content for contact in contacts} == {None}


def test_a_contact_with_many_cases_may_change_everything_at_once() -> None:
    town = Town(same_email=True)
    emails = " ".join(f"email:a{n}@a.example" for n in range(8))
    town.tell(H1, change(0, email=emails, company="record:hubspot:company:1"))
    for n in range(300):
        town.tell(f"record:hubspot:case:{n}", change(0, contact=H1, status="open"))
    other = emails.replace("@a.", "@b.")
    town.tell(H1, change(1, email=other, company="record:hubspot:company:2", external_id=S1))
    assert len([name for name in town.items[S1] if name.startswith("from:record:hubspot:case:")]) == 300
    assert {name for name in town.items[H1] if name.startswith("told:email:")} == {
        f"told:email:{email}" for email in other.split()
    }


def test_an_account_with_very_many_handles_is_forgotten_by_all_of_them() -> None:
    town = Town().tell(X1, *(sighting(f"handle:x:s{n}", n / 100 - 60) for n in range(32)))
    town.tell(X1, *(post_(n, n / 8, handle=f"handle:x:h{n}") for n in range(64))).tick(100)
    assert town.items[X1] == {}
    assert [name for name, items in town.items.items() if items.get(f"seen:{X1}") and items[f"seen:{X1}"].runs] == []
    assert 0 < town.noted(HistoryFolded) <= 64


def test_an_act_between_the_pages_of_forgetting_is_not_forgotten() -> None:
    town = Town().tell(X1, *(sighting(f"handle:x:s{n}", n / 100 - 60) for n in range(32)))
    town.tell(X1, *(post_(n, n / 8, handle=f"handle:x:h{n}") for n in range(64)))
    town.upto = ms(100)
    one_call(town, X1, Wake(0))
    assert any(event == Continue("") for _, event, _ in town._queue)
    town._queue.appendleft((X1, post_(99, 99, handle=ANN), ms(99)))
    town.tell(X1)._drain()
    assert list(town.kept()) == ["x:1/000099"]
    assert town.items[ANN][f"seen:{X1}"].runs
    town.tick(200)
    assert town.items[X1] == {}


def test_an_act_that_is_sealed_between_the_pages_of_a_claim_is_the_customers() -> None:
    town = Town(held_max=600, unclaimed_per_hour_max=600).tell(X1, *(post_(n, n / 600) for n in range(500)))
    one_call(town, X1, claim(C1, 1, EVER))
    town.upto = ms(80)
    one_call(town, X1, Wake(0))._drain()
    assert town.said("unmatched") == []
    assert len(town.joined()) == 500
    assert town.kept() == {}


def test_who_is_bound_by_a_handle_and_never_did_anything_is_purged_too() -> None:
    town = Town({**FOLDS, "customer": customer}).tell(S1, change(0, x=ANN)).tell(X1, Sighting(ANN, ms(1), ms(1), "Ann"))
    assert town.bound(X1)
    assert town.items[X1]["head"].name == "Ann"
    town.tell(C1, Erase(ms(5), ms(5)))
    assert (town.items[X1]["head"].name, town.items[X1]["head"].seen) == ("", ())
    assert town.bound(X1) == ()


def test_an_email_that_is_nobodys_any_more_is_forgotten() -> None:
    mail = "email:ann@a.example"
    town = Town(same_email=True).tell(S1, change(0, email=mail)).tell(H1, change(0, email=mail))
    town.tell(S1, change(1, email=None)).tick(24 * 9)
    assert town.items[mail], "the other record still has it"
    town.tell(H1, purged(24 * 9))
    assert town.items[mail], "its last word may still be under way"
    assert town.tick(24 * 20).items[mail] == {}
