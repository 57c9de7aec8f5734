"""Where a group stands, asked beside the polling thread: the answer may have to wait for a dead worker's transaction.

ask ──► answered within a moment                 the positions
    └─► not yet: `Retryable`, ask again ──► …    polling, and every other partition, goes on meanwhile;
                                                 whoever holds the answer back has his transaction ended
"""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka import TopicPartition as At

from streams.errors import Retryable
from streams.runtime.ports import Position, TopicPartition
from streams.transport.kafka_errors import Complaints
from streams.transport.kafka_predecessors import Predecessors, unsigned

_FIRST_WAIT_S, _WAIT_S = 1.0, 0.25
"""How long the caller waits: when connections have to be made first; then. Asked again, it does not wait at all."""
_TRY_S = 0.5
"""One try of the client."""
_SILENT_S, _SETTLE_S = 3.0, 15.0
"""Then it is given up: a client that lost its connection while it was asked may never answer. Ending a predecessor's
transaction may take longer."""
_CLOSE_S = 1.0
"""Who closes waits so long for an answer that is under way."""


class Positions:
    """The positions of one group."""

    def __init__(self, client: Any, complaints: Complaints, predecessors: Predecessors) -> None:
        """`client`: a consumer of the group; it may be used by another thread at the same time."""
        self._client, self._complaints, self._predecessors = client, complaints, predecessors
        self._under_way: dict[tuple[TopicPartition, ...], _Question] = {}
        self._abandoned: list[_Question] = []
        self._waited: set[tuple[TopicPartition, ...]] = set()
        self._wait_s = _FIRST_WAIT_S

    def ask(self, wheres: Sequence[TopicPartition]) -> dict[TopicPartition, Position | None]:
        """Committed positions; null where there is none. Raises `Retryable` while there is no answer, `Fatal`."""
        key = tuple(wheres)
        question = self._under_way.get(key)
        if question is not None and question.is_silent:
            self._abandoned.append(self._under_way.pop(key))
            question = None
        if question is None:
            question = self._under_way[key] = _Question(
                self._client, key, self._predecessors if key in self._waited else None
            )
            if key not in self._waited:
                self._waited.add(key)
                question.thread.join(self._wait_s)
        if question.thread.is_alive():
            raise Retryable(
                f"positions of {_words(key)}: asked, no answer yet; the transaction of a predecessor may still be open"
            )
        del self._under_way[key]
        if question.problem is not None:
            raise self._complaints.translated(question.problem, "look up positions") from question.problem
        for at in question.found:
            if at.error is not None:
                raise self._complaints.translated(at.error, f"look up the position of {at.topic}[{at.partition}]")
        self._wait_s = _WAIT_S
        self._waited.discard(key)
        return {
            TopicPartition(at.topic, at.partition): Position(at.offset, unsigned(at.metadata or ""))
            if at.offset >= 0
            else None
            for at in question.found
        }

    def forget(self, wheres: Iterable[TopicPartition]) -> None:
        """These came, went, or were moved: an answer that is still on its way would be of before."""
        changed = set(wheres)
        for key in [key for key in self._under_way if changed.intersection(key)]:
            self._abandoned.append(self._under_way.pop(key))
        self._waited = {key for key in self._waited if not changed.intersection(key)}
        self._abandoned = [question for question in self._abandoned if question.thread.is_alive()]

    def close(self) -> None:
        """Wait until nobody uses the client any more; not for those that will never answer."""
        for question in [*self._abandoned, *self._under_way.values()]:
            question.thread.join(0 if question.is_silent else _CLOSE_S)


class _Question:
    """One question on its way."""

    def __init__(self, client: Any, wheres: Sequence[TopicPartition], predecessors: Predecessors | None) -> None:
        """`predecessors`: of positions that were asked for in vain."""
        self.found: list[At] = []
        self.problem: KafkaException | None = None
        self._client, self._predecessors = client, predecessors
        self._wheres = [At(*where) for where in wheres]
        self._until = time.monotonic() + (_SILENT_S if predecessors is None else _SETTLE_S)
        self.thread = threading.Thread(target=self._ask, name="positions", daemon=True)
        self.thread.start()

    @property
    def is_silent(self) -> bool:
        """Whether it should have been answered long ago, one way or the other."""
        return self.thread.is_alive() and time.monotonic() > self._until

    def _ask(self) -> None:
        try:
            if self._predecessors is None:
                self.found = self._client.committed(self._wheres, _TRY_S)
            else:
                self.found = self._predecessors.settle(self._wheres)
        except KafkaException as problem:
            self.problem = problem


def _words(wheres: Sequence[TopicPartition]) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in wheres)
