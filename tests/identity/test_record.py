"""Whose a record is, and what customers and companies are told of it."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Changed, Claim, Content, Record
from tests.identity.town import ANN, Town, ms

S1, S2 = "record:salesforce:contact:1", "record:salesforce:contact:2"
H1, H2, Z1 = "record:hubspot:contact:7", "record:hubspot:contact:8", "record:zendesk:contact:3"
ACME, BOLT = "record:salesforce:company:1", "record:salesforce:company:2"
CASE = "record:zendesk:case:5"
MAIL, WORK = "email:ann@a.example", "email:ann@work.example"


def change(hour: float, op: Any = "set", **fields: str | None) -> Changed:
    """A change of a record."""
    return Changed(ms(hour), f"{hour:09.4f}", op, fields, ms(hour))


def known(town: Town) -> dict[str, dict[str, Record]]:
    """What customers know, by customer and subject; each keeps the newest version of a subject."""
    newest: dict[tuple[str, str], Content] = {}
    for to, event in town.sent:
        if isinstance(event, Content):
            assert event.sender == to.replace("customer:", "record:"), "a customer only hears its own record"
            key = to, event.subject
            if key not in newest or newest[key].version < event.version:
                newest[key] = event
    out: dict[str, dict[str, Record]] = {}
    for (to, subject), event in newest.items():
        if event.content is not None:
            out.setdefault(to, {})[subject] = event.content
    return out


def subjects(town: Town) -> dict[str, list[str]]:
    """The records of each customer."""
    return {who.removeprefix("customer:"): sorted(mine) for who, mine in sorted(known(town).items())}


def value(town: Town, name: str, record: str = S1, who: str = "customer:salesforce:contact:1") -> str | None:
    """A field as the customer knows it."""
    entry = known(town)[who][record].values.get(name)
    return entry.value if entry else None


# ---------------------------------------------------------------- clusters
def test_a_chain_of_external_ids_leads_to_the_best_source() -> None:
    town = Town().tell(Z1, change(0, external_id=H1)).tell(H1, change(0, name="Annie")).tell(S1, change(0, name="Ann"))
    assert subjects(town) == {"hubspot:contact:7": [H1, Z1], "salesforce:contact:1": [S1]}
    town.tell(H1, change(1, external_id=S1))
    assert subjects(town) == {"salesforce:contact:1": [H1, S1, Z1]}
    town.tell(H1, change(2, external_id=None))
    assert subjects(town) == {"hubspot:contact:7": [H1, Z1], "salesforce:contact:1": [S1]}


@pytest.mark.parametrize("other", [H1, S2, "Own Ltd", "record:x", CASE, ACME, ""])
def test_an_external_id_that_is_no_contact_of_a_better_source_leads_nowhere(other: str) -> None:
    town = Town().tell(S1, change(0, external_id=other))
    assert subjects(town) == {"salesforce:contact:1": [S1]}


def test_a_source_nobody_has_ranked_comes_last() -> None:
    town = Town().tell("record:own:contact:1", change(0, external_id="record:zendesk:contact:3"))
    assert subjects(town) == {"zendesk:contact:3": ["record:own:contact:1"]}


def test_a_case_goes_where_its_contact_goes() -> None:
    town = Town().tell(CASE, change(0, contact=H1, status="open"))
    assert subjects(town) == {"hubspot:contact:7": [CASE]}
    town.tell(H1, change(1, external_id=S1))
    assert subjects(town) == {"salesforce:contact:1": [H1, CASE]}
    town.tell(CASE, change(2, contact=Z1))
    assert subjects(town) == {"salesforce:contact:1": [H1], "zendesk:contact:3": [CASE]}
    town.tell(CASE, change(3, contact=None))
    assert subjects(town) == {"salesforce:contact:1": [H1]}


def test_a_case_that_comes_by_another_way_is_not_lost_between_them() -> None:
    # The case leaves a contact that passes it on for the record it is passed on to: both speak of it at once.
    town = Town().tell(H1, change(0, external_id=S1)).tell(CASE, change(0, contact=H1), change(1, contact=S1))
    assert subjects(town)["salesforce:contact:1"] == [H1, CASE]
    town.tell(CASE, change(2, contact=H1))
    assert subjects(town)["salesforce:contact:1"] == [H1, CASE]


@pytest.mark.parametrize("count", [3, 300])
def test_a_contact_that_moves_takes_all_its_cases_along(count: int) -> None:
    town = Town().tell(H1, change(0, name="Annie"))
    for n in range(count):
        town.tell(f"record:zendesk:case:{n}", change(0, contact=H1, status="open"))
    assert len(subjects(town)["hubspot:contact:7"]) == count + 1
    town.tell(H1, change(1, external_id=S1))
    assert {who: len(mine) for who, mine in subjects(town).items()} == {"salesforce:contact:1": count + 1}


# ---------------------------------------------------------------- companies
def test_a_company_lends_its_name_to_its_contacts() -> None:
    town = Town().tell(S1, change(0, company=ACME)).tell(ACME, change(0, name="Acme", tier="gold"))
    assert value(town, "company") == "Acme"
    assert value(town.tell(ACME, change(1, name="Acme Ltd")), "company") == "Acme Ltd"
    assert value(town.tell(BOLT, change(0, name="Bolt")).tell(S1, change(2, company=BOLT)), "company") == "Bolt"
    calls = town.calls
    town.tell(ACME, change(3, name="Nobody's"))
    assert town.calls == calls + 1, "who has left is told nothing"
    assert value(town.tell(S1, change(4, company="Own Ltd")), "company") == "Own Ltd"


def test_a_company_that_is_deleted_lends_nothing_until_it_is_restored() -> None:
    town = Town().tell(S1, change(0, company=ACME)).tell(ACME, change(0, name="Acme"), change(1, "delete"))
    assert value(town, "company") is None
    assert value(town.tell(ACME, change(2, "restore")), "company") == "Acme"


def test_a_company_tells_a_thousand_contacts_in_pages() -> None:
    town = Town().tell(ACME, change(0, name="Acme"))
    contacts = [f"record:salesforce:contact:{n}" for n in range(1000)]
    for contact in contacts:
        town.tell(contact, change(0, company=ACME))
    town.tell(ACME, change(1, name="Bolt"))
    for contact in contacts[::97]:
        assert value(town, "company", contact, contact.replace("record:", "customer:")) == "Bolt"


# ---------------------------------------------------------------- what a record says
def test_an_update_of_one_field_and_a_delete_of_none_find_their_customer() -> None:
    town = Town().tell(S1, change(0, name="Ann", x=ANN), change(1, tier="gold"), change(2, "delete"))
    content = known(town)["customer:salesforce:contact:1"][S1]
    assert {name: entry.value for name, entry in content.values.items()} == {"name": "Ann", "tier": "gold", "x": ANN}
    assert content.gone[0][0] == ms(2)


def test_what_changes_nothing_is_not_told() -> None:
    town = Town().tell(S1, change(1, name="Ann"))
    said = len(town.sent)
    town.tell(S1, change(1, name="Ann"), change(0, name="Old"), Changed(ms(1), "0", "set", {"name": "Tie"}, ms(1)))
    assert len(town.sent) == said


def test_a_thousand_fields_are_64() -> None:
    town = Town().tell(S1, change(0, **{f"f{n}": "v" for n in range(1000)}))
    assert len(known(town)["customer:salesforce:contact:1"][S1].values) == 64


# ---------------------------------------------------------------- the same e-mail
def test_records_with_the_same_email_are_one_customer_if_that_is_switched_on() -> None:
    for same_email, want in ((False, [H1]), (True, [H1, S1])):
        town = Town(same_email=same_email).tell(H1, change(0, email=MAIL)).tell(S1, change(0, email=MAIL))
        assert subjects(town)["salesforce:contact:1" if same_email else "hubspot:contact:7"] == want
    town.tell(S1, change(1, email=WORK))
    assert subjects(town) == {"hubspot:contact:7": [H1], "salesforce:contact:1": [S1]}


def test_two_records_of_the_best_source_with_one_email_lead_nobody() -> None:
    town = Town(same_email=True).tell(H1, change(0, email=MAIL)).tell(S1, change(0, email=MAIL))
    town.tell(S2, change(0, email=MAIL))
    assert subjects(town)["hubspot:contact:7"] == [H1]
    town.tell(S2, change(1, email=None))
    assert subjects(town)["salesforce:contact:1"] == [H1, S1]


def test_an_email_the_crm_has_not_verified_does_not_count() -> None:
    town = Town(same_email=True).tell(S1, change(0, email=MAIL))
    town.tell(H1, change(0, email=MAIL, email_verified="false"))
    assert subjects(town)["hubspot:contact:7"] == [H1]
    town.tell(H1, change(1, email_verified="true"))
    assert subjects(town)["salesforce:contact:1"] == [H1, S1]


def test_an_external_id_says_more_than_an_email() -> None:
    town = Town(same_email=True).tell(S1, change(0, email=MAIL)).tell(S2, change(0, name="Bea"))
    town.tell(H1, change(0, email=MAIL, external_id=S2))
    assert subjects(town)["salesforce:contact:2"] == [H1, S2]


def test_an_email_of_a_whole_company_is_nobodys() -> None:
    town = Town(same_email=True).tell(S1, change(0, email=MAIL))
    for n in range(60):
        town.tell(f"record:hubspot:contact:{n}", change(0, email=MAIL))
    assert subjects(town)["salesforce:contact:1"] == [S1]
    assert len(town.items[MAIL]) <= 48 + 48


CONTACTS = (S1, S2, H1, H2, Z1)
changes = st.lists(
    st.tuples(
        st.sampled_from(CONTACTS),
        st.dictionaries(
            st.sampled_from(["email", "external_id", "email_verified"]),
            st.sampled_from([0, 1, 2, 3, 4]),
            min_size=1,
            max_size=2,
        ),
    ),
    max_size=14,
)
VALUES: dict[str, list[str | None]] = {
    "email": [MAIL, WORK, f"{MAIL} {WORK}", None, ""],
    "external_id": [S1, S2, H1, None, "text"],
    "email_verified": ["true", "false", None, "1", "0"],
}


@settings(max_examples=200, deadline=None)
@given(changes, st.integers(0, 1 << 20))
def test_clusters_are_the_same_in_every_order(said: list[tuple[str, dict[str, int]]], seed: int) -> None:
    events = [
        (record, change(hour, **{name: VALUES[name][which] for name, which in fields.items()}))
        for hour, (record, fields) in enumerate(said)
    ]
    answers = []
    for order in (events, Random(seed).sample(events, len(events)), events[::-1]):
        town = Town(same_email=True)
        for record, event in order:
            town.tell(record, event)
        answers.append(subjects(town))
    assert answers[0] == answers[1] == answers[2]
    assert sorted(record for mine in answers[0].values() for record in mine) == sorted({record for record, _ in said})


def test_claims_are_not_for_records() -> None:
    assert Town().tell(S1, Claim("customer:1", 1, ())).rejected
