"""The engine on a real Kafka and a real Redis, killed at any moment: every output exactly once, and the right one."""

import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.core.facts import Fact
from streams.errors import Retryable
from streams.runtime import oracle
from streams.runtime.oracle_log import waiting
from streams.runtime.worker import Worker
from streams.state.redis_store import RedisStore
from tests.support.clock import RealClock
from tests.support.kafka_worker import LIMITS, open_log, topology_of
from tests.support.redis_server import redis_server
from tests.support.toy_topology import add, create_topics, payload

ROOT = Path(__file__).resolve().parents[2]
SESSION_TIMEOUT_MS = 2_000
FINISH_S = 30


class Cluster:
    """Worker processes on one broker and one Redis."""

    def __init__(self, bootstrap: str, redis_url: str, folder: Path) -> None:
        self.unique = uuid.uuid4().hex[:8]
        self.topology = topology_of(self.unique)
        self.log = open_log(bootstrap, self.unique)
        self.store = RedisStore.connect(redis_url, app=self.topology.app, cluster_id=self.log.cluster_id)
        create_topics(self.log, self.topology)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._facts: list[Fact] = []
        self._bootstrap, self._redis_url, self._folder = bootstrap, redis_url, folder

    def start(self, slot: str) -> None:
        arguments = [self._bootstrap, self.unique, slot, self._redis_url, str(SESSION_TIMEOUT_MS)]
        with (self._folder / f"worker-{slot}.log").open("ab") as said:
            self.running[slot] = process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.kafka_worker", *arguments],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=said,
            )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", self.said()

    def end(self, slot: str, number: signal.Signals) -> None:
        process = self.running.pop(slot)
        process.send_signal(number)
        code = process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
        assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0), self.said()

    def feed(self, chance: random.Random, count: int) -> None:
        """Records that add, are rejected, are not JSON at all, or make an address forget."""
        for entry in self.topology.inputs:
            rows = [(None, self._payload(chance, number), None, 0) for number in range(count)]
            self.log.append(entry.topic, rows)

    def _payload(self, chance: random.Random, number: int) -> bytes:
        if number % 97 == 50:
            return b"{broken"
        event: dict[str, Any] = add(
            uuid.UUID(int=chance.getrandbits(128)).hex, chance.randrange(40), 1, chance.randrange(9)
        )
        if number % 31 == 7:
            event["bad"] = chance.choice(["reject", "raise", "many"])
        elif number % 53 == 9:
            event["reset"] = True
        return payload(event)

    def finish(self) -> None:
        """Do what the others have left, with a worker of our own that writes no ticks: else there is always more."""
        limits = msgspec.structs.replace(LIMITS, tick_ms=1 << 60)
        worker = Worker(self.topology, self.log, self.store, RealClock(), self._facts.append, slot="0", limits=limits)
        end = time.monotonic() + FINISH_S
        while not worker.status().tasks or self._left():
            assert time.monotonic() < end, f"{self._left()} are not done; {self._facts[-9:]}; {self.said()}"
            idle_steps = 0
            while idle_steps < 50 and time.monotonic() < end:
                idle_steps = 0 if worker.step() else idle_steps + 1
        worker.close()
        # What is committed reaches its partitions a moment later; a successor has to wait for that.
        for slot in ("0", "1"):
            self.log.producer(f"{self.topology.app}-{slot}").close()

    def _left(self) -> list[Any]:
        try:
            return list(waiting(self.log, self.topology))
        except Retryable as problem:
            # Somebody's transaction is still open.
            return [problem]

    def said(self) -> str:
        return "\n".join(path.read_text()[-3_000:] for path in sorted(self._folder.glob("worker-*.log")))

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self.store.close()
        self.log.close()


@pytest.fixture
def cluster(kafka: str, tmp_path: Path) -> Iterator[Cluster]:
    with redis_server() as server:
        made = Cluster(kafka, server.url, tmp_path)
        yield made
        made.close()


def test_workers_that_are_killed_again_and_again_lose_and_double_nothing(cluster: Cluster) -> None:
    chance = random.Random(11)
    for slot in ("0", "1"):
        cluster.start(slot)
    for turn in range(5):
        cluster.feed(chance, 150)
        # Long enough for some commits, short enough to be in the middle of things.
        time.sleep(chance.uniform(0.2, 0.8))
        slot = str(turn % 2)
        if turn == 2:
            # Asleep for longer than its session: it wakes up with work in its hands that is somebody else's by now.
            cluster.running[slot].send_signal(signal.SIGSTOP)
            cluster.feed(chance, 50)
            time.sleep(SESSION_TIMEOUT_MS / 1_000 + 1)
            cluster.running[slot].send_signal(signal.SIGCONT)
            continue
        cluster.end(slot, signal.SIGKILL)
        cluster.feed(chance, 50)
        cluster.start(slot)
    for slot in ("0", "1"):
        cluster.end(slot, signal.SIGTERM)
    cluster.finish()
    verdict = oracle.check(cluster.log, cluster.store, cluster.topology, value_bytes_max=LIMITS.record_bytes_max)
    assert not verdict.violations, cluster.said()
    assert verdict.raw_records == 2 * 5 * 200
    assert verdict.outputs > verdict.raw_records // 2
    assert verdict.letters > 10
