"""What the effects of one fold call come to: checked and encoded as a whole before anything of it is taken over.

effects ──► Encoder.encode ──► Outcome ──► the task takes it over: nothing in it can fail any more
                 └─ raises: the call has changed nothing, the event goes to the dead-letter topic
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.state import STATE_BYTES_MAX
from streams.core.address import ADDRESS_BYTES_MAX
from streams.core.effects import EFFECTS_MAX, Drop, Forget, Note, Publish, Put, Reject, Send, WakeAt
from streams.core.facts import Fact
from streams.errors import Poison
from streams.runtime.ports import Headers
from streams.runtime.topology import Output, Topology

DUE_MAX = 1 << 52
"""Later wakes are taken for this one: stores keep a due as a float. (The year 144,000.)"""

KEY_BYTES_MAX = 4 * ADDRESS_BYTES_MAX
"""Of an address, and of the key of a document: beside a value of `record_bytes_max` there is room for it twice."""

_ITEM_BYTES_MAX = 2 * KEY_BYTES_MAX
"""Of an item's name: memos name two addresses."""

KEEP = -1
"""Of `Outcome.wake`: as it was."""

Change = tuple[str, Any, bytes | None]
"""(item, value, encoded value); nulls drop it."""


class Published(NamedTuple):
    """A document for an output topic."""

    output: Output
    name: str
    key: bytes
    value: bytes | None
    headers: Headers | None


class Outcome:
    """The effects of one call, encoded. `wake`: a due, null for none, or `KEEP`. `bytes`: of everything."""

    __slots__ = ("bytes", "changes", "notes", "published", "rejected", "sends", "wake")

    def __init__(self) -> None:
        """Nothing."""
        self.changes: list[Change] = []
        self.sends: list[tuple[bytes, bytes]] = []
        self.published: list[Published] = []
        self.notes: list[Fact] = []
        self.wake: int | None = KEEP
        self.rejected: Reject | None = None
        self.bytes = 0


class Encoder:
    """Turns effects into an `Outcome`. One per worker; knows the codecs and the limits."""

    def __init__(self, topology: Topology, record_bytes_max: int) -> None:
        """`record_bytes_max`: of one value the log is given."""
        self._encode_item, self._decode_item = topology.encode_item, topology.decode_item
        self._encode_event, self._encode_output = topology.encode_event, topology.encode_output
        self._outputs = topology.outputs
        self._record_bytes_max = record_bytes_max
        self._known: set[type] = set()

    def encode(self, effects: Iterable[Any], items: Mapping[str, Any], seen_at: int, wake_after: int) -> Outcome:
        """Check and encode. `items`: of the address, for `Forget`; no wake comes at or before `wake_after`.

        Raises `Poison`, or whatever the fold or a codec raises.
        """
        out = Outcome()
        size = 0
        for count, effect in enumerate(effects, 1):
            if count > EFFECTS_MAX:
                raise Poison(f"more than {EFFECTS_MAX} effects of one call: the fold must send itself Continue")
            kind = type(effect)
            if kind is Put:
                item, value = effect.item, effect.value
                data = self._encode_item(value)
                if (
                    len(data) > STATE_BYTES_MAX
                    or item < "\1"
                    or len(item) > ADDRESS_BYTES_MAX
                    or not item.isascii()
                    or type(value) not in self._known
                ):
                    self._check_item(item, value, data)
                size += len(data)
                out.changes.append((item, value, data))
            elif kind is Send:
                data = self._encode_event(seen_at, effect.event)
                if len(data) > self._record_bytes_max:
                    raise Poison(f"an event of {len(data)} bytes to {effect.address}: up to {self._record_bytes_max}")
                key = effect.address.encode()
                if len(key) > KEY_BYTES_MAX:
                    raise Poison(f"an address of {len(key)} bytes, up to {KEY_BYTES_MAX}: {effect.address[:100]}…")
                size += len(data)
                out.sends.append((data, key))
            elif kind is Publish:
                published = self._publish(effect)
                size += len(published.value or b"")
                out.published.append(published)
            elif kind is WakeAt:
                due = effect.due
                out.wake = None if due is None else min(max(due, wake_after + 1), DUE_MAX)
            elif kind is Drop:
                out.changes.append((effect.item, None, None))
            elif kind is Note:
                out.notes.append(effect.fact)
            elif kind is Forget:
                out.changes = [(item, None, None) for item in items]
                out.wake = None
            elif kind is Reject:
                out.rejected = out.rejected or effect
            else:
                raise Poison(f"the fold gave {kind.__name__}, which is no effect")
        out.bytes = size
        return out

    def _publish(self, effect: Publish) -> Published:
        output = self._outputs.get(effect.output)
        if output is None:
            raise Poison(f"no output {effect.output!r}; there are {', '.join(sorted(self._outputs))}")
        key = effect.key.encode()
        if len(key) > KEY_BYTES_MAX:
            raise Poison(f"a key of {len(key)} bytes for {effect.output}, up to {KEY_BYTES_MAX}: {effect.key[:100]}…")
        if effect.value is None:
            return Published(output, effect.output, key, None, None)
        data = self._encode_output(effect.value)
        if len(data) > self._record_bytes_max:
            raise Poison(f"a document of {len(data)} bytes for {effect.output}: up to {self._record_bytes_max}")
        return Published(output, effect.output, key, data, output.headers(effect.key, effect.value))

    def _check_item(self, item: str, value: Any, data: bytes) -> None:
        if item < "\1":
            raise Poison(f"item name {item!r}: want one that is not empty and does not begin with a null character")
        if len(item.encode()) > _ITEM_BYTES_MAX:
            raise Poison(f"an item name of {len(item.encode())} bytes, up to {_ITEM_BYTES_MAX}: {item[:100]}…")
        if len(data) > STATE_BYTES_MAX:
            raise Poison(f"item {item!r} has {len(data)} bytes, up to {STATE_BYTES_MAX}: its collections need a cap")
        # What could not be read back would stop the task for good: the first of each type is tried.
        if type(value) not in self._known and self._decode_item(data) != value:
            raise Poison(f"item {item!r}: a {type(value).__name__} does not come back as it was written")
        self._known.add(type(value))
