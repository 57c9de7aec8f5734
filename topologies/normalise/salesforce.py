"""Salesforce Change Data Capture, in its four dialects: see `salesforce_envelope.py` and `salesforce_changes.py`.

    {"ChangeEventHeader": {"entityName": "Contact", "changeType": "UPDATE", "recordIds": ["003…", …], …}, …}
      ──► Changed to record:salesforce:contact:003…, for each record it names

`position` is (commit number, replay id, number in the transaction): commit numbers grow with commits and are in every
dialect; clients in JavaScript round them, then the replay id tells commits of one second apart.
"""

from typing import Any, Literal

from config.settings import InputSettings
from schemas.events import Changed
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.crm_facts import ChangesMissed
from topologies.normalise.mapping import Defaults, FieldMap, Values
from topologies.normalise.salesforce_changes import Row, changed_names, is_diff, row_of, values_of
from topologies.normalise.salesforce_envelope import HEADER, Envelope, unwrap
from topologies.normalise.salesforce_id import long_id
from topologies.normalise.times import believable, record_time
from topologies.normalise.wire import kind_name, read_int, read_json, shape, sortable, unwrapped, want_object

DEFAULTS: Defaults = {
    "contact": {
        "first_name": ("FirstName",),
        "last_name": ("LastName",),
        "name": ("Name",),
        "tier": ("Tier__c",),
        "owner": ("OwnerId",),
        "email": ("Email",),
        "email_verified": (),
        "phone": ("Phone",),
        "bluesky": ("Bluesky__c",),
        "x": ("Twitter__c",),
        "mastodon": ("Mastodon__c",),
        "company": ("AccountId",),
        "external_id": (),
    },
    "company": {"name": ("Name",), "tier": ("Tier__c",), "owner": ("OwnerId",)},
    "case": {"status": ("Status",), "contact": ("ContactId",)},
}

OBJECTS = {"Contact": "contact", "Account": "company", "Case": "case"}

Op = Literal["set", "delete", "restore"]
_OPS: dict[str, Op] = {"CREATE": "set", "UPDATE": "set", "DELETE": "delete", "UNDELETE": "restore"}
_NAMED_MAX = 20
"""Record ids that a note names."""


class Salesforce:
    """See `Format`."""

    def __init__(self, settings: InputSettings, model: Model) -> None:
        """One per input."""
        self._map = FieldMap(settings, model, DEFAULTS, settings.source or "salesforce")

    def received_at(self, record: Record) -> int:
        """See `Format`."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        envelope = unwrap(read_json(record.value()))
        out = Parsed(record_time(record))
        if HEADER not in envelope.payload:
            if not envelope.label:
                raise Poison("want a change event's header, got nothing", f"{envelope.path}.{HEADER}")
            out.unknown.append(envelope.label)
            return out
        path = f"{envelope.path}.{HEADER}"
        header = {name: unwrapped(value) for name, value in want_object(envelope.payload[HEADER], path).items()}
        entity, change = header.get("entityName"), header.get("changeType")
        for name, value in (("entityName", entity), ("changeType", change)):
            if not isinstance(value, str):
                raise Poison(f"want a text, got {shape(value)}", f"{path}.{name}")
        kind, plain = OBJECTS.get(str(entity)), str(change).removeprefix("GAP_")
        if kind is None or plain not in {*_OPS, "OVERFLOW"}:
            out.unknown.append(kind_name(entity, change))
            return out
        records = self._records(out, kind, header, envelope, path)
        if plain != change:
            self._missed(out, kind_name(entity, change), records)
        elif None in records:
            self._missed(out, kind_name(entity, change, "without record ids"), ())
        self._changes(out, [one for one in records if one is not None], str(change), header, envelope)
        return out

    def _changes(
        self, out: Parsed, records: list[str], change: str, header: dict[str, Any], envelope: Envelope
    ) -> None:
        """One event for each record. Of a gap, what is certain without its content."""
        op = _OPS.get(change.removeprefix("GAP_"))
        if op is None or change == "GAP_UPDATE":
            return
        at = read_int(header.get("commitTimestamp"))
        if at is None:
            cause = f"want milliseconds since 1970, got {shape(header.get('commitTimestamp'))}"
            raise Poison(cause, f"{envelope.path}.{HEADER}.commitTimestamp")
        at, _ = believable(at, out.received_at)
        numbers = (
            sortable(header.get("commitNumber")),
            sortable(envelope.replay),
            sortable(header.get("sequenceNumber")),
        )
        row = row_of(envelope.payload)
        for record in records:
            values: Values = {}
            if change in {"CREATE", "UPDATE", "UNDELETE"}:
                values = self._values(out, record, change, header, envelope, row)
                if _is_person(row, record) or (change == "UPDATE" and not values):
                    out.irrelevant += 1
                    continue
            out.events.append((record, Changed(at, ".".join(numbers), op, values, out.received_at)))

    def _values(
        self, out: Parsed, record: str, change: str, header: dict[str, Any], envelope: Envelope, row: Row
    ) -> Values:
        kind = record.split(":", 3)[2]
        names = changed_names(change, header, envelope, row)
        if names is None:
            self._missed(out, "nulledFields", [record])
            names = values_of(row)
        values: Values = {}
        for field in self._map.fields(kind):
            if field.name not in names or (field.name == "name" and row.get("name") is None and kind == "contact"):
                continue
            value, path = row.get(field.name), f"{envelope.path}.{field.label}"
            if is_diff(value):
                out.refused.append((path, f"{field.ours}: only the difference to its last value came; cleared"))
                value = None
            self._map.put(out, record, values, field, value, path)
        return self._map.with_constants(kind, values) if values or change != "UPDATE" else values

    def _records(
        self, out: Parsed, kind: str, header: dict[str, Any], envelope: Envelope, path: str
    ) -> list[str | None]:
        """Addresses of the records a change is about; None for a wildcard, which is about nobody knows which."""
        ids = header.get("recordIds")
        if not isinstance(ids, list) or not ids:
            ids = [envelope.payload["Id"]] if envelope.payload.get("Id") else None
        if ids is None:
            raise Poison(f"want a list of record ids, got {shape(header.get('recordIds'))}", f"{path}.recordIds")
        records: dict[str | None, None] = {}
        for index, one in enumerate(ids):
            address = self._map.address(kind, long_id(one.strip())) if isinstance(one, str) else None
            if address is None:
                out.refused.append((f"{path}.recordIds[{index}]", f"want a record's id, got {shape(one)}"))
            else:
                is_wildcard = "*" in one or set(one[:15]) == {"0"}
                records[None if is_wildcard else address] = None
        return list(records)

    def _missed(self, out: Parsed, what: str, records: Any) -> None:
        """Something changed that must be read again: counted, and told."""
        out.unknown.append(what)
        named = tuple(one for one in records if one is not None)[:_NAMED_MAX]
        out.notes.append(ChangesMissed(source=self._map.source, what=what, records=named))


def _is_person(row: Row, record: str) -> bool:
    """A person account tells of itself twice, as account and as contact. The contact is the customer."""
    return ":company:" in record and "name.lastname" in row


def build(settings: InputSettings, model: Model) -> Normaliser:
    """The normaliser of an input of format `salesforce.cdc`."""
    return EachRecord(Salesforce(settings, model))
