"""Rows through Debezium: operations, keys, wrappings, units, and whether a row is there after all."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.normalise.crm import RECEIVED, model, normaliser, record, told

AT = 1_750_000_000_000
PLAIN = normaliser("debezium", object="contact")
ROW = {"id": 7, "name": "Ann", "email": "ann@a.example"}
VALUES = "name=Ann email=email:ann@a.example"


def source(**fields: Any) -> dict[str, Any]:
    """What PostgreSQL's connector says of a change."""
    base = {"version": "3.2.0.Final", "connector": "postgresql", "name": "shop", "ts_ms": AT, "snapshot": "false"}
    return base | {"db": "shop", "schema": "public", "table": "customers", "txId": 9, "lsn": 24023128} | fields


def change(op: Any, before: Any = None, after: Any = None, **fields: Any) -> dict[str, Any]:
    """A change event."""
    return {
        "before": before,
        "after": after,
        "source": source(),
        "op": op,
        "ts_ms": AT + 90,
        "transaction": None,
    } | fields


def test_rows_come_change_and_go() -> None:
    twice = "contact:7 @received"
    assert told(PLAIN, change("c", None, ROW)) == [f"restore contact:7 @{AT} {VALUES}", f"restore {twice}"]
    assert told(PLAIN, change("r", None, ROW)) == [f"restore contact:7 @{AT} {VALUES}"]
    assert told(PLAIN, change("u", ROW | {"name": "An"}, ROW)) == [f"set contact:7 @{AT} {VALUES}"]
    assert told(PLAIN, change("d", ROW, None)) == [f"delete contact:7 @{AT}", f"delete {twice}"]


def test_a_delete_in_time_with_the_log_is_told_once() -> None:
    assert told(PLAIN, change("d", ROW, source=source(ts_ms=RECEIVED))) == ["delete contact:7 @received"]


def test_an_update_of_other_columns_is_irrelevant() -> None:
    before, after = ROW | {"logins": 1}, ROW | {"logins": 2}
    assert told(PLAIN, change("u", before, after)) == ["irrelevant"]
    assert told(PLAIN, change("u", {"id": 7}, after)) == [f"set contact:7 @{AT} {VALUES}"], "nobody knows what it was"


def test_what_did_not_travel_is_unchanged() -> None:
    after = ROW | {"email": "__debezium_unavailable_value"}
    assert told(PLAIN, change("u", None, after)) == [f"set contact:7 @{AT} name=Ann"]


def test_null_and_empty_clear_and_a_missing_column_does_not() -> None:
    assert told(PLAIN, change("u", None, {"id": 7, "name": None, "email": ""})) == [
        f"set contact:7 @{AT} name=- email=-"
    ]


KEYS: list[Any] = [
    {"id": 7},
    {"schema": {"type": "struct"}, "payload": {"id": 7}},
    {"ID": "7"},
    {"customer": 7},
    7,
    b"7",
    b'"7"',
    {"id": {"long": 7}},
]


@pytest.mark.parametrize("key", KEYS)
def test_the_key_names_the_row_when_nothing_else_does(key: Any) -> None:
    assert told(PLAIN, change("d"), key) == [f"delete contact:7 @{AT}", "delete contact:7 @received"]
    assert told(PLAIN, None, key) == ["delete contact:7 @received"]
    assert told(PLAIN, {"schema": None, "payload": None}, key) == ["delete contact:7 @received"]


@pytest.mark.parametrize("key", [None, b"", {"a": 1, "b": 2}, b"\xff", [7], {"id": None}])
def test_a_null_value_whose_key_names_nobody_is_irrelevant(key: Any) -> None:
    assert told(PLAIN, None, key) == ["irrelevant"]
    assert told(PLAIN, change("d"), key) == ["refused $.before.id"]


def test_a_null_value_names_no_table() -> None:
    two = normaliser("debezium", tables={"customers": "contact", "tickets": "case"})
    assert told(two, None, {"id": 7}) == ["irrelevant"]
    one = normaliser("debezium", tables={"customers": "contact", "people": "contact"})
    assert told(one, None, {"id": 7}) == ["delete contact:7 @received"]


Step = tuple[str, int, int]
"""(what happened to the row, milliseconds since the last change, how far the connector is behind)."""


