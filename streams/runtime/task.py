"""One inbox partition: its state is the fold of one totally ordered log.

    records ──► fold ──► Outcome ──► items of the address, and `dirty` (what changed since the last commit)
    tick    ──► due wakes, in order of (level, due, address) ──► fold

A resident is an address in memory. Residents that changed are in `dirty` until the commit; the others may go at any
time. A task is thrown away when its work is aborted. The next one may take over residents that did not change, if the
log still stands at the same commit; nothing uncommitted can stay behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.log import LEVELS, TICK_ADDRESS, WAKE_ITEM, Tick, Wake
from schemas.state import WakeDue
from streams.core.fold import GENERATION_SHIFT, Now, State
from streams.errors import Fatal, Poison
from streams.runtime.batch import Batch
from streams.runtime.limits import Limits
from streams.runtime.outcome import KEEP, KEY_BYTES_MAX, Encoder, Outcome
from streams.runtime.ports import Record, StateStore, WakeChange
from streams.runtime.topology import Stage, Topology

TICK_KEY = TICK_ADDRESS.encode()
_EVICTED_SHARE = 5
"""One in five residents goes when there are too many: the cost of choosing is spread over as many arrivals."""


class Resident:
    """An address in memory: its items, decoded, and its wake."""

    __slots__ = ("address", "index", "items", "stage", "state", "used", "wake")

    def __init__(self, address: str, stage: Stage, items: dict[str, Any], wake: int | None, used: int) -> None:
        """`index` is the level's place in `upto`."""
        self.address, self.stage, self.items, self.wake, self.used = address, stage, items, wake, used
        self.index = stage.level - 1
        self.state = State(address, items)


