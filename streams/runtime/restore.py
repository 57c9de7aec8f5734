"""Bring the store level with the log before a partition is worked on.

    committed position ──► seq n, upto             what the log says
    store position     ──► seq r, offset           what the store says
        n = 0                empty
        r = n                intact
        r < n                read the changelog from `offset` on until marker n was SEEN: catch up (one write, r → n)
        r none, too old      … from its start: rebuild (empty it, then fill it, part by part)
        r > n                the log went back: rebuild, loudly
        of another log       rebuild, loudly

The end of what can be read is never taken for the end of the changelog: an open transaction of a dead worker may hide
what comes behind it. Work is cut into slices, so that polling goes on; what goes wrong half-way begins again.
"""

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import msgspec

from streams.core.facts import Fact
from streams.errors import Fatal, Fenced, Retryable, StateLost
from streams.runtime import facts
from streams.runtime.changelog import ChangelogReader, Changes, MarkerPassed, Rows
from streams.runtime.codec import read_standing
from streams.runtime.limits import Limits
from streams.runtime.losses import refuse_cut, refuse_short
from streams.runtime.ports import (
    Clock,
    Consumer,
    Log,
    Rebuild,
    Record,
    StateCommit,
    StateStore,
    StorePosition,
    TopicPartition,
)  # fmt: skip
from streams.runtime.topology import Topology

T = TypeVar("T")
Slices = Generator[None, None, T]
"""Work in slices: `yield` ends one."""

_CONTROL_OFFSETS = 2
"""Offsets at the end of a partition that no reader ever sees: what a broker writes to end a transaction."""

_EMPTY_LOOKS = 20
"""Looks for a first record before a changelog that has offsets but shows no records counts as empty."""


class Restored(msgspec.Struct, frozen=True):
    """Where a task may begin."""

    seq: int
    position: int
    upto: tuple[int, int, int]
    changelog_offset: int


class Progress(msgspec.Struct, frozen=True):
    """How far a restore is. Offsets are of the changelog; `end`: what it has to read up to, as far as is known."""

    items: int = 0
    begin: int = 0
    offset: int = 0
    end: int = 0


