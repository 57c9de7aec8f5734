"""From when to when a customer is an identifier, by what its records said over time.

    history of `x`     10 ann      20 bea      30 –
    deleted                   |15 .. 22)
    claims             ann [10, 15)    bea [22, 30)

Intervals are half open. Claims rest on records and people's decisions only, never on acts: so no loop can form.
"""

from collections.abc import Iterable, Iterator, Sequence

from schemas.events import FOREVER, FieldValue, Interval, Record

CLAIM_FIELDS = ("bluesky", "x", "mastodon", "email", "phone")
"""Fields whose values are identifiers, separated by spaces."""

CONFIRMED, ASSERTED, HANDLE, NEVER = 4, 3, 2, 0
"""Strengths: a person said so · the CRM names the account · the CRM names a handle · a person said no."""

INTERVALS_MAX = 12
"""Claims of one customer on one identifier that are told; of more the newest. A decision comes on top."""

EVIDENCE_BYTES_MAX = 64
"""Longer evidence is cut: with `claimants_max` it bounds what an identifier keeps."""

Stretch = tuple[int, int]


def kind_of(record: str) -> str:
    """`contact`, `company`, `case` … of a record's address `record:<source>:<kind>:<id>`; empty for anything else."""
    parts = record.split(":", 3)
    return parts[2] if len(parts) == 4 and parts[0] == "record" else ""


def takes_claims(identifier: str) -> bool:
    """Whether claims are sent to it. E-mails and phones are known of a customer, but nobody acts under them yet."""
    return identifier.startswith(("account:", "handle:"))


def claims_of(records: Iterable[Record]) -> dict[str, tuple[Interval, ...]]:
    """What these records together claim, by identifier in order of name; intervals in order of time.

    Only contacts claim. A record claims nothing while it is deleted. Includes e-mails and phones: see `takes_claims`.
    """
    found: dict[str, list[Interval]] = {}
    for record in records:
        if kind_of(record.record) != "contact":
            continue
        for field in CLAIM_FIELDS:
            for identifier, start, end in stretches(record.histories.get(field, ())):
                strength = ASSERTED if identifier.startswith("account:") else HANDLE
                evidence = cut(f"{field}={record.record.removeprefix('record:')}", EVIDENCE_BYTES_MAX)
                for left, right in without(start, end, record.gone):
                    found.setdefault(identifier, []).append(Interval(left, right, strength, evidence))
    return {identifier: _newest(found[identifier]) for identifier in sorted(found)}


def _newest(intervals: list[Interval]) -> tuple[Interval, ...]:
    intervals.sort(key=order)
    return tuple(intervals[-INTERVALS_MAX:])


def order(interval: Interval) -> tuple[int, int, int, str]:
    """By time; two that are told apart by nothing else by their evidence."""
    return interval.start, interval.end, interval.strength, interval.evidence


def stretches(history: Sequence[FieldValue]) -> Iterator[tuple[str, int, int]]:
    """(identifier, start, end): for each identifier the stretches of the history that name it.

    `history` is in order. Of several entries at one time only the last was ever true: so a correction undoes exactly.
    """
    since: dict[str, int] = {}
    true_at = {entry.at: entry.value for entry in history}
    for at, value in [*true_at.items(), (FOREVER, None)]:
        named = dict.fromkeys((value or "").split())
        for identifier in [one for one in since if one not in named]:
            yield identifier, since.pop(identifier), at
        for identifier in named:
            since.setdefault(identifier, at)


def without(start: int, end: int, gaps: Iterable[Stretch]) -> Iterator[Stretch]:
    """What the gaps, in order of time, leave of an interval."""
    for left, right in gaps:
        if start < min(left, end):
            yield start, min(left, end)
        start = max(start, right)
    if start < end:
        yield start, end


def cut(text: str, bytes_max: int) -> str:
    """The text, or as much of it as fits into so many bytes of UTF-8."""
    data = text.encode()
    return text if len(data) <= bytes_max else data[:bytes_max].decode(errors="ignore")
