"""HubSpot webhooks: batches, both families of events, retries, and what one bad event does to its neighbours."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.normalise.crm import RECEIVED, model, normaliser, read, told

AT = 1_750_000_000_000
PLAIN = normaliser("hubspot.webhook")


def event(kind: str = "contact.propertyChange", **fields: Any) -> dict[str, Any]:
    """One event of a delivery, as HubSpot sends it."""
    base = {
        "eventId": 100, "subscriptionId": 25, "portalId": 33, "appId": 1160452, "occurredAt": AT,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": 51, "changeSource": "CRM",
    }  # fmt: skip
    return base | fields


def changed(name: str, value: Any, **fields: Any) -> dict[str, Any]:
    """A property was changed."""
    return event(propertyName=name, propertyValue=value, **fields)


PROPERTIES = [
    ("email", "Ann@A.example", "email=email:ann@a.example"),
    ("firstname", "Ann", "first_name=Ann"),
    ("lastname", "", "last_name=-"),
    ("twitterhandle", "https://x.com/Ann", "x=handle:x:ann"),
    ("phone", "+49 30 901820", "phone=phone:+4930901820"),
    ("hubspot_owner_id", "7", "owner=7"),
    ("company", "Acme Ltd", "company=Acme Ltd"),
    ("associatedcompanyid", "7654321", "company=record:hubspot:company:7654321"),
    ("salesforcecontactid", "0032X00002QU10J", "external_id=record:salesforce:contact:0032X00002QU10JQAT"),
    ("email", None, "email=-"),
    ("hubspot_owner_id", 7, "owner=7"),
]


@pytest.mark.parametrize(("name", "value", "want"), PROPERTIES)
def test_a_property_becomes_a_field_and_an_empty_one_clears_it(name: str, value: Any, want: str) -> None:
    assert told(PLAIN, [changed(name, value)]) == [f"set contact:51 @{AT} {want}"]


def test_a_property_nobody_maps_is_irrelevant() -> None:
    assert told(PLAIN, [changed("lifecyclestage", "lead")]) == ["irrelevant"]


def test_the_configuration_maps_properties() -> None:
    normalise = normaliser("hubspot.webhook", model("region"), fields={"tier": "customer_tier"}, source="hub2")
    (first, second) = read(normalise, [changed("customer_tier", "Gold"), changed("region", "north")]).arrivals
    assert (first.address, first.event.fields) == ("record:hub2:contact:51", {"tier": "Gold"})
    assert second.event.fields == {"region": "north"}
    assert told(normalise, [changed("tier", "Gold")]) == ["irrelevant"], "the default is replaced"


def test_a_blocked_value_clears_the_field_and_is_noted() -> None:
    assert told(PLAIN, [changed("email", "none@a.example")]) == [
        f"set contact:51 @{AT} email=-",
        "left out email blocked",
    ]


KINDS = [
    ("contact.creation", "set contact:51"),
    ("company.creation", "set company:51"),
    ("ticket.creation", "set case:51"),
    ("contact.deletion", "delete contact:51"),
    ("contact.restore", "restore contact:51"),
    ("contact.privacyDeletion", "purge contact:51"),
    ("company.deletion", "delete company:51"),
]


@pytest.mark.parametrize(("kind", "want"), KINDS)
@pytest.mark.parametrize("key", ["subscriptionType", "eventType"])
def test_a_record_comes_goes_and_returns(kind: str, want: str, key: str) -> None:
    one = event(kind)
    one[key] = one.pop("subscriptionType")
    assert told(PLAIN, [one]) == [f"{want} @{AT}"]


@pytest.mark.parametrize(("type_id", "kind"), [("0-1", "contact"), ("0-2", "company"), ("0-5", "case")])
def test_the_generic_family_names_the_object_by_its_type(type_id: str, kind: str) -> None:
    assert told(PLAIN, [event("object.deletion", objectTypeId=type_id)]) == [f"delete {kind}:51 @{AT}"]


UNKNOWN = [
    (event("deal.propertyChange"), "deal.propertyChange"),
    (event("contact.merge", primaryObjectId=51, mergedObjectIds=[52], newObjectId=53), "contact.merge"),
    (event("object.merge", objectTypeId="0-1"), "object.merge 0-1"),
    (event("object.creation", objectTypeId="2-77"), "object.creation 2-77"),
    (event("object.creation"), "object.creation None"),
    (event("conversation.newMessage"), "conversation.newMessage"),
    (event("contact"), "contact"),
    (event("contact.tele\nport"), "contact.tele?port"),
    (event("x" * 500), "x" * 80),
]


@pytest.mark.parametrize(("one", "name"), UNKNOWN)
def test_an_unknown_kind_is_counted_by_its_name(one: dict[str, Any], name: str) -> None:
    assert told(PLAIN, [one]) == [f"unknown {name}"]


def test_both_sides_tell_of_an_association_and_say_the_same() -> None:
    types = {"fromObjectTypeId": "0-1", "toObjectTypeId": "0-2", "fromObjectId": 51, "toObjectId": 9}
    back = {"fromObjectTypeId": "0-2", "toObjectTypeId": "0-1", "fromObjectId": 9, "toObjectId": 51}
    named = {"associationType": "CONTACT_TO_COMPANY", "fromObjectId": 51, "toObjectId": 9}
    want = [f"set contact:51 @{AT} company=record:hubspot:company:9"]
    for ends in (types, back, named):
        assert told(PLAIN, [event("contact.associationChange", associationRemoved=False, **ends)]) == want
    removed = event("contact.associationChange", associationRemoved=True, **types)
    assert told(PLAIN, [removed]) == [f"set contact:51 @{AT} company=-"]


def test_only_the_primary_company_is_the_contacts_company() -> None:
    ends = {"fromObjectTypeId": "0-1", "toObjectTypeId": "0-2", "fromObjectId": 51, "toObjectId": 9}
    assert told(PLAIN, [event("contact.associationChange", isPrimaryAssociation=False, **ends)]) == ["irrelevant"]


def test_a_case_gets_its_contact_by_an_association() -> None:
    ends = {"fromObjectTypeId": "0-5", "toObjectTypeId": "0-1", "fromObjectId": 4, "toObjectId": 51}
    assert told(PLAIN, [event("ticket.associationChange", **ends)]) == [
        f"set case:4 @{AT} contact=record:hubspot:contact:51"
    ]
    other = {"fromObjectTypeId": "0-5", "toObjectTypeId": "0-3", "fromObjectId": 4, "toObjectId": 51}
    assert told(PLAIN, [event("ticket.associationChange", **other)]) == ["irrelevant"]


def test_a_move_to_another_company_ends_at_the_other_company() -> None:
    ends = {"fromObjectTypeId": "0-1", "toObjectTypeId": "0-2", "fromObjectId": 51}
    moved = [
        event("contact.associationChange", eventId=9, associationRemoved=True, toObjectId=1, **ends),
        event("contact.associationChange", eventId=3, associationRemoved=False, toObjectId=2, **ends),
    ]
    changes = sorted((arrival.event for arrival in read(PLAIN, moved).arrivals), key=lambda one: (one.at, one.position))
    assert changes[-1].fields == {"company": "record:hubspot:company:2"}


@pytest.mark.parametrize(("stage", "want"), [("1", "new"), ("4", "closed"), ("998877", "998877")])
def test_the_stages_of_the_first_pipeline_have_names(stage: str, want: str) -> None:
    one = changed("hs_pipeline_stage", stage, subscriptionType="ticket.propertyChange")
    assert told(PLAIN, [one]) == [f"set case:51 @{AT} status={want}"]


@given(st.integers(0, 10))
def test_a_retried_delivery_is_the_same_changes(attempt: int) -> None:
    batch = [changed("email", "ann@a.example"), event("contact.deletion", eventId=101)]
    again = [one | {"attemptNumber": attempt} for one in batch]
    first, second = read(PLAIN, batch, offset=1), read(PLAIN, again, offset=9, at=RECEIVED + 3_600_000)

    def changes(out: Any) -> list[Any]:
        return [(one.address, one.event.at, one.event.position, one.event.op, one.event.fields) for one in out.arrivals]

    assert changes(first) == changes(second)


def test_changes_of_one_millisecond_have_positions_of_their_own() -> None:
    batch = [changed("email", "a@a.example", eventId=n, subscriptionId=s) for n in (1, 2, 10) for s in (5, 40)]
    positions = [arrival.event.position for arrival in read(PLAIN, batch).arrivals]
    assert positions == sorted(positions)
    assert len(set(positions)) == len(batch)


def test_a_test_delivery_with_texts_for_numbers_is_read() -> None:
    one = {
        "eventId": "100", "subscriptionId": "25", "portalId": "33", "occurredAt": str(AT), "objectId": "123",
        "subscriptionType": "contact.propertyChange", "propertyName": "email", "propertyValue": "ann@a.example",
        "attemptNumber": "0",
    }  # fmt: skip
    assert told(PLAIN, [one]) == [f"set contact:123 @{AT} email=email:ann@a.example"]


BAD: list[tuple[Any, str]] = [
    (7, ""),
    (None, ""),
    ([], ""),
    (event(subscriptionType=None), ".subscriptionType"),
    (event("contact.creation", objectId=None), ".objectId"),
    (event("contact.creation", objectId=1.5), ".objectId"),
    (event("contact.creation", objectId=True), ".objectId"),
    (event("contact.creation", objectId=""), ".objectId"),
    (event("contact.creation", objectId="9" * 300), ".objectId"),
    (event("contact.creation", occurredAt="yesterday"), ".occurredAt"),
    (event("contact.creation", occurredAt=None), ".occurredAt"),
    (event("contact.creation", occurredAt=1.5), ".occurredAt"),
    (event(), ".propertyName"),
    (event(propertyName=["email"], propertyValue="x"), ".propertyName"),
    (
        event(
            "contact.associationChange", fromObjectTypeId="0-1", toObjectTypeId="0-2", fromObjectId=1, toObjectId=None
        ),
        ".toObjectId",
    ),
]


@pytest.mark.parametrize(("bad", "path"), BAD)
def test_one_bad_event_is_refused_with_its_path_and_its_neighbours_go_on(bad: Any, path: str) -> None:
    good = changed("email", "ann@a.example")
    line = f"set contact:51 @{AT} email=email:ann@a.example"
    assert told(PLAIN, [good, bad, good]) == [line, line, f"refused $[1]{path}"]


def test_an_id_beyond_64_bits_is_refused_not_rounded() -> None:
    body = b'[{"subscriptionType":"contact.creation","objectId":123456789012345678901234567890,"occurredAt":1}]'
    assert told(PLAIN, body) == ["refused $[0].objectId"]
    assert told(PLAIN, body.replace(b"123456789012345678901234567890", b"9007199254740993")) == [
        "set contact:9007199254740993 @received"
    ]


@pytest.mark.parametrize("at", [0, -1, 10**18, 253_402_300_799_000, -62_135_596_800_000])
def test_a_time_nobody_believes_is_the_receive_time(at: int) -> None:
    assert told(PLAIN, [event("contact.creation", occurredAt=at)]) == ["set contact:51 @received"]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff\xfe", b"[", b'"text"', b"7", None, b"[" * 5000])
def test_a_payload_that_is_no_delivery_is_refused_as_a_whole(body: bytes | None) -> None:
    assert told(PLAIN, body) == ["refused $"]


def test_ten_thousand_handles_on_one_contact_stay_a_few() -> None:
    handles = " ".join(f"@ann{number}" for number in range(10_000))
    out = read(PLAIN, [changed("twitterhandle", handles), changed("firstname", "Ann")])
    assert len((out.arrivals[0].event.fields["x"] or "").split()) == 8
    assert out.arrivals[1].event.fields == {"first_name": "Ann"}
    assert [(refusal.path, refusal.cause) for refusal in out.refusals] == [
        ("$[0].propertyValue", "too many identifiers in x: kept 8, left out 9992")
    ]
