"""What a run came to, read where the product keeps it and where subscribers read it.

account:  claims, bounds ─► links            act:<id> ─► whose each act was last told to be
customer: act:<account>␟<act id> ─► pairs    score ─► sums
outputs:  customer.profiles ─► profiles      social.enriched, highest revision ─► pairs again
"""

from typing import Any

import msgspec

from schemas.events import FOREVER
from schemas.state import CustomerHead, HeardBounds, HeardClaims, JoinedItem, Kept, ScoreItem, WakeDue
from schemas.state import Profile as ProfileItem
from tests.model.oracle import Answer, Link, Pair, Profile, Sums
from tests.model.runner import Played

NEVER = 0


def found(played: Played) -> Answer:
    """The run's answer. Raises `AssertionError` when two places that say the same disagree."""
    pairs = pairs_of(played)
    assert {(pair.act, pair.customer) for pair in pairs} == subscribed(played), "social.enriched does not say the same"
    return Answer(
        pairs=frozenset(pairs),
        links=frozenset(links_of(played)),
        sums=sums_in(played),
        profiles=profiles_of(played),
    )


def _each(played: Played, prefix: str, kind: type[Any]) -> list[tuple[str, Any]]:
    """(address, item) of all items of a kind."""
    return [
        (address, item)
        for address, items in sorted(played.items.items())
        if address.startswith(prefix)
        for item in items.values()
        if type(item) is kind
    ]


def address_of(who: str) -> str:
    """Customers by their address, however they are written down."""
    return who if who.startswith("customer:") else f"customer:{who}"


# ---------------------------------------------------------------- pairs
def pairs_of(played: Played) -> set[Pair]:
    """Live acts of customers; the version is the one the account keeps. Both sides must agree."""
    told = {
        (item.act.id, address_of(item.customer)): item
        for _, item in _each(played, "account:", Kept)
        if item.act is not None and item.customer
    }
    joined = {
        (name.removeprefix("act:").partition("\x1f")[2], who): item
        for who, items in played.items.items()
        if who.startswith("customer:")
        for name, item in items.items()
        if type(item) is JoinedItem and item.live
    }
    assert told.keys() == joined.keys(), f"accounts and customers differ: {told.keys() ^ joined.keys()}"
    for key, item in joined.items():
        act = told[key].act
        assert act is not None
        want = act.kind, act.at, act.received_at, act.role
        assert (item.kind, item.at, item.received_at, item.role) == want, f"{key}: {item} is not {act}"
    return {Pair(act, who, item.version) for (act, who), item in told.items()}


def subscribed(played: Played) -> set[tuple[str, str]]:
    """(act, customer) as a subscriber knows them who keeps the highest revision of each act."""
    newest: dict[str, tuple[int, bool, str]] = {}
    for output, key, value in played.published:
        if output == "enriched":
            entry = value.revision, not value.retracted, address_of(key)
            newest[value.act.id] = max(entry, newest.get(value.act.id, (-1, False, "")))
    return {(act, who) for act, (_, live, who) in newest.items() if live}


# ---------------------------------------------------------------- links
def links_of(played: Played) -> set[Link]:
    """Claims that hold at accounts. A `never` takes the customer out where it stands."""
    links: set[Link] = set()
    for account, items in played.items.items():
        if not account.startswith("account:"):
            continue
        claims = [item for item in items.values() if type(item) is HeardClaims]
        bounds = [item for item in items.values() if type(item) is HeardBounds]
        by = [(address_of(who), interval) for item in claims for who, (_, mine) in item.by.items() for interval in mine]
        barred = {who for who, interval in by if interval.strength == NEVER}
        for item in bounds:
            for _, heard in item.by.values():
                mine = [(address_of(claim.customer), claim.interval) for claim in heard]
                here = {who for who, interval in mine if interval.strength == NEVER}
                by += [(who, interval) for who, interval in mine if who not in here]
        links |= {Link(account, who, i.start, i.end, i.strength) for who, i in by if who not in barred and i.strength}
    assert all(link.end <= FOREVER for link in links)
    return links


# ---------------------------------------------------------------- sums and profiles
def sums_in(played: Played) -> dict[str, Sums]:
    """By customer, without those who have none."""
    by = {who: sums_of(item) for who, item in _each(played, "customer:", ScoreItem)}
    return {who: sums for who, sums in by.items() if sums != Sums()}


def sums_of(item: ScoreItem) -> Sums:
    """The exact integers. Kinds must add up to the totals."""
    number = {name: _int(getattr(item, name)) for name in ("engagement", "risk", "sentiment", "sentiment_weight")}
    by_kind = [(_int(one), _int(two)) for one, two in item.by_kind.values()]
    assert sum(one for one, _ in by_kind) == number["engagement"], f"kinds do not add up: {item}"
    assert sum(two for _, two in by_kind) == number["risk"], f"kinds do not add up: {item}"
    return Sums(**number)


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def profiles_of(played: Played) -> dict[str, Profile]:
    """By customer: what was last published; it must be what the state says was last published."""
    newest = {address_of(key): value for output, key, value in played.published if output == "profiles"}
    out = {
        who: Profile(doc.name, doc.tier, doc.owner, doc.company, doc.open_cases, doc.fields.get("region"))
        for who, doc in newest.items()
        if doc is not None
    }
    out = {who: mine for who, mine in out.items() if mine != Profile()}
    for who, item in _each(played, "customer:", ProfileItem):
        same = Profile(
            item.name or None, item.tier or None, item.owner or None, item.company or None, item.open_cases
        )  # fmt: skip
        same = msgspec.structs.replace(same, region=item.fields.get("region") or None)
        assert out.get(who, Profile()) == same, f"{who}: published {out.get(who)}, kept {same}"
    return out


# ---------------------------------------------------------------- erased people
def traces(played: Played, who: str) -> list[str]:
    """What is still there of a customer who was erased, in words."""
    items, key = played.items.get(who, {}), who.removeprefix("customer:")
    out = [f"item {name}" for name, item in items.items() if _says_something(item)]
    out += [f"link {link}" for link in links_of(played) if link.customer == who]
    out += [
        f"{account} still sends {item.act.id}"
        for account, item in _each(played, "account:", Kept)
        if item.act is not None and item.customer and address_of(item.customer) == who
    ]
    out += [f"enriched {act}" for act, owner in subscribed(played) if owner == who]
    for output in ("profiles", "scores"):
        values = [value for name, at, value in played.published if name == output and at in {who, key}]
        out += [f"last of {output}: {values[-1]}"] if values and values[-1] is not None else []
    return out if isinstance(items.get("head"), CustomerHead) else [*out, "no tombstone"]


def _says_something(item: Any) -> bool:
    """Tombstones and digests say nothing of a person."""
    if isinstance(item, JoinedItem):
        return item.live
    if isinstance(item, CustomerHead):
        return not item.erased_at or bool(item.identifiers)
    return not isinstance(item, WakeDue)
