"""Rows of a database as connectors write them, as one flat row: column in small letters → value.

    columns          {"ID": 7, "EMAIL": {"string": "a@b.example"}}            id, email
    MongoDB          "{\\"_id\\": {\\"$oid\\": \\"67ab…\\"}, \\"address\\": {\\"city\\": …}}"    _id, address, address.city
    Cassandra        {"id": {"value": 7, "set": true}, "email": null}         id          null: not in this write

A column whose value did not travel (PostgreSQL's TOAST, Cassandra's null) is not in the row: it is unchanged.
"""

from typing import Any

from streams.errors import Poison
from topologies.normalise.debezium_types import Schemas, explained
from topologies.normalise.wire import read_int, read_json, shape, unwrapped

Row = dict[str, Any]

_UNAVAILABLE = ("__debezium_unavailable_value", "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==")
"""What stands for a value that did not travel, and the same in columns of bytes."""
_CELL = {"value", "deletion_ts", "set"}
_DEPTH_MAX = 3
"""Documents are flattened so far; columns deeper down have no name."""


def read_row(value: Any, path: str, schemas: Schemas, *, is_cassandra: bool = False) -> Row | None:
    """The row; None where there is none. Raises `Poison` for what is neither a row nor a document."""
    value = unwrapped(value)
    if value is None:
        return None
    if isinstance(value, str):
        value = _document(value, path)
    if not isinstance(value, dict):
        raise Poison(f"want a row, got {shape(value)}", path)
    row: Row = {}
    _flatten(row, value, "", schemas, is_cassandra=is_cassandra, depth=1)
    return row


def read_document(text: str) -> Any:
    """A value that came as JSON in a text, as MongoDB's keys do; the text where it is no JSON."""
    try:
        return _simple(read_json(text.encode("utf-8", "replace")))
    except Poison:
        return text


def _document(text: str, path: str) -> Any:
    try:
        return read_json(text.encode("utf-8", "replace"))
    except Poison as problem:
        raise Poison(f"want a row or a document: {problem.cause}", path) from None


def _flatten(
    row: Row, values: dict[str, Any], before: str, schemas: Schemas, *, is_cassandra: bool, depth: int
) -> None:
    for name, raw in values.items():
        value = _simple(unwrapped(raw))
        if is_cassandra:
            if not isinstance(value, dict) or not value.keys() <= _CELL or value.get("set") is False:
                continue
            value = value.get("value")
        elif value in _UNAVAILABLE or value == [_UNAVAILABLE[0]]:
            continue
        column = f"{before}{name.lower()}"
        row[column] = explained(value, schemas.get(name) if depth == 1 else None)
        if isinstance(value, dict) and depth < _DEPTH_MAX:
            _flatten(row, value, f"{column}.", {}, is_cassandra=False, depth=depth + 1)


def _simple(value: Any) -> Any:
    """A value without MongoDB's Extended JSON: `{"$oid": "67ab"}` is `67ab`, `{"$numberLong": "7"}` is 7."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((name, inner),) = value.items()
    match name:
        case "$oid" | "$numberDecimal" | "$numberDouble" | "$symbol" | "$uuid":
            return inner
        case "$numberLong" | "$numberInt":
            return inner if read_int(inner) is None else read_int(inner)
        case "$date":
            at = read_int(_simple(inner))
            return explained(at, {"name": "io.debezium.time.Timestamp"}) if at is not None else inner
    return value
