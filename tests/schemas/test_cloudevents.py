"""Outputs are CloudEvents 1.0 in Kafka's binary mode: every record's headers say what it is, the same in every replay."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.asyncapi import document as asyncapi
from schemas.cloudevents import event_type, headers, headers_of
from schemas.json_schema import struct_of
from schemas.outputs import CustomerOut
from schemas.topics import OUTPUTS
from tests.schemas.documents import documents
from tests.support.published import TIME, validator_of

TIMELESS = {"profiles", "links"}
keys = st.text(st.characters(codec="utf-8"), max_size=12)
HEADERS = validator_of(asyncapi()["components"]["schemas"]["headers"])


def read(found: list[tuple[str, bytes]]) -> dict[str, str]:
    """As a subscriber reads them: text, each name once."""
    said = {name: value.decode() for name, value in found}
    assert len(said) == len(found), "a header is there twice"
    return said


@pytest.mark.parametrize("output", OUTPUTS)
@given(data=st.data())
def test_every_document_has_the_headers_that_are_promised(output: str, data: st.DataObject) -> None:
    value, key = data.draw(documents(struct_of(output))), data.draw(keys)
    said = read(headers(output, key, value, app="shop"))
    assert list(HEADERS.iter_errors(said)) == []
    assert said["ce_specversion"] == "1.0"
    assert said["ce_type"] == f"rapport.{output}.v1"
    assert said["ce_source"] == "/rapport/shop"
    assert said["ce_subject"] == key
    assert said["content-type"] == "application/json"
    assert ("ce_time" in said) == (output not in TIMELESS)
    if "ce_time" in said:
        assert TIME.fullmatch(said["ce_time"])
    for name in said:
        assert name == "content-type" or re.fullmatch(r"ce_[a-z0-9]{1,20}", name), "binary mode wants other names"


@pytest.mark.parametrize("output", OUTPUTS)
@given(data=st.data())
def test_one_document_has_one_id_in_every_replay(output: str, data: st.DataObject) -> None:
    value, key = data.draw(documents(struct_of(output))), data.draw(keys)
    again = msgspec.json.decode(msgspec.json.encode(value), type=struct_of(output))
    assert headers(output, key, value) == headers(output, key, again)


@pytest.mark.parametrize("output", ["scores", "profiles", "alerts"])
@given(data=st.data())
def test_where_a_key_is_written_again_and_again_every_record_is_an_event_of_its_own(
    output: str, data: st.DataObject
) -> None:
    """The id of an alert, and the customer of a score, stand for what they are about."""
    first, second = (data.draw(documents(struct_of(output))) for _ in range(2))
    ids = [read(headers(output, "k", value))["ce_id"] for value in (first, second)]
    assert (ids[0] == ids[1]) == (first == second)


@pytest.mark.parametrize("output", sorted(set(OUTPUTS) - {"scores", "profiles", "alerts"}))
@given(data=st.data())
def test_else_the_id_is_the_one_in_the_document(output: str, data: st.DataObject) -> None:
    value = data.draw(documents(struct_of(output)))
    assert read(headers(output, "k", value))["ce_id"] == value.id == json.loads(msgspec.json.encode(value))["id"]


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), st.data())
def test_the_order_in_which_a_map_was_filled_makes_no_other_event(fields: dict[str, str], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(fields.items()))))
    alert = data.draw(documents(struct_of("alerts")))
    one, other = (
        msgspec.structs.replace(alert, customer=CustomerOut(id="c", fields=part)) for part in (fields, shuffled)
    )
    assert headers("alerts", "k", one) == headers("alerts", "k", other)


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_erased_key_is_no_event(output: str) -> None:
    assert headers(output, "k", None) == []


def test_a_key_that_is_not_quite_text_does_not_stop_anybody() -> None:
    """Half of a surrogate pair cannot be written as UTF-8."""
    value: Any = struct_of("scores")(
        customer="c", at="2026-08-01T12:00:00.000Z", engagement=1.0, risk=1.0, sentiment=None, band="ok",
        previous_band=None, trend="same", contributions=(), acts=1, model="m",
    )  # fmt: skip
    assert dict(headers("scores", "\ud83d", value))["ce_subject"] == b"?"


def test_what_is_no_output_has_no_headers() -> None:
    with pytest.raises(KeyError):
        headers_of("nothing")


def test_types_are_those_subscribers_are_told_of() -> None:
    messages = asyncapi()["components"]["messages"]
    for output in OUTPUTS:
        assert messages[output]["name"] == event_type(output)
        (_, own) = messages[output]["headers"]["allOf"]
        assert own["properties"]["ce_type"] == {"const": event_type(output)}
