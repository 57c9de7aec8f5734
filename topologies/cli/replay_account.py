"""Where every relevant act went. Read from the log and the state after a replay, not counted on the way.

    enriched · unmatched · late · rejected · taken back · still open · answers     each act once, by the first that fits

Taken back: before anything was published of it its author deleted it, hid or was erased. Answers: ours, to somebody who
is no customer; the hold is over, and nobody is told. Whatever is none of these was lost; whatever was published and
never came, was invented. Neither may happen.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from schemas.events import AccountStatus, Act, Event, Gone, Purge, ReplyTo
from schemas.state import Kept, PendingReply
from streams.core.partition import partition_of
from streams.errors import Poison
from streams.runtime.oracle_log import read
from streams.runtime.ports import Log
from streams.runtime.topology import Topology
from streams.state.dict_store import DictStore

NAMED_MAX = 20
"""Acts that are named when the account does not add up."""


class Account(msgspec.Struct, frozen=True):
    """How many acts, and where they went. `retracted`: of the enriched ones, those that nobody has any more."""

    acts: int
    enriched: int
    unmatched: int
    late: int
    rejected: int
    taken_back: int
    open: int
    answers: int
    retracted: int
    lost: tuple[str, ...]
    invented: tuple[str, ...]

    @property
    def adds_up(self) -> bool:
        """Whether nothing was lost and nothing invented."""
        return not self.lost and not self.invented


class _Came(msgspec.Struct):
    """What stands in the inbox: acts with the addresses they went to, and what was taken back.

    `answers` are our own answers with their receive time; `silent` are addresses that were erased or are hidden.
    """

    acts: dict[str, set[str]] = {}
    answers: dict[str, int] = {}
    gone: set[str] = set()
    silent: set[str] = set()
    statuses: dict[str, tuple[int, bool]] = {}
    refused: set[str] = set()


class _Document(msgspec.Struct):
    """What an account needs of an output."""

    act: Any
    revision: int = 0
    retracted: bool = False


_decode_document = msgspec.json.Decoder(_Document).decode


def account(log: Log, store: DictStore, topology: Topology, now_ms: int) -> Account:
    """For a log at rest. `now_ms`: where time stands. Raises what a record raises that nobody could have written."""
    came = _came(log, topology)
    enriched = _newest(log, topology)
    published = {
        "enriched": set(enriched),
        "unmatched": _acts_in(log, topology, "unmatched"),
        "late": _acts_in(log, topology, "late"),
        "rejected": came.refused,
        "taken_back": {act for act, homes in came.acts.items() if act in came.gone or homes & came.silent},
    }
    left = set(came.acts)
    counts = {}
    for fate, acts in published.items():
        counts[fate] = len(left & acts)
        left -= acts
    kept = {act for act in left if _is_kept(store, topology, act, came.acts[act])}
    answers = {
        act
        for act in left - kept
        if came.answers.get(act, now_ms) + topology.model.identity.hold_unclaimed_ms <= now_ms
    }
    invented = (published["enriched"] | published["unmatched"]) - came.acts.keys()
    retracted = sum(one.retracted for one in enriched.values())
    return Account(
        acts=len(came.acts), **counts, open=len(kept), answers=len(answers), retracted=retracted,
        lost=_some(left - kept - answers), invented=_some(invented),
    )  # fmt: skip


def _came(log: Log, topology: Topology) -> _Came:
    came = _Came()
    for address, event in _events(log, topology):
        match event:
            case Act() | ReplyTo():
                act = event.act if isinstance(event, ReplyTo) else event
                came.acts.setdefault(act.id, set()).add(address)
                if act.role:
                    came.answers[act.id] = max(act.received_at, came.answers.get(act.id, 0))
            case Gone():
                came.gone.add(event.id)
            case Purge():
                came.silent.add(address)
            case AccountStatus():
                came.statuses[address] = max((event.at, event.hidden), came.statuses.get(address, (0, False)))
    came.silent |= {address for address, (_, hidden) in came.statuses.items() if hidden}
    for record in read(log, topology.dlq, 0):
        headers = dict(record.headers() or ())
        if headers.get("topic") == topology.inbox.encode() and (event := _decoded(topology, record.value())):
            refused = event.act if isinstance(event, ReplyTo) else event
            if isinstance(refused, Act):
                came.refused.add(refused.id)
    return came


def _events(log: Log, topology: Topology) -> Iterator[tuple[str, Event]]:
    for partition in range(topology.partitions):
        for record in read(log, topology.inbox, partition):
            if (event := _decoded(topology, record.value())) is not None:
                yield (record.key() or b"").decode(), event


def _decoded(topology: Topology, value: bytes | None) -> Any:
    """The event; None: nobody could read it, and it is in the dead-letter topic."""
    try:
        return topology.decode_event(value or b"")[1]
    except (msgspec.MsgspecError, Poison):
        return None


def _newest(log: Log, topology: Topology) -> dict[str, _Document]:
    """By act: what a subscriber who keeps the highest revision has."""
    found: dict[str, _Document] = {}
    for record in read(log, topology.outputs["enriched"].topic, 0):
        document = _decode_document(record.value() or b"")
        before = found.get(document.act["id"])
        if before is None or document.revision >= before.revision:
            found[document.act["id"]] = document
    return found


def _acts_in(log: Log, topology: Topology, output: str) -> set[str]:
    documents = (_decode_document(record.value() or b"").act for record in read(log, topology.outputs[output].topic, 0))
    return {act["id"] if isinstance(act, dict) else act for act in documents if act is not None}


def _is_kept(store: DictStore, topology: Topology, act: str, homes: Iterable[str]) -> bool:
    """Whether an address still holds the act and may publish it later."""
    for address in homes:
        items = store.read_address(partition_of(address.encode(), topology.partitions), address)
        for name in (f"act:{act}", f"reply:{act}"):
            if name in items:
                kept = topology.decode_item(items[name])
                if isinstance(kept, PendingReply) or (isinstance(kept, Kept) and kept.act is not None):
                    return True
    return False


def _some(acts: set[str]) -> tuple[str, ...]:
    return tuple(sorted(acts)[:NAMED_MAX])
