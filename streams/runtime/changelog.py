"""Reading a changelog back: the newest value of each item, up to the marker of one commit.

… item item marker(n-1) item item item marker(n) …
  └──────────────── read ─────────────┘└ complete: it was SEEN
"""

from collections.abc import Sequence

from schemas.log import MARKER_KEY, SEPARATOR, WAKE_ITEM, Marker, decode_marker
from streams.errors import Fatal, StreamError
from streams.runtime.codec import split_key
from streams.runtime.ports import Log, Record, WakeChange
from streams.runtime.topology import Topology

_WAKE_END = SEPARATOR + WAKE_ITEM.encode()


class MarkerPassed(StreamError):
    """A marker above the one wanted came first: the position that was read is not the newest."""


class Changes:
    """Items from the changelog, in the form in which a store takes a commit."""

    def __init__(self, topology: Topology) -> None:
        """Nothing yet."""
        self._topology = topology
        self.items: dict[str, dict[str, bytes | None]] = {}
        self._wakes: dict[str, WakeChange] = {}
        self.count = 0

    def add(self, records: Sequence[Record]) -> None:
        """Later ones win."""
        for record in records:
            address, item = split_key(record.key() or b"")
            self.items.setdefault(address, {})[item] = record.value()
            if item == WAKE_ITEM:
                self._wakes[address] = wake_of(self._topology, address, record.value())
        self.count += len(records)

    @property
    def wakes(self) -> list[WakeChange]:
        """The wakes among the items: the store keeps them in order of time as well."""
        return list(self._wakes.values())


class Rows:
    """Items from the changelog, in the form in which a rebuild takes them: as they stand there, the last of each."""

    def __init__(self, topology: Topology, records: Sequence[Record]) -> None:
        """Of one part of the changelog."""
        self.items: dict[bytes, bytes | None] = {record.key() or b"": record.value() for record in records}
        """Value by changelog key."""
        ends = len(_WAKE_END)
        wakes = [key for key in self.items if key[-ends:] == _WAKE_END]
        self.wakes = [wake_of(topology, key[:-ends].decode(), self.items[key]) for key in wakes]


def wake_of(topology: Topology, address: str, value: bytes | None) -> WakeChange:
    """The store keeps the wakes in order of time as well. Raises `Fatal` for what is not ours, or newer than we are."""
    stage = topology.stages.get(address.partition(":")[0])
    if stage is None:
        raise Fatal(
            f"changelog: want addresses of {', '.join(sorted(topology.stages))}, found {address!r}; "
            "it was written by another topology: run that one, or use another application id"
        )
    if value is None:
        return WakeChange(stage.level, address, None)
    try:
        return WakeChange(stage.level, address, topology.decode_item(value).due)
    except Exception as problem:
        raise Fatal(
            f"changelog: want a wake this release knows, found one of a {address.partition(':')[0]} beginning with "
            f"{value[:4].hex()}: {problem}; it was written by a newer release: run that one"
        ) from problem


class ChangelogReader:
    """Reads one partition from an offset on, until the marker of commit `seq` was seen."""

    def __init__(self, log: Log, topology: Topology, partition: int, *, offset: int, seq: int) -> None:
        """`offset`: inclusive; below the start of what is kept, reading begins there."""
        self._reader = log.reader(
            topology.changelog, partition, max(offset, log.start_offset(topology.changelog, partition))
        )
        self.seq = seq
        self.offset = offset
        """After the last record read."""
        self.complete = False
        self.first: tuple[Marker, int] | None = None
        """The first marker that was seen, and when the log had it (ms)."""

    def read(self, records_max: int, wait_ms: int) -> list[Record] | None:
        """The next items; null when there is nothing to read now. Raises `MarkerPassed`, `Retryable`."""
        records = self._reader.take(records_max, wait_ms)
        if not records:
            return None
        self.offset = records[-1].offset() + 1
        # Compaction leaves few markers: most parts are nothing but items.
        if MARKER_KEY not in [record.key() for record in records]:
            return records
        items: list[Record] = []
        for record in records:
            if record.key() != MARKER_KEY:
                items.append(record)
                continue
            marker = decode_marker(record.value() or b"")
            if self.first is None:
                self.first = (marker, record.timestamp()[1])
            if marker.seq > self.seq:
                raise MarkerPassed(f"want marker {self.seq}, found {marker.seq}")
            if self.is_last(marker):
                self.complete = True
                self.offset = record.offset() + 1
                break
        return items

    def is_last(self, marker: Marker) -> bool:
        """Whether this is the marker to stop at."""
        return marker.seq == self.seq

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()
