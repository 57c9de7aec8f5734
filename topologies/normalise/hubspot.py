"""HubSpot webhooks: an array of up to 100 events, one property each.

    [{"subscriptionType": "contact.propertyChange", "objectId": 51, "propertyName": "email", …}, …]
      contact.* company.* ticket.*   ─┐
      object.* + objectTypeId        ─┴─► Changed to record:hubspot:<contact|company|case>:<objectId>

Deliveries are retried: an event keeps everything but `attemptNumber`, so that never becomes a part of its position.
One event that cannot be read is refused with its path, `$[3].occurredAt`; its neighbours go on.
"""

from typing import Any, Literal

from config.settings import InputSettings
from schemas.events import Changed
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.mapping import Defaults, FieldMap, Values
from topologies.normalise.times import believable, record_time
from topologies.normalise.wire import kind_name, read_int, read_json, shape, sortable, want_object

DEFAULTS: Defaults = {
    "contact": {
        "first_name": ("firstname",),
        "last_name": ("lastname",),
        "name": (),
        "tier": ("tier",),
        "owner": ("hubspot_owner_id",),
        "email": ("email",),
        "email_verified": (),
        "phone": ("phone",),
        "bluesky": ("bluesky",),
        "x": ("twitterhandle",),
        "mastodon": ("mastodon",),
        "company": (":associatedcompanyid", "company"),
        # HubSpot's own connector keeps the id of its Salesforce twin here.
        "external_id": ("salesforce:salesforcecontactid",),
    },
    "company": {"name": ("name",), "tier": ("tier",), "owner": ("hubspot_owner_id",)},
    "case": {"status": ("hs_pipeline_stage",), "contact": ()},
}

OBJECTS = {"contact": "contact", "company": "company", "ticket": "case"}
TYPES = {"0-1": "contact", "0-2": "company", "0-5": "case"}
STAGES = {"1": "new", "2": "waiting on contact", "3": "waiting on us", "4": "closed"}
"""Of the pipeline every portal begins with. Stages of further ones have longer ids and keep them."""
ASSOCIATIONS = {
    ("contact", "company"): "company",
    ("case", "contact"): "contact",
}
"""(from, to) → our field of the first. Each association is told from both sides; both are read and say the same."""

Op = Literal["set", "delete", "restore", "purge"]
_OPS: dict[str, Op] = {"creation": "set", "deletion": "delete", "restore": "restore", "privacyDeletion": "purge"}
_ACTIONS = frozenset({"propertyChange", "associationChange", *_OPS})
"""Merges are not here: they re-key customers, and are counted as unknown until that is built."""


