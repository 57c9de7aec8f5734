"""What a customer's records say together: one value per field, by source, then by time.

    salesforce  name Ann    ·                           name  Ann        the better source has it
    hubspot     name Annie  tier gold (newer) ─►        tier  gold       the newest of the first source that has one
    zendesk     ·           tier silver

Only contacts that are not deleted speak; of cases it counts how many are open. The order in which records came to be
known does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.events import FOREVER, FieldValue, Interval, Record
from schemas.state import Profile
from topologies.identity.claims import NEVER, kind_of

FIELDS = ("name", "tier", "owner", "company")

CLOSED = frozenset({"closed", "solved", "deleted"})
"""What a case's status says when nobody has to do anything any more, whatever its case."""

VALUE_CHARS_MAX = 256
"""Of one value: a CRM's free text is no place for books."""

LISTED_MAX = 128
"""Records and identifiers that a profile lists; of more the first in order of name."""


def merge(
    records: Iterable[Record], identifiers: Iterable[str], sources: Sequence[str], fields: Sequence[str]
) -> Profile:
    """The profile. `sources`: by priority, highest first; unknown ones come last. `fields`: further ones to copy."""
    live = [record for record in records if not is_gone(record)]
    contacts = [record for record in live if kind_of(record.record) == "contact"]
    rank = {source: at for at, source in enumerate(sources)}
    ranked = [(rank.get(record.record.split(":", 2)[1], len(rank)), record) for record in contacts]
    found = {name: _best(ranked, name) for name in FIELDS}
    further = {name: value for name in fields if (value := _best(ranked, name))}
    return Profile(
        **found,
        open_cases=sum(_is_open(record) for record in live if kind_of(record.record) == "case"),
        fields=further,
        records=tuple(sorted(record.record.removeprefix("record:") for record in contacts)[:LISTED_MAX]),
        identifiers=tuple(sorted(identifiers)[:LISTED_MAX]),
    )


def is_gone(record: Record) -> bool:
    """Whether the record is deleted now."""
    return any(end >= FOREVER for _, end in record.gone)


def known_by(claims: Mapping[str, Sequence[Interval]]) -> list[str]:
    """The identifiers that are the customer's now: a claim on them is open, and nobody said never."""
    return [
        identifier
        for identifier, intervals in claims.items()
        if any(one.end >= FOREVER and one.strength != NEVER for one in intervals)
        and all(one.strength != NEVER for one in intervals)
    ]


def _best(ranked: Sequence[tuple[int, Record]], name: str) -> str:
    """The value of the first source that has one; within it the newest; empty: nobody has one."""
    found: list[tuple[int, int, str, str]] = []
    for rank, record in ranked:
        entry = _full_name(record) if name == "name" else record.values.get(name)
        if entry is not None and entry.value:
            found.append((-rank, entry.at, entry.position, entry.value))
    return max(found)[3][:VALUE_CHARS_MAX] if found else ""


def _full_name(record: Record) -> FieldValue | None:
    """The name; of a source that has it in two parts, both, as old as the newer of them."""
    parts = [part for one in ("first_name", "last_name") if (part := record.values.get(one)) is not None and part.value]
    if not parts:
        return record.values.get("name")
    newest = max(parts, key=lambda part: (part.at, part.position))
    return FieldValue(newest.at, newest.position, " ".join(part.value or "" for part in parts))


def _is_open(case: Record) -> bool:
    status = case.values.get("status")
    return status is None or (status.value or "").lower() not in CLOSED
