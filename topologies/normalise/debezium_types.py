"""Column values that only their schema explains: decimals as bytes, dates as numbers of days, times in four units.

    {"name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}   "AMQ=" ──► "7.72"
    {"name": "io.debezium.time.Date"}                                                 19439  ──► "2023-03-23"

Without a schema (`schemas.enable=false`) a number is a number: nothing is guessed by its size.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from topologies.normalise.wire import read_int

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_DATES = frozenset({"io.debezium.time.Date", "org.apache.kafka.connect.data.Date"})
_TIMES = {
    "org.apache.kafka.connect.data.Timestamp": 1,
    "io.debezium.time.Timestamp": 1,
    "io.debezium.time.MicroTimestamp": 1_000,
    "io.debezium.time.NanoTimestamp": 1_000_000,
}
"""How many of their units are a millisecond."""

Schemas = Mapping[str, Mapping[str, Any]]
"""Column → its schema."""


def columns_of(schema: Any, part: str) -> Schemas:
    """The columns of a part (`after`, `before`) of an envelope's schema; without a part, of a bare row's."""
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list):
        return {}
    named = {
        field["field"]: field for field in fields if isinstance(field, dict) and isinstance(field.get("field"), str)
    }
    return columns_of(named.get(part), "") if part else named


def explained(value: Any, schema: Mapping[str, Any] | None) -> Any:
    """The value as text where its schema says what it means, else as it is."""
    name = schema.get("name") if schema else None
    if not isinstance(name, str) or schema is None:
        return value
    if name.endswith("Decimal"):
        return _decimal(value, schema)
    number = read_int(value)
    if number is None or isinstance(value, str):
        return value
    if name in _DATES:
        return _day(number) or value
    if name in _TIMES:
        return _time(number // _TIMES[name]) or value
    return value


def _decimal(value: Any, schema: Mapping[str, Any]) -> Any:
    parameters = schema.get("parameters")
    scale = read_int(parameters.get("scale")) if isinstance(parameters, dict) else None
    if isinstance(value, dict):
        # Of variable scale: each value has its own.
        value, scale = value.get("value"), read_int(value.get("scale"))
    if not isinstance(value, str) or scale is None or abs(scale) > 100 or len(value) > 200:
        return value
    try:
        unscaled = int.from_bytes(base64.b64decode(value, validate=True), signed=True)
    except (binascii.Error, ValueError):
        # Connectors can be told to write decimals as text.
        return value
    return f"{Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale)):f}"


def _day(days: int) -> str | None:
    try:
        return date.fromordinal(days + _EPOCH_DAY).isoformat()
    except (ValueError, OverflowError):
        return None


def _time(at_ms: int) -> str | None:
    days, rest = divmod(at_ms, _DAY_MS)
    day = _day(days)
    seconds, ms = divmod(rest, 1000)
    return day and f"{day}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}Z"
