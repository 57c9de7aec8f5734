"""`rapport run` as processes: they work, share, stop when told, and say what they do."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.load import load
from streams.transport.sqlite_log import SqliteLog
from tests.cli.payloads import post as post_at
from tests.cli.rapport import RAPPORT, begun, environment, rapport
from tests.cli.shell import ask, config_in
from tests.support.clock import RealClock
from topologies.assemble import create_topics

TEXT = """
[engine]
partitions = 4
session_timeout_ms = 3_000
[relevance]
relevance = "all"
[[inputs]]
name = "sky"
format = "bluesky.jetstream"
[[inputs]]
name = "people"
format = "contacts"
"""
PATIENCE_S = 60.0


def post(did: str, rkey: str) -> str:
    """A post of now."""
    return post_at(did, rkey, "hello", begin_us=time.time_ns() // 1000)


class Place:
    """A folder with a configuration, its log, and the workers that run there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, config_in(folder, TEXT)
        settings, problems = load(self.config, {})
        assert settings is not None, problems
        (folder / "data").mkdir()
        self.log = SqliteLog(str(folder / "data" / "log.sqlite"), clock=RealClock())
        create_topics(self.log, settings)
        self.workers: list[Worker] = []

    def feed(self, topic: str, *values: str) -> None:
        self.log.append(topic, [(None, value.encode(), None, 0) for value in values])

    def worker(self, *options: str) -> "Worker":
        self.workers.append(Worker(self, *options))
        return self.workers[-1]

    def acts(self) -> list[str]:
        answer = ask("tail", "enriched", "-c", self.config, "-n", "10000", "--json")
        assert answer.code == 0, answer.err
        return [line["value"]["act"]["id"].rpartition("/")[2] for line in answer.lines]

    def wait_for(self, acts: set[str]) -> None:
        ends_at = time.monotonic() + PATIENCE_S
        while not acts <= set(self.acts()):
            assert time.monotonic() < ends_at, f"never came: {acts - set(self.acts())}"
            time.sleep(0.1)

    def close(self) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.communicate()
        self.log.close()


class Worker:
    """A process. Its lines are read as they come, so that it never waits for a reader."""

    def __init__(self, place: Place, *options: str) -> None:
        self.said = place.folder / f"worker-{len(place.workers)}.jsonl"
        with self.said.open("w") as err:
            command = [*RAPPORT, "run", "-c", str(place.config), "--json", *options]
            self.process = subprocess.Popen(command, cwd=place.folder, env=environment(), stderr=err)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.said.read_text(encoding="utf-8").splitlines()]

    def wait_until(self, event: str) -> Any:
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            found = [line for line in self.lines() if line["event"] == event]
            if found:
                return found[0]
            assert self.process.poll() is None, self.said.read_text(encoding="utf-8")
            assert time.monotonic() < ends_at, f"never said: {event}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def test_workers_share_the_work_and_leave_in_good_order(place: Place) -> None:
    place.feed("raw.people", '{"id":"1","name":"Ann","bluesky":"did:plc:ann"}')
    one = place.worker()
    started = one.wait_until("worker starts")
    assert (started["slot"], started["role"], started["inputs"]) == ("0", "both", ["sky", "people"])
    place.feed("raw.sky", *(post("did:plc:ann", f"a{number}") for number in range(7)))
    place.wait_for({f"a{number}" for number in range(7)})
    two = place.worker()
    assert two.wait_until("worker starts")["slot"] == "1"
    two.wait_until("StateRestored")
    place.feed("raw.sky", *(post("did:plc:ann", f"b{number}") for number in range(7)))
    assert one.stop() == 0
    place.wait_for({f"b{number}" for number in range(7)})
    assert one.lines()[-1]["event"] == "worker left"
    assert two.stop(signal.SIGINT) == 0
    assert sorted(place.acts()) == sorted([f"a{number}" for number in range(7)] + [f"b{number}" for number in range(7)])
    assert all(line["level"] == "info" for worker in (one, two) for line in worker.lines()), "nobody had to be told off"


def test_a_worker_that_comes_back_goes_on_where_it_was(place: Place) -> None:
    place.feed("raw.people", '{"id":"1","name":"Ann","bluesky":"did:plc:ann"}')
    place.feed("raw.sky", post("did:plc:ann", "a"))
    first = place.worker()
    place.wait_for({"a"})
    assert first.stop() == 0
    place.feed("raw.sky", post("did:plc:ann", "b"))
    place.worker("--slot", "again")
    place.wait_for({"b"})
    assert sorted(place.acts()) == ["a", "b"]


def test_a_slot_belongs_to_one_worker(place: Place) -> None:
    one = place.worker("--slot", "mine")
    assert one.wait_until("worker starts")["slot"] == "mine"
    two = rapport("run", "-c", str(place.config), "--slot", "mine", cwd=place.folder)
    assert two.returncode == 1
    assert "--slot: want a slot of its own, found 'mine' taken by a worker that runs" in two.stderr


def test_metrics_can_be_read(place: Place) -> None:
    taken = place.worker("--metrics-port", "19187")
    taken.wait_until("StateRestored")
    with urllib.request.urlopen("http://127.0.0.1:19187/metrics", timeout=10) as answer:
        assert b"rapport_restores_total" in answer.read()
    other = rapport("run", "-c", str(place.config), "--metrics-port", "19187", cwd=place.folder)
    assert other.returncode == 1
    assert "want a free port, found 19187 taken" in other.stderr


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    assert "inputs: want at least one, got none" in ask("run", "-c", config_in(tmp_path)).err
    wrong = ask("run", "-c", config_in(tmp_path, "[engine]\npartitions = 0\napp = 'A'\n"))
    assert wrong.code == 1
    assert "engine.partitions: want 1 to 1,024, got 0" in wrong.err
    assert "engine.app: want small letters" in wrong.err
    assert "2 problems; nothing was started" in wrong.err
    assert ask("run", "-c", config_in(tmp_path), "--slot", "../x").code == 2


def test_a_redis_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    found = rapport(
        "run", "-c", str(config_in(tmp_path, TEXT + '[state]\nredis_url = "redis://127.0.0.1:1"\n')), cwd=tmp_path
    )
    assert found.returncode == 3
    assert "Redis cannot be reached: is it running?" in found.stderr
    assert "Traceback" not in found.stderr


def test_tail_follows_what_comes(place: Place) -> None:
    place.feed("raw.sky", '{"n":0}', '{"n":1}')
    following = begun("tail", "sky", "-n", "1", "--follow", "--json", "-c", str(place.config), cwd=place.folder)
    try:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["value"] in ({"n": 0}, {"n": 1})
        place.feed("raw.sky", '{"n":2}')
        assert json.loads(following.stdout.readline())["value"] == {"n": 2}
        following.send_signal(signal.SIGINT)
        assert following.wait(timeout=PATIENCE_S) == 0
    finally:
        following.kill()
        following.communicate()


def test_nothing_is_left_running(place: Place) -> None:
    """The redis-server of one's own goes with its last user."""
    worker = place.worker()
    worker.wait_until("worker starts")
    assert worker.stop() == 0
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(place.folder / "data") not in found
