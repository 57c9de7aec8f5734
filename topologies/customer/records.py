"""What CRMs and people say of a customer: the profile, and what it claims.

Content ─┐                                 ┌─► profile, published when it changed
Decided ─┴─► everything that is known ─────┴─► claims, told to accounts and handles where they changed
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.events import FOREVER, Claim, Content, Decided, Interval, Record
from schemas.state import DecidedItem, Heard, Profile
from streams.core.effects import Drop, Note, Put
from streams.core.fold import State
from streams.core.stance import tell, told
from topologies.customer.documents import profile_out
from topologies.customer.facts import IdentifiersRefused, RecordRefused
from topologies.customer.profile import is_gone, known_by, merge
from topologies.customer.turn import DECIDED, FROM, PROFILE, Turn
from topologies.identity.claims import (
    CONFIRMED,
    EVIDENCE_BYTES_MAX,
    NEVER,
    claims_of,
    cut,
    kind_of,
    order,
    takes_claims,
)
from topologies.identity.documents import link_event

RECORDS_MAX = 256
"""Records of one customer. Beyond it those that are not his any more go first, then closed cases; at last the new one
is refused."""

DECISIONS_MAX = 256
"""Identifiers of one customer that people have decided about; further ones are refused."""

NAME_CHARS_MAX = 256
"""Of who decided, and of the position of it."""

CLAIM = "claim"
"""The kind of the stance."""

REFUSED_SHOWN_MAX = 16
"""Refused identifiers that are published at a time; all are counted."""

Claims = dict[str, tuple[Interval, ...]]


class Known:
    """Records and decisions as they are now: kept ones, with the one that has just come."""

    def __init__(self, state: State) -> None:
        """As kept."""
        self.heard: dict[str, Record | None] = {name: item.content.content for name, item in state.starting(FROM)}
        self.decided: dict[str, DecidedItem] = dict(state.starting(DECIDED))

    @property
    def records(self) -> list[Record]:
        """Those that are the customer's, in order of name."""
        return [record for _, record in sorted(self.heard.items()) if record is not None]

    def claims(self) -> Claims:
        """By identifier, in order of name."""
        found: Mapping[str, Iterable[Interval]] = claims_of(self.records)
        said = {name: interval for name, item in self.decided.items() if (interval := _said(item)) is not None}
        return {
            name: tuple(sorted([*found.get(name, ()), *([said[name]] if name in said else ())], key=order))
            for name in sorted({*found, *said})
        }


def _said(item: DecidedItem) -> Interval | None:
    """What a decision claims; None: it was taken back."""
    if item.what == "unset":
        return None
    evidence = cut(f"decision={item.by}", EVIDENCE_BYTES_MAX)
    return Interval(0, FOREVER, CONFIRMED if item.what == "is" else NEVER, evidence)


# ---------------------------------------------------------------- events
def content(turn: Turn, event: Content) -> bool:
    """A record says what it says; false: that is no news."""
    heard: Heard | None = turn.state.get(FROM + event.subject)
    if heard is not None and event.version <= heard.content.version:
        return False
    known = Known(turn.state)
    if heard is None and len(known.heard) >= RECORDS_MAX and not _make_room(turn, known):
        turn.effects.append(Note(RecordRefused(what="record")))
        return False
    before = dict(known.heard)
    known.heard[event.subject] = event.content
    turn.effects.append(Put(FROM + event.subject, Heard(event)))
    retell(turn, known)
    _refuse(turn, known, before)
    return True


def _make_room(turn: Turn, known: Known) -> bool:
    """Forget a record that matters least; false: all matter."""
    gone = [name for name, record in known.heard.items() if record is None or _is_over(record)]
    if not gone:
        return False
    name = min(gone, key=lambda one: (known.heard[one] is not None, turn.state.get(FROM + one).content.version))
    turn.effects.append(Drop(FROM + name))
    del known.heard[name]
    return True


def _is_over(record: Record) -> bool:
    return kind_of(record.record) == "case" and (is_gone(record) or not merge([record], (), (), ()).open_cases)


def decided(turn: Turn, event: Decided) -> bool:
    """A person decided; false: a newer decision is known, or there are too many."""
    before: DecidedItem | None = turn.state.get(DECIDED + event.identifier)
    after = DecidedItem(event.at, event.position[:NAME_CHARS_MAX], event.what, event.by[:NAME_CHARS_MAX])
    if before is not None and (after.at, after.position, after.what) <= (before.at, before.position, before.what):
        return False
    if before is None and turn.state.count(DECIDED) >= DECISIONS_MAX:
        turn.effects.append(Note(RecordRefused(what="decision")))
        return False
    known = Known(turn.state)
    known.decided[event.identifier] = after
    turn.effects.append(Put(DECIDED + event.identifier, after))
    retell(turn, known)
    return True


# ---------------------------------------------------------------- what follows
def retell(turn: Turn, known: Known | None = None) -> None:
    """Publish the profile and tell the claims, as far as they are not what was last said."""
    known = known or Known(turn.state)
    claims = known.claims()
    _show_profile(turn, known, claims)
    accepted = {name: claims[name] for name in taken(turn, claims)}
    for to in sorted({*accepted, *told(turn.state, CLAIM)}):
        if turn.has_to_stop():
            return
        intervals = accepted.get(to, ())
        stance = Claim(turn.state.address, turn.now.position, intervals)
        turn.effects += tell(turn.state, CLAIM, to, stance, intervals)


def taken(turn: Turn, claims: Iterable[str]) -> list[str]:
    """The identifiers that claims are told to: in order of name, as many as one customer may claim."""
    return [name for name in claims if takes_claims(name)][: turn.model.identity.identifiers_max]


def _show_profile(turn: Turn, known: Known, claims: Claims) -> None:
    model, before = turn.model, turn.profile
    after = merge(known.records, known_by(claims), model.identity.sources, model.profile.fields)
    if after == before:
        return
    turn.knows(after)
    is_empty = after == Profile()
    turn.effects.append(Drop(PROFILE) if is_empty else Put(PROFILE, after))
    turn.publish("profiles", None if is_empty else profile_out(turn.id, after, model.hash))
    turn.head = replace(turn.head, published=not is_empty)


def _refuse(turn: Turn, known: Known, before: dict[str, Record | None]) -> None:
    """Tell of identifiers that this record has made too many."""
    most = turn.model.identity.identifiers_max
    refused = [name for name in known.claims() if takes_claims(name)][most:]
    if not refused:
        return
    known.heard = before
    already = frozenset([name for name in known.claims() if takes_claims(name)][most:])
    news = [name for name in refused if name not in already]
    if not news:
        return
    turn.effects.append(Note(IdentifiersRefused(amount=len(news))))
    cause = f"a customer may claim {most} identifiers; these come first in order of name"
    for name in news[:REFUSED_SHOWN_MAX]:
        event = link_event("refused", name, turn.state.address, cause, position=turn.now.position)
        turn.publish("links", event, key=name)
