"""The outside world in our words: a log, a store of state, a clock. Promises live here and in `tests/contracts`.

    Log.consumer(group) ──► poll ──► records            Producer: begin · send · send_offsets · commit | abort
    Log.reader(topic, partition, from) ──► committed records in order, without a group
    StateStore: load (checked) · due · apply (compare-and-set on seq) · rebuild

A `Record` has the methods of `confluent_kafka.Message`, so that edge hands its messages on as they are. Offsets grow
but are never assumed to be gapless.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec


class TopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


Headers = Sequence[tuple[str, bytes]]


class Record(Protocol):
    """One record as the log keeps it. The methods are those of `confluent_kafka.Message`."""

    def topic(self) -> str: ...  # noqa: D102
    def partition(self) -> int: ...  # noqa: D102
    def offset(self) -> int: ...  # noqa: D102
    def key(self) -> bytes | None: ...  # noqa: D102
    def value(self) -> bytes | None: ...  # noqa: D102
    def headers(self) -> Headers | None: ...  # noqa: D102
    def timestamp(self) -> tuple[int, int]:
        """(kind, milliseconds)."""


class LogRecord(msgspec.Struct, gc=False):
    """A record that edges other than Kafka, and tests, make. Positional, in the order in which a log keeps its parts.

    A struct, because one is made for every raw record: a quarter of the cost of a class of our own.
    """

    _topic: str
    _partition: int
    _offset: int
    _key: bytes | None
    _value: bytes | None
    _timestamp: int = 0
    _headers: Headers | None = None

    def topic(self) -> str:  # noqa: D102
        return self._topic

    def partition(self) -> int:  # noqa: D102
        return self._partition

    def offset(self) -> int:  # noqa: D102
        return self._offset

    def key(self) -> bytes | None:  # noqa: D102
        return self._key

    def value(self) -> bytes | None:  # noqa: D102
        return self._value

    def headers(self) -> Headers | None:  # noqa: D102
        return self._headers

    def timestamp(self) -> tuple[int, int]:  # noqa: D102
        return 1, self._timestamp


class Position(msgspec.Struct, frozen=True):
    """A committed position: the offset of the next record to read, with the metadata committed beside it."""

    offset: int
    metadata: str


class Membership(msgspec.Struct, frozen=True):
    """A consumer's place in its group, read live. Never cache it. `generation` < 0 or empty `member`: not a member."""

    group: str
    generation: int
    member: str
    token: Any = None


class Rebalance(Protocol):
    """Who is told about partitions. Called inside `poll` and `close`, on the polling thread."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """These are yours from here on. They start at their committed position, else at the log's start."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """You give these up. What you commit before returning still counts."""

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """These are gone already. Nothing of theirs can be committed."""


class Consumer(Protocol):
    """A member of a group. Single-threaded. Reads committed records only."""

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """Join the group for these topics."""

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        """Up to `records_max` records; waits up to `wait_ms` for the first. Keeps the membership alive.

        Records of one partition come in offset order. Calls the rebalance listener.
        """

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position | None]:
        """Committed positions; waits for a transaction of a predecessor that is still open. Raises `Retryable`."""

    def membership(self) -> Membership:
        """Where this consumer stands now."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from `offset`. Records already handed out are the caller's business.

        Nothing happens when the partition is not owned; the same holds for `pause` and `resume`.
        """

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """`poll` gives nothing of these until `resume`. Rebalances keep the pause of what stays owned."""

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """The other direction."""

    def lag(self, partition: TopicPartition) -> int:
        """How many records are between the position of `poll` and the end, at least; gaps count.

        0: nothing is left of what could be seen at the last look. 1 or more while nothing is known yet.
        """

    def close(self) -> None:
        """Leave the group at once; `revoked` is called for what is still owned."""


class Producer(Protocol):
    """A transactional producer. Creating one fences every older one with the same id and aborts its transaction."""

    def begin(self) -> None:
        """Open a transaction."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int = -1,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Add a record; partition -1: by murmur2 of the key. Raises `Poison` when the record is too large."""

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        """Add consumed positions. Raises `Fenced` when the member is not in the group's current generation.

        A membership with generation < 0 and an empty member is accepted unchecked, as Kafka does: callers must refuse
        to send one.
        """

    def commit(self) -> None:
        """All or nothing. Raises `Fenced` (nothing happened), `Retryable` (call again), `Doubtful` (unknown)."""

    def abort(self) -> None:
        """Nothing happened. Also after `Fenced`, and without an open transaction."""

    def close(self) -> None:
        """Abort what is open."""


class Reader(Protocol):
    """Reads one partition without a group. Sees committed records only."""

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        """The next records, in order. None: all that could be seen when it was called has been given.

        Waits up to `wait_ms` for what comes later, and longer for what is there already. Raises `Retryable`.
        """

    def take(self, records_max: int, wait_ms: int) -> list[Record]:
        """The next records, in order, as far as they are at hand; waits no longer than `wait_ms` for the first.

        None says nothing about what is there: more may be on its way. For readers that know where they have to get to.
        """

    def close(self) -> None:
        """Done."""


