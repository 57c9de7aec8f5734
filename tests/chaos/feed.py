"""Generated traffic into the raw topics, by a plain idempotent producer: what is lost or doubled is not its doing."""

import threading
import time
from collections import Counter
from typing import Any

from confluent_kafka import Producer

from tests.chaos.oracle_read import Kafka
from topologies.traffic.feed import Cursor
from topologies.traffic.outbox import Delivery
from topologies.traffic.stage import Options
from topologies.traffic.truth import Truth
from topologies.traffic.world import World

_TURN_S = 0.04


class Feed:
    """One thread that writes what the world does, as it happens; `stop` waits until all of it is acknowledged."""

    def __init__(self, broker: str, *, seed: int, rate: float) -> None:
        """`rate`: payloads a second, half of them about the brand."""
        self.truth = Truth()
        self.sent = self.acknowledged = self.repeated = 0
        self._kafka = Kafka(broker)
        self._world_options = {"seed": seed, "rate": rate, "relevant": 0.5, "broken": 0.01, "customers": 400}
        self._trouble: list[str] = []
        self._written: Counter[tuple[str, bytes, bytes | None]] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._producer: Any = Producer({
            "bootstrap.servers": broker, "enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 5,
            "delivery.timeout.ms": 300_000, "reconnect.backoff.max.ms": 500, "log_level": 0,
        })  # fmt: skip

    def start(self) -> None:
        """Write from now on; the days before come first."""
        self._thread.start()

    def stop(self) -> None:
        """No more. Raises `AssertionError` when something did not get through."""
        self._stop.set()
        self._thread.join(60)
        left = self._producer.flush(120)
        assert not left, f"{left} records were never acknowledged"
        assert not self._trouble, self._trouble[:3]
        self._repeat_lost()

    def _run(self) -> None:
        try:
            world = World(Options(start_ms=time.time_ns() // 1_000_000, **self._world_options))  # type: ignore[arg-type]  # see above
            for delivery in world.opening():
                self._write(delivery)
            beats = Cursor(world.beats())
            while not self._stop.is_set():
                for delivery in beats.take(time.time_ns() // 1_000_000, 1_000):
                    self._write(delivery)
                self._producer.poll(0)
                self._stop.wait(_TURN_S)
        except Exception as problem:  # noqa: BLE001  `stop` says it
            self._trouble.append(repr(problem))

    def _write(self, delivery: Delivery) -> None:
        self.truth.learn(delivery.facts)
        self._produce(f"raw.{delivery.input}", delivery.key, delivery.payload, delivery.received_at)
        self.sent += 1

    def _produce(self, topic: str, key: bytes, payload: bytes | None, at: int) -> None:
        self._written[topic, key, payload] += 1
        self._producer.produce(topic, payload, key, timestamp=at, on_delivery=self._delivered)

    def _repeat_lost(self) -> None:
        """A broker that is killed may lose what it has acknowledged: what is not there is written again.

        The trial is about what becomes of records that are in the log.
        """
        topics = sorted({topic for topic, _, _ in self._written})
        counts = self._kafka.partitions(topics)
        found = self._kafka.read({(topic, partition): 0 for topic in topics for partition in range(counts[topic])})
        there = Counter((r.topic(), r.key() or b"", r.value()) for records in found.values() for r in records)
        for (topic, key, payload), count in (self._written - there).items():
            for _ in range(count):
                self.repeated += 1
                self._produce(topic, key, payload, time.time_ns() // 1_000_000)
        assert not self._producer.flush(60), "the broker takes nothing any more"

    def _delivered(self, error: Any, _: Any) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self._trouble.append(str(error))
