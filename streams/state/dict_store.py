"""Serving state in a dictionary: for replays, tests and the simulator. The promises are those of the Redis store."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping, Sequence

from schemas.log import SEPARATOR
from streams.errors import Fenced, StateLost
from streams.runtime.ports import StateCommit, StorePosition, WakeChange

_Changes = Mapping[str, Mapping[str, bytes | None]]


class _Wakes:
    """The wakes of one level: one due per address, kept in order."""

    def __init__(self) -> None:
        self._dues: dict[str, int] = {}
        self._order: list[tuple[int, str]] = []

    def set(self, address: str, due: int | None) -> None:
        before = self._dues.pop(address, None)
        if before is not None:
            del self._order[bisect_left(self._order, (before, address))]
        if due is not None:
            self._dues[address] = due
            insort(self._order, (due, address))

    def upto(self, upto: int, limit: int) -> list[tuple[int, str]]:
        """Those with `due <= upto`, smallest first, at most `limit`."""
        return self._order[: min(limit, bisect_right(self._order, upto, key=lambda wake: wake[0]))]

    def first(self) -> int | None:
        return self._order[0][0] if self._order else None


class _Partition:
    """One partition. `token` is set while a rebuild is under way; `seq` is null then."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self.token: int | None = None
        self.changelog_offset = 0
        self.cluster_id = ""
        self.items: dict[str, dict[str, bytes]] = {}
        self.wakes: dict[int, _Wakes] = {}

    def write(self, changes: _Changes, wakes: Sequence[WakeChange]) -> None:
        for address, items in changes.items():
            kept = self.items.setdefault(address, {})
            for item, value in items.items():
                if value is None:
                    kept.pop(item, None)
                else:
                    kept[item] = value
            if not kept:
                del self.items[address]
        for level, address, due in wakes:
            self.wakes.setdefault(level, _Wakes()).set(address, due)