class Log(Protocol):
    """An ordered, partitioned, transactional log."""

    cluster_id: str
    """Which log this is. State that was built from another one is not ours."""

    def consumer(self, group: str) -> Consumer:
        """A new member of `group`."""

    def producer(self, transactional_id: str) -> Producer:
        """A new producer; the id is stable per worker slot."""

    def reader(self, topic: str, partition: int, offset: int = 0) -> Reader:
        """Read committed records from `offset` (inclusive) on."""

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises `Fatal` when there is no such topic."""

    def start_offset(self, topic: str, partition: int) -> int:
        """The oldest offset that is still there."""

    def end_offset(self, topic: str, partition: int) -> int:
        """The offset after the last record that a reader can see now, at least; gaps count."""

    def create_topic(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> None:
        """Create a topic unless it exists. Raises `Fatal` when it exists with another partition count."""

    def topic_problems(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> list[str]:
        """What is wrong with a topic that exists or should, in words with the way out; empty: nothing."""
        ...

    def append(self, topic: str, records: Iterable["Row"], partition: int | None = None) -> None:
        """Write records outside of any group, all or nothing. Null partition: by murmur2 of each key.

        For feeding raw topics and for tools. Raises `Poison` for a record that is too large, `Retryable` (nothing was
        written), `Doubtful` (perhaps it was).
        """

    def maintain(self) -> None:
        """Retention and compaction, a bounded piece of it. Call it now and then; a broker does it by itself."""

    def close(self) -> None:
        """Release files and connections. Consumers and producers are closed before."""


Row = tuple[bytes | None, bytes | None, Headers | None, int]
"""(key, value, headers, timestamp in ms; 0: now)"""


class WakeChange(NamedTuple):
    """The wake of an address of a level changed; null: none."""

    level: int
    address: str
    due: int | None


class StateCommit(msgspec.Struct, frozen=True):
    """What commit `seq` changes in the state of one partition. Null item values are removed.

    `changelog_offset` is the first changelog offset that was surely written after this commit's marker, or a lower
    one: a restore may read on from there.
    """

    partition: int
    seq: int
    changes: Mapping[str, Mapping[str, bytes | None]]
    wakes: Sequence[WakeChange]
    changelog_offset: int


class StorePosition(msgspec.Struct, frozen=True):
    """Where the store stands for a partition. `seq` None: nothing there, or a rebuild is under way."""

    seq: int | None
    changelog_offset: int
    cluster_id: str


class StateStore(Protocol):
    """Serving state. The log is the truth; this is what is served and may vanish at any moment.

    Every call may raise `Retryable` (not reachable, busy, full, loading): same call again later.
    """

    def position(self, partition: int) -> StorePosition:
        """Where the store stands."""

    def load(self, wanted: Mapping[int, Sequence[str]], seqs: Mapping[int, int]) -> dict[str, dict[str, bytes]]:
        """All items of the wanted addresses, by partition, in one round trip. Unknown addresses give no items.

        Each partition's seq is read together with its values, and before them; raises `StateLost` for the first one
        that does not stand at `seqs[partition]`.
        """

    def due(self, partition: int, level: int, upto: int, limit: int, seq: int) -> list[tuple[int, str]]:
        """Wakes of a level with `due <= upto`, as (due, address), smallest first. Checked like `load`."""

    def next_due(self, partition: int, level: int, seq: int) -> int | None:
        """The smallest due of a level. Checked like `load`."""

    def apply(self, commits: Sequence[StateCommit]) -> None:
        """Apply each commit iff its partition stands at `seq - 1`; one that stands at `seq` already is success.

        A first commit (`seq` 1) applies to an empty partition. Raises `StateLost` for the first partition that stands
        elsewhere, after having tried all of them.
        """

    def rebuild(self, partition: int) -> "Rebuild":
        """Start anew: claims the partition under a fresh token; an older rebuild of it can write no more."""

    def catch_up(self, partition: int, seq_from: int, commit: StateCommit) -> None:
        """Replay several commits at once: apply `commit` iff the partition stands at `seq_from`. Raises `StateLost`."""

    def heed(self, should_stop: Callable[[], bool]) -> None:
        """Wait for nothing long once `should_stop` says so: somebody waits for the worker to leave."""

    def close(self) -> None:
        """Release connections."""


class Rebuild(Protocol):
    """Empties a partition and fills it. Raises `Fenced` when a newer rebuild has begun or a part was lost again.

    What becomes of a part may be told by the next call; `finish` tells it of all of them.
    """

    def empty(self) -> bool:
        """Remove a piece of what was there; true when nothing is left of it. What is not removed yet, `write` removes."""
        ...

    def write(self, rows: Mapping[bytes, bytes | None], wakes: Sequence[WakeChange]) -> None:
        """A part: values by changelog key (address, NUL, item), null: removed. Later parts overwrite earlier ones."""

    def finish(self, seq: int, changelog_offset: int) -> None:
        """The partition stands at `seq` from here on. One that stands there already is success.

        `seq` 0: it is empty, and the first commit may come.
        """

    def close(self) -> None:
        """Release what it holds; also half-way, and after `finish`."""


class Clock(Protocol):
    """Wall time and waiting; virtual in replay and simulation."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""

    def sleep_ms(self, duration_ms: int) -> None:
        """Wait."""
