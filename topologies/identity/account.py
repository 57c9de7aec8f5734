"""The account: keeps what it did for a while, hears who claims it, and tells each act to the customer whose it is.

    Act, Gone, AccountStatus ─┐                      ┌─► Join     to the customer, again whenever that changes
    Sighting ─────────────────┤                      ├─► Seen     to the handles it used
    Claim   by customers ─────┼─► acts · claims ─────┼─► links    linked, retracted, conflict, refused
    Bound   by handles ───────┤                      ├─► unmatched when an act is sealed and nobody's
    Purge, Decided ───────────┘                      └─► late     what cannot be remembered, or not as long

An account is named by its immutable id; a handle is only a label with a history.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from schemas.events import FINAL, AccountStatus, Act, Bound, Claim, Decided, Gone, Purge, Sighting
from schemas.log import Continue, Wake
from schemas.state import HeardBounds, HeardClaims, Kept
from streams.core.effects import Effect, Note, Put
from streams.core.fold import Now, State
from topologies.identity import links
from topologies.identity.facts import ActAfterErase, ActCut, ActParked, ActTooLate, ClaimRefused, SightingRefused
from topologies.identity.heard import hear, hear_bound, is_news
from topologies.identity.join import Links
from topologies.identity.keeping import Keeper
from topologies.identity.memory import is_beyond, trimmed
from topologies.identity.refuse import refuse
from topologies.identity.sightings import sight_of
from topologies.model import Model


def account(state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """The fold of `account:…`."""
    handler = _HANDLERS.get(type(event))
    return refuse(state, event) if handler is None else handler(Keeper(state, now, model), event)


# ---------------------------------------------------------------- what somebody did
def _act(keeper: Keeper, act: Act) -> Iterable[Effect]:
    head, before = keeper.head, keeper.kept(act.id)
    if before is not None:
        if before.version >= act.version:
            return ()
    elif act.received_at <= head.purged_at:
        return [Note(ActAfterErase())]
    elif is_beyond(act, head, keeper.now.upto, keeper.settings):
        keeper.publish_late(act, "older than what is remembered")
        return [*keeper.effects, Note(ActTooLate())]
    short = trimmed(act)
    if short is not act:
        keeper.effects.append(Note(ActCut()))
    if before is None:
        kept = Kept(act.version, act.received_at, short)
    else:
        kept = Kept(act.version, act.received_at, short, before.revision, before.customer, before.link)
    joined = keeper.changed[act.id] = keeper.rejoin(act.id, kept)
    if before is None and not joined.customer and not act.role:
        keeper.effects.append(_PARKED)
    _sights_changed(keeper, before, kept)
    return keeper.finish(act.received_at)


def _gone(keeper: Keeper, gone: Gone) -> Iterable[Effect]:
    before = keeper.kept(gone.id)
    if before is None:
        if gone.received_at <= keeper.forgets_until:
            return ()
        kept = Kept(gone.version, gone.received_at, None)
    else:
        if before.version > gone.version or (before.version == gone.version and before.act is None):
            return ()
        received_at = max(before.received_at, gone.received_at)
        kept = Kept(gone.version, received_at, None, before.revision, before.customer, before.link)
    keeper.changed[gone.id] = keeper.rejoin(gone.id, kept)
    _sights_changed(keeper, before, kept)
    return keeper.finish(kept.received_at)


def _sights_changed(keeper: Keeper, before: Kept | None, after: Kept) -> None:
    """Tell handles what an act that came, changed or went says of them, unless that was known."""
    old, new = sight_of(before), sight_of(after)
    if any(sight is not None and not keeper.is_in_run(sight.handle, sight.at) for sight in (old, new)):
        keeper.reseen()


def _status(keeper: Keeper, status: AccountStatus) -> Iterable[Effect]:
    head = keeper.head
    if (status.at, status.hidden) <= (head.hidden_at, head.hidden):
        return ()
    keeper.head = replace(head, hidden=status.hidden, hidden_at=status.at)
    keeper.keep(status.received_at + keeper.settings.hold_unclaimed_ms)
    if status.hidden != head.hidden:
        keeper.reseen()
        keeper.rejoin_all()
    return keeper.finish()


def _sighting(keeper: Keeper, sighting: Sighting) -> Iterable[Effect]:
    head = keeper.head
    if sighting.received_at <= head.purged_at:
        return ()
    if sighting.name and sighting.at >= head.name_at:
        keeper.head = replace(keeper.head, name=sighting.name, name_at=sighting.at)
    keeper.see([(sighting.at, sighting.handle)])
    keeper.keep(sighting.received_at + keeper.settings.hold_unclaimed_ms)
    if not keeper.is_in_run(sighting.handle, sighting.at):
        keeper.reseen()
    return keeper.finish()


# ---------------------------------------------------------------- whose it is
def _claim(keeper: Keeper, claim: Claim) -> Iterable[Effect]:
    before = keeper.claims
    if not is_news(before.by if before is not None else {}, claim.sender, claim.version):
        return ()
    claimants_max = keeper.settings.claimants_max
    heard = hear(before, claim, claimants_max)
    if heard is None:
        address, position = keeper.state.address, keeper.now.position
        return [
            Note(ClaimRefused(type="account")),
            links.refused(address, claim.sender, claimants_max, position),
        ]
    if claim.intervals:
        keeper.claimed()
    return _claims_changed(keeper, heard, keeper.bounds, "the customer's records, or what people decided, changed")


def _bound(keeper: Keeper, bound: Bound) -> Iterable[Effect]:
    before = keeper.bounds
    if not is_news(before.by if before is not None else {}, bound.sender, bound.version):
        return ()
    heard = hear_bound(before, bound)
    if heard is None:
        return [Note(SightingRefused(what="handles that bind an account"))]
    if bound.claims:
        keeper.claimed()
    return _claims_changed(keeper, keeper.claims, heard, f"{bound.sender} was seen here, or is claimed otherwise")


def _claims_changed(
    keeper: Keeper, claims: HeardClaims | None, bounds: HeardBounds | None, cause: str
) -> Iterable[Effect]:
    """Take over what is claimed now."""
    before = keeper.links
    if claims is not keeper.claims:
        keeper.effects.append(Put("claims", claims))
    if bounds is not keeper.bounds:
        keeper.effects.append(Put("bounds", bounds))
    keeper.claims, keeper.bounds = claims, bounds
    return _links_changed(keeper, before, cause)


def _links_changed(keeper: Keeper, before: Links, cause: str) -> Iterable[Effect]:
    keeper.links = keeper.links_now()
    if keeper.links != before:
        address, position = keeper.state.address, keeper.now.position
        keeper.effects += links.changes(address, before, keeper.links, cause, position)
        keeper.rejoin_all()
    return keeper.finish()


def _decided(keeper: Keeper, decided: Decided) -> Iterable[Effect]:
    """A person's word on all customers: `never` anybody's, until the next word."""
    word = decided.at, decided.position, decided.what
    if keeper.head.vetoed and word <= keeper.head.vetoed[-1]:
        return ()
    before = keeper.links
    keeper.head = replace(keeper.head, vetoed=(word,))
    return _links_changed(keeper, before, f"{decided.by or 'somebody'} decided: {decided.what}")


def _purge(keeper: Keeper, purge: Purge) -> Iterable[Effect]:
    """Somebody who claimed this account was erased: what is kept of them goes, ids stay as tombstones.

    Where another customer claims the account too, only what was the erased one's goes.
    """
    before, claims = keeper.links, keeper.claims
    others = any(link.customer != purge.sender for link in before)
    heard = claims.by.get(purge.sender) if claims is not None else None
    if heard is not None and heard[1] and heard[0] <= purge.version:
        claims = hear(claims, Claim(purge.sender, purge.version, ()), keeper.settings.claimants_max)
    keeper.cursor = f"{_PURGE}{purge.version} {purge.at} {purge.sender}"
    for act_id, kept in sorted(keeper.acts().items()):
        theirs = kept.customer == purge.sender or (not others and kept.received_at <= purge.at)
        if kept.act is not None and theirs and keeper.has_room:
            # The erased customer need not be told: it has forgotten its acts by itself.
            who = "" if kept.customer == purge.sender else kept.customer
            tombstone = Kept(FINAL, kept.received_at, None, kept.revision, who, kept.link if who else b"")
            keeper.changed[act_id] = keeper.rejoin(act_id, tombstone)
    if not others:
        head, at = keeper.head, purge.at
        seen = tuple(one for one in head.seen if one[0] > at)
        keeper.head = replace(head, name="", name_at=0, seen=seen, purged_at=max(head.purged_at, at))
        keeper.keep(max(keeper.now.seen_at, keeper.now.upto) + keeper.settings.erase_keep_ms)
    keeper.reseen()
    return _claims_changed(keeper, claims, keeper.bounds, "the customer was erased")


# ---------------------------------------------------------------- time
def _wake(keeper: Keeper, _: Wake) -> Iterable[Effect]:
    keeper.seal_what_is_due()
    return keeper.forget() if keeper.is_over else keeper.finish()


def _continue(keeper: Keeper, event: Continue) -> Iterable[Effect]:
    """Go on with what did not fit: everything is the difference to what was told."""
    if event.cursor.startswith(_PURGE):
        version, at, sender = event.cursor.removeprefix(_PURGE).split(" ", 2)
        return _purge(keeper, Purge(sender, int(version), int(at)))
    keeper.rejoin_all()
    keeper.cap(0)
    keeper.seal_what_is_due()
    if keeper.is_over:
        return keeper.forget()
    keeper.reseen()
    return keeper.finish()


_PURGE = "purge "
_PARKED = Note(ActParked())


_HANDLERS: dict[type, Callable[[Keeper, Any], Iterable[Effect]]] = {
    Act: _act,
    Gone: _gone,
    AccountStatus: _status,
    Sighting: _sighting,
    Claim: _claim,
    Bound: _bound,
    Decided: _decided,
    Purge: _purge,
    Wake: _wake,
    Continue: _continue,
}
