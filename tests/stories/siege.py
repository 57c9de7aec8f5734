"""Workers under load that are killed again and again, and what must be true afterwards.

python -m tests.stories.siege --kills 50 --flush      the whole of it, by hand

generated traffic ──► raw topics ──► two `rapport run` processes ◄── SIGKILL at random moments, Redis emptied
then: everything drained ─► log, outputs, changelog and Redis = recomputed; joins = what the generator knows
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import redis

from config.load import load
from config.settings import Settings
from streams.runtime.limits import Limits
from streams.runtime.oracle import check
from streams.runtime.oracle_log import read, waiting
from streams.runtime.ports import Log
from streams.runtime.topology import Topology
from streams.state.embedded import EmbeddedRedis
from topologies.assemble import create_topics, open_log, open_store
from topologies.cli.configured import configured
from topologies.social_crm import topology
from topologies.traffic.settings import demo_toml
from topologies.traffic.stage import Options
from topologies.traffic.truth import Truth
from topologies.traffic.world import World

RAPPORT = Path(sys.executable).with_name("rapport")
WORKERS = 2
BEAT_S = 0.05
ENGINE = "[engine]\npartitions = 4\nsession_timeout_ms = 2000\ncommit_ms_max = 100\n"
CAPS = "[identity]\nheld_max = 1024\nunclaimed_per_hour_max = 1024\njoined_max = 10000\n"
"""Out of the way: what the generator knows of who said what knows no caps."""


class Siege:
    """One folder with a log, a Redis, workers, and somebody who kills them."""

    def __init__(self, folder: Path, seed: int, rate: int, broker: str = "") -> None:
        """Nothing runs yet. `broker`: of an empty Kafka; without one the log is a file."""
        self.config = folder / "rapport.toml"
        brokers = f'\n[log]\ndirectory = "{folder / "data"}"\nbootstrap_servers = "{broker}"\n'
        self.config.write_text(demo_toml() + brokers + ENGINE + CAPS, encoding="utf-8")
        self.settings = settings_of(self.config)
        self.chance = random.Random(seed)
        self.world = World(Options(seed=seed, start_ms=time.time_ns() // 1_000_000, rate=rate, relevant=0.5))
        self.truth = Truth()
        self.fed = self.kills = self.flushes = 0
        self._logs = folder / "logs"
        self._logs.mkdir()
        self._running: list[subprocess.Popen[bytes]] = []
        self._started = 0
        self._stop = threading.Event()
        self._trouble: list[BaseException] = []

    def run(self, kills: int, *, flush: bool) -> None:
        """Feed, kill, let them finish. Raises `AssertionError` when something is not as it must be."""
        with open_log(self.settings) as log, EmbeddedRedis(Path(self.settings.log.directory) / "redis") as server:
            create_topics(log, self.settings)
            feeder = threading.Thread(target=self._feed, daemon=True)
            feeder.start()
            try:
                for _ in range(kills):
                    self._keep_running()
                    time.sleep(self.chance.uniform(0.4, 1.2))
                    self._kill()
                    if flush and self.chance.random() < 0.5:
                        redis.Redis.from_url(server.url).flushall()
                        self.flushes += 1
                self._stop.set()
                feeder.join()
                assert not self._trouble, self._trouble
                self._keep_running()
                self._wait_until(lambda: not waiting(log, self._topology()), 120)
            finally:
                self._stop.set()
                self._end()
            self._judge(log)

    # -- load

    def _feed(self) -> None:
        try:
            with open_log(self.settings) as log:
                self._append(log)
        except BaseException as problem:  # the main thread raises it
            self._trouble.append(problem)
            raise

    def _append(self, log: Log) -> None:
        rows: dict[str, list[tuple[bytes | None, bytes | None, None, int]]] = {}
        due = time.monotonic()
        for delivery in self.world:
            now_ms = time.time_ns() // 1_000_000
            rows.setdefault(f"raw.{delivery.input}", []).append((delivery.key, delivery.payload, None, now_ms))
            self.fed += 1
            self.truth.learn(delivery.facts)
            if sum(map(len, rows.values())) >= self.world.options.rate * BEAT_S:
                for topic, batch in rows.items():
                    log.append(topic, batch)
                rows.clear()
                if self._stop.is_set():
                    return
                due += BEAT_S
                time.sleep(max(0.0, due - time.monotonic()))

    # -- workers

    def _keep_running(self) -> None:
        self._running = [process for process in self._running if process.poll() is None]
        while len(self._running) < WORKERS:
            self._started += 1
            with (self._logs / f"{self._started}.txt").open("wb") as out:
                command = [str(RAPPORT), "run", "--config", str(self.config)]
                self._running.append(subprocess.Popen(command, stdout=out, stderr=out))

    def _kill(self) -> None:
        process = self.chance.choice(self._running)
        assert process.poll() is None, f"a worker ended by itself:\n{self._said()}"
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills += 1

    def _end(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            process.wait(10)

    def _said(self) -> str:
        newest = sorted(self._logs.iterdir(), key=lambda path: path.stat().st_mtime)[-WORKERS:]
        return "\n".join(path.read_text(errors="replace")[-2_000:] for path in newest)

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not drained within {seconds} s:\n{self._said()}"
            self._keep_running()
            time.sleep(0.2)

    # -- judgement

    def _topology(self) -> Topology:
        return topology(self.settings, configured([self.config]).model)

    def _judge(self, log: Log) -> None:
        with open_store(self.settings, log.cluster_id) as store:
            # A claim may find its acts after a tick: ticks promise nothing of what follows from what goes down a level.
            verdict = check(log, store, self._topology(), value_bytes_max=Limits().record_bytes_max, promise=False)
        assert verdict.violations == [], "\n".join(verdict.violations)
        assert verdict.raw_records == self.fed
        want = {act: who for act, who in self.truth.owners().items() if who is not None}
        found = joined(log)
        wrong = {
            act: (found.get(act), want.get(act))
            for act in found.keys() | want.keys()
            if found.get(act) != want.get(act)
        }
        assert not wrong, (
            f"{len(wrong)} of {len(want)} acts are with the wrong customer (found, want): {sorted(wrong.items())[:5]}"
        )


def settings_of(config: Path) -> Settings:
    """Without anybody else's environment."""
    settings, problems = load(config, {})
    assert settings is not None, problems
    return settings


