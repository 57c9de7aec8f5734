"""How a Debezium change is wrapped: one shape out of many.

{"before", "after", "source", "op", "ts_ms"}                      as such
{"schema": {…}, "payload": {…}}                                   with its schema
{"specversion", "iodebeziumop", …, "data": {"before", "after"}}   as CloudEvent
{"id": 7, …, "__op", "__table", "__deleted": "true"}              flattened: the row alone
heartbeats, transactions, schema changes, notifications           not changes: named and counted
"""

from typing import Any

import msgspec

from streams.errors import Poison
from topologies.normalise.debezium_rows import Row, read_document, read_row
from topologies.normalise.debezium_types import columns_of
from topologies.normalise.wire import kind_name, read_int, read_json, shape, sortable, unwrapped, want_object

_CLOUD = "iodebezium"
_TIMES = {"ts_ms", "ts_us", "ts_ns"}
_POSITIONS = (
    ("commit_lsn", "change_lsn", "event_serial_no"),
    ("commit_scn", "scn", "rs_id", "ssn"),
    ("scn", "rs_id", "ssn"),
    ("position_scn", "group_lsn", "group_offset", "batch_row_id"),
    ("lsn",),
    ("file", "pos", "row"),
    ("ord",),
)
"""By connector, what orders the changes of one row: SQL Server and Informix, Oracle (twice), YashanDB, PostgreSQL, MySQL
and Cassandra, MongoDB. The first that has its first part counts."""


class Change(msgspec.Struct, frozen=True):
    """A row changed. `op` is Debezium's letter, empty where a flattened row says nothing. `at` null: nobody says when.

    `position` is empty where the source has none. `path` is where the row stands.
    """

    op: str
    before: Row | None
    after: Row | None
    table: tuple[str, ...]
    at: int | None
    position: str
    path: str
    is_document: bool


class NoChange(msgspec.Struct, frozen=True):
    """Something else that a connector writes."""

    kind: str


def read_change(body: Any) -> Change | NoChange | None:
    """What a payload says; None for a null that came in a wrapper: a tombstone. Raises `Poison`."""
    message, path, schema = want_object(body, "$"), "$", None
    if "specversion" in message and "data" in message:
        return _cloud_event(message)
    if "payload" in message and message.keys() <= {"schema", "payload"}:
        schema, path = message.get("schema"), "$.payload"
        if message["payload"] is None:
            return None
        message = want_object(message["payload"], path)
    kind = _other_kind(message)
    if kind:
        return NoChange(kind)
    if "op" in message:
        source = message.get("source")
        source = want_object(source, f"{path}.source") if source is not None else {}
        return _enveloped(message, {name: unwrapped(value) for name, value in source.items()}, path, schema)
    return _flattened(message, path, schema)


def key_of(key: bytes | None, column: str) -> Any:
    """The id that the record's key names; None when it names none. A key is a struct, a document or a plain value."""
    if not key:
        return None
    try:
        value = read_json(key)
    except Poison:
        try:
            value = key.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, dict) and "payload" in value and value.keys() <= {"schema", "payload"}:
        value = value["payload"]
    if isinstance(value, dict):
        small = {name.lower(): unwrapped(inner) for name, inner in value.items()}
        value = small.get(column, next(iter(small.values()), None) if len(small) == 1 else None)
    return plain_id(value)


def plain_id(value: Any) -> Any:
    """An id without the JSON around it that MongoDB's keys have."""
    return read_document(value) if isinstance(value, str) and value[:1] in {"{", '"'} else value


def _other_kind(message: dict[str, Any]) -> str:
    """The name of a message that is no change of a row; empty for one that is."""
    if "tableChanges" in message or ("ddl" in message and "databaseName" in message):
        return "schema change"
    if "aggregate_type" in message and "additional_data" in message:
        return "notification"
    if isinstance(message.get("status"), str) and "data_collections" in message:
        return kind_name("transaction", message["status"])
    if "op" not in message and message and message.keys() <= _TIMES:
        return "heartbeat"
    return ""