class Task:
    """The work on one inbox partition. Lives as long as nothing of it is in doubt."""

    def __init__(
        self, partition: int, topology: Topology, store: StateStore, limits: Limits, encoder: Encoder,
        *, seq: int, position: int, upto: tuple[int, int, int], changelog_offset: int,
    ) -> None:  # fmt: skip
        """`seq`, `position` (offset of the next record) and `upto` as committed."""
        self.partition = partition
        self.seq, self.position, self.upto = seq, position, upto
        self.published = self.told = upto
        """Stream time as last committed, and of the last tick that was written for this task."""
        self.ticked_at = 0
        self.changelog_offset = changelog_offset
        self.dirty: dict[str, dict[str, bytes | None]] = {}
        self.wakes: dict[str, WakeChange] = {}
        self.loaded_at = 0
        """When the store was last read, and so seen to stand where it should (ms)."""
        self._topology, self._store, self._limits, self._encoder = topology, store, limits, encoder
        self._base = topology.generation << GENERATION_SHIFT
        self._residents: dict[bytes, Resident] = {}
        self._turn = 0

    # -- addresses in memory

    def missing(self, records: Iterable[Record]) -> dict[str, bytes]:
        """Addresses of these records that must be loaded before `fold`: address → key."""
        residents = self._residents
        # In order of arrival, each once: every run asks for the same.
        keys = dict.fromkeys(key for record in records if (key := record.key()) not in residents)
        found: dict[str, bytes] = {}
        for key in keys:
            address = self._address(key)
            if key is not None and address is not None:
                found[address] = key
        if found and self.seq == 0:
            # Nothing was ever committed: there is nothing to load, whatever the store holds.
            self.admit(found, {})
            return {}
        return found

    def admit(self, wanted: Mapping[str, bytes], loaded: Mapping[str, Mapping[str, bytes]]) -> None:
        """Take loaded addresses into memory. Raises `Fatal` for an item that this release cannot read."""
        for address, key in wanted.items():
            items = {name: self._decode(address, name, data) for name, data in loaded.get(address, {}).items()}
            wake: WakeDue | None = items.pop(WAKE_ITEM, None)
            stage = self._topology.stages[address.partition(":")[0]]
            self._residents[key] = Resident(address, stage, items, wake.due if wake else None, self._turn)

    def adopt(self, former: "Task") -> None:
        """Take over what an earlier task of the same partition, at the same commit, has in memory."""
        self._residents, self._turn = former.unchanged()

    def unchanged(self) -> tuple[dict[bytes, Resident], int]:
        """What is in memory as of the last commit, and the last turn: without what was changed since then."""
        changed = {address.encode() for address in self.dirty}
        return {key: resident for key, resident in self._residents.items() if key not in changed}, self._turn

    def evict(self, residents_max: int) -> None:
        """Let go of those that were not used for longest, when there are too many. Only between commits."""
        residents = self._residents
        if len(residents) <= residents_max:
            return
        gone = sorted(residents, key=lambda key: residents[key].used)
        for key in gone[: len(residents) - residents_max + residents_max // _EVICTED_SHARE]:
            del residents[key]

    @property
    def residents(self) -> int:
        """How many addresses are in memory."""
        return len(self._residents)

    # -- work

    def fold(self, records: Sequence[Record], batch: Batch) -> None:
        """Fold records in order, from `position` on.

        Stops where a commit has to come first: at a tick with more wakes than one fires, and when it is large enough.
        """
        self._turn += 1
        turn, residents, decode, base, upto, bytes_max = (
            self._turn, self._residents, self._topology.decode_event, self._base, self.upto,
            self._limits.commit_bytes_max,
        )  # fmt: skip
        events = 0
        for record in records:
            offset = record.offset()
            if offset < self.position:
                continue
            if batch.bytes >= bytes_max:
                break
            resident = residents.get(record.key())  # type: ignore[arg-type]  # a null key is never resident
            if resident is None:
                if not self._control(record, batch):
                    break
                upto = self.upto
            else:
                events += 1
                resident.used = turn
                try:
                    seen_at, event = decode(record.value())  # type: ignore[arg-type]  # null raises, as it must
                except Exception as problem:  # noqa: BLE001  whatever a product's code raises
                    self._refuse(record, batch, problem, "decode")
                else:
                    now = Now(base | offset, seen_at, upto[resident.index])
                    self._call(resident, event, now, record, batch)
            self.position = offset + 1
        batch.events += events

    def _call(self, resident: Resident, event: Any, now: Now, record: Record, batch: Batch) -> None:
        stage = resident.stage
        try:
            effects = stage.fold(resident.state, event, now, self._topology.model)
            outcome = self._encoder.encode(effects, resident.items, now.seen_at, now.upto)
        except MemoryError:
            raise
        except Exception as problem:  # noqa: BLE001  whatever a product's code raises
            self._refuse(record, batch, problem, resident.address.partition(":")[0], resident.address)
            return
        if outcome.rejected is not None:
            rejected = outcome.rejected
            batch.notes += outcome.notes
            self._refuse(
                record,
                batch,
                Poison(rejected.cause, rejected.path),
                resident.address.partition(":")[0],
                resident.address,
            )
            return
        if outcome.changes or outcome.wake != KEEP:
            self._keep(resident, outcome)
        batch.bytes += outcome.bytes
        batch.take(outcome, now.seen_at)

    def _keep(self, resident: Resident, outcome: Outcome) -> None:
        address, items = resident.address, resident.items
        dirty = self.dirty.get(address)
        if dirty is None:
            dirty = self.dirty[address] = {}
        for item, value, data in outcome.changes:
            if data is not None:
                items[item] = value
                dirty[item] = data
            elif item in items:
                del items[item]
                dirty[item] = None
        if outcome.wake not in {KEEP, resident.wake}:
            self._wake_at(resident, outcome.wake)
        if not dirty:
            del self.dirty[address]

    def _wake_at(self, resident: Resident, due: int | None) -> None:
        resident.wake = due
        self.dirty.setdefault(resident.address, {})[WAKE_ITEM] = (
            None if due is None else self._topology.encode_item(WakeDue(due))
        )
        self.wakes[resident.address] = WakeChange(resident.index + 1, resident.address, due)

    # -- ticks

    def _control(self, record: Record, batch: Batch) -> bool:
        """A record without a resident: a tick, or one whose address nobody folds. False: not done with it yet."""
        if record.key() != TICK_KEY:
            batch.reject(record, cause=self._unknown(record.key()), path="key", fold="")
            return True
        try:
            _, tick = self._topology.decode_event(record.value() or b"")
            if type(tick) is not Tick:
                raise Poison(f"want a tick at {TICK_ADDRESS!r}, got a {type(tick).__name__}")  # noqa: TRY301
        except Exception as problem:  # noqa: BLE001  whatever a product's code raises
            self._refuse(record, batch, problem, "decode")
            return True
        before, after = self.upto, tick.upto
        upto = (max(before[0], after[0]), max(before[1], after[1]), max(before[2], after[2]))
        if upto == before:
            return True
        if not self._fire(upto, record, batch):
            return False
        self.upto = upto
        return True

    def _fire(self, upto: tuple[int, int, int], record: Record, batch: Batch) -> bool:
        """Call every address whose wake is due; false when some are left for the next commit."""
        left = self._limits.wakes_max
        position = self._base | record.offset()
        for level in range(1, LEVELS + 1):
            now = Now(position, upto[level - 1], upto[level - 1])
            due = self.due(level, now.upto, left + 1)
            fired = due[:left]
            for resident, (at, _) in zip(self._present(fired), fired, strict=True):
                batch.wakes += 1
                resident.used = self._turn
                self._wake_at(resident, None)
                self._call(resident, Wake(at), now, record, batch)
            left -= len(due)
            if left < 0:
                return False
        return True

    def due(self, level: int, upto: int, limit: int) -> list[tuple[int, str]]:
        """Wakes of a level with `due <= upto`, as (due, address), smallest first, uncommitted changes included."""
        changed = {address: wake.due for address, wake in self.wakes.items() if wake.level == level}
        kept: list[tuple[int, str]] = []
        if self.seq:
            kept = self._store.due(self.partition, level, upto, limit + len(changed), self.seq)
        found = [(due, address) for due, address in kept if address not in changed]
        found += [(due, address) for address, due in changed.items() if due is not None and due <= upto]
        return sorted(found)[:limit]

    def waits(self) -> bool:
        """Whether any address of this partition has a wake."""
        if any(wake.due is not None for wake in self.wakes.values()):
            return True
        levels = range(1, LEVELS + 1) if self.seq else ()
        return any(self._store.next_due(self.partition, level, self.seq) is not None for level in levels)

    def _present(self, due: Sequence[tuple[int, str]]) -> list[Resident]:
        keys = {address: address.encode() for _, address in due}
        wanted = {address: key for address, key in keys.items() if key not in self._residents}
        if wanted:
            loaded = self._store.load({self.partition: list(wanted)}, {self.partition: self.seq})
            self.admit(wanted, loaded)
        return [self._residents[keys[address]] for _, address in due]

    # -- commits

    @property
    def changed(self) -> bool:
        """Whether state changed since the last commit."""
        return bool(self.dirty)

    def committed(self) -> None:
        """Everything up to `position` is committed."""
        self.seq += self.changed
        self.dirty, self.wakes = {}, {}
        self.published = self.upto

    # -- problems

    def _refuse(self, record: Record, batch: Batch, problem: Exception, fold: str, address: str | None = None) -> None:
        poison = problem if isinstance(problem, Poison) else Poison(f"{type(problem).__name__}: {problem}")
        key = None if address is None else address.encode()
        batch.reject(record, cause=poison.cause, path=poison.path, fold=fold, key=key)

    def _decode(self, address: str, item: str, data: bytes) -> Any:
        try:
            return self._topology.decode_item(data)
        except Exception as problem:
            raise Fatal(
                f"state of a {address.partition(':')[0]} (item {item.partition(':')[0]!r}, partition {self.partition}): "
                f"want an item this release knows, found one beginning with {data[:4].hex()}: {problem}; it was written "
                "by a newer release: run that one"
            ) from problem

    def _address(self, key: bytes | None) -> str | None:
        """The address of a key, if some stage folds it."""
        if key is None or key == TICK_KEY or len(key) > KEY_BYTES_MAX or b"\0" in key:
            return None
        try:
            address = key.decode()
        except UnicodeDecodeError:
            return None
        return address if address.partition(":")[0] in self._topology.stages else None

    def _unknown(self, key: bytes | None) -> str:
        known = ", ".join(sorted(self._topology.stages))
        return f"want an address `<type>:<id>` as key with a type of {known}; got {(key or b'')[:100]!r}"
