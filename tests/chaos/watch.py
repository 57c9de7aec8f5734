"""Looks on from outside: when each partition has committed, and when Redis served it.

changelog, read committed ──► markers: (seq, made at, seen at)          Redis ──► seq of each partition, now and then

A partition *produces again* when a commit that was begun after the fault can be read; it is *served again* when Redis
stands there.
"""

import threading
import time
from typing import Any, NamedTuple

import msgspec
import redis
from confluent_kafka import Consumer, TopicPartition

_LOOK_S = 0.02
_MARKER = b"\0m"


class Commit(NamedTuple):
    """A commit of a partition. Times in ms."""

    seq: int
    made_at: int
    seen_at: int


class Recovery(NamedTuple):
    """How long after a fault everything produced, and was served, again (ms)."""

    produced_ms: int
    served_ms: int


class Watch:
    """Two threads, from `start` to `close`."""

    def __init__(self, broker: str, redis_client: "redis.Redis", app: str, changelog: str, partitions: int) -> None:
        self._redis, self._app, self._changelog, self._partitions = redis_client, app, changelog, partitions
        self._consumer: Any = Consumer({
            "bootstrap.servers": broker, "group.id": "watch", "isolation.level": "read_committed",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20, "log_level": 0,
            "reconnect.backoff.max.ms": 200,
        })  # fmt: skip
        self.commits: dict[int, list[Commit]] = {partition: [] for partition in range(partitions)}
        self.served: dict[int, list[tuple[int, int]]] = {partition: [] for partition in range(partitions)}
        """(seq, seen at), whenever it has changed."""
        self._stop = threading.Event()
        # A Redis that is asleep must not keep us from seeing commits.
        self._threads = [
            threading.Thread(target=work, name="watch", daemon=True) for work in (self._see_commits, self._see_redis)
        ]

    def start(self) -> None:
        """Look from now on."""
        self._consumer.assign([TopicPartition(self._changelog, partition, 0) for partition in range(self._partitions)])
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        self._consumer.close()

    def recovery(self, since_ms: int) -> Recovery | None:
        """How long it took after a fault at that time; null: not yet."""
        produced = served = since_ms
        for partition in range(self._partitions):
            first = next((commit for commit in self.commits[partition] if commit.made_at > since_ms), None)
            if first is None:
                return None
            at = next((at for seq, at in self.served[partition] if at > since_ms and seq >= first.seq), None)
            if at is None:
                return None
            produced, served = max(produced, first.seen_at), max(served, at)
        return Recovery(produced - since_ms, served - since_ms)

    def missing(self, since_ms: int) -> str:
        """Who has not produced since, or is not served: for a message."""
        late = [p for p in range(self._partitions) if not any(c.made_at > since_ms for c in self.commits[p])]
        stands = {p: (self.commits[p][-1:], self.served[p][-1:]) for p in range(self._partitions)}
        return f"no commit in {late}; last commits and what Redis stands at: {stands}"

    def _see_commits(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(1_000, _LOOK_S):
                if message.error() is None and message.key() == _MARKER:
                    seq = msgspec.msgpack.decode(message.value())[1]
                    self.commits[message.partition()].append(Commit(seq, message.timestamp()[1], _now_ms()))

    def _see_redis(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self._look()

    def _look(self) -> None:
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for partition in range(self._partitions):
                    pipeline.hget(f"{{{self._app}:{partition}}}:meta", "seq")
                found = pipeline.execute()
        except redis.exceptions.RedisError:
            return
        now_ms = _now_ms()
        for partition, seq in enumerate(found):
            number = int(seq) if seq and not seq.startswith(b"R:") else 0
            history = self.served[partition]
            if not history or history[-1][0] != number:
                history.append((number, now_ms))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
