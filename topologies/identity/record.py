"""The CRM record: last value per field by change time, histories of claim-bearing ones, and whose it is.

    Changed  by the CRM ─────────────► fields · histories · deletions ─┐
    Content  by records below it ────► what they say ──────────────────┼─► Content    to the better record, or customer
    Cluster  by its e-mail addresses ► who leads ──────────────────────┘   SameEmail  to its e-mail addresses

So an update that carries one field, or a deletion that carries none, finds its customer. `purge` erases the person.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from schemas.events import Changed, Cluster, Content, Erase, FieldValue, Purge
from schemas.log import Continue, Wake
from schemas.state import Field, Heard, History, RecordGone
from streams.core.effects import Effect, Forget, Note, Put, Send, WakeAt
from streams.core.fold import Now, State
from topologies.identity.claims import CLAIM_FIELDS, kind_of
from topologies.identity.facts import ChangeAfterErase, ChildRefused, HistoryFolded, ValueCut
from topologies.identity.filing import CONTACTS, CONTENT, ERASE, Filing
from topologies.identity.histories import rank, short_identifiers, short_value, with_change, with_entry
from topologies.identity.refuse import refuse
from topologies.model import Model

FIELDS_MAX = 64
"""Fields of one record; further ones are left out."""

NAME_CHARS_MAX = 64
POSITION_CHARS_MAX = 128

CHILDREN_MAX = {"company": 4096, "contact": 1024}
"""Records that may tell another something, by its kind: contacts of a company, cases and other records of a contact."""

LEADERS_MAX = 16
"""E-mail addresses whose word about the leader is remembered."""


def record(state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """The fold of `record:…`."""
    filing, handler = Filing(state, now, model), _HANDLERS.get(type(event))
    if handler is None:
        return refuse(state, event)
    handler(filing, event)
    if filing.head != filing.before:
        filing.effects.append(Put("head", filing.head))
    if filing.head.erased_at and not filing.before.erased_at:
        filing.effects.append(WakeAt(max(now.seen_at, now.upto) + model.identity.erase_keep_ms))
    return filing.effects


# ---------------------------------------------------------------- what the CRM says
def _changed(filing: Filing, event: Changed) -> None:
    if filing.head.erased_at:
        filing.effects += [] if event.op == "purge" else [Note(ChangeAfterErase())]
        return
    if event.op == "purge":
        _purge(filing, event.at, event.received_at)
        return
    cut = sum(_set(filing, name, event) for name in list(event.fields)[: 2 * FIELDS_MAX])
    cut += max(0, len(event.fields) - 2 * FIELDS_MAX)
    if cut:
        filing.effects.append(Note(ValueCut(amount=cut)))
    if event.op != "set":
        _delete(filing, event)
    if not filing.effects:
        return
    # What is in pages comes last: the others are few, and do not go on by themselves.
    filing.tell_company()
    filing.tell_emails()
    filing.retell(filing.me)
    if filing.kind == "company":
        filing.tell_contacts("")


def _set(filing: Filing, name: str, event: Changed) -> bool:
    """Take over one field; true: it, or a part of its value, is left out."""
    value, position = event.fields[name], event.position[:POSITION_CHARS_MAX]
    is_claim = name in CLAIM_FIELDS
    item = f"hist:{name}" if is_claim else f"field:{name}"
    before = filing.get(item)
    if len(name) > NAME_CHARS_MAX or (before is None and _fields(filing) >= FIELDS_MAX):
        return True
    short, is_cut = short_identifiers(value) if is_claim else short_value(value)
    entry = FieldValue(event.at, position, short)
    if is_claim:
        entries = before.entries if isinstance(before, History) else ()
        after, folded = with_entry(entries, entry)
        if after != entries:
            filing.put(item, History(after))
        if folded:
            filing.effects.append(Note(HistoryFolded(what="field")))
    elif not isinstance(before, Field) or rank(before.newest) < rank(entry):
        filing.put(item, Field(entry))
    return is_cut


def _fields(filing: Filing) -> int:
    return len(filing.starting("field:")) + len(filing.starting("hist:"))


def _delete(filing: Filing, event: Changed) -> None:
    before = filing.get("gone")
    changes = before.changes if isinstance(before, RecordGone) else ()
    after, folded = with_change(changes, (event.at, event.position[:POSITION_CHARS_MAX], event.op))
    if after != changes:
        filing.put("gone", RecordGone(after))
    if folded:
        filing.effects.append(Note(HistoryFolded(what="deletions")))


# ---------------------------------------------------------------- what other records say
def _content(filing: Filing, event: Content) -> None:
    kinds = {"company": {"contact"}, "contact": {"contact", "case", "company"}}.get(filing.kind, set())
    if kind_of(event.subject) not in kinds:
        return
    if filing.head.erased_at:
        _pass_on(filing, event)
        return
    item = f"from:{event.subject}" if event.sender == event.subject else f"from:{event.subject}\x1f{event.sender}"
    before = filing.get(item)
    if isinstance(before, Heard) and before.content.version >= event.version:
        return
    if before is None and not _make_room(filing):
        filing.effects.append(Note(ChildRefused(kind=filing.kind)))
        return
    filing.put(item, Heard(event))
    if filing.kind == "company":
        filing.tell_contact(event.subject)
    elif kind_of(event.subject) == "company":
        filing.retell(filing.me)
    else:
        filing.retell(event.subject)


def _make_room(filing: Filing) -> bool:
    """Whether one more may tell something; those that say nothing any more are let go, the oldest first."""
    most = CHILDREN_MAX[filing.kind]
    if len(filing.state) < most or filing.state.count("from:") < most:
        return True
    silent = [
        (heard.content.version, name)
        for name, heard in filing.state.each("from:")
        if heard.content.content is None
    ]  # fmt: skip
    if not silent:
        return False
    filing.put(f"from:{min(silent)[1]}", None)
    return True


def _cluster(filing: Filing, event: Cluster) -> None:
    """An e-mail address says who leads the records it belongs to."""
    known = {email: (version, leader) for email, version, leader in filing.head.heard_leader}
    if filing.head.erased_at or known.get(event.sender, (-1, ""))[0] >= event.version:
        return
    known[event.sender] = event.version, event.leader
    while len(known) > LEADERS_MAX:
        del known[min(known, key=lambda email: (known[email][1] != "", known[email][0]))]
    leaders = tuple((email, *known[email]) for email in sorted(known))
    filing.head = replace(filing.head, heard_leader=leaders)
    filing.retell(filing.me)


# ---------------------------------------------------------------- forgetting
def _purged(filing: Filing, event: Purge) -> None:
    """The customer was erased, and this record of it with it."""
    if not (filing.head.erased_at and filing.head.everywhere):
        filing.head = replace(filing.head, everywhere=True)
        _erase(filing, event.at)


def _pass_on(filing: Filing, said: Content) -> None:
    """What says that it belongs to a person who was erased has to forget them as well, however late it says so."""
    is_theirs = filing.head.everywhere and filing.kind == "contact" and kind_of(said.subject) != "company"
    if is_theirs and said.content is not None:
        purge = Purge(filing.me, filing.now.position, filing.head.erased_at)
        filing.effects.append(Send(said.subject, purge))


def _purge(filing: Filing, at: int, received_at: int) -> None:
    """The CRM has erased the record. If the customer is this record's, the person is erased everywhere."""
    target = filing.head.target
    if target.startswith("customer:"):
        filing.effects.append(Send(target, Erase(at, received_at)))
        filing.head = replace(filing.head, everywhere=True)
    _erase(filing, at)