def alive_after(steps: list[Step], *, tombstones: bool) -> bool:
    """Whether the row is there by the newest change in (time, position), as the fold sees it."""
    entries, now, log_ms = [], AT, AT
    for index, (op, passed, behind) in enumerate(steps):
        now += passed
        log_ms = max(log_ms, now + behind)
        row = {"c": (None, ROW), "d": (ROW, None), "u": (None, ROW)}[op]
        body = change(op, *row, source=source(ts_ms=now, lsn=1000 + index))
        records = [record(body, {"id": 7}, offset=10 * index, at=log_ms)]
        if op == "d" and tombstones:
            records.append(record(None, {"id": 7}, offset=10 * index + 1, at=log_ms))
        for one in records:
            entries += [(a.event.at, a.event.position, a.event.op) for a in PLAIN([one]).arrivals]
    state = True
    for _, _, op in sorted(entries):
        state = {"delete": False, "restore": True}.get(op, state)
    return state


STEPS = st.lists(st.tuples(st.sampled_from(("c", "d", "u")), st.integers(0, 3), st.integers(0, 5)), max_size=8)


@given(STEPS, st.booleans())
def test_a_row_is_there_unless_it_was_deleted_last(steps: list[Step], tombstones: bool) -> None:
    decisive = [op for op, _, _ in steps if op != "u"]
    assert alive_after(steps, tombstones=tombstones) == (decisive[-1:] != ["d"])


def test_a_row_that_is_deleted_and_made_again_at_once_is_there() -> None:
    assert alive_after([("c", 0, 0), ("d", 9, 5000), ("c", 1, 5000)], tombstones=True)


WRAPPED = {
    "with its schema": {"schema": {"type": "struct", "fields": []}, "payload": change("r", None, ROW)},
    "without schema": {"payload": change("r", None, ROW)},
    "Avro unions": change(
        {"string": "r"}, None, {"shop.public.customers.Value": {"id": 7, "name": {"string": "Ann"}, "email": {"string": "ann@a.example"}}},
        ts_ms={"long": AT}, source=source(connector={"string": "postgresql"}, table={"string": "customers"}),
    ),
    "columns in capitals": change("r", None, {name.upper(): value for name, value in ROW.items()}),
    "CloudEvents": {
        "specversion": "1.0", "type": "io.debezium.connector.postgresql.DataChangeEvent", "iodebeziumop": "r",
        "iodebeziumtsms": str(AT), "iodebeziumtable": "customers", "iodebeziumlsn": "24023128", "iodebeziumtxId": "9",
        "data": {"before": None, "after": ROW},
    },
    "CloudEvents with schema": {
        "specversion": "1.0", "iodebeziumop": "r", "iodebeziumtsms": str(AT), "iodebeziumtable": "customers",
        "data": {"schema": {}, "payload": {"before": None, "after": ROW}},
    },
    "flattened": ROW | {"__op": "r", "__table": "customers", "__source_ts_ms": str(AT), "__deleted": "false"},
    "flattened, with schema": {"schema": {"fields": []}, "payload": ROW | {"__op": "r", "__source_ts_ms": AT}},
    "MongoDB": change("r", None, orjson.dumps({"_id": {"$numberLong": "7"}, "name": "Ann", "email": "ann@a.example"}).decode()),
    "Cassandra": change(
        "r", None, {name: {"value": value, "deletion_ts": None, "set": True} for name, value in ROW.items()} | {"phone": None},
        source=source(connector="cassandra", ts_ms=AT * 1000),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_a_row_is_the_same_in_every_wrapping(name: str) -> None:
    assert told(PLAIN, WRAPPED[name]) == [f"restore contact:7 @{AT} {VALUES}"]


def test_flattened_rows_say_by_a_text_that_they_are_deleted() -> None:
    assert told(PLAIN, {"id": 7, "name": None, "__deleted": "true"}) == ["delete contact:7 @received"]
    assert told(PLAIN, {"id": 7, "name": "Ann", "__deleted": "false"}) == ["restore contact:7 @received name=Ann"]


def test_a_document_can_be_changed_in_parts() -> None:
    mongo = source(connector="mongodb", collection="customers", table=None)
    update = {"updatedFields": '{"email": "bea@a.example"}', "removedFields": ["name"], "truncatedArrays": None}
    body = change("u", source=mongo, updateDescription=update)
    want = [f"set contact:67ab @{AT} name=- email=email:bea@a.example"]
    assert told(PLAIN, body, {"id": '{"$oid": "67ab"}'}) == want
    patch = '{"$set": {"email": "bea@a.example"}, "$unset": {"name": true}}'
    assert told(PLAIN, change("u", source=mongo, patch=patch), {"id": '{"$oid": "67ab"}'}) == want


def test_parts_of_a_document_have_names() -> None:
    normalise = normaliser("debezium", model("city"), object="contact", fields={"city": "address.city"})
    after = orjson.dumps({"_id": {"$oid": "67ab"}, "address": {"city": "Rome"}}).decode()
    assert told(normalise, change("r", None, after)) == [f"restore contact:67ab @{AT} city=Rome"]
