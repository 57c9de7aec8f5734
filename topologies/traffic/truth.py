"""The truth of a world, as far as it was delivered: which act belongs to which customer.

Written from the contract (semantics section 2), not from the product: a test can hold one against the other. It knows
what the world cannot do, and is simple for it: a handle is never used by two accounts, and no act is ever sealed. So it
is right as long as nobody says more than identity keeps: 64 things, and 16 an hour while no record names them.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from config.settings import IdentitySettings
from topologies.traffic.people import Platform

FOREVER = 1 << 62
_BY_ID, _BY_HANDLE, _CONFIRMED = 3, 2, 4


class Done(NamedTuple):
    """Somebody did something. `author` is whose act it is, or, of our own answers, who was answered."""

    act: str
    author: str
    at: int
    handle: str
    is_relevant: bool


class Undone(NamedTuple):
    """An act was deleted."""

    act: str


class Hidden(NamedTuple):
    """An account is away, or back."""

    author: str
    is_away: bool


class Seen(NamedTuple):
    """An account uses a handle."""

    author: str
    handle: str
    at: int


class Named(NamedTuple):
    """A record names an account of its customer from `at` on, by id (`identifier`) or by `handle`; neither: no more."""

    customer: str
    platform: Platform
    at: int
    identifier: str = ""
    handle: str = ""


class Decided(NamedTuple):
    """A person decided that a customer is, or never is, an account."""

    customer: str
    author: str
    is_theirs: bool


Fact = Done | Undone | Hidden | Seen | Named | Decided


class _Claim(NamedTuple):
    customer: str
    start: int
    end: int
    strength: int


class Truth(msgspec.Struct):
    """What has been delivered so far. `owners` draws the conclusion."""

    done: dict[str, Done] = {}
    undone: set[str] = set()
    away: set[str] = set()
    seen: set[Seen] = set()
    named: dict[tuple[str, Platform], dict[int, Named]] = {}
    decided: dict[tuple[str, str], bool] = {}

    def learn(self, facts: Iterable[Fact]) -> None:
        """What a delivery makes true. Twice is as good as once."""
        for fact in facts:
            self._note(fact)

    def _note(self, fact: Fact) -> None:
        match fact:
            case Done():
                self.done[fact.act] = fact
            case Undone():
                self.undone.add(fact.act)
            case Hidden():
                (self.away.add if fact.is_away else self.away.discard)(fact.author)
            case Seen():
                self.seen.add(fact)
            case Named():
                self.named.setdefault((fact.customer, fact.platform), {})[fact.at] = fact
            case Decided():
                self.decided[fact.customer, fact.author] = fact.is_theirs

    def owners(self, *, with_noise: bool = False) -> dict[str, str | None]:
        """Customer by act, of acts that are still there; None: nobody's. `with_noise`: also acts that do not matter."""
        there = [
            done
            for done in self.done.values()
            if (done.is_relevant or with_noise) and done.act not in self.undone and done.author not in self.away
        ]
        claims = self._claims(self._users(there))
        return {done.act: _winner(claims.get(done.author, []), done.at) for done in there}

    def _users(self, acts: list[Done]) -> dict[str, tuple[int, str]]:
        """By handle: since when, and which account."""
        users: dict[str, tuple[int, str]] = {}
        sightings = [*self.seen, *(Seen(done.author, done.handle, done.at) for done in acts if done.handle)]
        for author, handle, at in sightings:
            users[handle] = min(users.get(handle, (at, author)), (at, author))
        return users

    def _claims(self, users: dict[str, tuple[int, str]]) -> dict[str, list[_Claim]]:
        """By account."""
        claims: dict[str, list[_Claim]] = {}
        for (customer, _), history in self.named.items():
            times = sorted(history)
            for at, end in zip(times, [*times[1:], FOREVER], strict=True):
                named = history[at]
                author, strength = named.identifier, _BY_ID
                if named.handle:
                    since, author = users.get(named.handle, (FOREVER, ""))
                    author, strength = (author if since < end else ""), _BY_HANDLE
                if author and self.decided.get((customer, author)) is not False:
                    claims.setdefault(author, []).append(_Claim(customer, at, end, strength))
        for (customer, author), is_theirs in self.decided.items():
            if is_theirs:
                claims.setdefault(author, []).append(_Claim(customer, 0, FOREVER, _CONFIRMED))
        return claims


def _winner(claims: list[_Claim], at: int) -> str | None:
    best: dict[str, tuple[bool, int]] = {}
    for claim in claims:
        if claim.start - IdentitySettings().look_back_ms <= at < claim.end:
            rank = (claim.start <= at, claim.strength)
            best[claim.customer] = max(rank, best.get(claim.customer, rank))
    top = [customer for customer, rank in best.items() if rank == max(best.values())]
    return top[0] if len(top) == 1 else None
