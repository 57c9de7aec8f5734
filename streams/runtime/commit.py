"""One commit, as a list of verbs, and what a crash before each of the next ones leaves.

    finish           nothing: the transaction is open, its successor aborts it
    write_state      the same
    write_progress   the same
    send_offsets     the same; a new owner waits until the transaction is settled
    commit_log       n or n-1: the metadata of the committed position tells which
    apply_to_store   n in the log, n-1 in the store: restore reads commit n back
    release          n everywhere: nothing to do

The log is the truth and goes first. The store takes commit n only on top of n-1, so not even a worker that was asleep
for an hour can put it out of step.
"""

from collections.abc import Callable, Mapping

from schemas.log import MARKER_KEY, SEPARATOR, Marker, Progress, encode_wire
from streams.core.facts import Fact
from streams.errors import Doubtful, Fenced, Retryable
from streams.runtime import facts
from streams.runtime.batch import Batch
from streams.runtime.codec import Standing, inbox_task, raw_task, write_standing
from streams.runtime.ingest import RawTask
from streams.runtime.limits import Limits, elapsed_ms
from streams.runtime.ports import (
    Clock,
    Consumer,
    Log,
    Membership,
    Position,
    StateCommit,
    StateStore,
    TopicPartition,
)  # fmt: skip
from streams.runtime.task import Task
from streams.runtime.topology import Topology

_OFFSET_LOOK_MS = 10_000
"""How often the end of a changelog is looked up: a restore reads that much more than it must. A broker is asked for it
in the middle of a commit."""


