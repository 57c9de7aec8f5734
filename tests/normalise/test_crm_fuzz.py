"""No payload makes a CRM format raise anything but `Poison`, and what comes out can be sent."""

import os
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Envelope, decode_envelope, encode_envelope
from streams.core.address import ADDRESS_BYTES_MAX
from streams.errors import Poison
from tests.normalise import test_contacts, test_debezium, test_hubspot, test_salesforce
from tests.normalise.crm import SAMPLES, model, normaliser, payloads, record
from topologies.identity.record import POSITION_CHARS_MAX
from topologies.normalise.base import Parsed
from topologies.normalise.values import CLAIM_BYTES_MAX, TEXT_BYTES_MAX

USING = model("region", "city", default_country="DE")
OPTIONS: dict[str, dict[str, Any]] = {
    "hubspot.webhook": {},
    "salesforce.cdc": {"fields": {"city": "MailingAddress.City"}},
    "debezium": {"object": "contact", "tables": {"tickets": "case"}, "fields": {"city": "address.city"}},
    "contacts": {},
    "sightings": {},
    "decisions": {},
}
FORMS = {name: normaliser(name, USING, **options)._form for name, options in OPTIONS.items()}  # type: ignore[attr-defined]

GOOD: dict[str, list[Any]] = {
    "hubspot.webhook": [
        [test_hubspot.changed(name, value) for name, value, _ in test_hubspot.PROPERTIES],
        [test_hubspot.event(kind) for kind, _ in test_hubspot.KINDS],
        [one for one, _ in test_hubspot.UNKNOWN],
    ],
    "salesforce.cdc": [*test_salesforce.DIALECTS.values(), *(body for body, _ in test_salesforce.UNKNOWN)],
    "debezium": [*test_debezium.WRAPPED.values(), test_debezium.change("u", test_debezium.ROW, {"id": 7})],
    "contacts": [body for body in test_contacts.SAME.values() if not isinstance(body, bytes)],
    "sightings": [{"account": "x:12", "handle": "ann", "at": "2026-07-04T12:00:00Z", "name": "Ann"}],
    "decisions": [{"what": "is", "customer": "a:contact:1", "identifier": "x:12", "at": "2026-07-04", "by": "olga"}],
}

MANY = int(os.environ.get("FUZZ_EXAMPLES", "60"))
"""Of each property. Thousands, now and then, find what sixty do not."""

