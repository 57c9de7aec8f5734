"""A worker: owns partitions, moves records through normalise and fold, commits.

    ┌─► inbox.poll ──► fold ──┐
    │   (few?) raw.poll ──► normalise ──┤──► ticks ──► due? ──► commit ──┐
    └────────────────────────────────────────────────────────────────────┘

The inbox goes first: raw records are taken only when it is nearly empty, so a firehose backlog never delays an alert.
Single-threaded. Everything that goes wrong ends in one place, `_recover`: drop what is uncommitted, ask the log, go on.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from streams.core.facts import Fact
from streams.errors import Doubtful, Fatal, Fenced, Poison, Retryable, StateLost, StreamError
from streams.runtime import facts
from streams.runtime.attempts import Attempts
from streams.runtime.batch import Batch
from streams.runtime.commit import Committer
from streams.runtime.guard import RejectGuard
from streams.runtime.inbox import InboxSide
from streams.runtime.limits import Limits, elapsed_ms
from streams.runtime.listener import Listener
from streams.runtime.outcome import Encoder
from streams.runtime.ports import Clock, Consumer, Log, StateStore
from streams.runtime.raw import RawSide
from streams.runtime.restore import Restore, Restored
from streams.runtime.status import Status, missing_of, status_of
from streams.runtime.task import Task
from streams.runtime.ticks import ProgressBoard, Ticker
from streams.runtime.topics import check_topics
from streams.runtime.topology import Topology
from streams.runtime.waits import Waits

Role = Literal["both", "ingest", "fold"]


class Worker:
    """One per process. Call `step` again and again, or `run`; then `close`."""

    task_type = Task
    restore_type = Restore
    committer_type = Committer
    ticker_type = Ticker

    def __init__(
        self,
        topology: Topology,
        log: Log,
        store: StateStore,
        clock: Clock,
        tell: Callable[[Fact], None],
        *,
        slot: str = "0",
        limits: Limits | None = None,
        role: Role = "both",
    ) -> None:
        """Join the groups with the first `step`. `slot`: stable over restarts, different for workers that run at once.

        Raises `Fatal` when a topic is missing or has another number of partitions.
        """
        self._topology, self._log, self._store, self._clock = topology, log, store, clock
        self._tell = tell = self._waits = Waits(tell, clock)
        self._limits = limits or Limits()
        self._id = f"{topology.app}-{slot}"
        check_topics(topology, log)
        self._encoder = Encoder(topology, self._limits.record_bytes_max)
        self._committer = self.committer_type(topology, log, store, clock, self._limits, tell)
        self._board = ProgressBoard(log, topology)
        self._ticker = self.ticker_type(topology, self._board, self._limits, clock, tell)
        self._attempts = Attempts(log, self._board, topology.progress, self._limits)
        self._guard = RejectGuard(self._limits, topology.dlq)
        self._batch = Batch(log.producer(self._id), topology, self._limits)
        self._urgent = self._lagging = False
        self._committed_at = self._ticked_at = self._probed_at = self._maintained_at = 0
        self._inbox = self._make_inbox(log.consumer(f"{topology.app}.fold")) if role != "ingest" else None
        self._raw = self._make_raw(log.consumer(f"{topology.app}.ingest")) if role != "fold" else None

    # -- public

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until told to stop, then leave. Raises `Fatal` when a person must look."""
        self.heed(should_stop)
        try:
            while not should_stop():
                self.step()
        finally:
            self.close()

    def heed(self, should_stop: Callable[[], bool]) -> None:
        """Try nothing for long once `should_stop` says so: somebody waits for us to leave."""
        self._committer.hurries = should_stop
        self._store.heed(should_stop)

    def step(self) -> bool:
        """One turn of the loop; waits a few milliseconds when there is nothing to do. True: something was done."""
        try:
            return self._step()
        except Retryable as problem:
            # Nothing has changed: what was read is still in hand.
            self._tell(facts.CallRetried(what="step", reason=str(problem)))
            self._clock.sleep_ms(self._limits.retry_ms)
        except (Fenced, Doubtful, StateLost) as problem:
            self._recover(problem)
        except Poison as problem:
            self._forsake(crashed=True)
            raise Fatal(
                f"the log refuses a record of ours: {problem}; raise its limit, or lower record_bytes_max"
            ) from problem
        except BaseException as problem:
            self._forsake(crashed=isinstance(problem, Exception) and not isinstance(problem, Fatal))
            raise
        return False

    def status(self) -> Status:
        """For people to look at."""
        self._waits.stands("its partitions", missing_of(self._inbox, self._raw))
        return status_of(self._inbox, self._raw, self._board, self._waits.waits_for)

    def close(self) -> None:
        """Commit what is in hand and leave at once. Never raises for what can be done again by somebody else.

        After an error that nobody foresaw there is nothing in hand, and the record that brought it is not forgiven.
        """
        try:
            self._settle(self._limits.close_ms)
        except BaseException:
            self._forsake(crashed=False)
            raise
        finally:
            self._attempts.forgive()
            for side in (self._raw, self._inbox):
                try:
                    if side is not None:
                        side.consumer.close()
                except StreamError as problem:
                    self._tell(facts.CallRetried(what="close", reason=str(problem)))
            self._board.close()
            self._batch.producer.close()

    # -- one turn

    def _step(self) -> bool:
        self._renew_producer()
        busy = self._advance()
        got = self._fold()
        taken = self._take_raw(got, wait=not busy)
        now_ms = self._clock.now_ms()
        self._keep_time(now_ms)
        self._look_after(now_ms)
        # With a backlog of raw records a commit has much to carry: what is behind does not get later by waiting for it.
        is_backlog = taken >= self._limits.raw_busy_records
        due = self._is_due(idle=got == 0 and not is_backlog, now_ms=self._clock.now_ms())
        if due:
            self._commit()
        self._waits.turned(worked=bool(got or taken or due))
        return bool(busy or got or taken or due)

    def _advance(self) -> bool:
        """A slice of what is on its way to work. What raw partitions wait for must not hold up the inbox."""
        busy = self._inbox.advance() if self._inbox else False
        try:
            return (self._raw.advance() if self._raw else False) or busy
        except Retryable as problem:
            self._tell(facts.CallRetried(what="locate", reason=str(problem)))
            return busy

    def _fold(self) -> int:
        """Take from the inbox; how many records there were."""
        if self._inbox is None:
            return 0
        got = self._inbox.fold(self._batch, self._limits.idle_wait_ms if self._raw is None else 0)
        # A tick with more wakes than one commit fires: what comes behind it has to wait for the commit.
        self._urgent = self._urgent or bool(self._inbox.left) or (got > 0 and self._attempts.careful)
        return got

    def _take_raw(self, got: int, *, wait: bool) -> int:
        """Take raw records, if the inbox leaves room; how many there were."""
        if self._raw is None:
            return 0
        if got == 0:
            self._lagging = False
        if got >= self._limits.inbox_busy_records or self._lagging or self._urgent:
            self._raw.hold()
            return 0
        wait_ms = self._limits.idle_wait_ms if wait and not got else 0
        if self._batch.open:
            left_ms = self._committed_at + self._limits.commit_ms_min - self._clock.now_ms()
            wait_ms = max(0, min(wait_ms, left_ms))
        taken = self._raw.take(self._batch, wait_ms)
        self._urgent = self._urgent or (taken > 0 and self._attempts.careful)
        return taken

    def _keep_time(self, now_ms: int) -> None:
        """Once a second: see how far everybody is, and say so."""
        if elapsed_ms(self._ticked_at, now_ms) < self._limits.tick_ms:
            return
        self._ticked_at = now_ms
        self._waits.stands("its partitions", missing_of(self._inbox, self._raw))
        if self._raw is not None and self._raw.note_drained(now_ms - self._limits.drained_ms):
            self._batch.begin()
        # Also where it is of no use: it asks the log something, and so finds out when that does not answer.
        self._board.read()
        if self._inbox is not None and self._inbox.tasks:
            self._ticker.write(self._inbox.tasks.values(), self._batch)
            self._ticker.complain(self._inbox.tasks.values())

    def _look_after(self, now_ms: int) -> None:
        """Now and then: probe the store, tidy the log."""
        if elapsed_ms(self._probed_at, now_ms) >= self._limits.probe_ms and self._inbox is not None:
            self._probed_at = now_ms
            self._inbox.probe(self._log.cluster_id)
        if elapsed_ms(self._maintained_at, now_ms) >= self._limits.maintain_ms:
            self._maintained_at = now_ms
            self._log.maintain()

    # -- commits

    def _is_due(self, *, idle: bool, now_ms: int) -> bool:
        batch, limits = self._batch, self._limits
        if not batch.open:
            return False
        age_ms = elapsed_ms(self._committed_at, now_ms)
        return (
            self._urgent
            or age_ms >= limits.commit_ms_max
            or (idle and age_ms >= limits.commit_ms_min)
            or batch.records >= limits.commit_records_max
            or batch.bytes >= limits.commit_bytes_max
        )

    def _commit(self, retry_ms_max: int | None = None) -> None:
        batch, inbox, raw = self._batch, self._inbox, self._raw
        records, rejects = batch.records, batch.rejects
        self._committer.commit(
            batch,
            raw.tasks if raw else {},
            inbox.tasks if inbox else {},
            (raw.consumer if raw else None, inbox.consumer if inbox else None),
            self._limits.commit_retry_ms if retry_ms_max is None else retry_ms_max,
        )
        self._committed_at = self._clock.now_ms()
        self._urgent = False
        self._attempts.passed()
        if inbox is not None:
            inbox.evict()
            self._lagging = inbox.lag() > self._limits.inbox_lag_max
        self._guard.note(records, rejects)

    def _settle(self, retry_ms_max: int | None = None) -> None:
        """Commit before something is given up. What cannot be committed is done again by whoever comes next."""
        if not self._batch.open:
            return
        try:
            self._commit(retry_ms_max)
        except (Fenced, Doubtful, StateLost, Retryable) as problem:
            self._recover(problem)

    # -- when something went wrong

    def _recover(self, problem: StreamError) -> None:
        """Drop everything that is not committed, and begin again where the log says."""
        match problem:
            case Doubtful():
                self._tell(facts.CommitDoubtful(reason=str(problem)))
            case StateLost():
                self._tell(facts.StateFoundLost(partition=problem.partition, want=problem.want, found=problem.found))
            case Fenced():
                self._tell(facts.WorkerFenced(reason=str(problem)))
            case _:
                self._tell(facts.CallRetried(what="apply", reason=str(problem)))
        # A commit in doubt may still be on its way: only a new producer makes sure that it has happened or never will.
        self._abandon(str(problem), doubtful=isinstance(problem, Doubtful))
        self._clock.sleep_ms(self._limits.retry_ms)

    def _abandon(self, reason: str, *, doubtful: bool = False) -> None:
        if self._batch.open:
            self._tell(facts.TransactionAborted(reason=reason))
        self._batch.open = False
        self._batch.clear()
        self._urgent = False
        self._batch.spent = self._batch.spent or doubtful or not self._can_go_on()
        for owned in (self._raw, self._inbox):
            if owned is not None:
                owned.restart()

    def _can_go_on(self) -> bool:
        """Whether the producer is still the newest with its id."""
        producer = self._batch.producer
        try:
            producer.abort()
            producer.begin()
            producer.abort()
        except StreamError:
            return False
        return True

    def _renew_producer(self) -> None:
        if not self._batch.spent:
            return
        spent = self._batch.producer
        # The new one first: it settles whatever the old one has on its way.
        self._batch = Batch(self._log.producer(self._id), self._topology, self._limits)
        try:
            spent.close()
        except StreamError as problem:
            self._tell(facts.CallRetried(what="close", reason=str(problem)))

    def _forsake(self, *, crashed: bool) -> None:
        """Drop what is in hand: something came in between, and it may be half of an event. Else `close` commits that."""
        if crashed:
            self._attempts.blame()
        self._batch.open = False
        self._batch.spent = True
        self._batch.clear()
        with suppress(StreamError):
            if self._raw is not None:
                self._raw.restart()
        with suppress(StreamError):
            if self._inbox is not None:
                self._inbox.restart(keep=False)

    # -- building

    def _make_inbox(self, consumer: Consumer) -> InboxSide:
        side = InboxSide(
            consumer,
            self._topology.inbox,
            self._store,
            self._clock,
            self._limits,
            self._attempts,
            self._restore,
            self._task,
        )
        consumer.subscribe([self._topology.inbox], Listener(side, self._settle, self._abandon, self._tell))
        return side

    def _make_raw(self, consumer: Consumer) -> RawSide:
        side = RawSide(consumer, self._topology, self._log, self._clock, self._limits, self._attempts, self._board)
        topics = [entry.topic for entry in self._topology.inputs]
        consumer.subscribe(topics, Listener(side, self._settle, self._abandon, self._tell))
        return side

    def _restore(self, partition: int) -> Restore:
        assert self._inbox is not None
        return self.restore_type(
            partition, self._topology, self._log, self._store, self._inbox.consumer,
            self._clock, self._limits, self._tell,
        )  # fmt: skip

    def _task(self, partition: int, at: Restored) -> Task:
        return self.task_type(
            partition, self._topology, self._store, self._limits, self._encoder,
            seq=at.seq, position=at.position, upto=at.upto, changelog_offset=at.changelog_offset,
        )  # fmt: skip
