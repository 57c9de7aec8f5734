"""Broken protocols for real workers. Each breaks one promise that exactly-once rests on.

Parts of a worker are exchanged from outside, as in `tests.simulation.mutants`, from where most of them come.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from streams.runtime.batch import Batch
from streams.runtime.commit import Committer
from streams.runtime.ingest import RawTask
from streams.runtime.ports import Consumer, StateCommit, StateStore, TopicPartition
from streams.runtime.task import Task
from streams.runtime.worker import Worker
from tests.simulation.mutants import AnybodyWorker, StickyWorker, StoreFirstWorker, UncheckedStore, UpToTheEndWorker


class UnfencedStore:
    """Takes every commit, whatever the store stands at."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def apply(self, commits: Sequence[StateCommit]) -> None:
        for commit in commits:
            found = self._store.position(commit.partition)
            self._store.catch_up(commit.partition, found.seq or 0, commit)


class TwoSteps(Committer):
    """Commits what was made of records first, and where it has got to afterwards."""

    def send_offsets(
        self,
        raw: Mapping[TopicPartition, RawTask],
        tasks: Mapping[int, Task],
        batch: Batch,
        consumers: tuple[Consumer | None, Consumer | None],
        deadline: int,
    ) -> None:
        super().commit_log(batch, deadline)
        batch.producer.begin()
        super().send_offsets(raw, tasks, batch, consumers, deadline)


class TwoStepsWorker(Worker):
    committer_type = TwoSteps


class Mutant(NamedTuple):
    """What is exchanged."""

    worker: type[Worker] = Worker
    store: Callable[[StateStore], Any] = lambda store: store


MUTANTS = {
    "store before the log": Mutant(StoreFirstWorker),
    "no seq check on reads": Mutant(store=UncheckedStore),
    "no seq check on writes": Mutant(store=UnfencedStore),
    "positions outside of the transaction": Mutant(TwoStepsWorker),
    "no check of the generation": Mutant(AnybodyWorker),
    "state kept after an abort": Mutant(StickyWorker),
    "restore up to the end it sees": Mutant(UpToTheEndWorker),
}
