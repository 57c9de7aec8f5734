"""Any table through Debezium: rows become records of ours, by `object` or `tables`, `key` and `fields`.

    {"op": "u", "after": {"id": 7, "email": …}, "source": {"table": "customers", …}}  ──► Changed to record:crm:contact:7

                            values at the database's time      whether the row is there
    c  created              set                                restored, at the log's time too
    r  read by a snapshot   set                                restored
    u  updated              set, when a mapped column changed
    d  deleted                                                 deleted, at the log's time too
    null value                                                 deleted, at the log's time

A null value is all that flattened topics keep of a delete, and it has no time but the log's. Behind a full `d` it says
the same again. But a row may be deleted and made again within a moment, and then the log's time of the null lies after
the database's time of the new row. So creations and deletions are told at the log's time as well: of those, the last
in the log decides, as it should, and connectors may read anything again.
"""

from typing import Literal

from config.settings import InputSettings
from schemas.events import Changed
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.crm_facts import ChangesMissed
from topologies.normalise.debezium_envelope import Change, NoChange, key_of, plain_id, read_change
from topologies.normalise.debezium_rows import Row
from topologies.normalise.mapping import Defaults, FieldMap, Values
from topologies.normalise.times import believable, record_time
from topologies.normalise.wire import id_text, kind_name, read_json, shape

DEFAULTS: Defaults = {
    "contact": {
        "name": ("name", "full_name"),
        "first_name": ("first_name", "firstname"),
        "last_name": ("last_name", "lastname"),
        "tier": ("tier",),
        "owner": ("owner",),
        "email": ("email",),
        "email_verified": ("email_verified",),
        "phone": ("phone",),
        "bluesky": ("bluesky",),
        "x": ("x", "twitter"),
        "mastodon": ("mastodon",),
        "company": ("company_id", "company"),
        "external_id": ("external_id",),
    },
    "company": {"name": ("name",), "tier": ("tier",), "owner": ("owner",)},
    "case": {"status": ("status",), "contact": ("contact_id", "customer_id", "contact")},
}

Op = Literal["set", "delete", "restore"]
_OPS: dict[str, Op] = {"c": "restore", "r": "restore", "u": "set", "d": "delete", "": "restore"}
_TWICE = frozenset({"c", "d", ""})


class Debezium:
    """See `Format`."""

    def __init__(self, settings: InputSettings, model: Model) -> None:
        """One per input."""
        self._map = FieldMap(settings, model, DEFAULTS, settings.source or "crm", rows=True)
        self._object, self._tables = settings.object, {name.lower(): to for name, to in settings.tables.items()}
        self._key = settings.key.lower()

    def received_at(self, record: Record) -> int:
        """See `Format`."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        out, value = Parsed(record_time(record)), record.value()
        change = None if value is None else read_change(read_json(value))
        if change is None:
            self._tombstone(out, record)
        elif isinstance(change, NoChange):
            out.unknown.append(change.kind)
        elif change.op not in _OPS:
            self._unknown(out, change)
        else:
            kind = self._kind(change.table)
            if kind is None:
                out.unknown.append(kind_name("table", change.table[0] if change.table else "(no name)"))
            else:
                self._change(out, kind, change, record)
        return out

    def _kind(self, table: tuple[str, ...]) -> str | None:
        """Which of our objects a row is."""
        for name in table:
            if name.lower() in self._tables:
                return self._tables[name.lower()]
        return self._object or None

    def _unknown(self, out: Parsed, change: Change) -> None:
        if change.op == "t":
            table = change.table[0] if change.table else ""
            note = ChangesMissed(source=self._map.source, what=kind_name("truncate", table))
            out.notes.append(note)
        out.unknown.append({"t": "truncate", "m": "message"}.get(change.op, kind_name("op", change.op)))

    def _change(self, out: Parsed, kind: str, change: Change, record: Record) -> None:
        address = self._address(kind, change, record)
        if change.op == "u" and not self._concerns_us(kind, change):
            out.irrelevant += 1
            return
        op = _OPS[change.op]
        values: Values = {}
        if op != "delete":
            values = self._map.read_row(out, address, change.after or {}, change.path)
        at, _ = believable(change.at, out.received_at)
        position = change.position or _log_position(record)
        out.events.append((address, Changed(at, position, op, values, out.received_at)))
        if change.op in _TWICE and at != out.received_at:
            again = Changed(out.received_at, _log_position(record), op, {}, out.received_at)
            out.events.append((address, again))

    def _concerns_us(self, kind: str, change: Change) -> bool:
        """Whether an update changed a column that is mapped, as far as one can see: rows also change for logins."""
        before, after = change.before or {}, change.after or {}
        names = [field.name for field in self._map.fields(kind) if field.name in after]
        return any(name not in before or before[name] != after[name] for name in names)

    def _address(self, kind: str, change: Change, record: Record) -> str:
        columns = (self._key,) if self._key else ("_id", "id") if change.is_document else ("id", "_id")
        for row in (change.after, change.before):
            found = _first(row, columns)
            if found is not None and (address := self._map.address(kind, plain_id(found))):
                return address
        found = key_of(record.key(), columns[0])
        address = self._map.address(kind, found)
        if address is None:
            cause = f"want the record's id in column {columns[0]!r} or in the key, got {shape(found)}"
            raise Poison(cause, f"{change.path}.{columns[0]}")
        return address

    def _tombstone(self, out: Parsed, record: Record) -> None:
        """A null value. It names no table: it counts where all rows of the input are one of our objects."""
        kinds = {self._object} if self._object else set(self._tables.values())
        found = key_of(record.key(), self._key or "id")
        if len(kinds) != 1 or id_text(found) is None:
            out.irrelevant += 1
            return
        address = self._map.address(min(kinds), found)
        if address is not None:
            event = Changed(out.received_at, _log_position(record), "delete", {}, out.received_at)
            out.events.append((address, event))


def _first(row: Row | None, columns: tuple[str, ...]) -> object:
    return next((row[name] for name in columns if row.get(name) is not None), None) if row else None


def _log_position(record: Record) -> str:
    """Below every position of a source. Of one row, all records are in one partition."""
    return f"!{record.offset():020d}"


def build(settings: InputSettings, model: Model) -> Normaliser:
    """The normaliser of an input of format `debezium`."""
    return EachRecord(Debezium(settings, model))
