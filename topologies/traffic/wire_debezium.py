"""A shop's PostgreSQL database through Debezium: whole rows before and after, a null value behind every delete."""

from random import Random
from typing import Any

import orjson

from topologies.traffic.people import Company, Customer
from topologies.traffic.phrases import CASES
from topologies.traffic.posts import iso
from topologies.traffic.records import Raw, Values

INPUT = "crm"
FIELDS = {"name": "full_name", "tier": "plan", "owner": "account_manager", "company": "company_id"}
"""Our fields in columns with other names."""
TABLES = {"customers": "contact", "companies": "company", "tickets": "case"}
CONTACT = "customer_id"
"""The column of `tickets` that leads to a customer."""
_COLUMNS = ("full_name", "email", "phone", "plan", "account_manager", "bluesky", "x", "mastodon", "company_id")


class DebeziumWire:
    """See `CrmWire` and `BusinessWire`. What is there before the stream begins was read by a snapshot."""

    def __init__(self, rnd: Random, start_ms: int) -> None:
        """Rows that are made before `start_ms` come as read, later ones as created."""
        self._rnd, self._start_ms = rnd, start_ms
        self._rows: dict[tuple[str, int], dict[str, Any]] = {}

    def company(self, company: Company, at: int) -> Raw:
        """See `BusinessWire`."""
        row = {"id": company.number, "name": company.name, "domain": company.domain}
        return self._change("companies", company.number, row, at)

    def contact(self, customer: Customer, values: Values, at: int) -> list[Raw]:
        """See `CrmWire`."""
        number = int(customer.record_id)
        row: dict[str, Any] = {"id": number} | dict.fromkeys(_COLUMNS)
        return [self._change("customers", number, row | _columns(customer, values, at), at)]

    def changed(self, customer: Customer, changes: Values, at: int) -> list[Raw]:
        """See `CrmWire`."""
        number = int(customer.record_id)
        row = self._rows["customers", number] | _columns(customer, changes, at)
        return [self._change("customers", number, row, at)]

    def gone(self, customer: Customer, at: int) -> list[Raw]:
        """See `CrmWire`."""
        deleted = self._change("customers", int(customer.record_id), None, at)
        return [deleted, Raw(INPUT, deleted.key, None)]

    def case(self, customer: Customer, number: int, status: str, at: int) -> Raw:
        """See `BusinessWire`."""
        fresh = {"id": number, CONTACT: int(customer.record_id), "subject": self._rnd.choice(CASES)}
        row = self._rows.get(("tickets", number), fresh)
        shown = {"New": "open"}.get(status, status.lower())
        return self._change("tickets", number, row | {"status": shown, "updated_at": iso(at)}, at)

    def _change(self, table: str, number: int, after: dict[str, Any] | None, at: int) -> Raw:
        before = self._rows.pop((table, number), None)
        if after is not None:
            self._rows[table, number] = after
        is_snapshot = at < self._start_ms
        op = ("r" if is_snapshot else "c") if before is None else "d" if after is None else "u"
        lsn = 24_000_000 + (at - 1_700_000_000_000) * 8
        seen_us = at * 1000 + self._rnd.randint(20_000, 90_000)
        source = {
            "version": "3.2.0.Final",
            "connector": "postgresql",
            "name": "shop",
            "ts_ms": at,
            "ts_us": at * 1000,
            "ts_ns": at * 1_000_000,
            "snapshot": "true" if is_snapshot else "false",
            "db": "shop",
            "sequence": f'["{lsn - 56}","{lsn}"]',
            "schema": "public",
            "table": table,
            "txId": 700 + (at - 1_700_000_000_000) // 1000,
            "lsn": lsn,
            "xmin": None,
        }
        value: dict[str, Any] = {"before": before, "after": after, "source": source, "op": op, "transaction": None}
        value |= {"ts_ms": seen_us // 1000, "ts_us": seen_us, "ts_ns": seen_us * 1000}
        return Raw(INPUT, orjson.dumps({"id": number}), orjson.dumps(value))


def _columns(customer: Customer, values: Values, at: int) -> dict[str, Any]:
    columns: dict[str, Any] = {FIELDS.get(name, name): value for name, value in values.items()}
    if "company" in values:
        columns[FIELDS["company"]] = customer.company.number if customer.company else None
    return columns | {"updated_at": iso(at)}
