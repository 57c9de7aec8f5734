"""What a field was, and when a record was deleted: values by (time, position in the source), whatever comes first.

Equal times and positions are ordered by the hash of the value, so every order of arrival ends with the same history.
"""

import hashlib
from functools import lru_cache

from schemas.events import FOREVER, FieldValue
from topologies.identity.claims import Stretch, cut

HISTORY_MAX = 16
"""Values kept of a claim-bearing field, and deletions kept of a record."""

VALUE_BYTES_MAX = 1024
IDENTIFIERS_BYTES_MAX = 1536
"""Of a value, and of all identifiers in a claim-bearing one; with `HISTORY_MAX` they bound what a record tells."""

Change = tuple[int, str, str]
"""(time, position, "delete" or "restore")."""


def rank(entry: FieldValue) -> tuple[int, str, bytes]:
    """What values are ordered by: the highest is the newest."""
    return entry.at, entry.position, _hash(entry.value)


@lru_cache(maxsize=1 << 12)
def _hash(value: str | None) -> bytes:
    return b"" if value is None else hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def with_entry(entries: tuple[FieldValue, ...], entry: FieldValue) -> tuple[tuple[FieldValue, ...], bool]:
    """(the history with one more entry, whether the oldest was given up for it).

    Beyond `HISTORY_MAX` first those go that change nothing, then the oldest.
    """
    if entry in entries:
        return entries, False
    after = sorted([*entries, entry], key=rank)
    if len(after) <= HISTORY_MAX:
        return tuple(after), False
    idle = next((n for n in range(len(after)) if _changes_nothing(after, n)), None)
    del after[idle or 0]
    return tuple(after), idle is None


def _changes_nothing(entries: list[FieldValue], n: int) -> bool:
    """Whether an entry says what the one before says, or was never true: another came at the same time."""
    if n + 1 < len(entries) and entries[n + 1].at == entries[n].at:
        return True
    return n > 0 and entries[n - 1].value == entries[n].value and entries[n - 1].at < entries[n].at


def with_change(changes: tuple[Change, ...], change: Change) -> tuple[tuple[Change, ...], bool]:
    """The same for deletions and restorings of a record."""
    if change in changes:
        return changes, False
    after = sorted([*changes, change])
    if len(after) <= HISTORY_MAX:
        return tuple(after), False
    idle = next((n for n in range(1, len(after)) if after[n][2] == after[n - 1][2]), None)
    del after[idle or 0]
    return tuple(after), idle is None


def stretches_gone(changes: tuple[Change, ...]) -> tuple[Stretch, ...]:
    """From when (inside) to when (outside) the record was deleted; the last may end at `FOREVER`."""
    found: list[Stretch] = []
    since: int | None = None
    for at, _, op in changes:
        if op == "delete":
            since = at if since is None else since
        elif since is not None:
            if since < at:
                found.append((since, at))
            since = None
    return tuple(found) if since is None else (*found, (since, FOREVER))


def is_gone(gone: tuple[Stretch, ...]) -> bool:
    """Deleted, and not restored."""
    return bool(gone) and gone[-1][1] == FOREVER


def short_value(value: str | None) -> tuple[str | None, bool]:
    """(a value of a plain field as it is kept, whether something was cut off)."""
    kept = value if value is None else cut(value, VALUE_BYTES_MAX)
    return kept, kept != value


def short_identifiers(value: str | None) -> tuple[str | None, bool]:
    """(as many whole identifiers of a claim-bearing value as are kept, each once; whether some were left out)."""
    if value is None:
        return None, False
    kept, size = list[str](), -1
    found = list(dict.fromkeys(value.split()))
    for identifier in found:
        size += len(identifier.encode("utf-8", "surrogatepass")) + 1
        if size > IDENTIFIERS_BYTES_MAX:
            break
        kept.append(identifier)
    return " ".join(kept), len(kept) < len(found)