class Restore:
    """One partition's way to its state. Call `step` until `done` is not null. The partition must be paused."""

    reader = ChangelogReader

    def __init__(
        self, partition: int, topology: Topology, log: Log, store: StateStore, consumer: Consumer,
        clock: Clock, limits: Limits, tell: Callable[[Fact], None],
    ) -> None:  # fmt: skip
        """`consumer`: of the inbox; it knows the committed positions."""
        self.partition = partition
        self.done: Restored | None = None
        self._topology, self._log, self._store, self._consumer = topology, log, store, consumer
        self._clock, self._limits, self._tell = clock, limits, tell
        self._where = TopicPartition(topology.inbox, partition)
        self._began_at = clock.now_ms()
        self.so_far = Progress()
        self._ahead: tuple[int, int] | None = None
        self._passed: tuple[int, int] | None = None
        self._slices = self._run()

    def step(self) -> None:
        """One slice. Raises `Fatal` when the state cannot be had."""
        try:
            next(self._slices, None)
        except (MarkerPassed, Fenced, StateLost, Retryable):
            # A newer rebuild, a store that was emptied meanwhile, a position that moved: ask again.
            self._slices = self._run()

    @property
    def progress(self) -> tuple[int, int]:
        """(done, total) in offsets of the changelog; (0, 0) while nothing is known. Compaction leaves gaps: an estimate."""
        read = self.so_far
        return max(0, min(read.offset, read.end) - read.begin), max(0, read.end - read.begin)

    def close(self) -> None:
        """Stop half-way."""
        self._slices.close()

    def _run(self) -> Slices[None]:
        committed = yield from self._patiently(lambda: self._consumer.committed([self._where])[self._where])
        if committed is None:
            # Nothing was ever committed. Then nothing may stand in the changelog either.
            yield from self._refuse_orphan()
            restored = Restored(0, self._log.start_offset(*self._where), (0, 0, 0), 0)
        else:
            refuse_hole(self._log, self._where, committed.offset)
            standing = read_standing(committed.metadata, self._where)
            u1, u2, u3 = standing.upto
            restored = Restored(standing.seq, committed.offset, (u1, u2, u3), 0)
        found = yield from self._patiently(lambda: self._store.position(self.partition))
        how, changelog_offset = yield from self._level(found, restored.seq)
        self.done = msgspec.structs.replace(restored, changelog_offset=changelog_offset)
        self._tell(
            facts.StateRestored(
                partition=self.partition,
                how=how,
                seq=restored.seq,
                items=self.so_far.items,
                took_ms=self._clock.now_ms() - self._began_at,
            )
        )

    def _level(self, found: StorePosition, seq: int) -> Slices[tuple[str, int]]:
        """Make the store stand at `seq`. Gives back how, and where a later restore may read the changelog on."""
        is_ours = found.seq is not None and found.cluster_id == self._log.cluster_id
        if found.seq is not None and not is_ours:
            self._tell(
                facts.StateOfAnotherLog(partition=self.partition, want=self._log.cluster_id, found=found.cluster_id)
            )
        if seq == 0:
            if found.seq is not None:
                rebuild = yield from self._emptied()
                try:
                    yield from self._patiently(lambda: rebuild.finish(0, 0))
                finally:
                    rebuild.close()
            return "empty", 0
        topic, partition = self._topology.changelog, self.partition
        if is_ours and found.seq == seq:
            yield from self._patiently(
                lambda: refuse_short(self._log, topic, partition, seq=seq, seen=found.changelog_offset)
            )
            return "intact", found.changelog_offset
        if is_ours and found.seq is not None and found.seq > seq:
            self._check_ahead(found.seq, seq)
        elif is_ours and found.changelog_offset >= self._log.start_offset(topic, partition):
            offset = yield from self._catch_up(found, seq)
            if offset is not None:
                return "caught up", offset
        return "rebuilt", (yield from self._rebuild(seq))

    def _catch_up(self, found: StorePosition, seq: int) -> Slices[int | None]:
        """Read the gap and apply it at once. Null: it is too wide or too old, the store has to be filled anew."""
        seq_from = found.seq or 0
        changes = Changes(self._topology)
        reader = self._open(found.changelog_offset, seq)
        try:
            while not reader.complete:
                changes.add((yield from self._read(reader)))
                if changes.count > self._limits.catch_up_items_max:
                    return None
            marker, at = reader.first or (None, 0)
            # Compaction leaves only the newest marker: with the next one gone, nulls of the gap may be gone as well.
            if marker is None or marker.seq > seq_from + 1:
                return None
            if self._clock.now_ms() - at > self._limits.catch_up_age_ms:
                return None
        finally:
            reader.close()
        commit = StateCommit(self.partition, seq, changes.items, changes.wakes, reader.offset)
        yield from self._patiently(lambda: self._store.catch_up(self.partition, seq_from, commit))
        return reader.offset

    def _rebuild(self, seq: int) -> Slices[int]:
        """Empty the store and fill it with everything."""
        yield from self._patiently(lambda: refuse_cut(self._log, self._topology.changelog, self.partition))
        rebuild = yield from self._emptied()
        try:
            reader = self._open(0, seq)
            try:
                while not reader.complete:
                    rows = Rows(self._topology, (yield from self._read(reader)))
                    if rows.items:
                        yield from self._patiently(lambda: rebuild.write(rows.items, rows.wakes))  # noqa: B023
                yield from self._patiently(lambda: rebuild.finish(seq, reader.offset))
            finally:
                reader.close()
        finally:
            rebuild.close()
        return reader.offset

    def _emptied(self) -> Slices[Rebuild]:
        """A rebuild of the partition, with nothing in it any more. The caller closes it."""
        rebuild = yield from self._patiently(lambda: self._store.rebuild(self.partition))
        try:
            while not (yield from self._patiently(rebuild.empty)):
                yield
        except BaseException:
            rebuild.close()
            raise
        return rebuild

    def _open(self, offset: int, seq: int) -> ChangelogReader:
        topic = self._topology.changelog
        begin = max(offset, self._log.start_offset(topic, self.partition))
        self.so_far = Progress(begin=begin, offset=begin, end=self._log.end_offset(topic, self.partition))
        return self.reader(self._log, self._topology, self.partition, offset=offset, seq=seq)

    def _read(self, reader: ChangelogReader) -> Slices[Sequence[Record]]:
        """One slice of the changelog. Raises `Fatal` when nothing comes for too long."""
        waiting_since = self._clock.now_ms()
        while True:
            try:
                items = yield from self._patiently(
                    lambda: reader.read(self._limits.restore_records_max, self._limits.restore_wait_ms)
                )
            except MarkerPassed:
                self._check_passed(reader)
                raise
            yield
            if items is not None:
                self.so_far = Progress(
                    self.so_far.items + len(items), self.so_far.begin, reader.offset, self.so_far.end
                )
                return items
            if self._clock.now_ms() - waiting_since > self._limits.restore_stuck_ms:
                raise Fatal(
                    f"{self._topology.changelog}[{self.partition}]: want the marker of the last commit, read up to offset "
                    f"{reader.offset} and found none for {self._limits.restore_stuck_ms} ms: the changelog was cut off, or "
                    "a transaction hangs; look for hanging transactions, else restore the topic or start a new application id"
                )

    def _patiently(self, call: Callable[[], T]) -> Slices[T]:
        """The answer of `call`, asked again slice by slice until there is one."""
        while True:
            try:
                return call()
            except Retryable as problem:
                self._tell(facts.CallRetried(what="restore", reason=str(problem)))
                yield

    # -- what must not be

    def _refuse_orphan(self) -> Slices[None]:
        topic, partition = self._topology.changelog, self.partition
        if self._log.start_offset(topic, partition) == self._log.end_offset(topic, partition):
            return
        reader = self._log.reader(topic, partition)
        try:
            for _ in range(_EMPTY_LOOKS):
                records = yield from self._patiently(lambda: reader.poll(1, self._limits.restore_wait_ms))
                if records:
                    raise Fatal(
                        f"{topic}[{partition}]: want no state where the group has no position, found some: the group's "
                        "positions expired or were deleted; restore them, or use another application id to start anew"
                    )
                yield
        finally:
            reader.close()

    def _check_ahead(self, found: int, seq: int) -> None:
        """A position may just have moved: believe it when it is seen twice."""
        if self._ahead != (found, seq):
            self._ahead = (found, seq)
            raise MarkerPassed(f"the store stands at {found}, the log at {seq}")
        self._tell(facts.StateAhead(partition=self.partition, want=seq, found=found))

    def _check_passed(self, reader: ChangelogReader) -> None:
        """Positions that stay behind the changelog were set back by somebody."""
        now_ms = self._clock.now_ms()
        if self._passed is None or self._passed[0] != reader.seq:
            self._passed = (reader.seq, now_ms)
        elif now_ms - self._passed[1] > self._limits.restore_stuck_ms:
            raise Fatal(
                f"{self._topology.changelog}[{self.partition}]: want {reader.seq} as the last commit, as the group's position "
                "says, found later ones: the position was set back; set it to the newest one, or use another application id"
            )


def refuse_hole(log: Log, where: TopicPartition, offset: int) -> None:
    """Raise `Fatal` when records at a committed position were deleted before they were read."""
    start = log.start_offset(*where)
    if offset >= start or (start == log.end_offset(*where) and start - offset <= _CONTROL_OFFSETS):
        return
    raise Fatal(
        f"{where.topic}[{where.partition}]: committed at offset {offset}, but the log begins at {start}: records were "
        "deleted before they were read; raise the topic's retention, then set the group's position by hand"
    )
