"""Reads one partition of a Kafka cluster without a group.

A fetch is always under way, so what `poll` finds at once may be less than what is there. An empty answer therefore
means more: everything that could be seen when `poll` was called has been given out. For that it asks where the end is,
and waits until the client has got there; control records at the end are known by the client's end-of-partition event.
"""

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as At

from streams.errors import Retryable
from streams.runtime.ports import Record, TopicPartition
from streams.transport.kafka_config import Connection
from streams.transport.kafka_errors import Complaints

_ASK_S = 2.0
_PATIENCE_S = 5.0
"""How long a reader may stay away from an end that is there, before the caller is told to try again."""
_SLICE_S = 0.1

_error_of: Callable[[Any], KafkaError | None] = Message.error
_END = KafkaError._PARTITION_EOF  # noqa: SLF001  the client's own name for it
_OUT_OF_RANGE = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001


class KafkaReader:
    """See `streams.runtime.ports.Reader`. Single-threaded."""

    def __init__(self, connection: Connection, where: TopicPartition, offset: int, start: int) -> None:
        """Read from `offset` (inclusive) on; what is before `start`, the log's present start, is passed over."""
        self._where = where
        self._complaints = Complaints(connection, f"reader of {where.topic}[{where.partition}]")
        self._reached = max(offset, start)
        self._client: Any = Consumer({**connection.reader(), "error_cb": self._complaints.heard})
        self._client.assign([At(where.topic, where.partition, self._reached)])

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        """The next records, in order. Empty: all that could be seen has been given. Raises `Retryable`."""
        records = self._take(records_max, 0)
        if records:
            return records
        end = self._end()
        give_up_at = time.monotonic() + _PATIENCE_S
        while self._reached < end:
            records = self._take(1, _SLICE_S)
            if records:
                return records + self._take(records_max - 1, 0)
            if time.monotonic() > give_up_at:
                raise Retryable(
                    f"{self._where.topic}[{self._where.partition}]: read up to {self._reached}, the end is at {end}, "
                    f"and nothing came for {_PATIENCE_S:.0f} s; is the partition's leader there?"
                )
        if wait_ms and (records := self._take(1, wait_ms / 1000)):
            records += self._take(records_max - 1, 0)
        return records

    def take(self, records_max: int, wait_ms: int) -> list[Record]:
        """The next records that the client has fetched. Raises `Fatal`."""
        records = self._take(records_max, 0)
        if not records and wait_ms and (records := self._take(1, wait_ms / 1000)):
            records += self._take(records_max - 1, 0)
        return records

    def close(self) -> None:
        """Done."""
        self._client.close()

    def _take(self, records_max: int, wait_s: float) -> list[Record]:
        if records_max < 1:
            return []
        records: list[Record] = self._client.consume(records_max, wait_s)
        if any(map(_error_of, records)):
            records = [record for record in records if self._is_record(record)]
        if records:
            # The end event may have come behind them.
            self._reached = max(self._reached, records[-1].offset() + 1)
        return records

    def _is_record(self, message: Any) -> bool:
        """Whether this is a record; else it says where the end is, or what is wrong."""
        error = message.error()
        if error is None:
            return True
        if error.code() == _END:
            self._reached = max(self._reached, message.offset())
        elif error.code() == _OUT_OF_RANGE:
            self._begin_again()
        elif not isinstance(found := self._complaints.translated(error, "read"), Retryable):
            raise found
        return False

    def _begin_again(self) -> None:
        """What was to be read next was deleted meanwhile. Beyond the end nothing is there, as anywhere beyond it."""
        start, _ = self._bounds()
        if self._reached < start:
            self._reached = start
            self._client.assign([At(self._where.topic, self._where.partition, start)])

    def _end(self) -> int:
        return self._bounds()[1]

    def _bounds(self) -> tuple[int, int]:
        try:
            start, end = self._client.get_watermark_offsets(At(*self._where), timeout=_ASK_S)
        except KafkaException as problem:
            raise self._complaints.translated(problem, "ask for the end") from problem
        return int(start), int(end)
