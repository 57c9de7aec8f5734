"""Salesforce Change Data Capture as CometD brings it: changed fields only, commit times in whole seconds."""

from random import Random
from typing import Any

import orjson

from topologies.traffic import ids
from topologies.traffic.people import Company, Customer
from topologies.traffic.phrases import CASES
from topologies.traffic.posts import iso
from topologies.traffic.records import Raw, Values

INPUT = "salesforce"
FIELDS = {
    "tier": "Tier__c",
    "owner": "Account_Manager__c",
    "bluesky": "Bluesky__c",
    "mastodon": "Mastodon__c",
    "x": "Twitter__c",
}
"""Our fields in custom ones of the org; the others are Salesforce's."""

_STANDARD = {"email": "Email", "phone": "Phone"}
_USER = ids.salesforce_id("005", 1)
_ORIGIN = "com/salesforce/api/soap/62.0;client=SfdcInternalAPI/"
_SCHEMAS = {"Contact": "rJ3nP0fFd7cU2mQxT9aLkw", "Account": "Zb81kQe0vYtS4hGmC6oWng", "Case": "u5XfKa92LrDwV7jPq0sEHg"}


class SalesforceWire:
    """See `CrmWire` and `BusinessWire`."""

    def __init__(self, rnd: Random) -> None:
        """What the system adds by chance is drawn from `rnd`."""
        self._rnd = rnd

    def company(self, company: Company, at: int) -> Raw:
        """See `CrmWire`."""
        return _change(self._rnd, "Account", company_id(company), "CREATE", {"Name": company.name, **_made(at)}, at)

    def contact(self, customer: Customer, values: Values, at: int) -> list[Raw]:
        """See `CrmWire`."""
        body = {name: value for name, value in _fields(customer, values).items() if value is not None}
        return [_change(self._rnd, "Contact", customer.record_id, "CREATE", body | _made(at), at)]

    def changed(self, customer: Customer, changes: Values, at: int) -> list[Raw]:
        """See `CrmWire`. A cleared field is there, and null."""
        body = _fields(customer, changes)
        return [
            _change(self._rnd, "Contact", customer.record_id, "UPDATE", body | {"LastModifiedDate": _second(at)}, at)
        ]

    def gone(self, customer: Customer, at: int) -> list[Raw]:
        """See `CrmWire`. No field says who that was."""
        return [_change(self._rnd, "Contact", customer.record_id, "DELETE", {}, at)]

    def case(self, customer: Customer, number: int, status: str, at: int) -> Raw:
        """See `CrmWire`."""
        case = ids.salesforce_id("500", number)
        if status != "New":
            return _change(self._rnd, "Case", case, "UPDATE", {"Status": status, "LastModifiedDate": _second(at)}, at)
        body = {
            "CaseNumber": f"{number:08d}",
            "ContactId": customer.record_id,
            "Status": status,
            "Origin": self._rnd.choice(("Web", "Email", "Phone")),
            "Priority": self._rnd.choice(("Low", "Medium", "High")),
            "Subject": self._rnd.choice(CASES),
        }
        return _change(self._rnd, "Case", case, "CREATE", body | _made(at), at)


def company_id(company: Company) -> str:
    """The id of the company's record."""
    return ids.salesforce_id("001", company.number)


def _fields(customer: Customer, values: Values) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in values.items():
        if name == "name":
            first, _, last = (value or "").partition(" ")
            out["Name"] = {"FirstName": first, "LastName": last}
        elif name == "company":
            out["AccountId"] = company_id(customer.company) if customer.company and value else None
        else:
            out[FIELDS.get(name) or _STANDARD[name]] = value
    return out


def _second(at: int) -> str:
    return iso(at)[:-5] + "Z"


def _made(at: int) -> dict[str, str]:
    when = _second(at)
    return {
        "OwnerId": _USER,
        "CreatedById": _USER,
        "CreatedDate": when,
        "LastModifiedById": _USER,
        "LastModifiedDate": when,
    }


def _change(rnd: Random, entity: str, record: str, what: str, body: dict[str, Any], at: int) -> Raw:
    header: dict[str, Any] = {
        "commitNumber": 11_700_000_000_000 + at - 1_700_000_000_000,
        "commitUser": _USER,
        "sequenceNumber": 1,
        "entityName": entity,
        "changeType": what,
        "changeOrigin": _ORIGIN,
        "transactionKey": ids.uuid(rnd),
        "commitTimestamp": at // 1000 * 1000,
        "recordIds": [record],
    }
    if what == "UPDATE":
        header["changedFields"] = [
            *(f"{name}.{part}" for name, value in body.items() if isinstance(value, dict) for part in value),
            *(name for name, value in body.items() if not isinstance(value, dict)),
        ]
    data = {
        "schema": _SCHEMAS[entity],
        "payload": {"ChangeEventHeader": header, **body},
        "event": {"replayId": 41_000_000 + (at - 1_700_000_000_000) // 10},
    }
    message = {"data": data, "channel": f"/data/{entity}ChangeEvent"}
    return Raw(INPUT, record.encode(), orjson.dumps(message))
