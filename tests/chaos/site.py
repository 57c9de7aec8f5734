"""Everything that runs: a broker, a Redis, the networks in front of them, and workers that come and go.

feed, watch, oracle ────────────────► broker, redis
workers ──► proxy ──► broker          workers ──► proxy ──► redis
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from streams.runtime.topology import Topology
from streams.transport.dev_kafka import DevKafka, free_port
from tests.chaos.hatchery import Order
from tests.chaos.proxy import Proxy
from tests.chaos.redis_node import RedisNode

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 60.0
_LOOK_S = 0.01
_COMPACT = {
    "cleanup.policy": "compact",
    # Compacted while it runs, so that nobody relies on records that are gone some day.
    "segment.ms": "10000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "86400000",
}


class Grounds:
    """A broker and a Redis with a proxy before each. Shared by everything that is tried on them."""

    def __init__(self, folder: Path) -> None:
        """Starts both. `close` them."""
        self._stack = ExitStack()
        plain, inner = free_port(), free_port()
        try:
            self.kafka_net = self._stack.enter_context(Proxy(inner))
            self.kafka = DevKafka(
                folder / "kafka", port=plain,
                settings={
                    # A machine that is busy must not take a broker for dead that is only slow.
                    "broker.session.timeout.ms": "3000",
                    "listeners": f"{{listeners}},WORK://127.0.0.1:{inner}",
                    "advertised.listeners": f"{{advertised_listeners}},WORK://127.0.0.1:{self.kafka_net.port}",
                    "listener.security.protocol.map": "{listener_security_protocol_map},WORK:PLAINTEXT",
                },
            )  # fmt: skip
            self._stack.callback(self.kafka.kill)
            self.redis = RedisNode(folder / "redis")
            self._stack.callback(self.redis.close)
            self.redis_net = self._stack.enter_context(Proxy(self.redis.port))
            self.kafka.start()
        except BaseException:
            self._stack.close()
            raise

    @property
    def broker(self) -> str:
        """Past the proxy."""
        return self.kafka.bootstrap

    def create_topics(self, topology: Topology, raw_partitions: int) -> None:
        """All of them."""
        counts = dict.fromkeys((topology.inbox, topology.changelog, topology.dlq), topology.partitions)
        counts |= {output.topic: topology.partitions for output in topology.outputs.values()}
        counts |= {entry.topic: raw_partitions for entry in topology.inputs}
        counts[topology.progress] = 1
        compact = {topology.changelog, topology.progress}
        compact |= {output.topic for output in topology.outputs.values() if output.compact}
        admin = AdminClient({"bootstrap.servers": self.broker, "log_level": 0})
        made = admin.create_topics(
            [NewTopic(name, count, 1, config=_COMPACT if name in compact else {}) for name, count in counts.items()]
        )
        for name in made:
            made[name].result(30)

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()


class Workers:
    """Worker processes by slot, forked by a hatchery of their own."""

    def __init__(self, grounds: Grounds, folder: Path, kind: str, name: str, session_timeout_ms: int) -> None:
        self.folder, self._grounds, self._session_timeout_ms = folder, grounds, session_timeout_ms
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.chaos.hatchery", str(folder), kind, name]
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "KILL", *command]
        self._said = (folder / "hatchery.log").open("ab")
        self._hatchery = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
        )
        self._ready = threading.Event()
        self._born: dict[str, int] = {}
        self._ended: dict[int, int] = {}
        self.pids: dict[str, int] = {}
        self.wrong: list[str] = []
        """Workers that ended by themselves."""
        self._reader = threading.Thread(target=self._listen, name="hatchery", daemon=True)
        self._reader.start()

    def start(self, slot: str, **order: Any) -> None:
        """A new process."""
        assert slot not in self.pids, f"{slot} runs"
        self._wait(self._ready.is_set, "the hatchery")
        order.setdefault("broker", f"127.0.0.1:{self._grounds.kafka_net.port}")
        order.setdefault("redis", f"redis://127.0.0.1:{self._grounds.redis_net.port}/0")
        wanted = Order(slot=slot, session_timeout_ms=self._session_timeout_ms, **order)
        self._born.pop(slot, None)
        assert self._hatchery.stdin is not None
        self._hatchery.stdin.write(msgspec.json.encode(wanted) + b"\n")
        self._hatchery.stdin.flush()
        self._wait(lambda: slot in self._born, f"worker {slot}")
        self.pids[slot] = self._born[slot]

    def signal(self, slot: str, number: signal.Signals) -> None:
        """To the process of a slot, if it is there."""
        pid = self.pids[slot]
        if pid not in self._ended:
            os.kill(pid, number)

    def kill(self, slot: str) -> None:
        """As a power cut would have it; returns when it is gone."""
        self.signal(slot, signal.SIGKILL)
        self.gone(slot)

    def leave(self, slots: Sequence[str]) -> None:
        """SIGTERM, and wait until they have left."""
        for slot in slots:
            self.signal(slot, signal.SIGTERM)
        for slot in slots:
            self.gone(slot)

    def gone(self, slot: str) -> None:
        """Wait until a process has ended; note when it was not by a kill of ours, or in good order."""
        pid = self.pids.pop(slot)
        self._wait(lambda: pid in self._ended, f"the end of worker {slot}")
        if self._ended[pid] not in {0, -signal.SIGKILL}:
            self.wrong.append(f"worker {slot} ended by itself with {self._ended[pid]}:\n{self.said(slot)}")

    def is_gone(self, slot: str) -> bool:
        """Whether its process has ended."""
        return self.pids[slot] in self._ended

    def is_asleep(self, slot: str) -> bool:
        """Whether its process was stopped."""
        try:
            shown = Path(f"/proc/{self.pids[slot]}/stat").read_text()
        except OSError:
            return False
        return shown.rpartition(")")[2].split()[0] == "T"

    def said(self, slot: str, size: int = 3_000) -> str:
        """The end of what its processes have written."""
        path = self.folder / f"worker-{slot}.log"
        return path.read_text(errors="replace")[-size:] if path.exists() else ""

    def told(self) -> Iterator[str]:
        """Every line that workers have written."""
        for path in sorted(self.folder.glob("worker-*.log")):
            yield from path.read_text(errors="replace").splitlines()

    def close(self) -> None:
        """End everything."""
        assert self._hatchery.stdin is not None
        self._hatchery.stdin.close()
        self._hatchery.wait(10)
        # Its children die with it.
        self._reader.join(10)
        assert self._hatchery.stdout is not None
        self._hatchery.stdout.close()
        self._said.close()

    def _listen(self) -> None:
        assert self._hatchery.stdout is not None
        for line in self._hatchery.stdout:
            told = msgspec.json.decode(line)
            if "ready" in told:
                self._ready.set()
            elif "ended" in told:
                self._ended[told["ended"]] = told["code"]
            else:
                self._born[told["slot"]] = told["pid"]

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            said = (self.folder / "hatchery.log").read_text(errors="replace")[-2_000:]
            assert time.monotonic() < end, f"waited {_PATIENCE_S:.0f} s for {what}: {said}"
            assert self._hatchery.poll() is None, f"the hatchery is gone: {said}"
            time.sleep(_LOOK_S)


@contextmanager
def grounds(folder: Path) -> Iterator[Grounds]:
    """Gone with the block."""
    made = Grounds(folder)
    try:
        yield made
    finally:
        made.close()
