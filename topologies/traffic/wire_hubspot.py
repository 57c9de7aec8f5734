"""HubSpot webhooks: a JSON array of events, one property an event, all of one creation at the same millisecond."""

from random import Random
from typing import Any

import orjson

from topologies.traffic.people import Customer
from topologies.traffic.records import Raw, Values

INPUT = "hubspot"
FIELDS = {
    "tier": "customer_tier",
    "owner": "account_manager",
    "bluesky": "bluesky_handle",
    "mastodon": "mastodon_handle",
}
"""Our fields in properties of our own making; the others are HubSpot's."""
TWIN = "salesforcecontactid"
"""The property in which HubSpot's own connector keeps the id of the Salesforce contact."""

_PROPERTIES = FIELDS | {"email": "email", "phone": "phone", "company": "company", "x": "twitterhandle"}
_PORTAL, _APP, _USER = 26_103_344, 7_301_552, "userId:60417733"
_SUBSCRIPTIONS = {name: 2_400_100 + at for at, name in enumerate(sorted(_PROPERTIES.values()))}


class HubspotWire:
    """See `CrmWire`. Companies and cases are kept elsewhere."""

    def __init__(self, rnd: Random) -> None:
        """What the system adds by chance is drawn from `rnd`."""
        self._rnd = rnd

    def contact(self, customer: Customer, values: Values, at: int) -> list[Raw]:
        """See `CrmWire`. The creation stands somewhere among the properties."""
        return self._created(int(customer.record_id), _properties(values), at)

    def changed(self, customer: Customer, changes: Values, at: int) -> list[Raw]:
        """See `CrmWire`. A cleared property is an empty string."""
        contact = int(customer.record_id)
        return _batch(
            contact, [_property(self._rnd, contact, *one, at, "CRM_UI") for one in _properties(changes).items()]
        )

    def gone(self, customer: Customer, at: int) -> list[Raw]:
        """See `CrmWire`."""
        contact = int(customer.record_id)
        flag = {"changeFlag": "DELETED", "changeSource": "CRM_UI_BULK_ACTION", "sourceId": _USER}
        return _batch(contact, [_event(self._rnd, contact, "contact.deletion", 2_400_002, at) | flag])

    def twin(self, customer: Customer, at: int) -> list[Raw]:
        """The second record of a customer of Salesforce, which says so."""
        first, last = customer.person.first, customer.person.last
        properties = {"firstname": first, "lastname": last, TWIN: customer.record_id}
        return self._created(customer.twin, properties, at)

    def _created(self, contact: int, properties: dict[str, str], at: int) -> list[Raw]:
        """A contact of HubSpot with these properties."""
        rnd = self._rnd
        events = [_property(rnd, contact, *one, at, "INTEGRATION") for one in properties.items()]
        flag = {"changeFlag": "CREATED", "changeSource": "CRM_UI", "sourceId": _USER}
        creation = _event(rnd, contact, "contact.creation", 2_400_001, at) | flag
        events.insert(rnd.randint(0, len(events)), creation)
        return _batch(contact, events)


def retried(payload: bytes) -> bytes:
    """The same delivery, tried again: nothing but the number of the attempt differs."""
    events = orjson.loads(payload)
    return orjson.dumps([event | {"attemptNumber": event["attemptNumber"] + 1} for event in events])


def _properties(values: Values) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, value in values.items():
        if name == "name":
            first, _, last = (value or "").partition(" ")
            out |= {"firstname": first, "lastname": last}
        else:
            out[_PROPERTIES[name]] = value or ""
    return out


def _event(rnd: Random, contact: int, kind: str, subscription: int, at: int) -> dict[str, Any]:
    return {
        "eventId": rnd.randrange(1, 1 << 32),
        "subscriptionId": subscription,
        "portalId": _PORTAL,
        "appId": _APP,
        "occurredAt": at,
        "subscriptionType": kind,
        "attemptNumber": 0,
        "objectId": contact,
    }


def _property(rnd: Random, contact: int, name: str, value: str, at: int, source: str) -> dict[str, Any]:
    event = _event(rnd, contact, "contact.propertyChange", _SUBSCRIPTIONS.get(name, 2_400_090), at)
    what = {"propertyName": name, "propertyValue": value, "changeSource": source, "sourceId": _USER}
    return event | what | {"isSensitive": False}


def _batch(contact: int, events: list[dict[str, Any]]) -> list[Raw]:
    return [Raw(INPUT, str(contact).encode(), orjson.dumps(events))]
