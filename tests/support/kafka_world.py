"""Workers of the toy product in this process, on a real broker: taken turn by turn, looked into, and interfered with."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient

from streams.core.facts import Fact
from streams.errors import StreamError
from streams.runtime.limits import Limits
from streams.runtime.worker import Worker
from tests.support.clock import RealClock
from tests.support.counting_store import CountingStore
from tests.support.kafka_worker import open_log, topology_of
from tests.support.toy_topology import create_topics, payload

PATIENCE_S = 60.0


class KafkaWorld:
    """Topics of its own, one store, workers by slot."""

    def __init__(self, bootstrap: str) -> None:
        self.unique = uuid.uuid4().hex[:8]
        self.topology = topology_of(self.unique)
        self.log = open_log(bootstrap, self.unique)
        create_topics(self.log, self.topology)
        self.store = CountingStore(self.log.cluster_id)
        self.workers: dict[str, Worker] = {}
        self.facts: list[Fact] = []
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def worker(self, slot: str = "0", **limits: Any) -> Worker:
        made = Worker(
            self.topology, self.log, self.store, RealClock(), self.facts.append, slot=slot, limits=Limits(**limits)
        )
        self.workers[slot] = made
        return made

    def feed(self, *events: dict[str, Any], topic: str = "raw.a", partition: int = 0) -> None:
        rows = [(None, payload(event), None, 0) for event in events]
        self.log.append(f"{topic}.{self.unique}", rows, partition)

    def until(self, condition: Callable[[], bool]) -> None:
        """All workers take turns until it is so."""
        ends_at = time.monotonic() + PATIENCE_S
        while not condition():
            for worker in self.workers.values():
                worker.step()
            assert time.monotonic() < ends_at, self.facts[-9:]

    def raised(self) -> StreamError:
        """What stops the workers."""
        try:
            self.until(lambda: False)
        except StreamError as problem:
            return problem
        raise AssertionError("nothing did")

    def leave(self, slot: str = "0") -> None:
        self.workers.pop(slot).close()

    def told(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if type(fact) is kind]

    def cut(self, topic: str, partition: int, offset: int) -> None:
        """Delete what is before `offset`, as retention does."""
        for done in self.admin.delete_records([At(topic, partition, offset)]).values():
            done.result(20)

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()
        self.log.close()
