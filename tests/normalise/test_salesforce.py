"""Salesforce change events: one change in four dialects, and what absent, null and listed mean in each."""

from typing import Any

import pytest

from tests.normalise.crm import model, normaliser, read, told

AT = 1_750_000_000_000
CONTACT, ACCOUNT = "0032X00002QU10JQAT", "0015f00002JUXA8AAP"
PLAIN = normaliser("salesforce.cdc")


def payload(
    change: str = "UPDATE", entity: str = "Contact", *, header: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A change event without its envelope."""
    base = {
        "entityName": entity,
        "recordIds": [CONTACT if entity == "Contact" else ACCOUNT],
        "changeType": change,
        "changeOrigin": "",
        "transactionKey": "000267d5-1ab2-e18a-f726-b8849994a99a",
        "sequenceNumber": 1,
        "commitTimestamp": AT,
        "commitNumber": 10426208028536,
        "commitUser": "0052X00000AJGNCQA5",
    }
    return {"ChangeEventHeader": base | (header or {}), **fields}


def cometd(inner: dict[str, Any], replay: Any = 32872942) -> dict[str, Any]:
    """As a CometD client hands it out."""
    return {
        "data": {"schema": "fl8pv4oU", "payload": inner, "event": {"replayId": replay}},
        "channel": "/data/ContactChangeEvent",
    }


def pubsub(inner: dict[str, Any]) -> dict[str, Any]:
    """As a decoder of the Pub/Sub API hands it out."""
    return {"replayId": 18098167, "payload": inner}


def connect(inner: dict[str, Any]) -> dict[str, Any]:
    """As Confluent's source connector writes it."""
    own = {
        "ReplayId": "1305887",
        "Id": CONTACT,
        "_ObjectType": "ContactChangeEvent",
        "_EventType": "R1-FSrKj5SMSfaXy7QNdEw",
    }
    return {"schema": {"type": "struct", "fields": []}, "payload": inner | own}


def cloud(inner: dict[str, Any]) -> dict[str, Any]:
    """CometD in a CloudEvent."""
    return {
        "specversion": "1.0",
        "type": "com.salesforce.stream.message",
        "subject": "Contact/UPDATE",
        "data": cometd(inner),
    }


def listed(*names: str) -> dict[str, Any]:
    return {"changedFields": list(names)}


# What every dialect makes of "the X handle was set, the e-mail cleared, nothing else touched".
NAMES = listed("Twitter__c", "Email", "LastModifiedDate")
SPARSE = payload(header=NAMES, Twitter__c="@Ann", Email=None, LastModifiedDate="2025-06-15T15:06:40Z")
FULL = payload(
    header=NAMES | {"nulledFields": ["Email"], "diffFields": []},
    AccountId=None, Name=None, Twitter__c="@Ann", Email=None, Phone=None, LastModifiedDate=AT,
)  # fmt: skip
DIALECTS = {
    "CometD": cometd(SPARSE),
    "CometD without data": cometd(SPARSE)["data"],
    "CometD without null": cometd(payload(header=NAMES, Twitter__c="@Ann")),
    "CometD without changedFields": cometd(payload(Twitter__c="@Ann", Email=None)),
    "CloudEvents": cloud(SPARSE),
    "EventBridge": {"detail-type": "ContactChangeEvent", "detail": pubsub(FULL)},
    "Pub/Sub": pubsub(FULL),
    "Pub/Sub, payload only": FULL,
    "Pub/Sub, unions left in": pubsub(FULL | {"Twitter__c": {"string": "@Ann"}, "LastModifiedDate": {"long": AT}}),
    "Pub/Sub, bitmaps": pubsub(
        payload(
            header={"changedFields": ["0x58"], "nulledFields": ["0x10"], "diffFields": []},
            AccountId=None, Name=None, Twitter__c="@Ann", Email=None, Phone=None, LastModifiedDate=AT,
        )
    ),
    "Kafka Connect": connect(FULL),
    "Kafka Connect, no schema": connect(FULL)["payload"],
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_change_means_the_same_in_every_dialect(dialect: str) -> None:
    assert told(PLAIN, DIALECTS[dialect]) == [f"set contact:{CONTACT} @{AT} email=- x=handle:x:ann"]


def test_unchanged_nulls_of_a_full_body_clear_nothing() -> None:
    body = payload(Twitter__c="@Ann", Email=None, Phone=None)
    assert told(PLAIN, pubsub(body)) == [f"set contact:{CONTACT} @{AT} x=handle:x:ann"]


def test_enriched_fields_are_there_and_have_not_changed() -> None:
    body = payload(header=listed("Email"), Email="ann@a.example", Twitter__c="@old")
    assert told(PLAIN, cometd(body)) == [f"set contact:{CONTACT} @{AT} email=email:ann@a.example"]


def test_bitmaps_are_not_believed_when_the_keys_were_sorted() -> None:
    header = {"changedFields": ["0x08"], "nulledFields": ["0x10"]}
    body = payload(header=header, AccountId=None, Name=None, Phone="x", Twitter__c="@Ann")
    assert told(PLAIN, pubsub(body)) == [
        f"set contact:{CONTACT} @{AT} phone=- x=handle:x:ann",
        "unknown nulledFields",
        "missed nulledFields",
        "left out phone unreadable",
    ]


def test_a_creation_gives_what_has_a_value_and_an_undelete_everything() -> None:
    fields: dict[str, Any] = {"Name": {"FirstName": "Ann", "LastName": "Lee"}, "Email": None, "AccountId": ACCOUNT}
    created = f"first_name=Ann last_name=Lee name=Ann Lee company=record:salesforce:company:{ACCOUNT}"
    assert told(PLAIN, cometd(payload("CREATE", **fields))) == [f"set contact:{CONTACT} @{AT} {created}"]
    back = f"first_name=Ann last_name=Lee name=Ann Lee email=- company=record:salesforce:company:{ACCOUNT}"
    assert told(PLAIN, cometd(payload("UNDELETE", **fields))) == [f"restore contact:{CONTACT} @{AT} {back}"]


def test_a_delete_has_no_fields_and_needs_none() -> None:
    assert told(PLAIN, cometd(payload("DELETE"))) == [f"delete contact:{CONTACT} @{AT}"]


def test_a_part_of_a_name_is_that_part() -> None:
    body = payload(header=listed("Name.LastName"), Name={"LastName": "Berg"})
    assert told(PLAIN, cometd(body)) == [f"set contact:{CONTACT} @{AT} last_name=Berg"]
    flat = payload(header=listed("Name.LastName"), FirstName=None, LastName="Berg", Name=None)
    assert told(PLAIN, connect(flat)) == [f"set contact:{CONTACT} @{AT} last_name=Berg"]


def test_companies_have_a_name_in_one_piece_and_person_accounts_are_contacts() -> None:
    assert told(PLAIN, cometd(payload("CREATE", "Account", Name="Acme"))) == [f"set company:{ACCOUNT} @{AT} name=Acme"]
    person = payload("CREATE", "Account", Name={"FirstName": "Ann", "LastName": "Lee"}, PersonContactId=CONTACT)
    assert told(PLAIN, cometd(person)) == ["irrelevant"]


def test_a_case_has_a_status_and_a_contact() -> None:
    body = payload("CREATE", "Case", Status="New", ContactId=CONTACT, Subject="Help")
    assert told(PLAIN, cometd(body)) == [
        f"set case:{ACCOUNT} @{AT} status=New contact=record:salesforce:contact:{CONTACT}"
    ]


def test_an_update_of_nothing_that_is_mapped_is_irrelevant() -> None:
    assert told(PLAIN, cometd(payload(header=listed("Title"), Title="Dr."))) == ["irrelevant"]


def test_a_merged_change_is_one_for_each_record() -> None:
    ids = [CONTACT, CONTACT, "0032X00002QU10K", 7, "", None]
    body = payload(header=NAMES | {"recordIds": ids}, Twitter__c="@Ann", Email=None)
    assert told(PLAIN, cometd(body)) == [
        f"set contact:{CONTACT} @{AT} email=- x=handle:x:ann",
        f"set contact:0032X00002QU10KQAT @{AT} email=- x=handle:x:ann",
        *(f"refused $.data.payload.ChangeEventHeader.recordIds[{index}]" for index in (3, 4, 5)),
    ]


GAPS = [
    ("GAP_CREATE", [f"set contact:{CONTACT} @{AT}"]),
    ("GAP_UPDATE", []),
    ("GAP_DELETE", [f"delete contact:{CONTACT} @{AT}"]),
    ("GAP_UNDELETE", [f"restore contact:{CONTACT} @{AT}"]),
    ("GAP_OVERFLOW", []),
]


@pytest.mark.parametrize(("change", "events"), GAPS)
def test_of_a_gap_that_counts_which_is_certain_and_an_operator_is_told(change: str, events: list[str]) -> None:
    assert told(PLAIN, pubsub(payload(change, Email=None))) == [
        *events,
        f"unknown Contact {change}",
        f"missed Contact {change}",
    ]


@pytest.mark.parametrize("wildcard", ["003*", "000000000000000AAA"])
def test_a_wildcard_is_about_nobody_knows_which_records(wildcard: str) -> None:
    body = payload(header=NAMES | {"recordIds": [wildcard]}, Twitter__c="@Ann")
    what = "Contact UPDATE without record ids"
    assert told(PLAIN, cometd(body)) == [f"unknown {what}", f"missed {what}"]


UNKNOWN = [
    (cometd(payload("UPDATE", "Lead", ConvertedContactId=CONTACT)), "Lead UPDATE"),
    (cometd(payload("CREATE", "Employee__c")), "Employee__c CREATE"),
    (cometd(payload("SNAPSHOT")), "Contact SNAPSHOT"),
    ({"payload": {"ReplayId": "1", "_ObjectType": "My__e", "_EventType": "ir4e6bGY"}}, "My__e"),
    ({"payload": {"ReplayId": "1", "_ObjectType": "Lead", "_EventType": "created"}}, "Lead created"),
    ({"channel": "/meta/handshake", "data": {}}, "/meta/handshake"),
]


@pytest.mark.parametrize(("body", "name"), UNKNOWN)
def test_other_objects_and_messages_are_counted_by_name(body: Any, name: str) -> None:
    assert told(PLAIN, body) == [f"unknown {name}"]


def test_a_difference_to_an_unknown_text_clears_the_field_and_is_refused() -> None:
    normalise = normaliser("salesforce.cdc", model("about"), fields={"about": "Description"})
    difference = "--- \n+++ " + "a" * 64 + "\n@@ -2,1 +2,1 @@\n-a\n+b"
    line = f"set contact:{CONTACT} @{AT} about=-"
    text = payload(header=listed("Description"), Description=difference)
    assert told(normalise, pubsub(text)) == [line, "refused $.payload.Description"]
    wrapped = payload(header=listed("Description"), Description={"diff": difference})
    assert told(normalise, cometd(wrapped)) == [line, "refused $.data.payload.Description"]


def test_compound_fields_are_named_by_their_parts() -> None:
    normalise = normaliser("salesforce.cdc", model("city"), fields={"city": "MailingAddress.City"})
    body = payload(header=listed("MailingAddress.City", "OtherAddress.PostalCode"), MailingAddress={"Street": "Main 1"})
    assert told(normalise, cometd(body)) == [f"set contact:{CONTACT} @{AT} city=-"], "listed and absent: cleared"


def test_positions_follow_commits_and_are_the_same_when_delivered_again() -> None:
    def position(replay: Any, **header: Any) -> str:
        (arrival,) = read(PLAIN, cometd(payload("DELETE", header=header), replay)).arrivals
        return str(arrival.event.position)

    rounded = 1722538034362728400
    in_order = [
        position(5, commitNumber=99),
        position(5, commitNumber=10426208028536),
        position(9, commitNumber=rounded),
        position(10, commitNumber=rounded),
        position(10, commitNumber=rounded, sequenceNumber=2),
        position(10, commitNumber=rounded, sequenceNumber=11),
    ]
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == len(in_order)
    assert position(5, commitNumber=99) == in_order[0]


def test_commit_numbers_above_a_floats_precision_stay_apart() -> None:
    body = b'{"ChangeEventHeader":{"entityName":"Contact","changeType":"DELETE","recordIds":["%s"],"commitTimestamp":1750000000000,"commitNumber":%d}}'
    positions = [
        read(PLAIN, body % (CONTACT.encode(), 1745500706683617281 + n)).arrivals[0].event.position for n in (0, 1)
    ]
    assert positions[0] < positions[1]


BAD = [
    ({}, "$.ChangeEventHeader"),
    (7, "$"),
    ([], "$"),
    ({"data": {"payload": 7}}, "$.data.payload"),
    ({"payload": {"ChangeEventHeader": 7}}, "$.payload.ChangeEventHeader"),
    (payload(header={"entityName": None}), "$.ChangeEventHeader.entityName"),
    (payload(header={"changeType": 7}), "$.ChangeEventHeader.changeType"),
    (payload(header={"recordIds": None}), "$.ChangeEventHeader.recordIds"),
    (payload(header={"recordIds": []}), "$.ChangeEventHeader.recordIds"),
    (payload(header={"commitTimestamp": "now"}, Twitter__c="@a"), "$.ChangeEventHeader.commitTimestamp"),
    (payload(header={"commitTimestamp": None}, Twitter__c="@a"), "$.ChangeEventHeader.commitTimestamp"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "path"), BAD)
def test_what_cannot_be_read_is_refused_with_its_path(body: Any, path: str) -> None:
    assert told(PLAIN, body) == [f"refused {path}"]
