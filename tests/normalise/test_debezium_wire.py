"""What Debezium's connectors write beside the rows: times in their units, positions, other kinds of messages, types."""

import base64
from typing import Any

import pytest

from tests.normalise.crm import event_line, model, normaliser, read, told
from tests.normalise.test_debezium import AT, PLAIN, ROW, change, source

TIMES = [
    ({"ts_ms": AT}, AT),
    ({"ts_ms": str(AT)}, AT),
    ({"ts_ms": 0, "ts_sec": 0}, AT + 90),
    ({"ts_ms": None, "ts_sec": AT // 1000}, AT),
    ({"ts_ms": None, "ts_usec": AT * 1000 + 999}, AT),
    ({"ts_ms": None, "ts_us": AT * 1000}, AT),
    ({"ts_ms": None, "sec": AT // 1000}, AT),
    ({"ts_ms": AT * 1_000_000}, None),
    ({"ts_ms": -1}, None),
    ({"ts_ms": "soon"}, AT + 90),
    ({"connector": "cassandra", "ts_ms": AT * 1000}, None),
]


@pytest.mark.parametrize(("fields", "want"), TIMES)
def test_the_unit_of_a_time_is_the_sources_never_a_guess(fields: dict[str, Any], want: int | None) -> None:
    if fields.get("connector") == "cassandra":
        want, row = AT, {"id": {"value": 7, "set": True}}
    else:
        row = {"id": 7}  # type: ignore[dict-item]
    line = told(PLAIN, change("r", None, row, source=source(**fields)))
    assert line == [f"restore contact:7 @{want or 'received'}"]


POSITIONS = [
    ({"lsn": 9}, {"lsn": 10}),
    ({"lsn": None, "file": "bin.000003", "pos": 9, "row": 1}, {"lsn": None, "file": "bin.000003", "pos": 10, "row": 0}),
    ({"lsn": None, "file": "bin.000003", "pos": 99, "row": 0}, {"lsn": None, "file": "bin.000004", "pos": 4, "row": 0}),
    ({"lsn": None, "commit_lsn": "00000027:0002", "change_lsn": "00000027:0001"}, {"lsn": None, "commit_lsn": "00000027:0007"}),
    ({"lsn": None, "scn": "2122185"}, {"lsn": None, "scn": "12122185"}),
    ({"lsn": None, "commit_scn": "9", "scn": "8"}, {"lsn": None, "commit_scn": "10", "scn": "1"}),
    ({"lsn": None, "ord": 2}, {"lsn": None, "ord": 11}),
    ({"lsn": None, "position_scn": 8, "group_lsn": 9}, {"lsn": None, "position_scn": 8, "group_lsn": 11}),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), POSITIONS)
def test_positions_sort_as_the_changes_were_made_and_are_the_same_when_read_again(first: Any, second: Any) -> None:
    def position(fields: Any, offset: int) -> str:
        return str(
            read(PLAIN, change("r", None, ROW, source=source(**fields)), offset=offset).arrivals[0].event.position
        )

    assert position(first, 5) < position(second, 1)
    assert position(first, 5) == position(first, 99)


def test_without_a_position_of_the_source_the_log_decides() -> None:
    body = change("r", None, ROW, source={})
    assert [read(PLAIN, body, offset=n).arrivals[0].event.position for n in (9, 10)] == [
        "!" + f"{n:020d}" for n in (9, 10)
    ]


OTHERS = [
    ({"ts_ms": AT}, "heartbeat"),
    ({"schema": {}, "payload": {"ts_ms": AT}}, "heartbeat"),
    ({"status": "BEGIN", "id": "571", "event_count": None, "data_collections": None}, "transaction BEGIN"),
    ({"source": {}, "databaseName": "d", "ddl": "ALTER …", "tableChanges": []}, "schema change"),
    ({"id": "6d", "aggregate_type": "Initial Snapshot", "type": "STARTED", "additional_data": {}}, "notification"),
    (change("m"), "message"),
    (change("x"), "op x"),
    ({"specversion": "1.0", "type": "io.debezium.Heartbeat", "data": {}}, "io.debezium.Heartbeat"),
]


@pytest.mark.parametrize(("body", "kind"), OTHERS)
def test_what_is_no_row_is_counted_by_its_kind(body: Any, kind: str) -> None:
    assert told(PLAIN, body) == [f"unknown {kind}"]


def test_a_truncated_table_is_told_to_an_operator() -> None:
    assert told(PLAIN, change("t")) == ["unknown truncate", "missed truncate shop.public.customers"]


@pytest.mark.parametrize("name", ["customers", "public.customers", "shop.public.customers", "CUSTOMERS"])
def test_a_table_is_mapped_by_its_name_or_a_longer_one(name: str) -> None:
    normalise = normaliser("debezium", tables={name: "company"})
    assert told(normalise, change("r", None, ROW)) == [f"restore company:7 @{AT} name=Ann"]
    assert told(normaliser("debezium", tables={"others": "contact"}), change("r", None, ROW)) == [
        "unknown table shop.public.customers"
    ]


def test_columns_are_mapped_and_links_lead_to_records_of_the_same_source() -> None:
    normalise = normaliser(
        "debezium", source="shop", tables={"customers": "contact", "tickets": "case"}, key="no",
        fields={"tier": "plan", "contact": "customer_no", "company": ":firm"},
    )  # fmt: skip
    (arrival,) = read(normalise, change("r", None, {"no": "A 1", "plan": "gold", "firm": 3})).arrivals
    assert arrival.address == "record:shop:contact:A%201"
    assert arrival.event.fields == {"tier": "gold", "company": "record:shop:company:3"}
    ticket = change("r", None, {"no": 1, "customer_no": 7, "status": "open"}, source=source(table="tickets"))
    (arrival,) = read(normalise, ticket).arrivals
    assert (
        event_line(arrival.address, arrival.event) == f"restore case:1 @{AT} status=open contact=record:shop:contact:7"
    )


def typed(name: str, **parameters: str) -> dict[str, Any]:
    return {"field": "value", "name": name, "parameters": parameters}


def decimal(number: int) -> str:
    return base64.b64encode(number.to_bytes(8, signed=True)).decode()


TYPES = [
    (typed("org.apache.kafka.connect.data.Decimal", scale="2"), decimal(-12345), "-123.45"),
    (typed("org.apache.kafka.connect.data.Decimal", scale="0"), decimal(7), "7"),
    (typed("org.apache.kafka.connect.data.Decimal", scale="2"), "12.30", "12.30"),
    (typed("org.apache.kafka.connect.data.Decimal", scale="x"), "AQ==", "AQ=="),
    (typed("io.debezium.data.VariableScaleDecimal"), {"scale": 1, "value": decimal(15)}, "1.5"),
    (typed("io.debezium.time.Date"), 19439, "2023-03-23"),
    (typed("org.apache.kafka.connect.data.Date"), 10**9, "1000000000"),
    (typed("io.debezium.time.Timestamp"), AT, "2025-06-15T15:06:40.000Z"),
    (typed("io.debezium.time.MicroTimestamp"), AT * 1000 + 1, "2025-06-15T15:06:40.000Z"),
    (typed("io.debezium.time.NanoTimestamp"), AT * 10**6, "2025-06-15T15:06:40.000Z"),
    (typed("io.debezium.time.ZonedTimestamp"), "2023-03-23T22:00:10Z", "2023-03-23T22:00:10Z"),
    (typed("io.debezium.time.Timestamp"), None, "-"),
    ({"field": "value"}, 19439, "19439"),
]


@pytest.mark.parametrize(("schema", "value", "want"), TYPES)
def test_a_schema_says_what_a_value_means(schema: Any, value: Any, want: str) -> None:
    normalise = normaliser("debezium", model("value"), object="contact")
    wrapped = {"schema": {"fields": [{"field": "after", "fields": [schema]}]}}
    wrapped["payload"] = change("r", None, {"id": 7, "value": value})
    assert told(normalise, wrapped) == [f"restore contact:7 @{AT} value={want}"]


BAD = [
    (7, "$"),
    ([], "$"),
    ({}, "$.id"),
    ({"payload": 7}, "$.payload"),
    (change("c", None, 7), "$.after"),
    (change("c", None, "{"), "$.after"),
    (change("c", None, {"name": "Ann"}), "$.after.id"),
    (change("c", None, {"id": {"a": 1}}), "$.after.id"),
    (change("c", None, {"id": 1.5}), "$.after.id"),
    ({"payload": change("c", None, {"id": None})}, "$.payload.after.id"),
    (change("d", {"name": "Ann"}), "$.before.id"),
    (change(7, None, ROW), "$.op"),
    (change("c", None, ROW, source=7), "$.source"),
    ({"specversion": "1.0", "iodebeziumop": "r", "data": "AAAA"}, "$.data"),
]


@pytest.mark.parametrize(("body", "path"), BAD)
def test_what_cannot_be_read_is_refused_with_its_path(body: Any, path: str) -> None:
    assert told(PLAIN, body) == [f"refused {path}"]
