"""Whose an act is: the claims that hold at an account, and the one that wins.

    claims of customers ─┐
    claims by handles  ──┴─► links ──► winner(at)

           from - look_back        from                    to
                |- - - - - - - - - - |=======================|        half open
                   weaker              stronger

Among the links that reach an act the best (from <= at, strength) wins. Two customers at the top: nobody's.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from schemas.events import BoundClaim, Interval
from schemas.outputs import Method
from schemas.state import HeardBounds, HeardClaims
from topologies.identity.claims import ASSERTED, CONFIRMED, HANDLE, NEVER

PROBABILISTIC = 1
METHODS: dict[int, Method] = {
    CONFIRMED: "confirmed",
    ASSERTED: "asserted",
    HANDLE: "handle",
    PROBABILISTIC: "probabilistic",
}
CONFIDENCE = {CONFIRMED: 1000, ASSERTED: 999, HANDLE: 950, PROBABILISTIC: 900}
"""In thousandths. A person's word stands; an account number can be mistyped, a handle can change hands unseen."""

_OWN_TIME = 1 << 8
"""Added to the strength of a link whose own time has come: it beats every look-back."""


class Link(NamedTuple):
    """A claim that holds at an account: `customer` (an address) from `start` (inside) to `end` (outside)."""

    start: int
    end: int
    strength: int
    customer: str
    evidence: tuple[str, ...]


Links = tuple[Link, ...]


def links_of(claims: HeardClaims | None, bounds: HeardBounds | None) -> Links:
    """All links of an account, in order of time. A customer that a person has denied has none where that was said."""
    if claims is None and bounds is None:
        return ()
    found: list[Link] = []
    barred: set[str] = set()
    if claims is not None:
        for customer, (_, intervals) in claims.by.items():
            if is_barred(intervals):
                barred.add(customer)
            else:
                found += [_link(customer, interval) for interval in intervals]
    if bounds is not None:
        for handle, (_, bound) in bounds.by.items():
            via = "handle=" + handle.removeprefix("handle:")
            found += [_link(one.customer, one.interval, via) for one in bound if one.customer not in barred]
    found.sort()
    return tuple(found)


def is_barred(intervals: Iterable[Interval]) -> bool:
    """Whether a person said that this is never that customer."""
    return any(interval.strength == NEVER for interval in intervals)


def _link(customer: str, interval: Interval, *more: str) -> Link:
    return Link(interval.start, interval.end, interval.strength, customer, (interval.evidence, *more))


def winner(links: Links, at: int, look_back_ms: int) -> tuple[Link | None, bool]:
    """(the link that wins an act done at `at`, or None; whether that is because two customers are equally near)."""
    best, top, tied = None, -1, False
    for link in links:
        start = link.start
        if start - look_back_ms <= at < link.end:
            rank = link.strength + _OWN_TIME if start <= at else link.strength
            if rank > top:
                best, top, tied = link, rank, False
            elif rank == top:
                # Of one customer's equal links the later stands for it: links are sorted.
                tied = tied or link.customer != best.customer  # type: ignore[union-attr]  # top > -1: there is one
                best = link
    return (None, True) if tied else (best, False)


# ---------------------------------------------------------------- conflicts
NAMED_MAX = 8
"""Customers that a conflict names."""


class Conflict(NamedTuple):
    """From `start` (inside) to `end` (outside) several customers are at the top; the first of them in order of name."""

    start: int
    end: int
    customers: tuple[str, ...]
    among: int


def conflicts(links: Links) -> list[Conflict]:
    """Stretches in which nobody gets an act because two customers are equally near, in order of time.

    Look-backs are left aside: what is undecided in them is so only until the claim's own time.
    """
    if len({link.customer for link in links}) < 2:
        return []
    changes = sorted(
        (at, link.strength, link.customer, step)
        for link in links
        for at, step in ((link.start, 1), (link.end, -1))
        if link.start < link.end
    )
    active = {strength: _Holders() for strength in sorted(METHODS, reverse=True)}
    found: list[Conflict] = []
    for (at, strength, customer, step), after in pairwise(changes):
        active[strength].change(customer, step)
        if after[0] > at:
            top = next((holders.names for holders in active.values() if holders.names), [])
            if len(top) > 1:
                _extend(found, Conflict(at, after[0], tuple(top[:NAMED_MAX]), len(top)))
    return found


class _Holders:
    """Who has links of one strength at a time, in order of name."""

    __slots__ = ("_counts", "names")

    def __init__(self) -> None:
        self.names: list[str] = []
        self._counts: dict[str, int] = {}

    def change(self, customer: str, step: int) -> None:
        """One link more, or one less."""
        before = self._counts.get(customer, 0)
        after = self._counts[customer] = before + step
        if before == 0 and after > 0:
            insort(self.names, customer)
        elif before > 0 and after == 0:
            del self.names[bisect_left(self.names, customer)]


def _extend(found: list[Conflict], more: Conflict) -> None:
    """A stretch that goes on where the last one ends, between the same customers, is the same conflict."""
    if found and found[-1].end == more.start and found[-1][2:] == more[2:]:
        more = more._replace(start=found.pop().start)
    found.append(more)


# ---------------------------------------------------------------- handles
class Run(NamedTuple):
    """An account used a handle from `start` (inside) to `end` (outside)."""

    start: int
    account: str
    end: int


def owner_at(users: Sequence[Run], start: int, end: int) -> Run | None:
    """Whom a claim on a handle binds: who uses it at `start`, else who is the first to use it before `end`.

    `users` in order. Of several at `start` the one that came last; of equals the smallest name.
    """
    low, high = 0, len(users)
    while low < high:
        middle = (low + high) // 2
        if users[middle].start <= start:
            low = middle + 1
        else:
            high = middle
    using: Run | None = None
    for run in reversed(users[:low]):
        if using is not None and run.start < using.start:
            break
        if start < run.end:
            using = run
    if using is not None:
        return using
    return users[low] if low < len(users) and users[low].start < end else None


class Binding(NamedTuple):
    """A claim on a handle, and the run of the account it binds."""

    claim: BoundClaim
    run: Run


_NOBODY = Run(0, "", 0)


def bindings(claims: HeardClaims, users: Sequence[Run]) -> dict[str, list[Binding]]:
    """The claims on a handle by the account they bind; under "" those that bind none. `users` in order."""
    found: dict[str, list[Binding]] = {}
    for customer, (_, intervals) in claims.by.items():
        if is_barred(intervals):
            continue
        for interval in intervals:
            run = owner_at(users, interval.start, interval.end) or _NOBODY
            found.setdefault(run.account, []).append(Binding(BoundClaim(customer, interval), run))
    return found
