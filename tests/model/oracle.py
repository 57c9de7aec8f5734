"""The answer, from the set of external events: no folds, no order, no messages. Written from `semantics.md`.

    events ─► acts kept · runs of handles · records ─► claims ─► links ─► pairs ─► sums
                                                  └──► profiles

Erase is not here: it is the one event whose place in the log matters.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from schemas.events import (
    FINAL,
    FOREVER,
    AccountStatus,
    Act,
    Authored,
    Decided,
    Gone,
    GonePost,
    ReplyTo,
    Sighting,
)
from streams.core.decay import bucket_of, weight
from tests.model.records import Records
from topologies.customer.sentiment import sentiment
from topologies.model import Model

ASSERTED, HANDLE, CONFIRMED = 3, 2, 4


class Claimed(NamedTuple):
    """Customer `customer` is the identifier from `start` (inside) to `end` (outside)."""

    customer: str
    start: int
    end: int
    strength: int


class Link(NamedTuple):
    """A claim that holds at an account."""

    account: str
    customer: str
    start: int
    end: int
    strength: int


class Pair(NamedTuple):
    """An act and whose it is."""

    act: str
    customer: str
    version: str


class Sums(msgspec.Struct, frozen=True):
    """W of a customer, and how many acts carry sentiment, weighed."""

    engagement: int = 0
    risk: int = 0
    sentiment: int = 0
    sentiment_weight: int = 0


class Profile(msgspec.Struct, frozen=True):
    """What a customer's records say together."""

    name: str | None = None
    tier: str | None = None
    owner: str | None = None
    company: str | None = None
    open_cases: int = 0
    region: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What every run over these events must come to. Customers without anything are left out."""

    pairs: frozenset[Pair]
    links: frozenset[Link]
    sums: dict[str, Sums]
    profiles: dict[str, Profile]


def answer(events: Iterable[tuple[str, Any]], model: Model) -> Answer:
    """The whole of it."""
    facts = list(events)
    records = Records(facts, model.identity.sources)
    acts = kept_acts(facts)
    links = find_links(facts, records, acts)
    pairs, joined = set(), dict[str, list[Act]]()
    for account, kept in acts.items():
        claims = [Claimed(*link[1:]) for link in links if link.account == account]
        for act in kept.values():
            top = leaders(claims, act.at, model.identity.look_back_ms)
            if len(top) == 1:
                pairs.add(Pair(act.id, top[0], act.version))
                joined.setdefault(top[0], []).append(act)
    totals = {who: sums(mine, model) for who, mine in joined.items()}
    profiles = {who: profile(records, who) for who in records.customers()}
    return Answer(
        pairs=frozenset(pairs),
        links=frozenset(links),
        sums={who: total for who, total in totals.items() if total != Sums()},
        profiles={who: mine for who, mine in profiles.items() if mine != Profile()},
    )


# ---------------------------------------------------------------- acts
def kept_acts(facts: list[tuple[str, Any]]) -> dict[str, dict[str, Act]]:
    """By account and id: the highest version that no delete beats; nothing at a hidden account."""
    given, gone, status = (
        dict[tuple[str, str], list[Act]](),
        dict[tuple[str, str], str](),
        dict[str, tuple[int, bool]](),
    )
    for address, event in [*facts, *forwarded(facts)]:
        if isinstance(event, Act):
            given.setdefault((address, event.id), []).append(event)
        elif isinstance(event, Gone):
            gone[address, event.id] = max(event.version, gone.get((address, event.id), ""))
        elif isinstance(event, AccountStatus):
            status[address] = max((event.at, event.hidden), status.get(address, (0, False)))
    out: dict[str, dict[str, Act]] = {}
    for (account, found), versions in given.items():
        newest = max(versions, key=lambda act: act.version)
        if newest.version > gone.get((account, found), "") and not status.get(account, (0, False))[1]:
            out.setdefault(account, {})[found] = newest
    return out


def forwarded(facts: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What post addresses pass on to the author: deletes and our replies."""
    author = {address: event for address, event in facts if isinstance(event, Authored)}
    for address, event in facts:
        if address not in author:
            continue
        to = author[address]
        if isinstance(event, GonePost):
            yield to.account, Gone(to.act, FINAL, event.at, event.received_at)
        elif isinstance(event, ReplyTo):
            yield to.account, msgspec.structs.replace(event.act, role="reply")


# ---------------------------------------------------------------- handles
class Run(NamedTuple):
    """An account used a handle from `start` (inside) to `end` (outside)."""

    start: int
    end: int
    account: str


def runs(facts: list[tuple[str, Any]], acts: dict[str, dict[str, Act]]) -> dict[str, list[Run]]:
    """By handle. Between its own sightings an account keeps the handle it was last seen with."""
    seen: dict[str, set[tuple[int, str, str]]] = {}
    for account, kept in acts.items():
        for act in kept.values():
            if act.handle and act.role != "reply":
                seen.setdefault(account, set()).add((act.at, act.id, act.handle))
    for account, event in facts:
        if isinstance(event, Sighting):
            seen.setdefault(account, set()).add((event.at, event.handle, event.handle))
    out: dict[str, list[Run]] = {}
    for account, unsorted in seen.items():
        sights = sorted(unsorted)
        first = [n for n, sight in enumerate(sights) if n == 0 or sights[n - 1][2] != sight[2]]
        for n, end in zip(first, [*first[1:], None], strict=True):
            at, _, handle = sights[n]
            out.setdefault(handle, []).append(Run(at, FOREVER if end is None else sights[end][0], account))
    return out


