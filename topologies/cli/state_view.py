"""State as it is served, for looking: decoded items of addresses, each partition as of one commit.

Reads what workers write, beside them, and changes nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from schemas.state import decode_item
from streams.core.partition import partition_of
from streams.errors import Retryable, StateLost
from streams.runtime.ports import Clock
from streams.state.redis_store import RedisStore

Items = dict[str, Any]

_TRIES = 50
_PAUSE_MS = 20
_CHUNK = 200


class StateView:
    """The state of one application."""

    def __init__(self, store: RedisStore, partitions: int, clock: Clock) -> None:
        """`partitions`: of the application."""
        self._store, self._partitions, self._clock = store, partitions, clock

    @property
    def is_empty(self) -> bool:
        """Whether no partition has any state, as before the first worker's first commit."""
        return all(self._store.position(number).seq is None for number in range(self._partitions))

    def read(self, addresses: Iterable[str]) -> dict[str, Items]:
        """Items by address; those without any are left out. Raises `Retryable` while a partition is being restored."""
        by_partition: dict[int, list[str]] = {}
        for address in dict.fromkeys(addresses):
            by_partition.setdefault(partition_of(address.encode(), self._partitions), []).append(address)
        found: dict[str, Items] = {}
        for partition, wanted in by_partition.items():
            found |= self._read(partition, wanted)
        return found

    def all(self, prefix: str) -> Iterator[tuple[str, Items]]:
        """(address, items) of every address that begins with `prefix`, in no order. Goes through all of the state."""
        for partition in range(self._partitions):
            addresses = sorted(self._store.scan_addresses(partition, prefix))
            for start in range(0, len(addresses), _CHUNK):
                yield from self._read(partition, addresses[start : start + _CHUNK]).items()

    def _read(self, partition: int, addresses: list[str]) -> dict[str, Items]:
        for _ in range(_TRIES):
            seq = self._store.position(partition).seq
            if seq is None:
                if not addresses or self.is_empty:
                    return {}
            else:
                try:
                    loaded = self._store.load({partition: addresses}, {partition: seq})
                except StateLost:
                    # A commit came in between.
                    continue
                return {address: _decoded(items) for address, items in loaded.items() if items}
            self._clock.sleep_ms(_PAUSE_MS)
        raise Retryable(f"state of partition {partition}: it is being restored; try again in a moment")


def _decoded(items: dict[str, bytes]) -> Items:
    return {name: decode_item(value) for name, value in items.items()}
