"""Forgetting a person, and keeping it that way for as long as something of them may still be under way.

    Erase ──► tombstone ──► all items go, page by page: alerts are closed, acts retracted, claims withdrawn,
                            identifiers purged, compacted topics emptied
    later ──► dropped and counted           erased_until ──► the tombstone goes too

What is published of it carries the customer's id and nothing else of the person.
"""

from typing import Any

from msgspec.structs import replace

from schemas.events import Claim, Content, Decided, Erase, Join, Purge
from schemas.log import Continue, Wake
from schemas.state import CustomerHead, Profile
from streams.core.effects import Drop, Effect, Forget, Note, Send
from streams.core.stance import tell, told
from topologies.customer.acts import retract
from topologies.customer.alerts import close_all
from topologies.customer.facts import CustomerErased, ErasedEventDropped
from topologies.customer.records import CLAIM, taken
from topologies.customer.turn import DECIDED, FROM, PROFILE, SCORE, SHOWN, Turn, split
from topologies.identity.claims import claims_of

ERASED = "erased"
"""Why alerts are over."""


def erase(turn: Turn, event: Erase) -> list[Effect]:
    """Begin. Asked again, the tombstone stays for longer."""
    until = max(event.received_at, turn.now.seen_at, turn.now.upto) + turn.model.identity.erase_keep_ms
    before = turn.head
    turn.head = CustomerHead(
        erased_at=before.erased_at or max(event.at, 1),
        erased_until=max(before.erased_until, until),
        identifiers=before.identifiers,
        model=turn.model.hash,
    )
    turn.woken()
    turn.ask(turn.head.erased_until)
    if not before.erased_at:
        turn.effects.append(Note(CustomerErased(until=turn.head.erased_until)))
        if before.published:
            turn.publish("profiles", None)
        if turn.shown_before is not None:
            turn.publish("scores", None)
    _page(turn)
    return turn.finish()


def erased(turn: Turn, event: Any) -> list[Effect]:
    """Whatever comes for an erased person."""
    match event:
        case Erase():
            return erase(turn, event)
        case Wake():
            if turn.now.upto >= turn.head.erased_until:
                return [Forget()]
            turn.woken()
            turn.ask(turn.head.erased_until)
        case Continue():
            _page(turn)
        case Join(joined=None) | Content(content=None):
            pass
        case Join() | Content() | Decided():
            turn.effects.append(Note(ErasedEventDropped(kind=type(event).__name__.lower())))
            _pass_on(turn, event)
        case _:
            pass
    return turn.finish()


def _pass_on(turn: Turn, event: Join | Content | Decided) -> None:
    """What was under way when the person was erased came from somebody who has not been told yet."""
    if type(event) is Join:
        _purge(turn, event.sender)
    elif type(event) is Content and event.content is not None:
        _purge(turn, event.subject)
        for to in taken(turn, claims_of([event.content])):
            _purge(turn, to)


def _page(turn: Turn) -> None:
    """As much as fits into one call. What is gone is gone from the state, so going on is beginning anew."""
    turn.knows(Profile())
    close_all(turn, ERASED)
    _acts(turn)
    _records(turn)
    _identifiers(turn)
    for name in (PROFILE, SCORE, SHOWN):
        if name in turn.state:
            turn.effects.append(Drop(name))


def _acts(turn: Turn) -> None:
    """Every act goes; what subscribers know of it is taken back, one revision above the last."""
    purged: set[str] = set()
    for name, item in sorted(turn.kept(), key=lambda one: one[0]):
        if turn.has_to_stop():
            return
        turn.drop_act(name)
        if not item.live:
            continue
        retract(turn, name, item, item.revision + 1)
        account, _ = split(name)
        if account not in purged and account not in turn.head.identifiers:
            purged.add(account)
            _purge(turn, account)


def _records(turn: Turn) -> None:
    """What CRMs said goes; the records are asked to forget it as well."""
    for name, heard in turn.state.starting(FROM):
        if turn.has_to_stop():
            return
        turn.effects.append(Drop(FROM + name))
        if heard.content.content is not None:
            _purge(turn, name)
    for name, _ in turn.state.starting(DECIDED):
        if turn.has_to_stop():
            return
        turn.effects.append(Drop(DECIDED + name))


def _identifiers(turn: Turn) -> None:
    """Claims are withdrawn, and identifiers forget what they kept."""
    for to in told(turn.state, CLAIM):
        if turn.has_to_stop():
            return
        # First: a handle still has to know whom it binds, to let that account know.
        _purge(turn, to)
        turn.effects += tell(turn.state, CLAIM, to, Claim(turn.state.address, turn.now.position, ()), ())
    left = [one for one in turn.head.identifiers if f"told:{CLAIM}:{one}" not in turn.state]
    while left and not turn.has_to_stop():
        _purge(turn, left.pop())
    turn.head = replace(turn.head, identifiers=tuple(left))


def _purge(turn: Turn, to: str) -> None:
    turn.effects.append(Send(to, Purge(turn.state.address, turn.now.position, turn.head.erased_at)))
