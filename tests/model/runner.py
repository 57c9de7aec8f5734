"""A log of one topic in memory, as unkind as the promise allows, that runs the product's folds without an engine.

    external events ──shuffled, some twice──►  partition 0 … P−1  ──any order──►  fold ─► Put · Drop · Forget · Send …
                                                    ▲───────────────────────────────────────────────┘

Offsets are those of the order in which events are folded: a requeued record gets a new one, so versions never go back
at one address. Each partition counts on its own and leaves gaps. There is no order between two events of a channel.
Every effect is checked as the task would: size of the outcome, and that items, events and outputs survive their codecs.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from schemas.events import Envelope, decode_envelope, encode_envelope
from schemas.log import Wake
from schemas.outputs import Alert, Enriched, Late, LinkEvent, ProfileOut, Score, Unmatched
from schemas.state import STATE_BYTES_MAX, decode_item, encode_item
from streams.core.effects import EFFECTS_MAX, Drop, Forget, Note, Publish, Put, Reject, Send, WakeAt
from streams.core.fold import GENERATION_SHIFT, Now, State
from streams.core.partition import partition_of
from streams.runtime.topology import Stage
from tests.model.cast import External
from topologies.model import Model

WAKES_MAX = 500
"""Of all addresses of a level of a world; each wakes for a few acts."""

SENDS_PER_EVENT_MAX = 60
"""In any one world. A few accounts can follow one change; more is a ping-pong."""

DOCUMENTS = {
    "enriched": Enriched,
    "unmatched": Unmatched,
    "scores": Score,
    "profiles": ProfileOut,
    "links": LinkEvent,
    "alerts": Alert,
    "late": Late,
}


class PingPong(AssertionError):
    """Message volume is not bounded."""


class Played(msgspec.Struct):
    """What came of a run: items and wakes by address, what was published in order, and how much was said."""

    items: dict[str, dict[str, Any]] = {}
    published: list[tuple[str, str, Any]] = []
    wakes: dict[str, int] = {}
    sends: int = 0
    external: int = 0


class Queued(msgspec.Struct, frozen=True):
    """An inbox record before it has an offset."""

    address: str
    value: bytes


def play(
    events: Sequence[External],
    stages: Mapping[str, Stage],
    model: Model,
    *,
    seed: int = 0,
    partitions: int = 3,
    reorder: bool = False,
    duplicate: bool = False,
    echo: bool = False,
    until: int = 0,
) -> Played:
    """Fold everything until the inbox is empty; then, if there is an `until`, wake who wants to be woken by then.

    Same arguments, same run; up to the first wake also the same for every `until`.

    `duplicate`: half of the external events come twice. `echo`: so does a tenth of what addresses tell each other, as
    after a requeue of dead letters.
    """
    run = _Run(stages, model, random.Random(seed), partitions, reorder=reorder, duplicate=duplicate, echo=echo)
    run.play(events)
    return run.wake(until)


class _Run:
    def __init__(
        self,
        stages: Mapping[str, Stage],
        model: Model,
        rnd: random.Random,
        partitions: int,
        *,
        reorder: bool,
        duplicate: bool,
        echo: bool,
    ) -> None:
        self._stages, self._model, self._rnd = stages, model, rnd
        self._reorder, self._duplicate, self._echo = reorder, duplicate, echo
        self._queues: list[list[Queued]] = [[] for _ in range(partitions)]
        self._offsets = [rnd.randrange(1000) for _ in range(partitions)]
        self._upto = 0
        self._done = Played()

    def play(self, events: Sequence[External]) -> None:
        again = self._rnd.sample(list(events), len(events) // 2) if self._duplicate else []
        outside = [*events, *again]
        self._rnd.shuffle(outside)
        self._done.external = len(outside)
        self._drain(outside)

    def wake(self, until: int) -> Played:
        """Level by level, as ticks do: a level wakes when the one below has nothing to say any more."""
        self._upto = until
        for level in (1, 2, 3):
            for _ in range(WAKES_MAX):
                due = sorted((due, who) for who, due in self._done.wakes.items() if due <= until)
                mine = [(at, who) for at, who in due if self._stages[who.partition(":")[0]].level == level]
                if not mine:
                    break
                at, address = mine[0]
                del self._done.wakes[address]
                self._fold(address, Wake(at), seen_at=until)
                self._drain([])
            else:
                raise PingPong(f"{mine[0]} wakes for ever")
        return self._done

    def _drain(self, outside: list[External]) -> None:
        while outside or any(self._queues):
            ready = [p for p, queue in enumerate(self._queues) if queue]
            if outside and (not ready or self._rnd.random() < 0.4):
                address, event = outside.pop()
                self._queue(address, Envelope(getattr(event, "received_at", 0), event))
                continue
            self._fold_one(self._rnd.choice(ready))
            if self._done.sends > SENDS_PER_EVENT_MAX * (self._done.external + 2):
                raise PingPong(f"{self._done.sends} sends for {self._done.external} events")

    def _queue(self, address: str, envelope: Envelope) -> None:
        value = encode_envelope(envelope)
        back = decode_envelope(value)
        assert back == envelope, f"{address}: the codec makes {back} of {envelope}"
        self._queues[partition_of(address.encode(), len(self._queues))].append(Queued(address, value))

    def _fold_one(self, partition: int) -> None:
        queue = self._queues[partition]
        queued = queue.pop(self._rnd.randrange(len(queue)) if self._reorder else 0)
        envelope = decode_envelope(queued.value)
        self._fold(queued.address, envelope.event, envelope.seen_at)

    def _fold(self, address: str, event: Any, seen_at: int) -> None:
        partition = partition_of(address.encode(), len(self._queues))
        self._offsets[partition] += self._rnd.choice((1, 1, 1, 2))
        now = Now(position=1 << GENERATION_SHIFT | self._offsets[partition], seen_at=seen_at, upto=self._upto)
        for effect in self._effects(address, event, now):
            self._carry_out(address, effect, seen_at)

    def _effects(self, address: str, event: Any, now: Now) -> list[Any]:
        fold = self._stages[address.partition(":")[0]].fold
        items = self._done.items.get(address, {})
        effects = list(fold(State(address, items), event, now, self._model))
        assert len(effects) <= EFFECTS_MAX, f"{address}: {len(effects)} effects for {event}"
        if self._rnd.random() < 0.05:
            again = list(fold(State(address, dict(reversed(items.items()))), event, now, self._model))
            assert again == effects, f"{address}: other effects for the same arguments, at {event}"
        return effects

    def _carry_out(self, address: str, effect: Any, seen_at: int) -> None:
        items = self._done.items.setdefault(address, {})
        match effect:
            case Put(item, value):
                data = encode_item(value)
                items[item] = decode_item(data)
                assert items[item] == value, f"{address}/{item}: the codec makes {items[item]} of {value}"
                assert len(data) <= STATE_BYTES_MAX
                assert "\0" not in item, f"{address}: item name {item!r}"
            case Drop(item):
                items.pop(item, None)
            case Forget():
                items.clear()
                self._done.wakes.pop(address, None)
            case Send(to, event):
                self._done.sends += 1
                for _ in range(2 if self._echo and self._rnd.random() < 0.1 else 1):
                    self._queue(to, Envelope(seen_at, event))
            case Publish(output, key, value):
                assert value is None or type(value) is DOCUMENTS[output], f"{address}: {output} gets {value}"
                assert isinstance(key, str)
                self._done.published.append((output, key, value))
            case WakeAt(due):
                self._done.wakes.pop(address, None)
                self._done.wakes |= {} if due is None else {address: due}
            case Note():
                pass
            case Reject(cause, path):
                raise AssertionError(f"{address} rejects a good event: {path}: {cause}")
            case _:
                raise AssertionError(f"{address}: not an effect: {effect}")
