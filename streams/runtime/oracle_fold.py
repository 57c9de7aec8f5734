"""What must have come of an inbox partition: its committed records, folded one by one, by the plainest code there is.

Nothing of the engine's task, batch or commit is used here: two ways to the same answer, or it is no check.
"""

from typing import Any, NamedTuple

from schemas.log import TICK_ADDRESS, Tick, Wake
from schemas.state import STATE_BYTES_MAX
from streams.core.effects import Drop, Forget, Note, Publish, Put, Reject, Send, WakeAt
from streams.core.fold import GENERATION_SHIFT, Now, State
from streams.runtime.ports import Record
from streams.runtime.topology import Topology

_LATEST = 1 << 52


class Sent(NamedTuple):
    """An event that a fold sent. `level`: of the sender."""

    key: bytes
    value: bytes
    level: int


class Written(NamedTuple):
    """A document that a fold published."""

    output: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Letter(NamedTuple):
    """A dead letter."""

    key: bytes | None
    value: bytes | None
    path: str
    fold: str
    topic: str
    partition: int
    offset: int


class Replica:
    """One partition, recomputed."""

    def __init__(self, topology: Topology, partition: int, value_bytes_max: int) -> None:
        """Empty."""
        self._topology, self._partition, self._value_bytes_max = topology, partition, value_bytes_max
        self.items: dict[str, dict[str, Any]] = {}
        self.wakes: dict[str, int] = {}
        self.upto = (0, 0, 0)
        self.sent: list[Sent] = []
        self.written: list[Written] = []
        self.letters: list[Letter] = []

    def fold(self, record: Record) -> None:
        """The next record."""
        key, topology = record.key(), self._topology
        try:
            address = (key or b"").decode()
        except UnicodeDecodeError:
            address = ""
        kind = address.partition(":")[0]
        if address != TICK_ADDRESS and kind not in topology.stages:
            self._letter(record, key, "key", "")
            return
        try:
            seen_at, event = topology.decode_event(record.value() or b"")
        except Exception:  # noqa: BLE001  whatever a codec raises
            self._letter(record, key, "$", "decode")
            return
        if address != TICK_ADDRESS:
            self._call(record, address, event, seen_at, self.upto)
        elif isinstance(event, Tick):
            self._tick(record, event)
        else:
            self._letter(record, key, "$", "decode")

    def _tick(self, record: Record, tick: Tick) -> None:
        upto = tuple(max(pair) for pair in zip(self.upto, tick.upto, strict=True))
        if upto == self.upto:
            return
        now = (upto[0], upto[1], upto[2])
        for level in (1, 2, 3):
            due = sorted(
                (due, address)
                for address, due in self.wakes.items()
                if self._topology.level(address) == level and due <= now[level - 1]
            )
            for at, address in due:
                del self.wakes[address]
                self._call(record, address, Wake(at), now[level - 1], now)
        self.upto = now

    def _call(self, record: Record, address: str, event: Any, seen_at: int, upto: tuple[int, int, int]) -> None:
        kind = address.partition(":")[0]
        stage = self._topology.stages[kind]
        now = Now(self._topology.generation << GENERATION_SHIFT | record.offset(), seen_at, upto[stage.level - 1])
        items = self.items.get(address, {})
        try:
            effects = [
                effect
                for effect in stage.fold(State(address, dict(items)), event, now, self._topology.model)
                if not isinstance(effect, Note)
            ]
            path = self._check(effects)
        except Exception as problem:  # noqa: BLE001  whatever a fold raises
            path = getattr(problem, "path", "$")
        if path is not None:
            self._letter(record, address.encode(), path, kind)
            return
        for effect in effects:
            self._carry_out(effect, address, stage.level, now)

    def _check(self, effects: list[Any]) -> str | None:
        """The path of what is wrong with these effects, if something is."""
        if rejects := [effect for effect in effects if isinstance(effect, Reject)]:
            return str(rejects[0].path)
        too_large = any(
            (isinstance(effect, Put) and len(self._topology.encode_item(effect.value)) > STATE_BYTES_MAX)
            or (isinstance(effect, Send) and len(self._topology.encode_event(0, effect.event)) > self._value_bytes_max)
            or (
                isinstance(effect, Publish)
                and effect.value is not None
                and len(self._topology.encode_output(effect.value)) > self._value_bytes_max
            )
            for effect in effects
        )
        unreadable = any(
            isinstance(effect, Put)
            and (
                not effect.item or self._topology.decode_item(self._topology.encode_item(effect.value)) != effect.value
            )
            for effect in effects
        )
        unknown = any(isinstance(effect, Publish) and effect.output not in self._topology.outputs for effect in effects)
        return "$" if len(effects) > 256 or too_large or unreadable or unknown else None

    def _carry_out(self, effect: Any, address: str, level: int, now: Now) -> None:
        items = self.items.setdefault(address, {})
        match effect:
            case Put(item, value):
                items[item] = value
            case Drop(item):
                items.pop(item, None)
            case Forget():
                items.clear()
                self.wakes.pop(address, None)
            case WakeAt(due) if due is None:
                self.wakes.pop(address, None)
            case WakeAt(due):
                self.wakes[address] = min(max(int(due or 0), now.upto + 1), _LATEST)
            case Send(to, event):
                self.sent.append(Sent(to.encode(), self._topology.encode_event(now.seen_at, event), level))
            case Publish(name, key, value):
                output = self._topology.outputs[name]
                data = None if value is None else self._topology.encode_output(value)
                headers = () if value is None else tuple(output.headers(key, value))
                self.written.append(Written(name, key.encode(), data, headers))
        if not items:
            del self.items[address]

    def _letter(self, record: Record, key: bytes | None, path: str, fold: str) -> None:
        self.letters.append(
            Letter(key, record.value(), path, fold, record.topic(), record.partition(), record.offset())
        )
