"""What operators can see of the engine. Work that is going well has level `debug`: counted, not logged.

Facts of a batch are given out when it is committed; those of work that was aborted never are.
"""

from typing import ClassVar

from streams.core.facts import Fact, Level


class BatchCommitted(Fact, frozen=True, kw_only=True):
    """A commit went through."""

    counter: ClassVar[str] = "commits_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Commits. None for seconds under load: look at retries and the log."
    records: int
    sends: int
    items: int
    partitions: int
    bytes: int
    took_ms: int


class RecordsIngested(Fact, frozen=True, kw_only=True):
    """Raw records were read and normalised."""

    counter: ClassVar[str] = "raw_records_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Raw records read, by topic."
    topic: str


class EventsArrived(Fact, frozen=True, kw_only=True):
    """Raw records became events."""

    counter: ClassVar[str] = "events_arrived_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Events that raw records became, by topic."
    topic: str


class RecordsIrrelevant(Fact, frozen=True, kw_only=True):
    """Raw records did not matter."""

    counter: ClassVar[str] = "raw_irrelevant_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Raw records that were left out as irrelevant, by topic. All of them: look at the terms."
    topic: str


class KindUnknown(Fact, frozen=True, kw_only=True):
    """A payload was of a kind that is not ours."""

    counter: ClassVar[str] = "raw_unknown_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic", "kind")
    help: ClassVar[str] = "Payloads of kinds we do not read, by topic and kind. New ones: has the source changed?"
    topic: str
    kind: str


class EventsFolded(Fact, frozen=True, kw_only=True):
    """Inbox events were folded."""

    counter: ClassVar[str] = "events_folded_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Inbox events folded."


class WakesFired(Fact, frozen=True, kw_only=True):
    """Addresses were woken by a tick."""

    counter: ClassVar[str] = "wakes_fired_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Addresses woken because their time had come."


class OutputsPublished(Fact, frozen=True, kw_only=True):
    """Documents were written to an output topic."""

    counter: ClassVar[str] = "outputs_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("output",)
    help: ClassVar[str] = "Documents written, by output."
    output: str


class RecordRejected(Fact, frozen=True, kw_only=True):
    """A record went to the dead-letter topic."""

    counter: ClassVar[str] = "rejects_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("topic", "fold")
    help: ClassVar[str] = "Records in the dead-letter topic. Look at them with `rapport dlq ls`."
    topic: str
    partition: int
    offset: int
    fold: str
    cause: str
    path: str


class TickWritten(Fact, frozen=True, kw_only=True):
    """Stream time was written into inbox partitions (`amount`). `behind_ms`: how far it is behind the clock."""

    counter: ClassVar[str] = "ticks_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Ticks written into inbox partitions."
    upto: tuple[int, int, int]
    behind_ms: int
    held_by: str


class StreamTimeHeld(Fact, frozen=True, kw_only=True):
    """Stream time stands still because a task has not said how far it is. Absence rules wait."""

    counter: ClassVar[str] = "stream_time_held_total"
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ("task",)
    help: ClassVar[str] = "Minutes in which stream time waited for a task that has never had a record."
    task: str


class TimeNotBelieved(Fact, frozen=True, kw_only=True):
    """A receive time was far ahead of the log's own; it counts as received when the log had it."""

    counter: ClassVar[str] = "receive_times_ahead_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Receive times ahead of the log's. The source's clock is wrong."
    topic: str
    ahead_ms: int


class StateRestored(Fact, frozen=True, kw_only=True):
    """A partition's state is in place. `how`: intact, empty, caught up, rebuilt."""

    counter: ClassVar[str] = "restores_total"
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ("how",)
    help: ClassVar[str] = (
        "Partitions whose state was brought level with the log. `rebuilt` again and again: look at Redis."
    )
    partition: int
    how: str
    seq: int
    items: int
    took_ms: int


class StateFoundLost(Fact, frozen=True, kw_only=True):
    """The store does not stand where the log stands; the partition pauses and is restored."""

    counter: ClassVar[str] = "state_lost_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "The store was emptied, rolled back or replaced. Nothing is lost; find out who did it."
    partition: int
    want: int
    found: int | None


class StateAhead(Fact, frozen=True, kw_only=True):
    """The store is ahead of the log: the log went back, or the store belongs to somebody else. It is filled anew."""

    counter: ClassVar[str] = "state_ahead_total"
    level: ClassVar[Level] = "error"
    help: ClassVar[str] = "The store was ahead of the log. Was the log restored from a backup?"
    partition: int
    want: int
    found: int


class WorkerFenced(Fact, frozen=True, kw_only=True):
    """Another worker owns the work; what was not committed was dropped. The worker goes on with what it owns."""

    counter: ClassVar[str] = "fenced_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "A worker was taken for dead. Often: it is too slow, or two share a slot."
    reason: str


class CommitDoubtful(Fact, frozen=True, kw_only=True):
    """The outcome of a commit is unknown; the log is asked."""

    counter: ClassVar[str] = "commits_doubtful_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "Commits whose outcome was unknown. The log has decided; look at its health."
    reason: str


class TransactionAborted(Fact, frozen=True, kw_only=True):
    """Uncommitted work was dropped and is done again."""

    counter: ClassVar[str] = "aborts_total"
    level: ClassVar[Level] = "info"
    help: ClassVar[str] = "Transactions dropped and done again. Many: look at the reasons beside them."
    reason: str


class CallRetried(Fact, frozen=True, kw_only=True):
    """The log or the store could not answer; the same call is made again."""

    counter: ClassVar[str] = "retries_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = "Calls made again. A steady rate: the log or the store is down or full."
    what: str
    reason: str


class PartitionsChanged(Fact, frozen=True, kw_only=True):
    """Partitions came or went."""

    counter: ClassVar[str] = "rebalances_total"
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ("change",)
    help: ClassVar[str] = "Partitions assigned, revoked or lost. Many: workers come and go, or are too slow."
    change: str
    partitions: tuple[str, ...]
