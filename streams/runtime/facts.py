"""What operators can see of the engine. Work that is going well has level `debug`: counted, not logged.

Facts of a batch are given out when it is committed; those of work that was aborted never are.
"""

from typing import ClassVar

from streams.core.facts import Fact, Level, Measure
from streams.runtime import measures


class BatchCommitted(Fact, frozen=True, kw_only=True):
    """A commit went through."""

    counter: ClassVar[str] = "commits_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Commits that went through."
    advice: ClassVar[str] = "None for seconds while records wait: look at `retries_total` and at the brokers."
    measures: ClassVar[tuple[Measure, ...]] = (measures.COMMIT, measures.APPLY)
    records: int
    sends: int
    items: int
    partitions: int
    bytes: int
    took_ms: int
    apply_ms: int | None


class RecordsIngested(Fact, frozen=True, kw_only=True):
    """Raw records were read and normalised."""

    counter: ClassVar[str] = "raw_records_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Raw records read, by topic."
    advice: ClassVar[str] = "Nothing where there should be: does the source still write? Compare with `lag_records`."
    topic: str


class EventsArrived(Fact, frozen=True, kw_only=True):
    """Raw records became events."""

    counter: ClassVar[str] = "events_arrived_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Events that raw records became, by topic."
    advice: ClassVar[str] = "None though records are read: all are irrelevant, unknown or rejected; see those counters."
    topic: str


class RecordsIrrelevant(Fact, frozen=True, kw_only=True):
    """Raw records did not matter."""

    counter: ClassVar[str] = "raw_irrelevant_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Raw records that were left out as irrelevant, by topic."
    advice: ClassVar[str] = "All of them: look at `relevance.terms`, `accounts` and `domains`."
    topic: str


class KindUnknown(Fact, frozen=True, kw_only=True):
    """A payload was of a kind that is not ours."""

    counter: ClassVar[str] = "raw_unknown_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("topic", "kind")
    help: ClassVar[str] = "Payloads of kinds we do not read, by topic and kind."
    advice: ClassVar[str] = (
        "A new kind, or many: has the source changed? They are passed over, not lost: they stay in the raw topic."
    )
    topic: str
    kind: str


class EventsFolded(Fact, frozen=True, kw_only=True):
    """Inbox events were folded."""

    counter: ClassVar[str] = "events_folded_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Inbox events folded."
    advice: ClassVar[str] = "None while `lag_records` of the inbox grows: look at `/health`, then at `commits_total`."


class WakesFired(Fact, frozen=True, kw_only=True):
    """Addresses were woken by a tick."""

    counter: ClassVar[str] = "wakes_fired_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Addresses woken because their time had come."
    advice: ClassVar[str] = "None for hours: stream time stands; look at `stream_time_behind_seconds`."


class AddressesLoaded(Fact, frozen=True, kw_only=True):
    """Addresses were read from the store, because they were not in memory. `took_ms`: each round trip."""

    counter: ClassVar[str] = "cache_misses_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Addresses that were not in memory and had to be read from the store."
    advice: ClassVar[str] = (
        "More than half of all look-ups for long: raise `engine.cache_addresses_max` if there is memory (2 KB each)."
    )
    measures: ClassVar[tuple[Measure, ...]] = (measures.LOAD,)
    took_ms: list[int]


class AddressesAtHand(Fact, frozen=True, kw_only=True):
    """Events found their address in memory."""

    counter: ClassVar[str] = "cache_hits_total"
    level: ClassVar[Level] = "debug"
    help: ClassVar[str] = "Look-ups of an address (by an event or a wake) that needed no read from the store."
    advice: ClassVar[str] = "Take hits / (hits + misses): it is low for minutes after a rebalance, then should recover."


class OutputsPublished(Fact, frozen=True, kw_only=True):
    """Documents were written to an output topic. `delays_ms`: of each, since what led to it was received."""

    counter: ClassVar[str] = "outputs_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("output",)
    help: ClassVar[str] = "Documents written, by output (`late`: acts that came too late; `unmatched`: nobody's)."
    advice: ClassVar[str] = (
        "`late` rises: a source lags by more than `identity.hold_ms`. `unmatched` is nearly all: does the CRM feed run?"
    )
    measures: ClassVar[tuple[Measure, ...]] = (measures.OUTPUT_DELAY,)
    output: str
    delays_ms: list[int]


class RecordRejected(Fact, frozen=True, kw_only=True):
    """A record went to the dead-letter topic."""

    counter: ClassVar[str] = "rejects_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("topic", "fold")
    help: ClassVar[str] = "Records that went to the dead-letter topic, by topic and fold."
    advice: ClassVar[str] = (
        "`rapport dlq ls` shows causes; once they are mended, `rapport dlq requeue` brings them back."
    )
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
    advice: ClassVar[str] = "None while somebody waits for a time: look at `stream_time_held_by`."
    upto: tuple[int, int, int]
    behind_ms: int
    held_by: str


class StreamTimeHeld(Fact, frozen=True, kw_only=True):
    """Stream time stands still because a task has not said how far it is. Absence rules wait."""

    counter: ClassVar[str] = "stream_time_held_total"
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ("task",)
    help: ClassVar[str] = "Minutes in which stream time waited for a task that has never said how far it is, by task."
    advice: ClassVar[str] = (
        'Its partition never had a record: bring one, or set `silence = "nothing happened"` for the input if that is true.'
    )
    task: str


class TimeNotBelieved(Fact, frozen=True, kw_only=True):
    """A receive time was far ahead of the log's own; it counts as received when the log had it."""

    counter: ClassVar[str] = "receive_times_ahead_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("topic",)
    help: ClassVar[str] = "Receive times ahead of the log's own, by topic; the log's count instead."
    advice: ClassVar[str] = "The clock of the source, or of its gateway, is wrong: set it."
    topic: str
    ahead_ms: int


