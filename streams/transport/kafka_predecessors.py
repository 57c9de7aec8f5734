"""Ends the transaction of a worker that has gone, so that nobody has to wait until it runs out of time.

    position of p ──► no answer, and the broker answers other questions: a transaction holds it back
                        └─► whose? the last one that committed p: its name stands beside the position
                              └─► take over its transactional id for a moment: the broker aborts what it left open

Without this a dead worker's partitions, and all who read what it wrote, wait for `transaction.timeout.ms` and for the
broker to notice, up to 25 s. Taking over is safe whoever it hits: the group has given its partitions to us, so what it
might still commit would be refused; one that only slept makes a new producer and goes on.
"""

from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as At

from streams.transport.kafka_config import Connection

_BY = " by "
"""Between what a position says and who has committed it. What it says holds no blanks."""
_ANSWER_S = 1.0
_AGAIN_S = 0.5
_TAKE_OVER_S = 5.0


def signed(metadata: str, transactional_id: str) -> str:
    """What a position says, with who commits it."""
    return f"{metadata}{_BY}{transactional_id}"


def unsigned(metadata: str) -> str:
    """What a position says."""
    return metadata.partition(_BY)[0]


class Predecessors:
    """Those who had a group's partitions before."""

    def __init__(self, connection: Connection, group: str, session_timeout_ms: int, ours: Iterable[str]) -> None:
        """`ours`: the transactional ids of this process, as they are when it is asked; nobody ends those."""
        self._connection, self._group, self._session_timeout_ms = connection, group, session_timeout_ms
        self._ours = ours

    def settle(self, wheres: list[At]) -> list[At]:
        """Positions that have waited once already. Raises `KafkaException` when there is still no answer."""
        # Answered at once: then it is not the broker that is slow.
        holders = self._holders(wheres)
        # Asked by a client of its own: one that has lost its connection while it was asked may never answer.
        with closing(self._client("read_committed")) as looking:
            try:
                return list(looking.committed(wheres, _AGAIN_S))
            except KafkaException:
                for holder in sorted(holders):
                    self._end(holder)
            return list(looking.committed(wheres, _ANSWER_S))

    def _client(self, isolation: str) -> Any:
        config = self._connection.consumer(self._group, self._session_timeout_ms)
        return Consumer({**config, "isolation.level": isolation})

    def _holders(self, wheres: list[At]) -> set[str]:
        """Who has committed these last, seen without waiting for whatever is under way."""
        with closing(self._client("read_uncommitted")) as looking:
            found = looking.committed(wheres, _ANSWER_S)
        names = {(at.metadata or "").partition(_BY)[2] for at in found if at.error is None}
        # As a tuple first: the polling thread may make a producer meanwhile.
        return names - {"", *tuple(self._ours)}

    def _end(self, transactional_id: str) -> None:
        client = Producer(self._connection.producer(transactional_id))
        # Whoever comes next tries again; until then the transaction may end by itself.
        with suppress(KafkaException):
            # Connected first: finding the coordinator takes half a second otherwise.
            client.list_topics("__consumer_offsets", _ANSWER_S)
            client.init_transactions(_TAKE_OVER_S)