def _erase(filing: Filing, at: int) -> None:
    """Drop everything, in pages, and take back what was told. A tombstone stays."""
    filing.head = replace(filing.head, erased_at=filing.head.erased_at or max(at, 1), heard_leader=())
    for prefix in ("field:", "hist:", "gone", "from:"):
        for name, item in filing.starting(prefix):
            if filing.is_full(ERASE):
                return
            filing.put(prefix + name, None)
            if isinstance(item, Heard):
                _pass_on(filing, item.content)
    filing.tell_company()
    filing.tell_emails()
    filing.retell_all("")


# ---------------------------------------------------------------- time
def _continue(filing: Filing, event: Continue) -> None:
    what, _, cursor = event.cursor.partition(" ")
    if what == ERASE:
        _erase(filing, filing.head.erased_at)
    elif what == CONTENT:
        filing.retell_all(cursor)
    elif what == CONTACTS:
        filing.tell_contacts(cursor)


def _wake(filing: Filing, _: Wake) -> None:
    """The tombstone has stood for long enough."""
    filing.effects.append(Forget())
    filing.head = filing.before


_HANDLERS: dict[type, Callable[[Filing, Any], None]] = {
    Changed: _changed,
    Content: _content,
    Cluster: _cluster,
    Purge: _purged,
    Continue: _continue,
    Wake: _wake,
}
