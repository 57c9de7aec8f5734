"""A worker in memory, with a hand-moved clock: what tests of the runtime play with."""

import json
from collections.abc import Callable
from typing import Any

from streams.core.facts import Fact
from streams.runtime.limits import Limits
from streams.runtime.ports import Record
from streams.runtime.topology import Topology
from streams.runtime.worker import Worker
from streams.state.dict_store import DictStore
from streams.transport.sqlite_log import SqliteLog
from tests.support.clock import ManualClock
from tests.support.toy_topology import create_topics, payload, toy_topology


class World:
    """One log, one store, workers by name."""

    def __init__(
        self, topology: Topology | None = None, limits: Limits | None = None, *, record_bytes_max: int = 1 << 20
    ) -> None:
        self.clock = ManualClock()
        self.topology = topology or toy_topology()
        self.log = SqliteLog(":memory:", clock=self.clock, offset_gap=1, record_bytes_max=record_bytes_max)
        create_topics(self.log, self.topology)
        self.store = DictStore(self.log.cluster_id)
        self.facts: list[Fact] = []
        self.limits = limits or Limits()
        self.workers: dict[str, Worker] = {}

    def worker(self, slot: str = "0", **more: Any) -> Worker:
        worker_type = more.pop("type", Worker)
        worker: Worker = worker_type(
            self.topology, self.log, more.pop("store", self.store), self.clock, self.facts.append,
            slot=slot, limits=more.pop("limits", self.limits), **more,
        )  # fmt: skip
        self.workers[slot] = worker
        return worker

    def feed(self, *events: dict[str, Any], topic: str = "raw.a", partition: int = 0, **more: Any) -> None:
        self.feed_bytes(payload(*events, **more), topic=topic, partition=partition)

    def feed_bytes(self, value: bytes | None, topic: str = "raw.a", partition: int = 0) -> None:
        self.log.append(topic, [(None, value, None, self.clock.now_ms())], partition)

    def run(self, *slots: str, ms: int = 2_000, until: Callable[[], bool] | None = None) -> None:
        """Let workers take turns for so long, in virtual time."""
        ends_at = self.clock.now_ms() + ms
        while self.clock.now_ms() < ends_at and not (until is not None and until()):
            for slot in slots or list(self.workers):
                self.workers[slot].step()
            self.clock.sleep_ms(1)

    def records(self, topic: str) -> list[Record]:
        found: list[Record] = []
        for partition in range(self.log.partitions(topic)):
            reader = self.log.reader(topic, partition)
            while part := reader.poll(1_000, 0):
                found += part
            reader.close()
        return found

    def outputs(self, name: str) -> list[tuple[str, Any]]:
        return [
            ((record.key() or b"").decode(), json.loads(record.value() or b"null"))
            for record in self.records(self.topology.outputs[name].topic)
        ]

    def letters(self) -> list[dict[str, bytes]]:
        return [dict(record.headers() or ()) for record in self.records(self.topology.dlq)]

    def items(self, address: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for partition in range(self.topology.partitions):
            for item, data in self.store.read_address(partition, address).items():
                found[item] = self.topology.decode_item(data)
        return found

    def told(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if type(fact) is kind]

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()
        self.log.close()
