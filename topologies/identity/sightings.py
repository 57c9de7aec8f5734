"""When an account used which handle, by what it was seen with.

    seen     ann    ann    bea         ann                     acts that name a handle, and sightings
    runs     ann [=========) bea [=====) ann [=========…       between two sightings the earlier handle is kept

Acts that are sealed leave their sighting behind where a run begins with it; the others are said by the run already.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.events import FOREVER
from schemas.state import Kept

SEEN_MAX = 32
"""Sightings an account keeps apart from its acts."""


class Sight(NamedTuple):
    """An account was seen with a handle. `id`: of the act, or the handle once more: it breaks ties of time."""

    at: int
    id: str
    handle: str


Runs = dict[str, tuple[tuple[int, int], ...]]
"""By handle: (start, end) of each run, start inside, end outside."""

Seen = tuple[tuple[int, str], ...]
"""(at, handle) in order."""


def sight_of(kept: Kept | None) -> Sight | None:
    """What an act says of its author's handle. Our own replies name ours, not that of the account they are kept at."""
    act = None if kept is None else kept.act
    return Sight(act.at, act.id, act.handle) if act is not None and act.handle and not act.role else None


def in_order(seen: Seen, acts: Iterable[Kept]) -> list[Sight]:
    """All sightings, oldest first."""
    sights = [Sight(at, handle, handle) for at, handle in seen]
    sights += [sight for kept in acts if (sight := sight_of(kept)) is not None]
    sights.sort()
    return sights


def beginnings(sights: list[Sight]) -> list[Sight]:
    """Those that a run begins with."""
    return [sight for n, sight in enumerate(sights) if n == 0 or sights[n - 1].handle != sight.handle]


def runs_of(sights: list[Sight]) -> Runs:
    """The runs of each handle. Two handles at one time: the first has a run without length."""
    first = beginnings(sights)
    found: dict[str, list[tuple[int, int]]] = {}
    for n, sight in enumerate(first):
        end = first[n + 1].at if n + 1 < len(first) else FOREVER
        found.setdefault(sight.handle, []).append((sight.at, end))
    return {handle: tuple(runs) for handle, runs in found.items()}


def with_sighting(seen: Seen, at: int, handle: str) -> tuple[Seen, bool]:
    """(the sightings and one more, whether one was given up for it).

    Beyond `SEEN_MAX` first those go that say what the one before says already, oldest first, then the oldest.
    """
    if (at, handle) in seen:
        return seen, False
    after = sorted([*seen, (at, handle)])
    if len(after) <= SEEN_MAX:
        return tuple(after), False
    again = next((n for n in range(1, len(after)) if after[n][1] == after[n - 1][1]), 0)
    del after[again]
    return tuple(after), again == 0
