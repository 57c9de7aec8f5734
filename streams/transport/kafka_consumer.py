"""A member of a consumer group of a Kafka cluster.

    assigned ──► told ──► placed (sought, or where the group stands) ──► read ──► revoked | lost

The client is never left to choose where to begin: it learns of a partition only when its place is known, and no fetch
is wasted on one that is still restored. (A seek so early would be lost: the client, not connected to the leader yet,
forgets it, or asks for "the beginning" once more and goes there.) Callbacks run inside `poll` and `close`; what a
listener raises there comes out of the same call. Records are the client's own messages.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as At

from streams.errors import Retryable, StreamError
from streams.runtime.ports import Membership, Position, Rebalance, Record, TopicPartition
from streams.transport.kafka_config import Connection
from streams.transport.kafka_errors import Complaints
from streams.transport.kafka_group import read_membership
from streams.transport.kafka_positions import Positions
from streams.transport.kafka_predecessors import Predecessors

_ASK_S = 1.0

_error_of: Callable[[Any], KafkaError | None] = Message.error
_END = KafkaError._PARTITION_EOF  # noqa: SLF001  the client's own names
_NOT_READY = {"_STATE", "_PREV_IN_PROGRESS", "_IN_PROGRESS", "_UNKNOWN_PARTITION"}
_GOES_ON = {"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_MAX_POLL_EXCEEDED"}
"""What is no error here: a topic may come later; who was away for too long is told by `lost`."""


class KafkaConsumer:
    """See `streams.runtime.ports.Consumer`. Single-threaded."""

    def __init__(
        self, connection: Connection, group: str, session_timeout_ms: int, producers: Iterable[str] = ()
    ) -> None:
        """Joins with `subscribe`. `producers`: transactional ids of this process, now and later.

        Raises `Fatal` for properties the client does not take.
        """
        self._group = group
        self._complaints = Complaints(connection, f"consumer of {group}")
        config = {**connection.consumer(group, session_timeout_ms), "error_cb": self._complaints.heard}
        try:
            self._client: Any = Consumer(config)
        except KafkaException as problem:
            raise self._complaints.translated(problem, "set up") from problem
        self._consume: Callable[[int, float], Any] = self._client.consume
        predecessors = Predecessors(connection, group, session_timeout_ms, producers)
        self._positions = Positions(self._client, self._complaints, predecessors)
        self._listener: Rebalance | None = None
        self._closed = False
        self._owned: set[TopicPartition] = set()
        self._paused: set[TopicPartition] = set()
        # Owned, but not known to the client yet; where to begin, as far as somebody has said so.
        self._unplaced: dict[TopicPartition, int | None] = {}
        # Known to the client.
        self._placed: set[TopicPartition] = set()
        self._places: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        # What happened inside of the call under way.
        self._gone: set[TopicPartition] = set()
        self._failure: BaseException | None = None
        self._held: list[Record] = []

    # -- the port

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """Join the group. A topic that does not exist yet is waited for."""
        if self._listener is not None:
            raise StreamError(f"group {self._group}: this consumer has subscribed already; make another one")
        self._listener = rebalance
        self._client.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        """See the port. Raises `Fatal` when records are gone, or we have no right to them."""
        if self._held:
            held, self._held = self._held[:records_max], self._held[records_max:]
            return held
        if self._unplaced:
            self._locate()
        try:
            records: list[Record] = self._consume(records_max, 0)
            if wait_ms and not records:
                # One call for many would wait for all of them.
                records = self._consume(1, wait_ms / 1_000)
                if records and records_max > 1:
                    records += self._consume(records_max - 1, 0)
        except KafkaException as problem:
            raise self._complaints.translated(problem, "poll") from problem
        if self._gone or self._failure or any(map(_error_of, records)):
            records = self._sort_out(records)
        return records

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position | None]:
        """See the port. Does not hold up polling for long: while there is no answer it raises `Retryable`."""
        return self._positions.ask(partitions)

    def membership(self) -> Membership:
        """See the port."""
        try:
            return read_membership(self._client.consumer_group_metadata())
        except RuntimeError:
            # The client is closed.
            return Membership(self._group, -1, "", b"")

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See the port."""
        if partition not in self._owned:
            return
        self._ends.pop(partition, None)
        self._places[partition] = offset
        self._positions.forget([partition])
        self._forget_held({partition})
        if partition in self._placed and self._try_seek(partition, offset):
            return
        self._withdraw([partition])
        self._unplaced[partition] = offset
        if partition not in self._paused:
            self._place([partition])

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        mine = [where for where in partitions if where in self._owned and where not in self._paused]
        self._paused.update(mine)
        if at := [At(*where) for where in mine if where in self._placed]:
            self._client.pause(at)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        mine = [where for where in partitions if where in self._paused]
        self._paused.difference_update(mine)
        if at := [At(*where) for where in mine if where in self._placed]:
            self._client.resume(at)
        self._place(where for where in mine if self._unplaced.get(where) is not None)

    def lag(self, partition: TopicPartition) -> int:
        """See the port. 0 for a partition that is not owned; 1, or more, while nothing is known yet."""
        if partition not in self._owned:
            return 0
        at = At(*partition)
        _, end = self._client.get_watermark_offsets(at, cached=True)
        if end < 0 or partition in self._unplaced:
            return 1
        # The client's position is that of the last record; control records behind it are known by the end event.
        (read,) = self._client.position([at])
        position = max(read.offset, self._ends.get(partition, -1))
        if position < 0:
            position = self._places.get(partition, end - 1)
        return max(0, int(end - position))

    def close(self) -> None:
        """See the port."""
        if self._closed:
            return
        # Told before the client leaves: with an assignment under way it leaves first and tells then.
        standing = self.membership()
        self._closed = True
        owned = [At(*where) for where in sorted(self._owned)]
        if standing.generation >= 0 and standing.member:
            self._on_revoke(self._client, owned)
        else:
            self._on_lost(self._client, owned)
        self._positions.close()
        self._client.close()
        self._listener = None
        self._raise_failure()

    # -- rebalances, inside of a call of the client

    def _on_assign(self, client: Consumer, partitions: list[At]) -> None:
        # The client has to hear something; of these it hears when they are placed.
        client.incremental_assign([])
        if partitions and not self._closed:
            wheres = _wheres(partitions)
            self._owned.update(wheres)
            self._positions.forget(wheres)
            self._unplaced.update(dict.fromkeys(wheres))
            self._tell(lambda listener: listener.assigned(wheres))

    def _on_revoke(self, _: Consumer, partitions: list[At]) -> None:
        wheres = [where for where in _wheres(partitions) if where in self._owned]
        if wheres:
            self._tell(lambda listener: listener.revoked(wheres))
        self._drop(wheres)

    def _on_lost(self, _: Consumer, partitions: list[At]) -> None:
        wheres = [where for where in _wheres(partitions) if where in self._owned]
        if wheres:
            self._tell(lambda listener: listener.lost(wheres))
        self._drop(wheres)

    def _tell(self, what: Callable[[Rebalance], None]) -> None:
        """An exception must not stop the client from handing over."""
        assert self._listener is not None
        try:
            what(self._listener)
        except BaseException as problem:  # noqa: BLE001  raised again by the call that led here
            self._failure = self._failure or problem

    def _drop(self, wheres: Sequence[TopicPartition]) -> None:
        gone = set(wheres)
        self._withdraw(wheres)
        self._positions.forget(wheres)
        self._owned -= gone
        self._paused -= gone
        self._gone |= gone
        for where in wheres:
            self._unplaced.pop(where, None)
            self._places.pop(where, None)
            self._ends.pop(where, None)
        self._forget_held(gone)

    # -- pieces

    def _sort_out(self, records: Iterable[Record]) -> list[Record]:
        """Records without the client's messages about errors, and without those of partitions that have just gone."""
        gone, self._gone = self._gone - self._owned, set()
        kept: list[Record] = []
        for record in records:
            error = _error_of(record)
            if error is not None:
                self._note(record, error)
            elif not gone or (record.topic(), record.partition()) not in gone:
                kept.append(record)
        if self._failure is not None:
            self._held = kept
            self._raise_failure()
        return kept

    def _note(self, message: Record, error: KafkaError) -> None:
        if error.code() == _END:
            where = TopicPartition(message.topic(), message.partition())
            if where in self._placed:
                self._ends[where] = message.offset()
            return
        if error.name() in _GOES_ON:
            return
        doing = f"read {message.topic()}[{message.partition()}] at {message.offset()}"
        found = self._complaints.translated(error, doing)
        if isinstance(found, Retryable):
            self._complaints.heard(error)
        else:
            self._failure = self._failure or found

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _locate(self) -> None:
        """Begin with those that nobody has said anything of; who has paused one will say where."""
        wheres = [where for where, at in self._unplaced.items() if at is None and where not in self._paused]
        if not wheres:
            return
        # What cannot be had now is asked for again with the next poll; the others go on meanwhile.
        with suppress(Retryable):
            starts = self._starts(wheres)
            for where, position in self.committed(wheres).items():
                self._unplaced[where] = starts[where] if position is None else position.offset
            self._place(wheres)

    def _place(self, wheres: Iterable[TopicPartition]) -> None:
        """Tell the client where to read."""
        offsets = {where: offset for where in wheres if (offset := self._unplaced[where]) is not None}
        if not offsets:
            return
        at = [At(*where, offset) for where, offset in offsets.items()]
        self._client.incremental_assign(at)
        # The client remembers a pause for ever, also of a partition that was away meanwhile.
        self._client.resume(at)
        self._placed.update(offsets)
        self._places.update(offsets)
        for where in offsets:
            del self._unplaced[where]

    def _withdraw(self, wheres: Iterable[TopicPartition]) -> None:
        """The client reads these no more. Of none as well: inside of a rebalance it has to hear something."""
        gone = self._placed & set(wheres)
        self._placed -= gone
        self._client.incremental_unassign([At(*where) for where in gone])

    def _starts(self, wheres: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The oldest offsets that are still there. Raises `Retryable`."""
        # The time "earliest" is written as that offset: one request for all.
        asked = [At(*where, OFFSET_BEGINNING) for where in wheres]
        try:
            found = self._client.offsets_for_times(asked, _ASK_S)
        except KafkaException as problem:
            raise self._complaints.translated(problem, "look up where partitions begin") from problem
        for at in found:
            if at.error is not None:
                raise self._complaints.translated(at.error, f"look up where {at.topic}[{at.partition}] begins")
        return {TopicPartition(at.topic, at.partition): at.offset for at in found}

    def _try_seek(self, where: TopicPartition, offset: int) -> bool:
        """Whether the client took it."""
        try:
            self._client.seek(At(*where, offset))
        except KafkaException as problem:
            if problem.args[0].name() in _NOT_READY:
                return False
            raise self._complaints.translated(problem, f"seek {where.topic}[{where.partition}]") from problem
        return True

    def _forget_held(self, gone: set[TopicPartition]) -> None:
        if self._held:
            self._held = [record for record in self._held if (record.topic(), record.partition()) not in gone]


def _wheres(partitions: Iterable[At]) -> list[TopicPartition]:
    return [TopicPartition(at.topic, at.partition) for at in partitions]
