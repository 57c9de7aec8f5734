"""The e-mail address: finds the record that leads all records with this verified e-mail, if that is switched on.

    SameEmail  by records, with the rank of their source ─► Cluster  to each of them: who leads

The leader is the one record of the best source. Two of them in the best source, or more records than one person has:
nobody leads, the address does not tell people apart. An address that is no record's any more is forgotten after `hold`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from schemas.events import Cluster, SameEmail
from schemas.log import Wake
from schemas.state import HeardEmail
from streams.core.effects import Drop, Effect, Forget, Note, Put, WakeAt
from streams.core.fold import Now, State
from streams.core.stance import tell, told
from topologies.identity.facts import SightingRefused
from topologies.identity.heard import SILENT_MAX
from topologies.identity.refuse import refuse
from topologies.model import Model

RECORDS_MAX = 48
"""Records with one e-mail that are remembered; from so many on the address is nobody's in particular."""


def email(state: State, event: Any, now: Now, model: Model) -> Iterable[Effect]:
    """The fold of `email:…`."""
    if type(event) is SameEmail:
        return _same_email(state, event, now, model.identity.hold_ms)
    return _wake(state) if type(event) is Wake else refuse(state, event)


def _same_email(state: State, event: SameEmail, now: Now, hold_ms: int) -> Iterator[Effect]:
    records: dict[str, HeardEmail] = dict(state.each("from:"))
    before = records.get(event.sender)
    if before is not None and before.version >= event.version:
        return
    speaking = sum(1 for name, heard in records.items() if heard.priority is not None and name != event.sender)
    if event.priority is not None and speaking >= RECORDS_MAX:
        yield Note(SightingRefused(what="records of one e-mail"))
        return
    records[event.sender] = HeardEmail(event.version, event.priority)
    yield Put(f"from:{event.sender}", records[event.sender])
    silent = sorted((heard.version, name) for name, heard in records.items() if heard.priority is None)
    for _, name in silent[:-SILENT_MAX]:
        del records[name]
        yield Drop(f"from:{name}")
    leader = leader_of(records)
    for record in sorted({*records, *told(state, "cluster")}):
        whom = leader if record in records and records[record].priority is not None else ""
        yield from tell(state, "cluster", record, Cluster(state.address, now.position, whom), whom)
    if event.priority is None and speaking == 0:
        yield WakeAt(now.seen_at + hold_ms)


def _wake(state: State) -> Iterator[Effect]:
    """Forget an address that is nobody's any more: also that of a person who was erased."""
    if all(heard.priority is None for _, heard in state.each("from:")):
        yield Forget()


def leader_of(records: dict[str, HeardEmail]) -> str:
    """The record that leads; empty: none."""
    ranked = sorted((heard.priority, name) for name, heard in records.items() if heard.priority is not None)
    if not 2 <= len(ranked) < RECORDS_MAX or ranked[0][0] == ranked[1][0]:
        return ""
    return ranked[0][1]
