"""The oracle's view of CRM records: last values, histories, deletions, and whose customer they are."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.events import FOREVER, Changed

CLAIM_FIELDS = ("bluesky", "x", "mastodon", "email", "phone")
CLOSED = {"closed", "solved", "deleted"}


class Entry(NamedTuple):
    """One value of a field, sorted by time, then by position in the source."""

    at: int
    position: str
    value: str | None


class Records:
    """Everything CRM systems said, by record."""

    def __init__(self, facts: list[tuple[str, Any]], sources: tuple[str, ...]) -> None:
        """`sources`: by priority, highest first."""
        self._sources = sources
        self._fields: dict[str, dict[str, list[Entry]]] = {}
        self._gone: dict[str, list[tuple[int, str, str]]] = {}
        for record, event in set_of_changes(facts):
            mine = self._fields.setdefault(record, {})
            for name, value in event.fields.items():
                mine.setdefault(name, []).append(Entry(event.at, event.position, value))
                mine[name].sort(key=lambda entry: entry[:2])
            if event.op != "set":
                self._gone.setdefault(record, []).append((event.at, event.position, event.op))

    # -------------------------------------------------------- one record
    def newest(self, record: str, name: str) -> Entry:
        """The newest entry of a field; one without a value when there is none."""
        return self._fields.get(record, {}).get(name, [Entry(0, "", None)])[-1]

    def gone(self, record: str) -> list[tuple[int, int]]:
        """From when (inside) to when (outside) the record was deleted."""
        out, since = list[tuple[int, int]](), None
        for at, _, op in sorted(self._gone.get(record, [])):
            if op == "delete" and since is None:
                since = at
            elif op == "restore" and since is not None:
                out += [(since, at)] if since < at else []
                since = None
        return out if since is None else [*out, (since, FOREVER)]

    def is_gone(self, record: str) -> bool:
        """Deleted, and not restored."""
        return any(end == FOREVER for _, end in self.gone(record))

    def customer(self, record: str) -> str | None:
        """Of a contact: that of the better source it names as its own, else its own. Of a case: its contact's."""
        kind = record.split(":")[2]
        if kind == "company":
            return None
        if kind == "case":
            contact = self.newest(record, "contact").value
            return self.customer(contact) if contact else None
        other = self.newest(record, "external_id").value
        if other and self._rank(other) < self._rank(record):
            return self.customer(other)
        return "customer:" + record.removeprefix("record:")

    def _rank(self, record: str) -> int:
        return self._sources.index(record.split(":")[1])

    # -------------------------------------------------------- all records
    def _contacts(self) -> Iterator[tuple[str, str]]:
        """(record, customer)."""
        for record in self._fields:
            who = self.customer(record)
            if who and record.split(":")[2] == "contact":
                yield record, who

    def customers(self) -> set[str]:
        """Everybody a record or a case leads to."""
        return {who for record in self._fields if (who := self.customer(record))}

    def claims(self) -> Iterator[tuple[str, str, int, int]]:
        """(customer, identifier, start, end) of every stretch in which a live record held the identifier."""
        for record, who in self._contacts():
            for name in CLAIM_FIELDS:
                for identifier, start, end in stretches(self._fields[record].get(name, [])):
                    for left, right in without(start, end, self.gone(record)):
                        yield who, identifier, left, right

    def field(self, who: str, name: str) -> str | None:
        """The first source that has a value; in it the newest value."""
        found = list[tuple[int, int, str, str]]()
        for record, owner in self._contacts():
            entry = self.newest(record, name)
            value = self._company(entry.value) if name == "company" else entry.value
            if owner == who and value and not self.is_gone(record):
                found.append((-self._rank(record), entry.at, entry.position, value))
        return max(found)[3] if found else None

    def _company(self, value: str | None) -> str | None:
        """A company that is a record lends its name; any other value is the name."""
        if value is None or not value.startswith("record:"):
            return value
        return None if self.is_gone(value) else self.newest(value, "name").value

    def open_cases(self, who: str) -> int:
        """Live cases of the customer's contacts."""
        return sum(
            self.customer(case) == who
            and not self.is_gone(case)
            and (self.newest(case, "status").value or "").lower() not in CLOSED
            for case in self._fields
            if case.split(":")[2] == "case"
        )


def set_of_changes(facts: list[tuple[str, Any]]) -> list[tuple[str, Changed]]:
    """Each change once, however often it came."""
    once = {
        (record, event.at, event.position, event.op): event for record, event in facts if isinstance(event, Changed)
    }
    return [(key[0], event) for key, event in once.items()]


def stretches(history: list[Entry]) -> Iterator[tuple[str, int, int]]:
    """(identifier, start, end): for each identifier the runs of entries that name it.

    Of several entries at one time only the last was ever true: so a correction undoes exactly.
    """
    since: dict[str, int] = {}
    true_at = {entry.at: entry.value for entry in history}
    for at, value in [*sorted(true_at.items()), (FOREVER, None)]:
        named = set((value or "").split())
        for identifier in sorted(since.keys() - named):
            yield identifier, since.pop(identifier), at
        for identifier in named - since.keys():
            since[identifier] = at


def without(start: int, end: int, gaps: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What the gaps leave of an interval."""
    for left, right in gaps:
        if start < min(left, end):
            yield start, min(left, end)
        start = max(start, right)
    if start < end:
        yield start, end
