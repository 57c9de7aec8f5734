"""Sightings of resolvers and decisions of people."""

from typing import Any

import pytest

from schemas.events import Decided, Erase, Sighting
from tests.normalise.crm import RECEIVED, normaliser, read, told

SIGHTINGS, DECISIONS = normaliser("sightings"), normaliser("decisions")
AT, WHEN = 1_750_000_000_000, "2025-06-15T15:06:40Z"
CUSTOMER = "customer:salesforce:contact:51"


SEEN: list[tuple[Any, tuple[str, str]]] = [
    ({"account": "bluesky:did:plc:a", "handle": "ann.example"}, ("account:bluesky:did:plc:a", "handle:bluesky:ann.example")),
    ({"account": "account:bluesky:did:plc:a", "handle": "handle:bluesky:Ann.Example"}, ("account:bluesky:did:plc:a", "handle:bluesky:ann.example")),
    ({"account": "x:12", "handle": "@Ann"}, ("account:x:12", "handle:x:ann")),
    ({"account": "x:12", "handle": "123"}, ("account:x:12", "handle:x:123")),
    ({"account": "x:12", "handle": "x:ann"}, ("account:x:12", "handle:x:ann")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "want"), SEEN)
def test_a_sighting_says_which_handle_an_account_used(body: Any, want: tuple[str, str]) -> None:
    (arrival,) = read(SIGHTINGS, body | {"at": WHEN, "name": "Ann"}).arrivals
    assert (arrival.address, arrival.event) == (want[0], Sighting(want[1], AT, RECEIVED, "Ann"))


def test_a_sighting_without_a_time_was_made_when_it_was_received() -> None:
    (arrival,) = read(SIGHTINGS, {"account": "x:12", "handle": "ann"}).arrivals
    assert arrival.event == Sighting("handle:x:ann", RECEIVED, RECEIVED)


def test_a_mastodon_account_is_its_own_handle() -> None:
    assert told(SIGHTINGS, {"account": "mastodon:ann@m.example", "handle": "@ann@m.example"}) == ["irrelevant"]


BAD_SIGHTINGS: list[tuple[Any, str]] = [
    (7, "$"),
    ({}, "$.account"),
    ({"account": "x:ann", "handle": "ann"}, "$.account"),
    ({"account": "reddit:ann", "handle": "ann"}, "$.account"),
    ({"account": 12, "handle": "ann"}, "$.account"),
    ({"account": "x:12"}, "$.handle"),
    ({"account": "x:12", "handle": "not a handle"}, "$.handle"),
    ({"account": "x:12", "handle": "bluesky:ann.example"}, "$.handle"),
    ({"account": "x:12", "handle": "ann", "at": "soon"}, "$.at"),
    ({"account": "x:12", "handle": "ann", "at": [1]}, "$.at"),
    (None, "$"),
]


@pytest.mark.parametrize(("body", "path"), BAD_SIGHTINGS)
def test_a_sighting_that_cannot_be_read_is_refused_with_its_path(body: Any, path: str) -> None:
    assert told(SIGHTINGS, body) == [f"refused {path}"]


def test_an_array_of_sightings_is_read_one_by_one() -> None:
    good = {"account": "x:12", "handle": "ann"}
    assert told(SIGHTINGS, [good, {}, good]) == [
        "Sighting account:x:12",
        "Sighting account:x:12",
        "refused $[1].account",
    ]


def decided(body: Any) -> tuple[str, Any]:
    (arrival,) = read(DECISIONS, body).arrivals
    return arrival.address, arrival.event


@pytest.mark.parametrize("what", ["is", "never", "unset"])
@pytest.mark.parametrize("customer", [CUSTOMER, "salesforce:contact:51", "record:salesforce:contact:51"])
def test_a_decision_about_a_customer_goes_to_the_customer(what: Any, customer: str) -> None:
    body = {"what": what, "customer": customer, "identifier": "x:123", "by": "olga", "at": WHEN, "id": "d7"}
    assert decided(body) == (CUSTOMER, Decided(AT, "d7", what, "account:x:123", "olga", RECEIVED))


IDENTIFIERS = [
    ("x:@ann", "handle:x:ann"),
    ("bluesky:did:plc:a", "account:bluesky:did:plc:a"),
    ("bluesky:ann.example", "handle:bluesky:ann.example"),
    ("mastodon:ann@m.example", "account:mastodon:ann@m.example"),
    ("email:Ann@a.example", "email:ann@a.example"),
    ("handle:x:ann", "handle:x:ann"),
]


@pytest.mark.parametrize(("text", "want"), IDENTIFIERS)
def test_an_identifier_is_written_as_outputs_write_it(text: str, want: str) -> None:
    assert decided({"what": "is", "customer": CUSTOMER, "identifier": text})[1].identifier == want


@pytest.mark.parametrize("what", ["never", "unset"])
def test_an_account_can_be_nobodys(what: str) -> None:
    address, event = decided({"what": what, "identifier": "x:123", "at": WHEN})
    assert (address, event.what, event.identifier) == ("account:x:123", what, "account:x:123")


def test_a_customer_can_be_erased() -> None:
    assert decided({"what": "erase", "customer": "hubspot:contact:7", "at": WHEN}) == (
        "customer:hubspot:contact:7",
        Erase(AT, RECEIVED),
    )


def test_a_decision_delivered_twice_is_one_and_two_of_one_time_are_two() -> None:
    body = {"what": "is", "customer": CUSTOMER, "identifier": "x:123", "at": WHEN}
    assert decided(body)[1] == decided(dict(reversed(body.items())))[1]
    assert decided(body)[1].position != decided(body | {"what": "never"})[1].position


def test_words_that_come_later_are_counted() -> None:
    assert told(DECISIONS, {"what": "snooze", "alert": "a7"}) == ["unknown snooze"]


BAD_DECISIONS: list[tuple[Any, str]] = [
    (7, "$"),
    (None, "$"),
    ({}, "$.what"),
    ({"what": "is", "identifier": "x:123"}, "$.customer"),
    ({"what": "is", "customer": "51", "identifier": "x:123"}, "$.customer"),
    ({"what": "is", "customer": "salesforce:company:51", "identifier": "x:123"}, "$.customer"),
    ({"what": "is", "customer": 51, "identifier": "x:123"}, "$.customer"),
    ({"what": "is", "customer": CUSTOMER}, "$.identifier"),
    ({"what": "is", "customer": CUSTOMER, "identifier": "ann"}, "$.identifier"),
    ({"what": "is", "customer": CUSTOMER, "identifier": 123}, "$.identifier"),
    ({"what": "never", "identifier": "x:@ann"}, "$.identifier"),
    ({"what": "never", "identifier": "email:ann@a.example"}, "$.identifier"),
    ({"what": "erase"}, "$.customer"),
    ({"what": "erase", "identifier": "x:123"}, "$.customer"),
    ({"what": "is", "customer": CUSTOMER, "identifier": "x:1", "at": "yesterday"}, "$.at"),
]


@pytest.mark.parametrize(("body", "path"), BAD_DECISIONS)
def test_a_decision_that_cannot_be_read_is_refused_with_its_path(body: Any, path: str) -> None:
    assert told(DECISIONS, body) == [f"refused {path}"]
