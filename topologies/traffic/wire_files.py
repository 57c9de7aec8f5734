"""Formats that are Rapport's own: the contacts snapshot, sightings, decisions."""

import orjson

from topologies.traffic.people import Account, Customer
from topologies.traffic.posts import iso
from topologies.traffic.records import Raw, Values

CONTACTS, SIGHTINGS, DECISIONS = "contacts", "sightings", "decisions"


def contact(customer: Customer, values: Values, at: int) -> Raw:
    """A line of a snapshot of contacts. Companies are names there."""
    row = {"id": customer.record_id, **values, "updated_at": iso(at)}
    return Raw(CONTACTS, customer.record_id.encode(), orjson.dumps(row))


def sighting(account: Account, at: int) -> Raw:
    """A resolver has found out which handle an account uses."""
    found = {"account": account.identifier, "handle": account.handle, "at": iso(at), "name": account.display}
    return Raw(SIGHTINGS, account.name.encode(), orjson.dumps(found))


def decision(customer: str, account: Account, *, is_theirs: bool, at: int) -> Raw:
    """A person has decided about a customer and an account."""
    what = {"customer": customer, "identifier": account.identifier, "what": "is" if is_theirs else "never"}
    return Raw(DECISIONS, customer.encode(), orjson.dumps({**what, "at": iso(at), "by": "nina.bauer"}))
