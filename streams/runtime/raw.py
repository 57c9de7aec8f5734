"""The raw side of a worker: the raw partitions it owns, and how far each is.

assigned ──► paused, located ──► RawTask ──► revoked or lost: dropped
"""

from collections.abc import Iterable, Sequence

from streams.runtime.attempts import CAUSE, Attempts
from streams.runtime.batch import Batch
from streams.runtime.codec import read_standing
from streams.runtime.ingest import Ingest, RawTask
from streams.runtime.limits import Limits, elapsed_ms
from streams.runtime.ports import Clock, Consumer, Log, Position, Record, TopicPartition
from streams.runtime.restore import refuse_hole
from streams.runtime.ticks import ProgressBoard
from streams.runtime.topology import Topology

_MEMBER_MS = 1_000
"""How often a consumer that is not wanted now is polled."""


class RawSide:
    """The raw partitions of one worker."""

    def __init__(
        self, consumer: Consumer, topology: Topology, log: Log, clock: Clock, limits: Limits,
        attempts: Attempts, board: ProgressBoard,
    ) -> None:  # fmt: skip
        """Nothing is owned yet."""
        self.consumer, self._log, self._clock, self._limits = consumer, log, clock, limits
        self._attempts, self._board = attempts, board
        self._ingest = Ingest(topology, limits, clock)
        self._left: list[Record] = []
        self._polled_at = 0
        self._silence = {entry.topic: entry.silence for entry in topology.inputs}
        self.tasks: dict[TopicPartition, RawTask] = {}
        self.arriving: list[TopicPartition] = []
        """Theirs, but nobody knows yet where they stand."""
        self.paused = False
        """Whether all of them wait, because the inbox is busy."""

    def add(self, partitions: Iterable[TopicPartition]) -> None:
        """Theirs from here on; work begins when their position is known."""
        partitions = list(partitions)
        self.consumer.pause(partitions)
        self.drop(partitions)
        self.arriving += partitions

    def drop(self, partitions: Sequence[TopicPartition]) -> None:
        """Not theirs any more."""
        gone = {(topic, partition) for topic, partition in partitions}
        self._left = [record for record in self._left if (record.topic(), record.partition()) not in gone]
        for where in partitions:
            self.tasks.pop(where, None)
            self._attempts.end(where)
            if where in self.arriving:
                self.arriving.remove(where)

    def give_up(self, partitions: Sequence[TopicPartition]) -> None:
        """Handed on to somebody else, in good order."""
        self._attempts.forgive(partitions)
        self.drop(partitions)

    def restart(self) -> None:
        """Forget everything but what is owned, and locate it."""
        self.add(sorted({*self.tasks, *self.arriving}))

    def advance(self) -> bool:
        """Locate those that came; true when there were any. Raises `Retryable`, `Fatal`."""
        if not self.arriving:
            return False
        located = self.consumer.committed(self.arriving)
        for where, position in located.items():
            task = self._located(where, position)
            self._attempts.begin(where, task.position)
            self.consumer.seek(where, task.position)
            self.tasks[where] = task
        self.arriving = []
        if not self.paused:
            self.consumer.resume(list(located))
        return True

    def take(self, batch: Batch, wait_ms: int) -> int:
        """Take records and send what becomes of them; how many there were."""
        if self.paused:
            self.consumer.resume(list(self.tasks))
            self.paused = False
        if not self._left:
            room = 1 if self._attempts.careful else self._limits.raw_records_max
            self._left = self.consumer.poll(room, wait_ms)
            self._polled_at = self._clock.now_ms()
        records = self._left
        if records:
            # Beginning may have to be tried again: what was read stays in hand until it was taken.
            batch.begin()
            if self._attempts.careful and self._attempts.is_deadly(records[0]):
                records, self._left = records[:1], records[1:]
                self._reject(records[0], batch)
            else:
                self._left = []
                self._ingest.take(records, self.tasks, batch)
            batch.records += len(records)
        return len(records)

    def hold(self) -> None:
        """Take nothing for now; the group must not take us for dead."""
        now_ms = self._clock.now_ms()
        if elapsed_ms(self._polled_at, now_ms) < _MEMBER_MS:
            return
        # A pause throws away what was fetched, so only for a long wait.
        self.consumer.pause(list(self.tasks))
        self.paused = True
        self._polled_at = now_ms
        got = self.consumer.poll(1, 0)
        # Not in one line: what was left may have been taken away while polling.
        self._left += got

    def note_drained(self, seen_at: int) -> bool:
        """Inputs whose silence says that nothing happened are complete up to `seen_at`; true when one moved."""
        moved = False
        if self.paused or self._left:
            return moved
        for where, task in self.tasks.items():
            if task.silence == "nothing happened" and task.seen_at < seen_at and self.consumer.lag(where) == 0:
                task.seen_at = seen_at
                moved = True
        return moved

    def _reject(self, record: Record, batch: Batch) -> None:
        """Leave out a record that has killed the process again and again."""
        task = self.tasks.get(TopicPartition(record.topic(), record.partition()))
        if task is not None:
            batch.reject(record, cause=CAUSE, fold="")
            task.position = record.offset() + 1

    def _located(self, where: TopicPartition, position: Position | None) -> RawTask:
        start = self._log.start_offset(*where)
        silence = self._silence[where.topic]
        if position is None:
            # A partition that came later: ticks have promised already that nothing older follows.
            self._board.read()
            return RawTask(where, silence, position=start, seen_at=self._board.promised())
        refuse_hole(self._log, where, position.offset)
        standing = read_standing(position.metadata, where)
        return RawTask(where, silence, position=position.offset, seen_at=standing.upto[0])
