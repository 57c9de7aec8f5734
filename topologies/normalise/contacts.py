"""Snapshots of records, for systems without a stream: JSON objects, or CSV rows under their header.

    {"id": "51", "name": "Ann Lee", "email": "ann@a.example", "x": "@ann, @ann_work", "updated_at": "2026-07-04T…Z"}
    id;name;email⏎51;Ann Lee;ann@a.example                 one payload: the header line, then the row (or rows)
      ──► Changed to record:contacts:contact:51

Further columns: `object` (contact, company, case; default contact), `deleted` (true: the record is gone; false: it is
there again), `updated_at` or `at` (RFC 3339, a day, or milliseconds; missing: when it was received), and those that
`inputs.fields` maps. Names of columns are compared in small letters, with `_` for blanks. A column that is not there
changes nothing; one that is there and empty clears the field. `contact_files.py` cuts files into such payloads.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Literal

from config.inputs import OBJECTS
from config.settings import InputSettings
from schemas.events import Changed
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.base import PAYLOAD_BYTES_MAX, EachRecord, Parsed
from topologies.normalise.mapping import Defaults, FieldMap, Values
from topologies.normalise.times import believable, record_time
from topologies.normalise.values import flag_of
from topologies.normalise.wire import each, read_json, read_time, shape

DEFAULTS: Defaults = {
    "contact": {
        "name": ("name", "full_name"),
        "first_name": ("first_name", "firstname"),
        "last_name": ("last_name", "lastname"),
        "tier": ("tier",),
        "owner": ("owner",),
        "email": ("email", "e_mail"),
        "email_verified": ("email_verified",),
        "phone": ("phone",),
        "bluesky": ("bluesky",),
        "x": ("x", "twitter"),
        "mastodon": ("mastodon",),
        "company": ("company_id", "company"),
        "external_id": ("external_id",),
    },
    "company": {"name": ("name",), "tier": ("tier",), "owner": ("owner",)},
    "case": {"status": ("status",), "contact": ("contact_id", "contact")},
}

BOM = b"\xef\xbb\xbf"
DELIMITERS = (",", ";", "\t", "|")
ROWS_MAX = 10_000
"""Rows of one payload. A payload has one; who sends files whole should cut them."""
# A cell may be as large as its payload. The limit is the process's: whoever raises it further changes nothing here.
csv.field_size_limit(PAYLOAD_BYTES_MAX)
_TIMES = ("updated_at", "at")
_GAPS = re.compile(r"[\s-]+")


class Contacts:
    """See `Format`."""

    def __init__(self, settings: InputSettings, model: Model) -> None:
        """One per input."""
        self._map = FieldMap(settings, model, DEFAULTS, settings.source or "contacts", rows=True)
        self._key = column(settings.key or "id")

    def received_at(self, record: Record) -> int:
        """See `Format`."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        out = Parsed(record_time(record))
        for index, (path, row) in enumerate(each(_body(record.value()), out.refused)):
            try:
                # Of two lines about one record at one time the later one counts.
                position = f"!{record.offset():020d}.{index:06d}"
                self._row(out, row, path, position)
            except Poison as problem:
                out.refused.append((problem.path, problem.cause))
        return out

    def _row(self, out: Parsed, row: dict[str, Any], path: str, position: str) -> None:
        row = {column(name): value for name, value in row.items()}
        kind = row.get("object") or "contact"
        if not isinstance(kind, str) or kind.strip().lower() not in OBJECTS:
            raise Poison(f"want one of {', '.join(OBJECTS)}, got another word", f"{path}.object")
        address = self._map.address(kind.strip().lower(), row.get(self._key))
        if address is None:
            raise Poison(f"want the record's id, got {shape(row.get(self._key))}", f"{path}.{self._key}")
        at, _ = believable(_time_of(row, path), out.received_at)
        deleted = flag_of(row.get("deleted")).value
        op: Literal["set", "delete", "restore"] = "set"
        values: Values = {}
        if deleted == "true":
            op = "delete"
        else:
            op = "restore" if deleted == "false" else "set"
            values = self._map.read_row(out, address, row, path)
        out.events.append((address, Changed(at, position, op, values, out.received_at)))


def column(name: str) -> str:
    """The name of a column as it is compared: `First Name` is `first_name`."""
    return _GAPS.sub("_", name.strip().lower())


def delimiter_of(header: str) -> str:
    """What parts the cells of a CSV file: what its header has most of; a comma where it has nothing."""
    return max(DELIMITERS, key=header.count)


def _body(payload: bytes | None) -> Any:
    """An object, or an array of them."""
    payload = (payload or b"").removeprefix(BOM)
    if payload.lstrip()[:1] in {b"", b"{", b"["}:
        body = read_json(payload)
    else:
        rows = list(_csv_rows(payload))
        body = rows if len(rows) > 1 else rows[0]
    if isinstance(body, list) and len(body) > ROWS_MAX:
        raise Poison(f"{len(body)} rows in one payload, up to {ROWS_MAX}: cut the file")
    return body


def _csv_rows(payload: bytes) -> Iterator[dict[str, Any]]:
    """Raises `Poison` when the header cannot be read; a row of another length is a row without its last cells."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as problem:
        raise Poison(f"want UTF-8: {problem.reason} at byte {problem.start}") from None
    delimiter = delimiter_of(text.partition("\n")[0])
    try:
        lines = [cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(cells)]
    except csv.Error as problem:
        raise Poison(f"no CSV: {problem}") from None
    if len(lines) < 2:
        raise Poison("want a JSON object, or a CSV header and rows under it; got one line that is neither")
    header = lines[0]
    for number, cells in enumerate(lines[1:], 1):
        if len(cells) > len(header):
            raise Poison(f"row {number} has {len(cells)} cells under a header of {len(header)}")
        yield {name: cell for name, cell in zip(header, cells, strict=False) if name.strip()}


def _time_of(row: dict[str, Any], path: str) -> int | None:
    for name in _TIMES:
        at = read_time(row.get(name), f"{path}.{name}")
        if at is not None:
            return at
    return None


def build(settings: InputSettings, model: Model) -> Normaliser:
    """The normaliser of an input of format `contacts`."""
    return EachRecord(Contacts(settings, model))
