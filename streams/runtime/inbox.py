"""The inbox side of a worker: the partitions it owns, their way to a task, and folding what they hold.

    assigned ──► paused, Restore ──► Task ──► revoked or lost: dropped
                        ▲              │
                        └── restart ───┘ what is in memory comes along, if the log still stands at the same commit

`restart` sends everything through its beginning again: one way out of everything that is in doubt.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from streams.errors import StateLost
from streams.runtime.attempts import CAUSE, Attempts
from streams.runtime.batch import Batch
from streams.runtime.limits import Limits, elapsed_ms
from streams.runtime.ports import Clock, Consumer, Record, StateStore, TopicPartition
from streams.runtime.restore import Restore, Restored
from streams.runtime.task import Task


class InboxSide:
    """The inbox partitions of one worker, from assignment to fold."""

    def __init__(
        self, consumer: Consumer, topic: str, store: StateStore, clock: Clock, limits: Limits,
        attempts: Attempts, restore: Callable[[int], Restore], task: Callable[[int, Restored], Task],
    ) -> None:  # fmt: skip
        """`restore` and `task` make new ones."""
        self._attempts = attempts
        self.consumer, self.topic, self._make_restore, self._make_task = consumer, topic, restore, task
        self._store, self._clock, self._limits = store, clock, limits
        self.left: list[Record] = []
        """Taken from the log, but not folded yet."""
        self.tasks: dict[int, Task] = {}
        self.restores: dict[int, Restore] = {}
        self._former: dict[int, Task] = {}
        """Given up by a restart, until it is known where the log stands."""

    def add(self, partitions: Iterable[TopicPartition]) -> None:
        """Theirs from here on; work begins when their state is in place."""
        partitions = list(partitions)
        self.consumer.pause(partitions)
        for _, partition in partitions:
            self._forget(partition)
            self.restores[partition] = self._make_restore(partition)

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """Not theirs any more. Whatever was not committed is gone."""
        for _, partition in partitions:
            self._forget(partition)

    def fold(self, batch: Batch, wait_ms: int) -> int:
        """Take records and fold them; how many there were. What is `left` has to wait for the commit.

        Raises `StateLost`, `Fenced`, and `Retryable` (what was read is kept).
        """
        room = 1 if self._attempts.careful else max(1, self._limits.inbox_records_max - len(self.left))
        # Polled also while something is left: the membership lives by it.
        got = self.consumer.poll(room, 0 if self.left or self.restores else wait_ms)
        # Not in one line: what was left may have been taken away while polling.
        self.left += got
        if not self.left:
            return 0
        count = len(self.left)
        by_partition = self._by_partition()
        if not any(by_partition.values()):
            self.left = []
            return count
        now = by_partition
        if self._attempts.careful:
            # One at a time, also where more is in hand because a tick took several commits.
            now = {partition: records[:1] for partition, records in by_partition.items()}
            self._reject_deadly(now, batch)
        self._load(now, batch)
        batch.begin()
        left: list[Record] = []
        for partition, records in by_partition.items():
            task = self.tasks[partition]
            task.fold(now[partition], batch)
            if records and records[-1].offset() >= task.position:
                left += [record for record in records if record.offset() >= task.position]
        self.left = left
        batch.records += count - len(left)
        return count

    def probe(self, cluster_id: str) -> None:
        """Ask the store about partitions that were not read for a while. Raises `StateLost`.

        Without this an idle owner would never notice that the store was emptied under it.
        """
        now_ms = self._clock.now_ms()
        for partition, task in self.tasks.items():
            if task.seq == 0 or elapsed_ms(task.loaded_at, now_ms) < self._limits.probe_ms:
                continue
            found = self._store.position(partition)
            if found.seq != task.seq or found.cluster_id != cluster_id:
                raise StateLost(partition, want=task.seq, found=found.seq)

    def evict(self) -> None:
        """Keep the cache within its limit. Only between commits."""
        for task in self.tasks.values():
            task.evict(self._limits.cache_addresses_max // len(self.tasks))

    def give_up(self, partitions: Sequence[TopicPartition]) -> None:
        """Handed on to somebody else, in good order."""
        self._attempts.forgive(partitions)
        self.drop(partitions)

    def restart(self, *, keep: bool = True) -> None:
        """Forget everything but what is owned, and restore it. Not to `keep`: nothing in memory can be trusted."""
        former = self._former | self.tasks if keep else {}
        self.add([TopicPartition(self.topic, partition) for partition in sorted({*self.tasks, *self.restores})])
        self._former = former

    def advance(self) -> bool:
        """A slice of restores, in turn, as far as time allows; true when something is under way. Raises `Fatal`."""
        busy = bool(self.restores)
        began_at = self._clock.now_ms()
        for partition in list(self.restores):
            if elapsed_ms(began_at, self._clock.now_ms()) >= self._limits.restore_turn_ms:
                break
            restore = self.restores[partition]
            restore.step()
            if restore.done is None:
                # Behind the others, which come first in the next turn.
                self.restores[partition] = self.restores.pop(partition)
                continue
            where = TopicPartition(self.topic, partition)
            self._attempts.begin(where, restore.done.position)
            del self.restores[partition]
            self.tasks[partition] = task = self._make_task(partition, restore.done)
            former = self._former.pop(partition, None)
            # The state after a commit is one and the same, whoever has read it: there is no need to read it again.
            if former is not None and former.seq == restore.done.seq:
                task.adopt(former)
            self.consumer.seek(where, restore.done.position)
            self.consumer.resume([where])
        return busy

    def lag(self) -> int:
        """Records that wait in partitions that are worked on, at least."""
        return sum(self.consumer.lag(TopicPartition(self.topic, partition)) for partition in self.tasks)

    def _by_partition(self) -> dict[int, list[Record]]:
        """What is in hand, by partition; records of partitions that are not worked on are somebody else's."""
        by_partition: dict[int, list[Record]] = {partition: [] for partition in self.tasks}
        for record in self.left:
            records = by_partition.get(record.partition())
            if records is not None:
                records.append(record)
        return by_partition

    def _reject_deadly(self, by_partition: dict[int, list[Record]], batch: Batch) -> None:
        """Leave out a record that has killed the process again and again."""
        for partition, records in by_partition.items():
            for record in records:
                if record.offset() >= self.tasks[partition].position and self._attempts.is_deadly(record):
                    batch.begin()
                    batch.reject(record, cause=CAUSE, fold="")
                    self.tasks[partition].position = record.offset() + 1

    def _load(self, by_partition: Mapping[int, list[Record]], batch: Batch) -> None:
        """Bring every address into memory: all partitions in one round trip."""
        tasks = self.tasks
        wanted = {partition: tasks[partition].missing(records) for partition, records in by_partition.items()}
        wanted = {partition: keys for partition, keys in wanted.items() if keys}
        if not wanted:
            return
        began_at = self._clock.now_ms()
        seqs = {partition: tasks[partition].seq for partition in wanted}
        loaded = self._store.load({partition: list(keys) for partition, keys in wanted.items()}, seqs)
        now_ms = self._clock.now_ms()
        batch.load_ms.append(now_ms - began_at)
        for partition, keys in wanted.items():
            batch.loads += len(keys)
            tasks[partition].admit(keys, loaded)
            tasks[partition].loaded_at = now_ms

    def _forget(self, partition: int) -> None:
        self._attempts.end(TopicPartition(self.topic, partition))
        self.left = [record for record in self.left if record.partition() != partition]
        self.tasks.pop(partition, None)
        self._former.pop(partition, None)
        restore = self.restores.pop(partition, None)
        if restore is not None:
            restore.close()
