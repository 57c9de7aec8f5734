"""What an identifier has heard from customers and handles: the newest stance of each, and how many it listens to.

The version also of an empty stance is remembered, so that an older one, come late, is no news. Of those that claim
nothing any more only the newest `SILENT_MAX` are.
"""

from collections.abc import Mapping
from typing import Any

from schemas.events import Bound, Claim
from schemas.state import HeardBounds, HeardClaims
from topologies.identity.claims import INTERVALS_MAX

SILENT_MAX = 32
"""Senders that claim nothing any more and are still remembered."""

DECISIONS_MAX = 2
"""Intervals of a claim that come from a person's decision, on top of `INTERVALS_MAX` from records."""

BOUND_HANDLES_MAX, BOUND_CLAIMS_MAX = 12, 32
"""Handles that can bind one account, and claims that each can pass on to it: together one item of the state."""

Said = Mapping[str, tuple[int, tuple[Any, ...]]]
"""By sender: (version, what it said)."""


def is_news(said: Said, sender: str, version: int) -> bool:
    """Whether a stance is newer than the last one of its sender."""
    heard = said.get(sender)
    return heard is None or heard[0] < version


def hear(before: HeardClaims | None, claim: Claim, claimants_max: int) -> HeardClaims | None:
    """What is known with a claim that is news; None: it is refused, because too many others claim already."""
    said = before.by if before is not None else {}
    intervals = claim.intervals[: INTERVALS_MAX + DECISIONS_MAX]
    if intervals and _speaking(said, claim.sender) >= claimants_max:
        return None
    return HeardClaims(_without_oldest_silent({**said, claim.sender: (claim.version, intervals)}))


def hear_bound(before: HeardBounds | None, bound: Bound) -> HeardBounds | None:
    """The same for what a handle binds."""
    said = before.by if before is not None else {}
    claims = bound.claims[:BOUND_CLAIMS_MAX]
    if claims and _speaking(said, bound.sender) >= BOUND_HANDLES_MAX:
        return None
    return HeardBounds(_without_oldest_silent({**said, bound.sender: (bound.version, claims)}))


def _speaking(said: Said, but: str) -> int:
    return sum(1 for sender, (_, theirs) in said.items() if theirs and sender != but)


def _without_oldest_silent(said: Said) -> dict[str, Any]:
    """In order of name, with no more than `SILENT_MAX` that say nothing."""
    silent = sorted((version, sender) for sender, (version, theirs) in said.items() if not theirs)
    gone = {sender for _, sender in silent[:-SILENT_MAX]}
    return {sender: said[sender] for sender in sorted(said) if sender not in gone}