class DictStore:
    """See `streams.runtime.ports.StateStore`."""

    def __init__(self, cluster_id: str = "") -> None:
        """`cluster_id`: of the log this state is built from."""
        self._cluster_id = cluster_id
        self._partitions: dict[int, _Partition] = {}
        self._tokens = 0

    def position(self, partition: int) -> StorePosition:
        """See the port."""
        found = self._partitions.get(partition) or _Partition()
        return StorePosition(found.seq, found.changelog_offset, found.cluster_id)

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        """See the port."""
        loaded = {}
        for partition, addresses in wanted.items():
            found = self._at(partition, seqs[partition])
            loaded.update({address: dict(found.items.get(address, ())) for address in addresses})
        return loaded

    def due(self, partition: int, level: int, upto: int, limit: int, seq: int) -> list[tuple[int, str]]:
        """See the port."""
        wakes = self._at(partition, seq).wakes.get(level)
        return wakes.upto(upto, limit) if wakes else []

    def next_due(self, partition: int, level: int, seq: int) -> int | None:
        """See the port."""
        wakes = self._at(partition, seq).wakes.get(level)
        return wakes.first() if wakes else None

    def apply(self, commits: Sequence[StateCommit]) -> None:
        """See the port."""
        lost: StateLost | None = None
        for commit in commits:
            try:
                self._apply(commit, None if commit.seq == 1 else commit.seq - 1)
            except StateLost as error:
                lost = lost or error
        if lost is not None:
            raise lost

    def rebuild(self, partition: int) -> "DictRebuild":
        """See the port."""
        self._tokens += 1
        empty = self._partitions[partition] = _Partition()
        empty.token = self._tokens
        return DictRebuild(self, partition, self._tokens)

    def catch_up(self, partition: int, seq_from: int, commit: StateCommit) -> None:
        """See the port."""
        if partition != commit.partition:
            raise ValueError(f"want a commit of partition {partition}, got one of {commit.partition}")
        self._apply(commit, seq_from)

    def read_address(self, partition: int, address: str) -> dict[str, bytes]:
        """The items of an address as of now, unchecked: may be behind the log. For looking, never for folding."""
        found = self._partitions.get(partition)
        return dict(found.items.get(address, ())) if found else {}

    def scan_addresses(self, partition: int, prefix: str = "") -> list[str]:
        """Addresses that begin with `prefix`, sorted; unchecked like `read_address`."""
        found = self._partitions.get(partition)
        return sorted(address for address in found.items if address.startswith(prefix)) if found else []

    def lose(self, partition: int | None = None) -> None:
        """Forget a partition, or everything: what FLUSHALL does to the other store."""
        if partition is None:
            self._partitions.clear()
        else:
            self._partitions.pop(partition, None)

    def seen_from(self, cluster_id: str) -> "DictStore":
        """The same state as a worker of another log would see it."""
        other = DictStore(cluster_id)
        other._partitions = self._partitions
        return other

    def heed(self, should_stop: Callable[[], bool]) -> None:
        """See the port. It never waits."""

    def close(self) -> None:
        """See the port."""

    def held(self, partition: int, token: int) -> _Partition:
        """The partition under rebuild; raises `Fenced` unless `token` holds it."""
        found = self._partitions.get(partition)
        if found is None or found.token != token:
            raise Fenced(f"rebuild of partition {partition}: a newer one has begun, or it was emptied")
        return found

    def finish(self, partition: int, token: int, seq: int, changelog_offset: int) -> None:
        """End a rebuild; done already is success."""
        standing = self._partitions.get(partition)
        if standing is not None and standing.seq == seq and standing.cluster_id == self._cluster_id:
            return
        found = self.held(partition, token)
        if seq == 0:
            del self._partitions[partition]
            return
        found.seq, found.token, found.changelog_offset = seq, None, changelog_offset
        found.cluster_id = self._cluster_id

    def _at(self, partition: int, seq: int) -> _Partition:
        found = self._partitions.get(partition)
        if found is None or found.seq != seq or found.cluster_id != self._cluster_id:
            raise StateLost(partition, want=seq, found=found.seq if found else None)
        return found

    def _apply(self, commit: StateCommit, seq_from: int | None) -> None:
        found = self._partitions.get(commit.partition)
        if found is None:
            found = _Partition()
        if found.seq == commit.seq and found.cluster_id == self._cluster_id:
            return
        fresh = found.seq is None and found.token is None and not found.items and seq_from in {None, 0}
        if not fresh and (found.seq is None or found.seq != seq_from or found.cluster_id != self._cluster_id):
            raise StateLost(commit.partition, want=commit.seq - 1 if seq_from is None else seq_from, found=found.seq)
        self._partitions[commit.partition] = found
        found.write(commit.changes, commit.wakes)
        found.seq, found.changelog_offset, found.cluster_id = commit.seq, commit.changelog_offset, self._cluster_id


class DictRebuild:
    """See `streams.runtime.ports.Rebuild`."""

    def __init__(self, store: DictStore, partition: int, token: int) -> None:
        """Made by `DictStore.rebuild`."""
        self._store, self._partition, self._token = store, partition, token

    def empty(self) -> bool:
        """See the port. It began empty."""
        self._store.held(self._partition, self._token)
        return True

    def write(self, rows: Mapping[bytes, bytes | None], wakes: Sequence[WakeChange]) -> None:
        """See the port."""
        changes: dict[str, dict[str, bytes | None]] = {}
        for key, value in rows.items():
            address, _, item = key.partition(SEPARATOR)
            changes.setdefault(address.decode(), {})[item.decode()] = value
        self._store.held(self._partition, self._token).write(changes, wakes)

    def finish(self, seq: int, changelog_offset: int) -> None:
        """See the port."""
        self._store.finish(self._partition, self._token, seq, changelog_offset)

    def close(self) -> None:
        """See the port."""
