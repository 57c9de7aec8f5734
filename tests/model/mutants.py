"""The tempting shortcuts, each as a wrapper around one fold. The property must catch every one of them.

A wrapper changes what a fold is told, or what it says; it knows the items of `schemas.state` and nothing of the fold.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from schemas.events import FOREVER, Bound, Changed, Claim, Erase, Gone, Interval, Join, Seen
from schemas.state import History, JoinedItem, Kept, ScoreItem
from streams.core.decay import weight
from streams.core.effects import Drop, Effect, Forget, Publish, Put, Send
from streams.core.fold import Fold, Now, State
from streams.runtime.topology import Stage
from tests.model.records import CLAIM_FIELDS
from topologies.model import Model

Wrapper = Callable[[Fold, State, Any, Now, Model], Iterable[Effect]]


def forget_joined(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Account: an act that has found its customer is not kept."""
    for effect in fold(state, event, now, model):
        if isinstance(effect, Put) and isinstance(effect.value, Kept) and effect.value.customer:
            yield Drop(effect.item)
        else:
            yield effect


def no_tombstone(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Account: a delete of an act that is not there is nothing to do."""
    if isinstance(event, Gone) and f"act:{event.id}" not in state:
        return ()
    return fold(state, event, now, model)


def lww_claims(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Record: the newest value of a claim-bearing field wins; what comes later and is older is ignored."""
    if isinstance(event, Changed):
        newest = {name: item.entries[-1] for name, item in state.starting("hist:") if isinstance(item, History)}
        fields = {
            name: value
            for name, value in event.fields.items()
            if name not in CLAIM_FIELDS
            or name not in newest
            or (event.at, event.position) > (newest[name].at, newest[name].position)
        }
        event = msgspec.structs.replace(event, fields=fields)
    return fold(state, event, now, model)


def handle_latest(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Handle: it belongs to the account that was heard of last."""
    if not isinstance(event, Seen) or not event.runs:
        return fold(state, event, now, model)
    others = [f"seen:{name}" for name, _ in state.starting("seen:") if name != event.sender]
    kept = {name: item for name, item in state.starting("") if name not in others}
    alone = msgspec.structs.replace(event, runs=((0, FOREVER),))
    return [*map(Drop, others), *fold(State(state.address, kept), alone, now, model)]


def lookback_equal(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Account: a claim is as good in its look-back as in its own time."""
    back = look_back_of(model)

    def early(interval: Interval) -> Interval:
        return msgspec.structs.replace(interval, start=interval.start - back)

    if isinstance(event, Claim):
        event = msgspec.structs.replace(event, intervals=tuple(map(early, event.intervals)))
    elif isinstance(event, Bound):
        claims = tuple(msgspec.structs.replace(claim, interval=early(claim.interval)) for claim in event.claims)
        event = msgspec.structs.replace(event, claims=claims)
    here = msgspec.structs.replace(model.identity, look_back_ms=0)
    return fold(state, event, now, msgspec.structs.replace(model, identity=here))


def look_back_of(model: Model) -> int:
    """In milliseconds."""
    return model.identity.look_back_ms


def running(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Customer: a running sum: what the cap still has room for is added when it comes; what goes is taken away."""
    effects = list(fold(state, event, now, model))
    if not isinstance(event, Join):
        return effects
    name = f"act:{event.sender}\x1f{event.subject}"
    before, after = state.get(name), state.get(name)
    for effect in effects:
        if isinstance(effect, Put) and effect.item == name:
            after = effect.value
    was = state.get("score") or ScoreItem()
    total = _int(was.engagement) + _running_change(state, before, after, model)
    return [
        Put(effect.item, _with_total(effect.value, total))
        if isinstance(effect, Put) and isinstance(effect.value, ScoreItem)
        else effect
        for effect in effects
    ]


def _running_change(state: State, before: JoinedItem | None, after: JoinedItem | None, model: Model) -> int:
    sums: dict[tuple[str, int], int] = {}
    for _, item in state.starting("act:"):
        if item.live:
            sums[item.kind, item.bucket] = sums.get((item.kind, item.bucket), 0) + item.engagement
    change = 0
    if before is not None and before.live and before != after:
        sums[before.kind, before.bucket] -= before.engagement
        change -= before.engagement * weight(before.bucket)
    if after is not None and after.live and before != after:
        cap = round(1000 * model.score.caps.get(after.kind, 1e12))
        room = max(0, cap - sums.get((after.kind, after.bucket), 0))
        change += min(after.engagement, room) * weight(after.bucket)
    return change


def _with_total(score: ScoreItem, total: int) -> ScoreItem:
    """The kinds must still add up: this mutant is to be caught by its sum."""
    wrong = total - _int(score.engagement)
    by_kind = dict(score.by_kind)
    name = next(iter(by_kind), "like")
    one, two = by_kind.get(name, (b"\0", b"\0"))
    by_kind[name] = _bytes(_int(one) + wrong), two
    return msgspec.structs.replace(score, engagement=_bytes(total), by_kind=by_kind)


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _bytes(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)


def erase_forget(fold: Fold, state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """Customer: whoever is erased is forgotten, the erasing itself too."""
    effects = fold(state, event, now, model)
    if not isinstance(event, Erase):
        return effects
    return [*(effect for effect in effects if isinstance(effect, Send | Publish)), Forget()]


MUTANTS: dict[str, tuple[str, Wrapper]] = {
    "forget_joined": ("account", forget_joined),
    "no_tombstone": ("account", no_tombstone),
    "lww_claims": ("record", lww_claims),
    "handle_latest": ("handle", handle_latest),
    "running": ("customer", running),
    "lookback_equal": ("account", lookback_equal),
    "erase_forget": ("customer", erase_forget),
}
"""By name: which fold is wrapped, and by what."""


def mutated(stages: Mapping[str, Stage], name: str) -> dict[str, Stage]:
    """The product with one shortcut taken."""
    where, wrap = MUTANTS[name]
    fold = stages[where].fold

    def shortcut(state: State, event: Any, now: Now, model: Model, /) -> Iterable[Effect]:
        return wrap(fold, state, event, now, model)

    return {**stages, where: Stage(shortcut, stages[where].level)}
