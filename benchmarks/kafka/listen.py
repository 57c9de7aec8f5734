"""A subscriber that reads committed records only, and when it sees what."""

import threading
import time
from typing import NamedTuple, Self

import orjson
from confluent_kafka import Consumer, TopicPartition

from benchmarks.kafka.firehose import ALARM_RULE, written_at_us
from benchmarks.kafka.looks import ends
from benchmarks.kafka.servers import Application, Site
from streams.errors import Fatal

_POLL_MAX = 1_000


class Seen(NamedTuple):
    """An act that has come out. `alert`: as an alert, else enriched. Times are seconds since 1970."""

    act: str
    customer: str
    alert: bool
    written_s: float
    seen_s: float

    @property
    def took_ms(self) -> float:
        """From the source to the subscriber."""
        return (self.seen_s - self.written_s) * 1_000


class Listener:
    """Listens in a thread of its own from the present ends on, until the block ends."""

    def __init__(self, site: Site, application: Application) -> None:
        """Ready when this returns."""
        self.seen: list[Seen] = []
        self._trouble: list[BaseException] = []
        outputs = application.topology.outputs
        self._alerts = outputs["alerts"].topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": site.bootstrap,
                "group.id": "bench.listen",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "fetch.queue.backoff.ms": 5,
                "log_level": 0,
            }
        )
        topics = (outputs["enriched"].topic, self._alerts)
        at = [TopicPartition(topic, *place) for topic in topics for place in ends(site, topic).items()]
        self._consumer.assign(at)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def check(self) -> None:
        """Raises `Fatal` when it has stopped listening."""
        if self._trouble:
            raise Fatal(f"bench: the subscriber stopped: {self._trouble[0]}") from self._trouble[0]

    def _listen(self) -> None:
        try:
            while not self._over.is_set():
                self._take()
        except BaseException as problem:  # noqa: BLE001  the main thread raises it
            self._trouble.append(problem)

    def _take(self) -> None:
        # One call for many would wait for all of them.
        records = self._consumer.consume(1, 0.1)
        records += self._consumer.consume(_POLL_MAX, 0) if records else []
        seen_s = time.time()
        for record in records:
            if record.error():
                raise Fatal(str(record.error()))
            document = orjson.loads(record.value() or b"null")
            if not document:
                continue
            alert = record.topic() == self._alerts
            if not alert:
                act = document["act"]["id"]
            elif document["rule"] == ALARM_RULE and document["status"] == "fired":
                (act, *_) = document["evidence"]
            else:
                continue
            self.seen.append(Seen(act, document["customer"]["id"], alert, written_at_us(act) / 1e6, seen_s))
