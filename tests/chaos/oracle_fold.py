"""One inbox partition, folded again by the plainest loop there is: record after record, effect after effect."""

from collections import defaultdict
from typing import Any, NamedTuple

import msgspec

from schemas.log import Tick, Wake
from schemas.state import WakeDue
from streams.core import effects as does
from streams.core.fold import Now, State
from tests.chaos.products import Product

TICK = b"tick:"
_EFFECTS_MAX = 256
_LATEST = 1 << 52


class Document(NamedTuple):
    """What stands in an output topic."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Letter(NamedTuple):
    """What stands in the dead-letter topic, but for the words about the cause."""

    key: bytes | None
    value: bytes | None
    topic: str
    partition: int
    offset: int
    fold: str


class Refold:
    """What must have come of the records it was given."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self.state: dict[str, dict[str, Any]] = defaultdict(dict)
        self.wakes: dict[str, int] = {}
        self.upto = [0, 0, 0]
        self.sends: list[tuple[bytes, bytes]] = []
        self.documents: dict[str, list[Document]] = {name: [] for name in product.outputs}
        self.letters: list[Letter] = []

    def take(self, record: Any) -> None:
        """The next record of the inbox."""
        key, value = record.key() or b"", record.value() or b""
        if key == TICK:
            self._tick(record, self._product.read(value)[1])
            return
        address = key.decode()
        if address.partition(":")[0] not in self._product.folds:
            self.letters.append(_letter(record, key, ""))
            return
        seen_at, event = self._product.read(value)
        self._fold(record, address, event, seen_at)

    def _tick(self, record: Any, tick: Tick) -> None:
        later = [max(pair) for pair in zip(self.upto, tick.upto, strict=True)]
        if later == self.upto:
            return
        self.upto = later
        for level in (1, 2, 3):
            due = sorted((due, address) for address, due in self.wakes.items() if due <= later[level - 1])
            for at, address in due:
                if self._product.folds[address.partition(":")[0]][1] == level:
                    del self.wakes[address]
                    self._fold(record, address, Wake(at), later[level - 1])

    def _fold(self, record: Any, address: str, event: Any, seen_at: int) -> None:
        kind = address.partition(":")[0]
        fold, level = self._product.folds[kind]
        now = Now(1 << 48 | record.offset(), seen_at, self.upto[level - 1])
        try:
            wanted = list(fold(State(address, self.state.get(address, {})), event, now, self._product.model))
        except Exception:  # noqa: BLE001  whatever a fold raises
            wanted = [does.Reject("raised")]
        if len(wanted) > _EFFECTS_MAX or any(type(effect) is does.Reject for effect in wanted):
            self.letters.append(_letter(record, address.encode(), kind))
            return
        for effect in wanted:
            self._do(address, effect, now)

    def _do(self, address: str, effect: Any, now: Now) -> None:
        match effect:
            case does.Put(item, value):
                self.state[address][item] = value
            case does.Drop(item):
                self.state[address].pop(item, None)
            case does.Forget():
                self.state[address].clear()
                self.wakes.pop(address, None)
            case does.WakeAt(due):
                self.wakes.pop(address, None)
                if due is not None:
                    self.wakes[address] = min(max(due, now.upto + 1), _LATEST)
            case does.Send(to, event):
                self.sends.append((to.encode(), msgspec.msgpack.encode((now.seen_at, event))))
            case does.Publish(name, key, value):
                _, _, headers = self._product.outputs[name]
                if value is None:
                    self.documents[name].append(Document(key.encode(), None, ()))
                else:
                    data = self._product.write(value)
                    self.documents[name].append(Document(key.encode(), data, tuple(headers(key, value))))

    def items(self) -> dict[str, dict[str, bytes]]:
        """The state as it must be written down."""
        encode = msgspec.msgpack.encode
        found = {
            at: {name: encode(value) for name, value in items.items()} for at, items in self.state.items() if items
        }
        for address, due in self.wakes.items():
            found.setdefault(address, {})["\0w"] = encode(WakeDue(due))
        return found


def _letter(record: Any, key: bytes, fold: str) -> Letter:
    return Letter(key, record.value(), record.topic(), record.partition(), record.offset(), fold)