def joined(log: Log) -> dict[str, str]:
    """Customer by act, for a subscriber who keeps the highest revision of each act; and each document came once."""
    newest: dict[str, tuple[int, bool, str]] = {}
    ids: set[str] = set()
    for partition in range(log.partitions("social.enriched")):
        for record in read(log, "social.enriched", partition):
            value = msgspec.json.decode(record.value() or b"")
            assert value["id"] not in ids, f"{value['id']} came twice"
            ids.add(value["id"])
            entry = value["revision"], not value["retracted"], (record.key() or b"").decode()
            act = value["act"]["id"]
            newest[act] = max(entry, newest.get(act, (-1, False, "")))
    return {act: who for act, (_, live, who) in newest.items() if live}


def main() -> None:
    """By hand."""
    options = argparse.ArgumentParser(description="Kill workers under load and see that nothing is lost or doubled.")
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--flush", action="store_true", help="empty Redis after every second kill or so")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rate", type=int, default=500, help="records a second")
    options.add_argument("--broker", default="", help="host:port of an empty Kafka; `make kafka` starts one")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        siege = Siege(Path(folder), given.seed, given.rate, given.broker)
        siege.run(given.kills, flush=given.flush)
        sys.stdout.write(
            f"{siege.fed} records, {siege.kills} kills, {siege.flushes} times Redis emptied: nothing lost, doubled or wrong\n"
        )


if __name__ == "__main__":
    os.environ.pop("RAPPORT_CONFIG", None)
    main()