class Committer:
    """Commits what a worker has in hand."""

    def __init__(
        self, topology: Topology, log: Log, store: StateStore, clock: Clock, limits: Limits,
        tell: Callable[[Fact], None],
    ) -> None:  # fmt: skip
        """One per worker."""
        self._topology, self._log, self._store = topology, log, store
        self._clock, self._limits, self._tell = clock, limits, tell
        self._looked_at: dict[int, int] = {}
        self.hurries: Callable[[], bool] = lambda: False
        """Whether somebody waits for us to leave: then nothing is tried for long."""

    def commit(
        self,
        batch: Batch,
        raw: Mapping[TopicPartition, RawTask],
        tasks: Mapping[int, Task],
        consumers: tuple[Consumer | None, Consumer | None],
        retry_ms_max: int,
    ) -> None:
        """Commit. `consumers`: of the raw topics and of the inbox. Gives up after `retry_ms_max`.

        Raises `Fenced` (nothing was committed), `Doubtful` (look), and, when everything is committed but the store
        could not be brought up to date, `Retryable` or `StateLost`.
        """
        began_at = self._clock.now_ms()
        deadline = began_at + retry_ms_max
        batch.finish()
        commits = [self.write_state(task, batch) for task in tasks.values() if task.changed]
        self.write_progress(raw, tasks, batch)
        self.send_offsets(raw, tasks, batch, consumers, deadline)
        self.commit_log(batch, deadline)
        # From here on it has happened, whatever becomes of the store.
        committed_at = self._clock.now_ms()
        self._settle(raw, tasks)
        try:
            self.apply_to_store(commits, min(deadline, committed_at + self._limits.apply_retry_ms))
        finally:
            self._release(batch, commits, began_at, committed_at)

    # -- the verbs

    def write_state(self, task: Task, batch: Batch) -> StateCommit:
        """Every changed item, then the marker."""
        send, topic, partition = batch.send, self._topology.changelog, task.partition
        seq = task.seq + 1
        offset = self._changelog_offset(task)
        for address, items in task.dirty.items():
            prefix = address.encode() + SEPARATOR
            for item, data in items.items():
                send(topic, data, prefix + item.encode(), partition)
        send(topic, encode_wire(Marker(seq, self._topology.model_hash, task.upto)), MARKER_KEY, partition)
        return StateCommit(partition, seq, task.dirty, list(task.wakes.values()), offset)

    def write_progress(self, raw: Mapping[TopicPartition, RawTask], tasks: Mapping[int, Task], batch: Batch) -> None:
        """How far each task is, where that has changed."""
        for task in tasks.values():
            if task.upto != task.published:
                self._progress(batch, inbox_task(task.partition), task.upto)
        for entry in raw.values():
            if entry.seen_at != entry.published:
                self._progress(batch, raw_task(*entry.partition), (entry.seen_at,))

    def send_offsets(
        self,
        raw: Mapping[TopicPartition, RawTask],
        tasks: Mapping[int, Task],
        batch: Batch,
        consumers: tuple[Consumer | None, Consumer | None],
        deadline: int,
    ) -> None:
        """Where every owned partition stands: it is these that a fenced worker cannot commit."""
        of_raw = {
            where: Position(task.position, write_standing(Standing(0, (task.seen_at,)))) for where, task in raw.items()
        }
        of_inbox = {
            TopicPartition(self._topology.inbox, task.partition): Position(
                task.position, write_standing(Standing(task.seq + task.changed, task.upto))
            )
            for task in tasks.values()
        }
        if not of_raw and not of_inbox:
            raise Fenced("nothing is owned any more, so nothing can be committed")
        for offsets, consumer in zip((of_raw, of_inbox), consumers, strict=True):
            if offsets and consumer is not None:
                self._until(deadline, lambda: batch.producer.send_offsets(offsets, self.membership(consumer)))  # noqa: B023

    def commit_log(self, batch: Batch, deadline: int) -> None:
        """The moment of truth."""
        self._until(deadline, batch.producer.commit)

    def apply_to_store(self, commits: list[StateCommit], deadline: int) -> None:
        """Bring the store up to date."""
        while commits:
            try:
                self._store.apply(commits)
            except Retryable as problem:
                self._tell(facts.CallRetried(what="apply", reason=str(problem)))
                # It is in the log: who comes next brings the store up to date.
                deadline = self._sooner(deadline, self._limits.close_ms // 2)
                if self._clock.now_ms() >= deadline:
                    raise
                self._clock.sleep_ms(self._limits.retry_ms)
            else:
                return

    def membership(self, consumer: Consumer) -> Membership:
        """Where a consumer stands, read live. A log takes the positions of one that never joined without any check."""
        found = consumer.membership()
        if found.generation < 0 or not found.member:
            raise Fenced(f"group {found.group}: not a member at the moment (generation {found.generation})")
        return found

    # -- helpers

    def _settle(self, raw: Mapping[TopicPartition, RawTask], tasks: Mapping[int, Task]) -> None:
        for task in tasks.values():
            task.committed()
        for entry in raw.values():
            entry.published = entry.seen_at

    def _release(self, batch: Batch, commits: list[StateCommit], began_at: int, committed_at: int) -> None:
        now_ms = self._clock.now_ms()
        summary = facts.BatchCommitted(
            records=batch.records,
            sends=batch.sends,
            items=sum(len(items) for commit in commits for items in commit.changes.values()),
            partitions=len(commits),
            bytes=batch.bytes,
            took_ms=now_ms - began_at,
            apply_ms=now_ms - committed_at if commits else None,
        )
        batch.release(self._tell, committed_at)
        self._tell(summary)

    def _progress(self, batch: Batch, task: str, upto: tuple[int, ...]) -> None:
        batch.send(self._topology.progress, encode_wire(Progress(upto)), task.encode(), 0)

    def _changelog_offset(self, task: Task) -> int:
        """From where a restore of the next commit has to read: at most the end as of now."""
        now_ms = self._clock.now_ms()
        if elapsed_ms(self._looked_at.get(task.partition, 0), now_ms) >= _OFFSET_LOOK_MS:
            try:
                task.changelog_offset = self._log.end_offset(self._topology.changelog, task.partition)
            except Retryable:
                return task.changelog_offset
            self._looked_at[task.partition] = now_ms
        return task.changelog_offset

    def _until(self, deadline: int, call: Callable[[], None]) -> None:
        """The same call again while it says so."""
        while True:
            try:
                call()
            except Retryable as problem:
                self._tell(facts.CallRetried(what="commit", reason=str(problem)))
                deadline = self._sooner(deadline, self._limits.close_ms)
                if self._clock.now_ms() >= deadline:
                    raise Doubtful(f"not finished in time: {problem}") from problem
                self._clock.sleep_ms(self._limits.retry_ms)
            else:
                return

    def _sooner(self, deadline: int, within_ms: int) -> int:
        """The same, or a nearer one once somebody waits for us to leave."""
        return min(deadline, self._clock.now_ms() + within_ms) if self.hurries() else deadline