class WorkerWaits(Fact, frozen=True, kw_only=True):
    """A worker gets nowhere: what it waits for (`what`), for how long by now, and why. It goes on by itself."""

    counter: ClassVar[str] = "worker_waits_total"
    level: ClassVar[Level] = "warning"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = (
        "How often a worker that gets nowhere has said so, by what it waits for; once a minute at most."
    )
    advice: ClassVar[str] = (
        "Read the reason in the line of that name: it says who does not answer, or what is not in place. Nothing is lost."
    )
    what: str
    since_ms: int
    reason: str


class WorkerWentOn(Fact, frozen=True, kw_only=True):
    """What a worker had said it waits for has come, after so long."""

    counter: ClassVar[str] = "worker_waits_over_total"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = "Waits that a worker had spoken of and that are over, by what it waited for."
    advice: ClassVar[str] = "Fewer than different waits were spoken of: somebody still waits."
    what: str
    after_ms: int


class StateRestored(Fact, frozen=True, kw_only=True):
    """A partition's state is in place. `how`: intact, empty, caught up, rebuilt."""

    counter: ClassVar[str] = "restores_total"
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ("how",)
    help: ClassVar[str] = (
        "Partitions whose state was brought level with the log, by how (intact, empty, caught up, rebuilt)."
    )
    advice: ClassVar[str] = (
        "`rebuilt` again and again: Redis loses its data; look at its memory policy and persistence."
    )
    measures: ClassVar[tuple[Measure, ...]] = (measures.RESTORE,)
    partition: int
    how: str
    seq: int
    items: int
    took_ms: int


class StateFoundLost(Fact, frozen=True, kw_only=True):
    """The store does not stand where the log stands; the partition pauses and is restored."""

    counter: ClassVar[str] = "state_lost_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "Times the store was found emptied, rolled back or replaced; the partition is restored."
    advice: ClassVar[str] = (
        "Nothing is lost; find out who did it: a FLUSHALL, a fail-over, an eviction policy, an old dump?"
    )
    partition: int
    want: int
    found: int | None


class StateOfAnotherLog(Fact, frozen=True, kw_only=True):
    """The store holds what was built from another log. It is emptied and filled anew. `found`: that log's cluster id."""

    counter: ClassVar[str] = "state_of_another_log_total"
    level: ClassVar[Level] = "error"
    help: ClassVar[str] = "Partitions whose state was another log's; they are emptied and filled anew."
    advice: ClassVar[str] = (
        "Once, after the log was made anew: as it should be. Again and again: two clusters share a Redis under one "
        "`engine.app` and empty it for each other; give one of them another `state.redis_url` or `engine.app`."
    )
    partition: int
    want: str
    found: str


class StateAhead(Fact, frozen=True, kw_only=True):
    """The store is ahead of the log: the log went back, or the store belongs to somebody else. It is filled anew."""

    counter: ClassVar[str] = "state_ahead_total"
    level: ClassVar[Level] = "error"
    help: ClassVar[str] = "Times the store was ahead of the log; it is filled anew."
    advice: ClassVar[str] = (
        "Was the log restored from a backup? Or do two applications share a Redis under one `engine.app`?"
    )
    partition: int
    want: int
    found: int


class WorkerFenced(Fact, frozen=True, kw_only=True):
    """Another worker owns the work; what was not committed was dropped. The worker goes on with what it owns."""

    counter: ClassVar[str] = "fenced_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "Times this worker was taken for dead; what was not committed is done again by the owner."
    advice: ClassVar[str] = (
        "Again and again: two workers share a slot, or it stood still beyond `engine.session_timeout_ms`: look at CPU, "
        "swap and `commit_seconds`."
    )
    reason: str


class CommitDoubtful(Fact, frozen=True, kw_only=True):
    """The outcome of a commit is unknown; the log is asked."""

    counter: ClassVar[str] = "commits_doubtful_total"
    level: ClassVar[Level] = "warning"
    help: ClassVar[str] = "Commits whose outcome was unknown; the log was asked and has decided."
    advice: ClassVar[str] = "Nothing is lost or doubled. Look at the brokers' health and at the network."
    reason: str


class TransactionAborted(Fact, frozen=True, kw_only=True):
    """Uncommitted work was dropped and is done again."""

    counter: ClassVar[str] = "aborts_total"
    level: ClassVar[Level] = "info"
    help: ClassVar[str] = "Transactions dropped; their records are done again."
    advice: ClassVar[str] = "A few with every rebalance are normal. Many: the log lines say why."
    reason: str


class CallRetried(Fact, frozen=True, kw_only=True):
    """The log or the store could not answer; the same call is made again."""

    counter: ClassVar[str] = "retries_total"
    level: ClassVar[Level] = "debug"
    labels: ClassVar[tuple[str, ...]] = ("what",)
    help: ClassVar[str] = "Calls made again because log or store could not answer, by what was tried."
    advice: ClassVar[str] = (
        "A steady rate: `commit`, `step`, `locate`: the brokers; `apply`, `restore`: Redis or the brokers, down or full."
    )
    what: str
    reason: str


class PartitionsChanged(Fact, frozen=True, kw_only=True):
    """Partitions came or went."""

    counter: ClassVar[str] = "rebalances_total"
    level: ClassVar[Level] = "info"
    labels: ClassVar[tuple[str, ...]] = ("change",)
    help: ClassVar[str] = "Times partitions were assigned, revoked or lost."
    advice: ClassVar[str] = "Many: workers come and go, or one is too slow for `engine.session_timeout_ms`."
    change: str
    partitions: tuple[str, ...]
