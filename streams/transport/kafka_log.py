"""The log of a Kafka cluster, for production.

    KafkaLog(Connection("host:9092", properties, secrets))

Exactly-once there is made of transactions that carry the records and the positions they came from, of the group's
generation, which fences members, and of the transactional id, which fences producers. Offsets have gaps: each
transaction's end takes one.
"""

import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as At

from streams.errors import Doubtful, Fatal, Retryable, StreamError
from streams.runtime.ports import Row, TopicPartition
from streams.transport.kafka_admin import TopicAdmin
from streams.transport.kafka_config import Connection
from streams.transport.kafka_consumer import KafkaConsumer
from streams.transport.kafka_errors import Complaints
from streams.transport.kafka_producer import KafkaProducer
from streams.transport.kafka_reader import KafkaReader

_CONNECT_S = 10.0
_TRY_S = 0.5
_ASK_S = 2.0
_APPEND_S = 10.0
_PAUSE_S = 0.02


class KafkaLog:
    """See `streams.runtime.ports.Log`. May be used by several threads; its consumers and producers by one each."""

    def __init__(
        self,
        connection: Connection,
        *,
        session_timeout_ms: int = 10_000,
        replication_factor: int = -1,
        topic_properties: Mapping[str, str] | None = None,
        connect_s: float = _CONNECT_S,
    ) -> None:
        """Connect. `session_timeout_ms`: a member that is not heard of for so long has lost its partitions.

        `replication_factor` (-1: the cluster's own) and `topic_properties` are for topics made by `create_topic`.
        Raises `Fatal` when the cluster does not let us in, `Retryable` when it is not there.
        """
        self._connection, self._session_timeout_ms = connection, session_timeout_ms
        self._complaints = Complaints(connection, "log")
        try:
            self._client: Any = Consumer({**connection.reader(), "error_cb": self._complaints.heard})
        except KafkaException as problem:
            raise self._complaints.translated(problem, "set up") from problem
        try:
            self.cluster_id: str = self._connect(connect_s)
            self._admin = TopicAdmin(
                connection, replication_factor=replication_factor, topic_properties=topic_properties
            )
        except BaseException:
            self._client.close()
            raise
        self._partitions: dict[str, int] = {}
        self._producers: dict[str, KafkaProducer] = {}
        self._appending = threading.Lock()
        self._appender: KafkaProducer | None = None

    def consumer(self, group: str) -> KafkaConsumer:
        """See the port."""
        return KafkaConsumer(self._connection, group, self._session_timeout_ms, self._producers)

    def producer(self, transactional_id: str) -> KafkaProducer:
        """See the port. An older one of this log with the same id is closed first. Raises `Retryable`, `Fatal`."""
        if (older := self._producers.pop(transactional_id, None)) is not None:
            # What it still has under way must not come after what the new one does.
            older.give_up()
        made = self._producers[transactional_id] = KafkaProducer(self._connection, transactional_id)
        return made

    def reader(self, topic: str, partition: int, offset: int = 0) -> KafkaReader:
        """See the port."""
        where = self._known(topic, partition)
        return KafkaReader(self._connection, where, offset, self.start_offset(topic, partition))

    def partitions(self, topic: str) -> int:
        """See the port."""
        if (count := self._partitions.get(topic)) is not None:
            return count
        found = self._admin.partitions(topic)
        if found is None:
            raise Fatal(
                f"topic {topic}: want a topic of that name, found none at {self._connection.bootstrap_servers}; "
                "create it first (`rapport topics create`)"
            )
        # A topic never has fewer; should it get more, keys would go elsewhere, and a restart finds out.
        self._partitions[topic] = found
        return found

    def start_offset(self, topic: str, partition: int) -> int:
        """See the port."""
        return self._bounds(self._known(topic, partition))[0]

    def end_offset(self, topic: str, partition: int) -> int:
        """See the port."""
        return self._bounds(self._known(topic, partition))[1]

    def create_topic(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> None:
        """See the port. Raises `Fatal` also when it exists with another policy, or keeps records for too short."""
        self._admin.create(topic, partitions, compact=compact, retention_ms=retention_ms)

    def topic_problems(self, topic: str, partitions: int, *, compact: bool, retention_ms: int | None) -> list[str]:
        """What is wrong with a topic, in words with the way out; empty: nothing. Raises `Retryable`."""
        return self._admin.problems(topic, partitions, compact=compact, retention_ms=retention_ms)

    def append(self, topic: str, records: Iterable[Row], partition: int | None = None) -> None:
        """See the port. Raises `Doubtful` when there was no answer: it may have been written."""
        self.partitions(topic)
        number = -1 if partition is None else partition
        with self._appending:
            if self._appender is None:
                # Nobody takes over from an id that is never used again; the broker aborts what it left open in 15 s.
                name = f"{self._connection.client_id}.append.{uuid.uuid4().hex}"
                self._appender = KafkaProducer(self._connection, name)
            try:
                _write(self._appender, topic, records, number)
            except BaseException as problem:
                self._appender.abort()
                if isinstance(problem, StreamError) and not self._appender.usable:
                    self._appender.close()
                    self._appender = None
                raise

    def maintain(self) -> None:
        """See the port. Brokers do it by themselves."""

    def close(self) -> None:
        """Release the connections."""
        if self._appender is not None:
            self._appender.close()
        for producer in self._producers.values():
            producer.close()
        self._client.close()

    def _connect(self, connect_s: float) -> str:
        end = time.monotonic() + connect_s
        while True:
            try:
                shown = self._client.list_topics("__consumer_offsets", _TRY_S)
                return str(shown.cluster_id)
            except KafkaException as problem:
                # Complaints are told by `poll`: only they say why there is no connection.
                self._client.poll(0)
                if self._complaints.refused:
                    raise self._complaints.translated(self._complaints.last or problem, "connect") from problem
                if time.monotonic() > end:
                    raise Retryable(
                        f"log: no answer from {self._connection.bootstrap_servers} within {connect_s:.0f} s: "
                        f"{self._complaints.translated(problem, 'connect')}; is the cluster running, and the address right?"
                    ) from problem

    def _known(self, topic: str, partition: int) -> TopicPartition:
        count = self.partitions(topic)
        if not 0 <= partition < count:
            raise Fatal(f"topic {topic}: want a partition from 0 to {count - 1}, got {partition}")
        return TopicPartition(topic, partition)

    def _bounds(self, where: TopicPartition) -> tuple[int, int]:
        """Start and end as a reader sees them: the end is that of settled transactions, not the newest record's."""
        try:
            start, end = self._client.get_watermark_offsets(At(*where), timeout=_ASK_S)
        except KafkaException as problem:
            raise self._complaints.translated(problem, f"look up {where.topic}[{where.partition}]") from problem
        return int(start), int(end)


def _write(producer: KafkaProducer, topic: str, records: Iterable[Row], partition: int) -> None:
    producer.begin()
    for key, value, headers, at in records:
        producer.send(topic, value, key, partition, headers, at)
    end = time.monotonic() + _APPEND_S
    while True:
        try:
            producer.commit()
        except Retryable as problem:
            if time.monotonic() > end:
                raise Doubtful(f"append to {topic}: no answer in {_APPEND_S:.0f} s: {problem}") from problem
            time.sleep(_PAUSE_S)
        else:
            return
