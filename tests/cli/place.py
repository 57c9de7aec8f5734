"""A folder with a log, and `rapport run` processes that work there."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from config.load import load
from tests.cli.payloads import post as post_at
from tests.cli.rapport import RAPPORT, environment
from tests.cli.shell import ask, config_in
from topologies.assemble import create_topics, open_log

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

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        """`text`: the configuration, without the beginning of its table `[log]`."""
        folder.mkdir(exist_ok=True)
        self.folder, self.config = folder, config_in(folder, text)
        settings, problems = load(self.config, {})
        assert settings is not None, problems
        self._open = open_log(settings)
        self.settings, self.log = settings, self._open.__enter__()
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.communicate()
        self._open.__exit__(None, None, None)


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
            assert time.monotonic() < ends_at, f"never said {event}: {self.said.read_text(encoding='utf-8')}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)
