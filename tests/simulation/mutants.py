"""Broken protocols. Each breaks one promise that exactly-once rests on; the simulator has to find out.

They are put in from outside: parts of a worker exchanged, or a wrapper between a worker and its store.
"""

# ruff: noqa: ARG002  what a mutant ignores is the point of it

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.log import Marker, Progress, encode_wire
from streams.runtime.batch import Batch
from streams.runtime.changelog import ChangelogReader
from streams.runtime.codec import raw_task
from streams.runtime.commit import Committer
from streams.runtime.ingest import RawTask
from streams.runtime.ports import Consumer, Membership, Record, StateCommit, StateStore, TopicPartition
from streams.runtime.restore import Restore
from streams.runtime.simulator import Scenario
from streams.runtime.task import Resident, Task
from streams.runtime.ticks import Ticker
from streams.runtime.worker import Worker
from tests.simulation.scenario import scenario


class UncheckedStore:
    """Reads take whatever the store holds: its seq is not compared with the log's."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _seq(self, partition: int) -> int | None:
        return self._store.position(partition).seq

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        found = {partition: self._seq(partition) for partition in wanted}
        there = {partition: addresses for partition, addresses in wanted.items() if found[partition] is not None}
        return self._store.load(there, {partition: found[partition] or 0 for partition in there})

    def due(self, partition: int, level: int, upto: int, limit: int, seq: int) -> list[tuple[int, str]]:
        found = self._seq(partition)
        return [] if found is None else self._store.due(partition, level, upto, limit, found)

    def next_due(self, partition: int, level: int, seq: int) -> int | None:
        found = self._seq(partition)
        return None if found is None else self._store.next_due(partition, level, found)


class StoreFirst(Committer):
    """Writes the store before the log has committed."""

    def send_offsets(
        self,
        raw: Mapping[TopicPartition, RawTask],
        tasks: Mapping[int, Task],
        batch: Batch,
        consumers: tuple[Consumer | None, Consumer | None],
        deadline: int,
    ) -> None:
        self._early = [
            StateCommit(task.partition, task.seq + 1, task.dirty, list(task.wakes.values()), task.changelog_offset)
            for task in tasks.values()
            if task.changed
        ]
        super().apply_to_store(self._early, deadline)
        super().send_offsets(raw, tasks, batch, consumers, deadline)

    def apply_to_store(self, commits: list[StateCommit], deadline: int) -> None:
        """Done already."""


class StoreFirstWorker(Worker):
    committer_type = StoreFirst


class OneShort(ChangelogReader):
    """Stops one marker short."""

    def is_last(self, marker: Marker) -> bool:
        return marker.seq >= self.seq - 1


class OneShortRestore(Restore):
    reader = OneShort


class OneShortWorker(Worker):
    restore_type = OneShortRestore


class UpToTheEnd(ChangelogReader):
    """Takes the end of what can be read now for the end of the changelog."""

    def read(self, records_max: int, wait_ms: int) -> list[Record] | None:
        items = super().read(records_max, wait_ms)
        self.complete = self.complete or items is None
        return [] if items is None else items


class UpToTheEndRestore(Restore):
    reader = UpToTheEnd


class UpToTheEndWorker(Worker):
    restore_type = UpToTheEndRestore


class StickyTask(Task):
    """Goes on with the addresses in memory that the task before it had, uncommitted changes and all."""

    def unchanged(self) -> tuple[dict[bytes, Resident], int]:
        return self._residents, self._turn


class StickyWorker(Worker):
    """Keeps its state after an abort. A new process still begins with nothing."""

    task_type = StickyTask


class Anybody(Committer):
    """Commits positions as somebody who never joined: the log does not check those."""

    def membership(self, consumer: Consumer) -> Membership:
        return Membership(consumer.membership().group, -1, "")


class AnybodyWorker(Worker):
    committer_type = Anybody


class OneNumberTicker(Ticker):
    """Ticks say one time for all levels."""

    def upto(self) -> tuple[int, int, int]:
        u1, _, _ = super().upto()
        return u1, u1, u1


class OneNumberWorker(Worker):
    ticker_type = OneNumberTicker


class EarlyProgress(Committer):
    """Says how far a raw task is before the events that this covers are committed."""

    def write_progress(self, raw: Mapping[TopicPartition, RawTask], tasks: Mapping[int, Task], batch: Batch) -> None:
        rows = [
            (raw_task(*entry.partition).encode(), encode_wire(Progress((entry.seen_at,))), None, 0)
            for entry in raw.values()
            if entry.seen_at != entry.published
        ]
        self._log.append(self._topology.progress, rows, 0)
        super().write_progress({}, tasks, batch)


class EarlyProgressWorker(Worker):
    committer_type = EarlyProgress


MUTANTS: dict[str, Scenario] = {
    "no seq check on reads": scenario(wrap_store=UncheckedStore),
    "store before the log": scenario(worker=StoreFirstWorker),
    "restore stops one marker short": scenario(worker=OneShortWorker),
    "restore stops at the end it sees": scenario(worker=UpToTheEndWorker),
    "state kept after an abort": scenario(worker=StickyWorker),
    "positions without the generation check": scenario(worker=AnybodyWorker),
    "one stream time for all levels": scenario(worker=OneNumberWorker),
    "progress outside of the transaction": scenario(worker=EarlyProgressWorker),
}
