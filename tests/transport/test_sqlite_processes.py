"""The SQLite log between processes: killed at any moment, and up to four at once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.runtime.ports import TopicPartition
from streams.transport.sqlite_log import SqliteLog
from tests.contracts.log_edge import values
from tests.support.clock import RealClock
from tests.support.echo_worker import GROUP, PARTITIONS

ROOT = Path(__file__).resolve().parents[2]


class Cluster:
    """One log file and the processes that work on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.session_timeout_ms = 150
        self.log = SqliteLog(str(path), clock=RealClock(), offset_gap=1)
        for topic in ("in", "out", "twin"):
            self.log.create_topic(topic, PARTITIONS, compact=False, retention_ms=None)
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, slot: int) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.support.echo_worker",
                str(self.path),
                str(slot),
                str(self.session_timeout_ms),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        self.running.append(process)
        return process

    def end(self, process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        self.running.remove(process)
        process.send_signal(number)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()

    def feed(self, first: int, count: int) -> None:
        rows = [(b"%d" % number, b"value %d" % number, None, 0) for number in range(first, first + count)]
        self.log.append("in", rows)

    def read(self, topic: str) -> list[list[bytes | None]]:
        return [values(self.log.reader(topic, partition).poll(1_000_000, 0)) for partition in range(PARTITIONS)]

    def count(self, topic: str) -> int:
        return sum(map(len, self.read(topic)))

    def is_copied(self) -> bool:
        return self.count("in") == self.count("out")

    def slots(self) -> set[bytes]:
        """Which workers have written something."""
        records = [r for partition in range(PARTITIONS) for r in self.log.reader("out", partition).poll(1_000_000, 0)]
        return {value for record in records for _, value in record.headers() or ()}

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """SIGSTOP, but not while it holds the write lock: nobody could do anything then, which is not the point."""
        while True:
            os.kill(process.pid, signal.SIGSTOP)
            connection = sqlite3.connect(self.path, timeout=0.3, isolation_level=None)
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                os.kill(process.pid, signal.SIGCONT)
                time.sleep(0.003)
            else:
                return
            finally:
                connection.close()

    def committed(self) -> dict[int, int]:
        consumer = self.log.consumer(GROUP)
        found = consumer.committed([TopicPartition("in", partition) for partition in range(PARTITIONS)])
        consumer.close()
        return {at.partition: position.offset if position else 0 for at, position in found.items()}

    def close(self) -> None:
        for process in list(self.running):
            self.end(process, signal.SIGKILL)
        self.log.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "log.sqlite")
    yield made
    made.close()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} seconds"
        time.sleep(0.02)


def test_a_killed_writer_leaves_whole_transactions_only(cluster: Cluster) -> None:
    chance = random.Random(4)
    cluster.feed(0, 20_000)
    progress = []
    for kill in range(10):
        before = cluster.count("out")
        worker = cluster.start(kill % 2)
        wait_until(lambda before=before: cluster.count("out") > before)  # type: ignore[misc]
        # It commits every fraction of a millisecond now: most moments are in the middle of something.
        time.sleep(chance.uniform(0.0, 0.03))
        cluster.end(worker, signal.SIGKILL)
        progress.append(cluster.count("out"))
        out, committed = cluster.read("out"), cluster.committed()
        assert out == cluster.read("twin"), "both topics of a transaction or none"
        for partition in range(PARTITIONS):
            done = [r for r in cluster.log.reader("in", partition).poll(20_000, 0) if r.offset() < committed[partition]]
            assert out[partition] == values(done), "the positions of a transaction go with its records"
    assert progress[-1] < 20_000, "it was killed while it worked"
    worker = cluster.start(9)
    wait_until(cluster.is_copied)
    cluster.end(worker, signal.SIGTERM)
    assert cluster.read("out") == cluster.read("twin") == cluster.read("in")


def test_what_a_killed_process_owned_is_taken_over_long_before_its_timeout(cluster: Cluster) -> None:
    cluster.session_timeout_ms = 60_000
    killed = cluster.start(0)
    cluster.feed(0, 100)
    wait_until(cluster.is_copied)
    cluster.end(killed, signal.SIGKILL)
    cluster.feed(100, 100)
    cluster.start(1)
    wait_until(cluster.is_copied, 10)
    assert cluster.read("out") == cluster.read("in")


def test_four_processes_copy_everything_once_while_members_come_and_go(cluster: Cluster) -> None:
    workers = [cluster.start(slot) for slot in range(3)]
    cluster.feed(0, 4_000)
    workers.append(cluster.start(3))
    cluster.feed(4_000, 4_000)
    time.sleep(0.1)
    cluster.end(workers[0], signal.SIGKILL)
    time.sleep(0.1)
    # A zombie: it stops in the middle, loses its partitions, and wakes up with a transaction in its hands.
    cluster.stop(workers[1])
    cluster.feed(8_000, 500)
    wait_until(cluster.is_copied)
    os.kill(workers[1].pid, signal.SIGCONT)
    cluster.feed(8_500, 500)
    wait_until(cluster.is_copied)
    cluster.end(workers[2], signal.SIGTERM)
    cluster.feed(9_000, 100)
    wait_until(cluster.is_copied)
    assert cluster.read("out") == cluster.read("twin") == cluster.read("in")
    copied = Counter(value for part in cluster.read("out") for value in part)
    assert len(copied) == 9_100
    assert set(copied.values()) == {1}
    assert len(cluster.slots()) >= 3, "they shared the work"
