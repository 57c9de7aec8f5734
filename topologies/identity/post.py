"""The post: remembers who wrote it, for deletes and replies that name no author.

    Authored ─► author ──┐
    GonePost ─► gone ────┼─► Gone   to the author
    ReplyTo  ─► replies ─┘   Act    to the author, with role `reply`: our own answer

Whatever comes first waits for the rest, until `hold` after the last of them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from config.settings import IdentitySettings
from schemas.events import FINAL, Act, Authored, Gone, GonePost, ReplyTo
from schemas.log import Wake
from schemas.state import PendingReply, PostHead
from streams.core.effects import Drop, Effect, Forget, Note, Publish, Put, Send, WakeAt
from streams.core.fold import Now, State
from topologies.identity.documents import late
from topologies.identity.facts import ActSealedEarly, ReplyUnanswered
from topologies.identity.memory import trimmed
from topologies.identity.refuse import refuse
from topologies.model import Model

REPLIES_MAX = 64
"""Replies of ours that wait for one author; the rest is let go."""

NEW = PostHead()


def post(state: State, event: Any, _: Now, model: Model) -> Iterable[Effect]:
    """The fold of `post:…`."""
    handler = _HANDLERS.get(type(event))
    return refuse(state, event) if handler is None else handler(state, event, model.identity)


def _authored(state: State, event: Authored, settings: IdentitySettings) -> Iterator[Effect]:
    head: PostHead = state.get("head") or NEW
    # A post has one author; should two be named, the same one is believed in every order.
    named = (
        (event.account, event.act) if not head.account else min((head.account, head.act), (event.account, event.act))
    )
    after = _kept(replace(head, account=named[0], act=named[1]), event.received_at, settings)
    if after == head:
        return
    yield from _head(after)
    if head.gone_at:
        yield _gone(after)
    for act_id, pending in state.starting("reply:"):
        yield Send(after.account, replace(pending.act, role="reply"))
        yield Drop(f"reply:{act_id}")


def _gone_post(state: State, event: GonePost, settings: IdentitySettings) -> Iterator[Effect]:
    head: PostHead = state.get("head") or NEW
    if head.gone_at and head.gone_at <= event.at:
        return
    after = replace(head, gone_at=event.at, gone_received_at=event.received_at)
    after = _kept(after, event.received_at, settings)
    yield from _head(after)
    if after.account:
        yield _gone(after)


def _gone(head: PostHead) -> Send:
    return Send(head.account, Gone(head.act, FINAL, head.gone_at, head.gone_received_at))


def _reply_to(state: State, event: ReplyTo, settings: IdentitySettings) -> Iterator[Effect]:
    head: PostHead = state.get("head") or NEW
    act = trimmed(event.act)
    if head.account:
        yield Send(head.account, replace(act, role="reply"))
        return
    item = f"reply:{act.id}"
    before: PendingReply | None = state.get(item)
    if before is not None and before.act.version >= act.version:
        return
    if before is None and state.count("reply:") >= REPLIES_MAX:
        yield Note(ActSealedEarly(cap="replies"))
        yield _late(state.address, act, "sealed early: too many replies wait for the author of one post")
        return
    yield Put(item, PendingReply(act))
    yield from _head(_kept(head, act.received_at, settings))


def _kept(head: PostHead, received_at: int, settings: IdentitySettings) -> PostHead:
    return replace(head, keep_until=max(head.keep_until, received_at + settings.hold_ms))


def _head(head: PostHead) -> Iterator[Effect]:
    yield Put("head", head)
    yield WakeAt(head.keep_until)


def _wake(state: State, _: Wake, _settings: IdentitySettings) -> Iterator[Effect]:
    for _name, pending in state.starting("reply:"):
        yield Note(ReplyUnanswered())
        yield _late(state.address, pending.act, "the author of the post it answers was not seen")
    yield Forget()


def _late(address: str, act: Act, reason: str) -> Publish:
    return Publish("late", address, late(address, act, reason))


_HANDLERS: dict[type, Callable[[State, Any, IdentitySettings], Iterator[Effect]]] = {
    Authored: _authored,
    GonePost: _gone_post,
    ReplyTo: _reply_to,
    Wake: _wake,
}
