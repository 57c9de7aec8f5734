"""A transactional producer of a Kafka cluster.

    begin ──► send … ──► send_offsets … ──► commit ──► begin …
                                              │
              in doubt: the answer came late, or the connection was lost meanwhile
              refused: the client counts on from records that were never written
                                              ▼
                               the next `begin` makes a new client first

The client speaks the older transaction protocol, in which a request to end a transaction that was delayed on its way
can end a later one. So a client whose last commit or abort was in doubt is never used again: a new one has a new epoch,
and the broker refuses whatever the old one still has under way. An abort after an unfinished commit is never sent.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from confluent_kafka import KafkaException
from confluent_kafka import Producer as Client
from confluent_kafka import TopicPartition as At

from streams.errors import Doubtful, Fenced, Retryable, StreamError
from streams.runtime.ports import Headers, Membership, Position, TopicPartition
from streams.transport.kafka_beside import Beside
from streams.transport.kafka_config import SOCKET_TIMEOUT_MS, TRANSACTION_TIMEOUT_MS, Connection
from streams.transport.kafka_errors import Complaints
from streams.transport.kafka_group import write_membership
from streams.transport.kafka_predecessors import signed

_CALL_S = 1.0
"""One try of a call; a worker that leaves must not hang on it longer."""
_INIT_S = 30.0
"""Taking over waits for what the predecessor left open."""
_HANG_S = 5.0
"""A call that has not come back by then may never do so. Given up too soon costs no more than an abort."""
_FULL_S = 0.05
_ANY_TOPIC = "__consumer_offsets"
"""Asked for to be connected: one topic, not the thousands that a cluster may have."""


class KafkaProducer:
    """See `streams.runtime.ports.Producer`. Single-threaded."""

    def __init__(self, connection: Connection, transactional_id: str) -> None:
        """Fence every older producer with this id. Raises `Retryable`, `Fatal`."""
        self._connection, self._id = connection, transactional_id
        self._complaints = Complaints(connection, f"producer {transactional_id}")
        self._doubt_s = connection.setting("socket.timeout.ms", SOCKET_TIMEOUT_MS) / 2_000
        self._transaction_s = connection.setting("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS) / 1_000
        self._open = False
        self._ending_since: float | None = None
        """When the commit that has not ended yet was asked for."""
        self._in_doubt = False
        """Whether the end of the open transaction is unknown."""
        self._spent = False
        """Whether the next transaction wants another client."""
        self._dead: Fenced | None = None
        self._beside = Beside()
        self._client: Client | None = None
        self._produce: Callable[..., None] = self._gone
        self._renew()

    # -- the port

    def begin(self) -> None:
        """Open a transaction. Raises `Fenced` when the producer was replaced, `Retryable`."""
        self._check_alive()
        if self._open:
            raise StreamError(f"producer {self._id}: a transaction is open already; commit or abort it first")
        if self._spent:
            self._renew()
        try:
            self._live.begin_transaction()
        except KafkaException as problem:
            raise self._noted(problem, "begin a transaction") from problem
        self._open = True

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int = -1,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Add a record. Waits while the client holds too many. Raises `Poison`, `Fenced`."""
        try:
            if headers is None and not timestamp_ms:
                self._produce(topic, value, key, partition)
            else:
                self._produce(topic, value, key, partition, None, None, timestamp_ms, headers or [])
        except BufferError:
            self._make_room()
            self.send(topic, value, key, partition, headers, timestamp_ms)
        except KafkaException as problem:
            if not self._open:
                raise StreamError(f"producer {self._id}: no transaction is open; begin one first") from problem
            size = len(value or b"") + len(key or b"")
            found = self._reason() if problem.args[0].name() == "_STATE" else None
            raise self._noted(found or problem, f"send a record of {size} bytes to {topic}") from problem

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        """Add consumed positions; positions of several groups go into one transaction."""
        self._check_open()
        at = [
            At(topic, number, p.offset, metadata=signed(p.metadata, self._id)) for (topic, number), p in offsets.items()
        ]
        place = write_membership(membership)
        live = self._live
        try:
            done = self._beside.call(
                lambda: live.send_offsets_to_transaction(at, place, _CALL_S), min(_HANG_S, self._transaction_s)
            )
        except KafkaException as problem:
            raise self._noted(problem, f"add positions of group {membership.group}") from problem
        if not done:
            # Nothing is committed, whatever becomes of the call: a successor ends this transaction.
            self._dead = Fenced(f"producer {self._id}: no answer to positions of group {membership.group}")
            self._open = False
            raise self._dead

    def commit(self) -> None:
        """All or nothing. Raises `Fenced` (nothing happened), `Retryable` (call again), `Doubtful`, `Poison`, `Fatal`."""
        self._check_open()
        if self._ending_since is None:
            self._ending_since = time.monotonic()
            self._complaints.troubled = False
        try:
            self._live.commit_transaction(_CALL_S)
        except KafkaException as problem:
            found = self._complaints.translated(problem, "commit")
            if isinstance(found, Retryable):
                raise found from problem
            self._refuse(found, problem)
        self._note_doubt()
        self._open, self._ending_since = False, None

    def abort(self) -> None:
        """Nothing happened. Without an answer the client is given up: its successor aborts for it."""
        if not self._open:
            return
        self._open = False
        if self._ending_since is not None:
            # Asked to commit, no answer yet: to ask for the opposite now could end a later transaction.
            self._ending_since, self._in_doubt, self._spent = None, True, True
        if self._in_doubt or self._dead is not None:
            return
        began = time.monotonic()
        self._complaints.troubled = False
        try:
            self._live.abort_transaction(_CALL_S)
        except KafkaException as problem:
            self._noted(problem, "abort")
            self._spent = True
        self._note_doubt(began)

    def close(self) -> None:
        """Abort what is open."""
        self.abort()
        self.give_up()

    # -- beyond the port

    @property
    def usable(self) -> bool:
        """Whether another transaction may be begun, perhaps after a while."""
        return self._dead is None

    def give_up(self) -> None:
        """Close at once; what is open is aborted by the successor, or when its time is over."""
        self._dead = self._dead or Fenced(f"producer {self._id}: it was closed, or another took its place")
        self._open = False
        self._beside.close()
        self._discard()

    # -- pieces

    @property
    def _live(self) -> Client:
        if self._client is None:
            raise self._dead or Retryable(f"producer {self._id}: waiting for a new client")
        return self._client

    def _check_alive(self) -> None:
        if self._dead is not None:
            raise Fenced(*self._dead.args)

    def _check_open(self) -> None:
        if not self._open:
            raise StreamError(f"producer {self._id}: no transaction is open; begin one first")
        self._check_alive()

    def _reason(self) -> KafkaException | None:
        """What is wrong with the open transaction: the client knows, but `produce` does not say it."""
        self._spent = True
        try:
            # Never begins one while another is open, and says why that one cannot go on.
            self._live.begin_transaction()
        except KafkaException as problem:
            return problem
        return None

    def _noted(self, problem: KafkaException, doing: str) -> StreamError:
        """The error to raise; after a fatal one this producer is dead."""
        found = self._complaints.translated(problem, doing)
        error = problem.args[0]
        if error.fatal() or error.name() == "_FATAL":
            # Whatever the code is: the client answers every call with it from here on.
            self._dead = found if isinstance(found, Fenced) else Fenced(str(found))
            return self._dead
        return found

    def _refuse(self, found: StreamError, problem: KafkaException) -> None:
        """Raise what a failed commit means."""
        self._in_doubt = self._is_late()
        self._ending_since, self._spent = None, True
        error = problem.args[0]
        if error.fatal() or not error.txn_requires_abort():
            self._dead = Fenced(str(found))
        if self._in_doubt:
            # The log may have done it before it said no to the same request, sent again.
            raise Doubtful(f"{found}; the answer to an earlier try may be lost") from problem
        raise found from problem

    def _is_late(self, began: float | None = None) -> bool:
        since = began if began is not None else self._ending_since
        late = since is not None and time.monotonic() - since > self._doubt_s
        return late or self._complaints.troubled

    def _note_doubt(self, began: float | None = None) -> None:
        """Complaints of the client are told by `poll`; they count for the call that has just ended."""
        try:
            self._live.poll(0)
        except KafkaException as problem:
            # It raises what is fatal; what has ended has ended all the same.
            self._noted(problem, "look after the connection")
        self._spent = self._spent or self._is_late(began)

    def _renew(self) -> None:
        """A new client in place of the present one. Raises `Retryable`, `Fatal`."""
        self._discard()
        complaints = self._complaints
        try:
            client = Client({**self._connection.producer(self._id), "error_cb": complaints.heard})
        except KafkaException as problem:
            raise complaints.translated(problem, "set up") from problem
        try:
            # The client finds the coordinator at once when it is connected already; else it waits for half a second.
            client.list_topics(_ANY_TOPIC, _CALL_S)
            client.init_transactions(_INIT_S)
        except KafkaException as problem:
            found = complaints.translated(problem, "take over the transactional id")
            _drop(client)
            raise found from problem
        self._client, self._produce = client, client.produce
        self._in_doubt = self._spent = False

    def _discard(self) -> None:
        client, self._client, self._produce = self._client, None, self._gone
        if client is not None:
            _drop(client)

    def _gone(self, *_: object) -> None:
        """In the place of `produce` while there is no client."""
        raise self._dead or StreamError(f"producer {self._id}: no transaction is open; begin one first")

    def _make_room(self) -> None:
        """Wait until the client has written some of what it holds."""
        end = time.monotonic() + self._transaction_s
        client = self._live
        held = len(client)
        while len(client) >= held:
            if time.monotonic() > end:
                raise Fenced(f"producer {self._id}: nothing could be written for as long as a transaction may last")
            client.poll(_FULL_S)


def _drop(client: Client) -> None:
    """Close without waiting for what it still holds: nobody wants that any more.

    A client without a broker takes half a minute for it. Nobody waits: whatever it still sends, a successor has fenced.
    """
    client.purge()
    closing = threading.Thread(target=_close, args=(client,), name="closing a producer", daemon=True)
    closing.start()
    closing.join(_CALL_S)


def _close(client: Client) -> None:
    # It raises once more what has killed it, in a way that Python itself complains of.
    with suppress(KafkaException, SystemError):
        client.close()