def owner_at(users: list[Run], start: int, end: int) -> str | None:
    """Whom a claim on a handle binds: who uses it at `start`, else who is the first to use it before `end`."""
    using = [run for run in users if run.start <= start < run.end]
    if using:
        latest = max(run.start for run in using)
        return min(run.account for run in using if run.start == latest)
    later = [(run.start, run.account) for run in users if start < run.start < end]
    return min(later)[1] if later else None


# ---------------------------------------------------------------- claims and links
def find_links(facts: list[tuple[str, Any]], records: Records, acts: dict[str, dict[str, Act]]) -> set[Link]:
    """Claims that hold at accounts, asserted there or bound by a handle, without those a person has denied."""
    claims: dict[str, set[Claimed]] = {}
    for who, identifier, start, end in records.claims():
        strength = ASSERTED if identifier.startswith("account:") else HANDLE
        claims.setdefault(identifier, set()).add(Claimed(who, start, end, strength))
    vetoed: set[tuple[str, str]] = set()
    for (who, identifier), what in newest_decisions(facts).items():
        if what == "is":
            claims.setdefault(identifier, set()).add(Claimed(who, 0, FOREVER, CONFIRMED))
        elif what == "never":
            vetoed.add((who, identifier))
    users, links = runs(facts, acts), set[Link]()
    for identifier, mine in claims.items():
        for claim in mine:
            if (claim.customer, identifier) in vetoed:
                continue
            direct = identifier.startswith("account:")
            account = identifier if direct else owner_at(users.get(identifier, []), claim.start, claim.end)
            if account and (claim.customer, account) not in vetoed:
                links.add(Link(account, *claim))
    return links


def newest_decisions(facts: list[tuple[str, Any]]) -> dict[tuple[str, str], str]:
    """What holds by (customer, identifier)."""
    newest: dict[tuple[str, str], tuple[int, str, str]] = {}
    for who, event in facts:
        if isinstance(event, Decided):
            key = (who, event.identifier)
            newest[key] = max((event.at, event.position, event.what), newest.get(key, (0, "", "")))
    return {key: what for key, (_, _, what) in newest.items()}


def leaders(claims: list[Claimed], at: int, look_back_ms: int) -> list[str]:
    """The customers at the top for an act at `at`. It is the only one's; of several it is nobody's."""
    best: dict[str, tuple[bool, int]] = {}
    for claim in claims:
        if claim.start - look_back_ms <= at < claim.end:
            rank = (claim.start <= at, claim.strength)
            best[claim.customer] = max(rank, best.get(claim.customer, rank))
    return [who for who, rank in best.items() if rank == max(best.values())]


def unmatched(events: Iterable[tuple[str, Any]], model: Model) -> dict[str, str]:
    """Acts that are nobody's customer's when they are sealed, and why. Our own replies are not what people say."""
    facts = list(events)
    acts = kept_acts(facts)
    links = find_links(facts, Records(facts, model.identity.sources), acts)
    out = dict[str, str]()
    for account, kept in acts.items():
        claims = [Claimed(*link[1:]) for link in links if link.account == account]
        for act in kept.values():
            top = leaders(claims, act.at, model.identity.look_back_ms)
            if len(top) != 1 and act.role != "reply":
                out[act.id] = "conflict" if top else "unclaimed"
    return out


# ---------------------------------------------------------------- score and profile
def sums(acts: list[Act], model: Model) -> Sums:
    """W as one integer each: per (kind, bucket) the smaller of sum and cap, times the bucket's weight."""
    score = model.score
    engagement, risk = dict[tuple[str, int], int](), dict[tuple[str, int], int]()
    mood = mass = 0
    for act in acts:
        if act.role == "reply":
            continue
        key = act.kind, bucket_of(act.at, score.half_life_ms)
        engagement[key] = engagement.get(key, 0) + round(1000 * score.engagement.get(act.kind, 0.0))
        value = sentiment(act.text, act.lang, model.lexicons).value
        if value is not None:
            risk[key] = risk.get(key, 0) + round(score.risk_per_negative * max(0, -value))
            mood += value * weight(key[1])
            mass += weight(key[1])

    def total(points: dict[tuple[str, int], int]) -> int:
        worth = {key: min(found, round(1000 * score.caps.get(key[0], 1e12))) for key, found in points.items()}
        return sum(found * weight(bucket) for (_, bucket), found in worth.items())

    return Sums(total(engagement), total(risk), mood, mass)


def profile(records: Records, who: str) -> Profile:
    """The customer's records by source priority, then by newest value."""
    return Profile(
        **{name: records.field(who, name) for name in ("name", "tier", "owner", "region")},
        company=records.field(who, "company"),
        open_cases=records.open_cases(who),
    )