WORDS = [
    "", "id", "op", "d", "c", "u", "after", "before", "source", "payload", "schema", "data", "ChangeEventHeader", "recordIds",
    "Contact", "UPDATE", "GAP_DELETE", "0x58", "4-0x01", "9999-0xff", "objectId", "0-1", "occurredAt", "propertyName", "email",
    "true", "none", "\0", "record:a:b", "record:a:contact:\0", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "customer:a:contact:b",
    "@" * 300, "a" * 5000, "{", "[", '{"$oid": {}}', "__debezium_unavailable_value", "-" * 40, "1e5", "9" * 30,
]  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([2**63, -(2**63), 10**40, 253_402_300_799_999, -62_167_219_200_000, 0, 1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(WORDS)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def dumped(body: Any) -> bytes:
    """JSON with integers of any size."""
    if isinstance(body, dict):
        return b"{" + b",".join(orjson.dumps(name) + b":" + dumped(value) for name, value in body.items()) + b"}"
    if isinstance(body, list):
        return b"[" + b",".join(map(dumped, body)) + b"]"
    if isinstance(body, int) and not isinstance(body, bool):
        return str(body).encode()
    return orjson.dumps(body)


def is_told(problem: Poison) -> None:
    """A refusal says where and why."""
    assert problem.path.startswith("$")
    assert problem.cause


def check(form: str, payload: bytes | None, key: bytes | None = None) -> Parsed | None:
    """Read it; what comes out can be written, and is bounded."""
    try:
        out: Parsed = FORMS[form].parse(record(payload, key))
    except Poison as problem:
        is_told(problem)
        return None
    for address, event in out.events:
        assert 0 < len(address.encode()) <= ADDRESS_BYTES_MAX
        assert decode_envelope(encode_envelope(Envelope(0, event))).event == event
        assert len(getattr(event, "position", "")) <= POSITION_CHARS_MAX
        for name, value in getattr(event, "fields", {}).items():
            limit = CLAIM_BYTES_MAX if name in {"x", "bluesky", "mastodon", "email", "phone"} else TEXT_BYTES_MAX
            assert value is None or len(value.encode()) <= limit
    assert all(path.startswith("$") and cause for path, cause in out.refused)
    assert all(kind.isprintable() and len(kind) <= 120 for kind in out.unknown)
    return out


def places(body: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload."""
    if isinstance(body, dict | list):
        inner = body.items() if isinstance(body, dict) else enumerate(body)
        return [here, *(place for name, value in inner for place in places(value, (*here, name)))]
    return [here]


def replaced(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    """The payload with another value in one place; nothing there where `value` is the type `None`."""
    if not place:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[place[0]] = replaced(body[place[0]], place[1:], value)
    return copy


@pytest.mark.parametrize("form", OPTIONS)
@given(data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_any_json_is_read_or_refused(form: str, data: st.DataObject) -> None:
    check(form, dumped(data.draw(JSON)), data.draw(st.none() | st.binary(max_size=20) | JSON.map(dumped)))


@pytest.mark.parametrize("form", OPTIONS)
@given(data=st.data())
@settings(max_examples=2 * MANY, deadline=None)
def test_a_good_payload_with_anything_in_it_is_read_or_refused(form: str, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(GOOD[form]))
    for _ in range(data.draw(st.integers(1, 3))):
        body = replaced(body, data.draw(st.sampled_from(places(body))), data.draw(JSON))
    check(form, dumped(body), data.draw(st.sampled_from([None, b"7", b'{"id": 7}'])))


@pytest.mark.parametrize("form", OPTIONS)
@given(data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_any_bytes_are_read_or_refused(form: str, data: st.DataObject) -> None:
    whole = dumped(data.draw(st.sampled_from(GOOD[form])))
    start, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 4))
    check(form, whole[:start] + data.draw(st.binary(max_size=4)) + whole[start + length :])
    check(form, data.draw(st.binary(max_size=60)))


DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 500 + b"]" * 500, b'{"payload":' * 900 + b"1" + b"}" * 900]


@pytest.mark.parametrize("form", OPTIONS)
def test_deep_nesting_is_refused_or_passed_over(form: str) -> None:
    for payload in (*DEEP, None, b"", b"null", b"\xef\xbb\xbf", b'"\\ud800"', b"1e999", b"-" * 100, b"9" * 5000):
        check(form, payload)


@pytest.mark.parametrize("depth", [100, 900])
def test_a_value_that_is_nested_deeply_harms_only_its_field(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    out = check("contacts", b'{"id": 1, "name": %s, "x": %s, "tier": "gold"}' % (deep, deep))
    assert out is None or out.events[0][1].fields["tier"] == "gold"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")
@pytest.mark.parametrize(
    ("form", "folder"), [("hubspot.webhook", "hubspot"), ("salesforce.cdc", "salesforce"), ("debezium", "debezium")]
)
@given(data=st.data())
@settings(max_examples=MANY, deadline=None)
def test_a_sample_with_anything_in_it_is_read_or_refused(form: str, folder: str, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted((SAMPLES / folder).iterdir())))
    body = orjson.loads(data.draw(st.sampled_from(list(payloads(file)))))
    check(form, dumped(replaced(body, data.draw(st.sampled_from(places(body))), data.draw(JSON))))


def test_a_payload_of_20_mib_is_refused_unread_and_its_neighbours_go_on() -> None:
    small = orjson.dumps([test_hubspot.event("contact.creation")])
    out = normaliser("hubspot.webhook")([record(small), record(b" " * (20 << 20)), record(small)])
    assert [arrival.index for arrival in out.arrivals] == [0, 2]
    assert [refusal.index for refusal in out.refusals] == [1]