class Hubspot:
    """See `Format`."""

    def __init__(self, settings: InputSettings, model: Model) -> None:
        """One per input."""
        self._map = FieldMap(settings, model, DEFAULTS, settings.source or "hubspot")

    def received_at(self, record: Record) -> int:
        """See `Format`."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        body = read_json(record.value())
        out = Parsed(record_time(record))
        if not isinstance(body, list):
            self._event(out, want_object(body, "$"), "$")
            return out
        for index, event in enumerate(body):
            path = f"$[{index}]"
            try:
                self._event(out, want_object(event, path), path)
            except Poison as problem:
                out.refused.append((problem.path, problem.cause))
        return out

    def _event(self, out: Parsed, event: dict[str, Any], path: str) -> None:
        name = event.get("subscriptionType") or event.get("eventType")
        if not isinstance(name, str):
            raise Poison(f"want the kind of event, got {shape(name)}", f"{path}.subscriptionType")
        family, _, action = name.rpartition(".")
        kind = OBJECTS.get(family)
        if family == "object":
            kind = TYPES.get(str(event.get("objectTypeId")))
            name = f"{name} {event.get('objectTypeId')}"
        if kind is None or action not in _ACTIONS:
            out.unknown.append(kind_name(name))
        elif action == "propertyChange":
            self._property(out, kind, event, path)
        elif action == "associationChange":
            self._association(out, event, path)
        else:
            record, position = self._id(kind, event, "objectId", path), _position(event)
            values = self._map.with_constants(kind, {}) if action == "creation" else {}
            self._add(out, record, _OPS[action], _at(event, path), position, values)

    def _property(self, out: Parsed, kind: str, event: dict[str, Any], path: str) -> None:
        name = event.get("propertyName")
        if not isinstance(name, str):
            raise Poison(f"want the name of a property, got {shape(name)}", f"{path}.propertyName")
        fields = self._map.fed_by(kind, name)
        if not fields:
            out.irrelevant += 1
            return
        record, at = self._id(kind, event, "objectId", path), _at(event, path)
        value = event.get("propertyValue")
        for field in fields:
            values: Values = {}
            is_stage = kind == "case" and field.name == "hs_pipeline_stage"
            shown = STAGES.get(value.strip(), value) if is_stage and isinstance(value, str) else value
            self._map.put(out, record, values, field, shown, f"{path}.propertyValue")
            # A creation tells the company's name and its record at the same millisecond: the record says more.
            rank = "1" if field.kind == "link" else "0"
            position = f"{rank}.{_position(event)}.{name[:60]}"
            self._add(out, record, "set", at, position, self._map.with_constants(kind, values))

    def _association(self, out: Parsed, event: dict[str, Any], path: str) -> None:
        ends = _ends(event)
        ours, side, other = ASSOCIATIONS.get((ends[0], ends[1]), ""), "from", "to"
        if not ours:
            ends.reverse()
            ours, side, other = ASSOCIATIONS.get((ends[0], ends[1]), ""), "to", "from"
        # Of several companies one is primary: the others are not the contact's company.
        is_other_company = ours == "company" and event.get("isPrimaryAssociation") is False
        if not ours or is_other_company or not self._map.has(ends[0], ours):
            out.irrelevant += 1
            return
        record = self._id(ends[0], event, f"{side}ObjectId", path)
        linked = self._id(ends[1], event, f"{other}ObjectId", path)
        is_removed = event.get("associationRemoved") is True
        # A move is told as a removal and an addition at one time: the addition is what remains.
        position = f"{'0' if is_removed else '1'}.{_position(event)}.{ours}"
        self._add(out, record, "set", _at(event, path), position, {ours: None if is_removed else linked})

    def _add(self, out: Parsed, record: str, op: Op, at: int, position: str, values: Values) -> None:
        at, _ = believable(at, out.received_at)
        out.events.append((record, Changed(at, position, op, values, out.received_at)))

    def _id(self, kind: str, event: dict[str, Any], name: str, path: str) -> str:
        address = self._map.address(kind, event.get(name))
        if address is None:
            raise Poison(f"want a record's id, got {shape(event.get(name))}", f"{path}.{name}")
        return address


def _ends(event: dict[str, Any]) -> list[str]:
    """What is associated with what, in our words; empty for objects that are not ours."""
    types = [event.get("fromObjectTypeId"), event.get("toObjectTypeId")]
    if None not in types:
        return [TYPES.get(str(one), "") for one in types]
    # Older deliveries only say CONTACT_TO_COMPANY.
    before, _, after = str(event.get("associationType")).lower().partition("_to_")
    return [OBJECTS.get(before, ""), OBJECTS.get(after, "")]


def _at(event: dict[str, Any], path: str) -> int:
    at = read_int(event.get("occurredAt"))
    if at is None:
        cause = f"want milliseconds since 1970, got {shape(event.get('occurredAt'))}"
        raise Poison(cause, f"{path}.occurredAt")
    return at


def _position(event: dict[str, Any]) -> str:
    """The same for every attempt. Event ids are not unique over subscriptions."""
    return f"{sortable(event.get('eventId'))}.{sortable(event.get('subscriptionId'))}"


def build(settings: InputSettings, model: Model) -> Normaliser:
    """The normaliser of an input of format `hubspot.webhook`."""
    return EachRecord(Hubspot(settings, model))