def _enveloped(message: dict[str, Any], source: dict[str, Any], path: str, schema: Any) -> Change:
    op = unwrapped(message.get("op"))
    if not isinstance(op, str):
        raise Poison(f"want a letter, got {shape(op)}", f"{path}.op")
    is_cassandra = source.get("connector") == "cassandra"
    rows: dict[str, Row | None] = {}
    if op in {"c", "u", "d", "r"}:
        for part in ("before", "after"):
            columns = columns_of(schema, part)
            rows[part] = read_row(message.get(part), f"{path}.{part}", columns, is_cassandra=is_cassandra)
        if rows["after"] is None and op == "u":
            rows["after"] = _partial(message, path)
    at = _source_time(source) or read_int(unwrapped(message.get("ts_ms"))) or None
    return Change(
        op,
        rows.get("before"),
        rows.get("after"),
        _table(source),
        at,
        _position(source, message.get("transaction")),
        f"{path}.{'before' if op == 'd' else 'after'}",
        is_document=source.get("connector") == "mongodb",
    )


def _cloud_event(message: dict[str, Any]) -> Change | NoChange:
    if f"{_CLOUD}op" not in message:
        return NoChange(kind_name(message.get("type")))
    data, schema, path = message["data"], None, "$.data"
    if isinstance(data, dict) and "payload" in data and data.keys() <= {"schema", "payload"}:
        data, schema, path = data["payload"], data.get("schema"), "$.data.payload"
    data = want_object(data, path)
    names = {"tsms": "ts_ms", "txid": "txId"}
    short = {name.removeprefix(_CLOUD): value for name, value in message.items() if name.startswith(_CLOUD)}
    source = {names.get(name, name): value for name, value in short.items()}
    return _enveloped(data | {"op": source.pop("op")}, source, path, schema)


def _flattened(message: dict[str, Any], path: str, schema: Any) -> Change:
    row = read_row(message, path, columns_of(schema, "")) or {}
    meta = {name[2:].removeprefix("source_"): row.pop(name) for name in list(row) if name.startswith("__")}
    op = meta.get("op")
    op = op if isinstance(op, str) else ""
    is_deleted = str(meta.get("deleted")).lower() == "true"
    at = _source_time(meta) or None
    return Change(
        "d" if is_deleted else op, None, row, _table(meta), at, _position(meta, None), path, is_document=False
    )


def _partial(message: dict[str, Any], path: str) -> Row | None:
    """The changed part of a MongoDB document, where the connector does not look the whole of it up."""
    update, patch = message.get("updateDescription"), unwrapped(message.get("patch"))
    if isinstance(update, dict):
        row = read_row(update.get("updatedFields"), f"{path}.updateDescription.updatedFields", {}) or {}
        removed = update.get("removedFields")
        return row | {name.lower(): None for name in removed or () if isinstance(name, str)}
    if not isinstance(patch, str):
        return None
    row = read_row(patch, f"{path}.patch", {}) or {}
    if not row.keys() & {"$set", "$unset"}:
        return row
    row_set, unset = row.get("$set"), row.get("$unset")
    changed = read_row(row_set, f"{path}.patch.$set", {}) if isinstance(row_set, dict) else None
    return (changed or {}) | {name.lower(): None for name in (unset if isinstance(unset, dict) else ())}


def _table(source: dict[str, Any]) -> tuple[str, ...]:
    """Names of the table, the longest first: `shop.public.customers`, `public.customers`, `customers`."""
    table = source.get("table") or source.get("collection")
    if not isinstance(table, str):
        # MongoDB connectors before 1.0 only have the namespace.
        table = source.get("ns")
        return (table, table.rpartition(".")[2]) if isinstance(table, str) else ()
    schema, db = source.get("schema") or source.get("keyspace"), source.get("db")
    before = [part for part in (db, schema) if isinstance(part, str) and part]
    return tuple(dict.fromkeys(".".join([*before[start:], table]) for start in range(len(before) + 1)))


def _source_time(source: dict[str, Any]) -> int | None:
    """When the database did it, in milliseconds; 0 and None: it does not say. The unit is the source's, by its name."""
    ms = read_int(source.get("ts_ms"))
    if ms:
        # Cassandra's connector writes microseconds under this name, as its schema says.
        return ms // 1000 if source.get("connector") == "cassandra" else ms
    us = read_int(source.get("ts_usec")) or read_int(source.get("ts_us"))
    if us:
        return us // 1000
    seconds = read_int(source.get("ts_sec")) or read_int(source.get("sec"))
    return seconds * 1000 if seconds else None


def _position(source: dict[str, Any], transaction: Any) -> str:
    """Sorts as text in the order of the changes of one row; the same when it is read again."""
    for names in _POSITIONS:
        if sortable(source.get(names[0])):
            return ".".join(sortable(source.get(name)) for name in names)
    if isinstance(transaction, dict):
        names = ("transaction_epoch", "transaction_rank", "total_order")
        found = [sortable(transaction.get(name)) for name in names]
        return ".".join(found) if any(found) else ""
    return ""
