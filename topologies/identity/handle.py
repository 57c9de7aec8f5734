"""The handle: hears who used it when and who claims it, and binds each claim to the one account it means.

    Seen    by accounts  ─► runs ───┐
                                    ├─► Bound   to the account: the claims it is meant by
    Claim   by customers ─► claims ─┘   links   unresolved: nobody was seen to use it · review: somebody else uses it now

    claim        [20 ....................... )
    runs       ann [10 ... 25)   bea [30 ... )       binds ann: it used the handle at 20. bea is for review

A bound account holds the claim for the whole of its time, also before it was first seen and after it renamed itself.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from schemas.events import FOREVER, Bound, BoundClaim, Claim, Purge, Seen
from schemas.log import Continue, Wake
from schemas.state import HandleHead, HeardClaims, HeardSeen
from streams.core.effects import EFFECTS_MAX, Drop, Effect, Forget, Note, Publish, Put, Send, WakeAt
from streams.core.fold import Now, State
from streams.core.stance import tell, told
from topologies.identity import links
from topologies.identity.claims import order
from topologies.identity.documents import link_event
from topologies.identity.facts import ClaimRefused, SightingRefused
from topologies.identity.heard import BOUND_CLAIMS_MAX, SILENT_MAX, hear, is_news
from topologies.identity.join import Binding, Run, bindings
from topologies.identity.refuse import refuse
from topologies.model import Model

ACCOUNTS_MAX = 64
"""Accounts whose use of one handle is remembered; on a platform one follows the other."""

REVIEWS_MAX = 16
"""Accounts and customers that can be for review at a time."""

ROOM = EFFECTS_MAX - 32
"""Effects after which a call stops and sends itself `Continue`."""

NEW = HandleHead()
_NOTHING = HeardClaims({})


def handle(state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """The fold of `handle:…`."""
    handler = _HANDLERS.get(type(event))
    return refuse(state, event) if handler is None else handler(state, event, now, model)


# ---------------------------------------------------------------- what is heard
def _seen(state: State, event: Seen, now: Now, model: Model) -> Iterator[Effect]:
    before: HeardSeen | None = state.get(f"seen:{event.sender}")
    if before is not None and before.version >= event.version:
        return
    if event.runs and (before is None or not before.runs) and _is_full(state):
        yield Note(SightingRefused(what="accounts of one handle"))
        return
    after = HeardSeen(event.version, event.runs)
    yield Put(f"seen:{event.sender}", after)
    if not event.runs:
        yield from _drop_oldest_silent(state, event.sender)
    if "claims" in state:
        yield from _retell(state, {event.sender: after}, state.get("claims"), now)
    elif not event.runs:
        yield WakeAt(now.seen_at + model.identity.hold_ms)


def _is_full(state: State) -> bool:
    if len(state) < ACCOUNTS_MAX:
        return False
    return sum(1 for _, seen in state.each("seen:") if seen.runs) >= ACCOUNTS_MAX


def _drop_oldest_silent(state: State, but: str) -> Iterator[Effect]:
    """Accounts that do not use the handle any more are remembered for their version: the newest of them."""
    if len(state) > SILENT_MAX:
        silent = [(seen.version, name) for name, seen in state.each("seen:") if not seen.runs and name != but]
        for _, name in sorted(silent)[: -SILENT_MAX + 1]:
            yield Drop(f"seen:{name}")


def _claim(state: State, event: Claim, now: Now, model: Model) -> Iterator[Effect]:
    before: HeardClaims | None = state.get("claims")
    if not is_news(before.by if before is not None else {}, event.sender, event.version):
        return
    claimants_max = model.identity.claimants_max
    after = hear(before, event, claimants_max)
    if after is None:
        yield Note(ClaimRefused(type="handle"))
        yield links.refused(state.address, event.sender, claimants_max, now.position)
        return
    yield Put("claims", after)
    yield from _retell(state, {}, after, now)


def _purge(state: State, event: Purge, now: Now, model: Model) -> Iterator[Effect]:
    """Somebody who claimed this handle was erased: the accounts it was bound to are told so as well."""
    before: HeardClaims | None = state.get("claims")
    heard = before.by.get(event.sender) if before is not None else None
    if before is None or heard is None or not heard[1] or heard[0] > event.version:
        return
    for account, bound in sorted(bindings(before, _users(state, {})).items()):
        if account and any(binding.claim.customer == event.sender for binding in bound):
            yield Send(account, event)
    after = hear(before, Claim(event.sender, event.version, ()), model.identity.claimants_max)
    yield Put("claims", after)
    yield from _retell(state, {}, after or _NOTHING, now)


# ---------------------------------------------------------------- what is told
def _users(state: State, changed: dict[str, HeardSeen]) -> list[Run]:
    """All runs, in order."""
    seen = {**dict(state.each("seen:")), **changed}
    return sorted(Run(start, account, end) for account, heard in seen.items() for start, end in heard.runs)


def _retell(state: State, changed: dict[str, HeardSeen], claims: HeardClaims, now: Now) -> Iterator[Effect]:
    """Tell accounts which claims they are bound by, and subscribers what that leaves open, where it has changed."""
    users = _users(state, changed)
    bound = bindings(claims, users)
    unbound = bound.pop("", [])
    yield from _published(state, bound, unbound, users, now)
    if any(len(claims) > BOUND_CLAIMS_MAX for claims in bound.values()):
        yield Note(SightingRefused(what="claims by one handle"))
    said = 0
    for account in sorted({*bound, *told(state, "bound")}):
        if said > ROOM:
            yield Send(state.address, Continue(""))
            return
        stance = Bound(state.address, now.position, _claims(bound.get(account, [])))
        for effect in tell(state, "bound", account, stance, stance.claims):
            said += 1
            yield effect


def _claims(bound: list[Binding]) -> tuple[BoundClaim, ...]:
    claims = sorted((binding.claim for binding in bound), key=lambda claim: (order(claim.interval), claim.customer))
    return tuple(claims[-BOUND_CLAIMS_MAX:])


def _published(
    state: State, bound: dict[str, list[Binding]], unbound: list[Binding], users: list[Run], now: Now
) -> Iterator[Effect]:
    before: HandleHead = state.get("head") or NEW
    open_ = [binding.claim for binding in unbound if binding.claim.interval.end == FOREVER]
    reviews = _reviews(bound, users)
    after = replace(before, unresolved=bool(open_), review=tuple(sorted(reviews)))
    if after == before:
        return
    yield Put("head", after)
    if open_ and not before.unresolved:
        yield _unresolved(state.address, open_, now)
    for key in after.review:
        if key not in before.review:
            yield _review(state.address, *reviews[key], now)


def _reviews(bound: dict[str, list[Binding]], users: list[Run]) -> dict[str, tuple[str, BoundClaim]]:
    """Accounts that came to a claimed handle after the one that is bound, by `<account>␟<customer>`."""
    found: dict[str, tuple[str, BoundClaim]] = {}
    for owner in sorted(bound):
        for binding in bound[owner]:
            claim, since = binding.claim, max(binding.claim.interval.start, binding.run.start)
            for run in users:
                if run.account != owner and since < run.start < claim.interval.end and run.start < run.end:
                    found.setdefault(f"{run.account}\x1f{claim.customer}", (run.account, claim))
                    if len(found) >= REVIEWS_MAX:
                        return found
    return found


def _unresolved(address: str, open_: list[BoundClaim], now: Now) -> Publish:
    one = min(open_, key=lambda claim: (order(claim.interval), claim.customer))
    customer = one.customer if len({claim.customer for claim in open_}) == 1 else None
    document = link_event(
        "unresolved",
        address,
        customer,
        "claimed, but no account has been seen to use it",
        position=now.position,
        start=one.interval.start,
        end=one.interval.end,
        evidence=[claim.interval.evidence for claim in open_],
    )
    return Publish(links.OUTPUT, document.identifier, document)


def _review(address: str, account: str, claim: BoundClaim, now: Now) -> Publish:
    document = link_event(
        "review",
        account,
        claim.customer,
        "uses a handle that is claimed, but another account used it before",
        position=now.position,
        start=claim.interval.start,
        end=claim.interval.end,
        evidence=[claim.interval.evidence, f"handle={address.removeprefix('handle:')}"],
    )
    return Publish(links.OUTPUT, document.identifier, document)


# ---------------------------------------------------------------- time
def _continue(state: State, _: Continue, now: Now, _model: Model) -> Iterator[Effect]:
    yield from _retell(state, {}, state.get("claims") or _NOTHING, now)


def _wake(state: State, _: Wake, _now: Now, _model: Model) -> Iterator[Effect]:
    """Forget a handle that nobody ever claimed and nobody uses any more."""
    if "claims" not in state and not any(seen.runs for _, seen in state.each("seen:")):
        yield Forget()


_HANDLERS: dict[type, Callable[[State, Any, Now, Model], Iterator[Effect]]] = {
    Seen: _seen,
    Claim: _claim,
    Purge: _purge,
    Continue: _continue,
    Wake: _wake,
}
