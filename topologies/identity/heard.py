"""What an identifier has heard from customers: the newest stance of each, and how many it listens to.

The version also of an empty stance is remembered, so that an older one, come late, is no news. Of those that claim
nothing any more only the newest `SILENT_MAX` are.
"""

from schemas.events import Claim, Interval
from schemas.state import HeardClaims
from topologies.identity.claims import INTERVALS_MAX

SILENT_MAX = 32
"""Customers that claim nothing any more and are still remembered."""

DECISIONS_MAX = 2
"""Intervals of a claim that come from a person's decision, on top of `INTERVALS_MAX` from records."""

Said = dict[str, tuple[int, tuple[Interval, ...]]]


def is_news(said: Said, sender: str, version: int) -> bool:
    """Whether a stance is newer than the last one of its sender."""
    heard = said.get(sender)
    return heard is None or heard[0] < version


def hear(before: HeardClaims | None, claim: Claim, claimants_max: int) -> HeardClaims | None:
    """What is known with a claim that is news; None: it is refused, because too many others claim already."""
    said = before.by if before is not None else {}
    intervals = claim.intervals[: INTERVALS_MAX + DECISIONS_MAX]
    speaking = [sender for sender, (_, theirs) in said.items() if theirs and sender != claim.sender]
    if intervals and len(speaking) >= claimants_max:
        return None
    return HeardClaims(without_oldest_silent({**said, claim.sender: (claim.version, intervals)}))


def without_oldest_silent(said: Said) -> Said:
    """In order of name, with no more than `SILENT_MAX` that say nothing."""
    silent = sorted((version, sender) for sender, (version, theirs) in said.items() if not theirs)
    gone = {sender for _, sender in silent[:-SILENT_MAX]}
    return {sender: said[sender] for sender in sorted(said) if sender not in gone}
