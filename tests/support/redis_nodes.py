"""Redis servers that listen on ports, as in production: single ones, with replicas, and a cluster of three.

with nodes(2) as (master, replica): replica.follow(master)
with cluster() as made: made.url …                          three masters, each with a replica if asked for
"""

import contextlib
import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import redis

from streams.state.embedded import find_server

T = TypeVar("T")
SLOTS = 16_384
_WAIT_S = 60.0
_LOOK_S = 0.02


class Node:
    """One server. `kill` and `start` it again, `freeze` it and let it go on."""

    def __init__(self, folder: Path, *options: str, clustered: bool = False) -> None:
        self.port = free_port()
        self._folder = folder / str(self.port)
        self._folder.mkdir()
        self._options = [*options]
        if clustered:
            # A time-out of a node's own second: fail-overs of its replica are waited for.
            self._options += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            self._options += ["--cluster-node-timeout", "1500", "--cluster-replica-validity-factor", "0"]
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = redis.Redis(port=self.port, socket_timeout=10)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [
                find_server(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder),
                "--save", "", "--appendonly", "no", "--databases", "1", "--logfile", "redis.log",
                "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *self._options, *options,
            ],
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  tests start servers from one thread
        )  # fmt: skip
        wait_for(self._answers)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def follow(self, master: "Node") -> None:
        self.client.replicaof("127.0.0.1", master.port)
        wait_for(lambda: self.client.info("replication")["master_link_status"] == "up")

    def promote(self) -> None:
        self.client.replicaof("NO", "ONE")

    def close(self) -> None:
        self.client.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "redis.log").read_text()[-2_000:]
        with contextlib.suppress(redis.exceptions.RedisError):
            return bool(self.client.ping())
        return False


class Cluster:
    """Three masters, and a replica of each if asked for."""

    def __init__(self, folder: Path, *, replicas: bool) -> None:
        self.nodes: list[Node] = []
        try:
            self._build(folder, replicas=replicas)
        except BaseException:
            self.close()
            raise

    def _build(self, folder: Path, *, replicas: bool) -> None:
        self.nodes += (Node(folder, clustered=True) for _ in range(6 if replicas else 3))
        masters = self.nodes[:3]
        for number, node in enumerate(masters):
            node.client.execute_command(
                "CLUSTER", "ADDSLOTSRANGE", SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
            )  # fmt: skip
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self._bus(self.nodes[0]))
        names = [node.client.execute_command("CLUSTER", "MYID") for node in masters]
        wait_for(lambda: all(self._knows(node) == len(self.nodes) for node in self.nodes))
        for node, name in zip(self.nodes[3:], names, strict=False):
            wait_for(lambda: self._done(lambda: node.client.execute_command("CLUSTER", "REPLICATE", name)))  # noqa: B023
        wait_for(lambda: all(self._info(node)["cluster_state"] == "ok" for node in self.nodes))
        wait_for(lambda: all(self._in_step(node) for node in self.nodes[3:]))

    @property
    def url(self) -> str:
        """Of two nodes: the others are found."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def master_of(self, slot: int) -> Node:
        """The node that says it keeps a slot."""
        return wait_for(lambda: next((node for node in self.nodes if self._keeps(node, slot)), None))

    def replica_of(self, master: Node) -> Node:
        """A replica of it that is in step."""
        port = master.port
        return wait_for(
            lambda: next(
                (one for one in self.nodes if self._role(one).get("master_port") == port and self._in_step(one)), None
            )
        )

    def fail_over(self, slot: int) -> Node:
        """A replica that has everything takes over from the master of a slot; the new master."""
        master = self.master_of(slot)
        replica = self.replica_of(master)
        wait_for(lambda: master.client.wait(1, 100))
        self.take_over(replica, slot)
        wait_for(lambda: self._role(master).get("role") == "slave")
        return replica

    def take_over(self, replica: Node, slot: int) -> None:
        """A replica becomes the master of a slot with what it has, and asks nobody."""
        replica.client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        wait_for(lambda: self._keeps(replica, slot))

    def is_master(self, node: Node) -> bool:
        return bool(self._role(node).get("role") == "master")

    def flush(self) -> None:
        for node in self.nodes:
            if self.is_master(node):
                node.client.flushall()

    def close(self) -> None:
        for node in self.nodes:
            node.close()

    def _bus(self, node: Node) -> int:
        return int(node.client.config_get("cluster-port")["cluster-port"])

    def _info(self, node: Node) -> Any:
        lines = node.client.execute_command("CLUSTER", "INFO").decode().splitlines()
        return dict(line.split(":", 1) for line in lines)

    def _knows(self, node: Node) -> int:
        return int(self._info(node)["cluster_known_nodes"])

    def _keeps(self, node: Node, slot: int) -> bool:
        try:
            shown = node.client.execute_command("CLUSTER", "NODES").decode()
        except redis.exceptions.RedisError:
            return False
        # The slots of a node are the ninth word of its line and those behind it.
        own = next(line for line in shown.splitlines() if "myself" in line).split()[8:]
        ranges = [part.split("-") for part in own if part[0].isdigit()]
        return any(int(part[0]) <= slot <= int(part[-1]) for part in ranges)

    def _role(self, node: Node) -> Any:
        with contextlib.suppress(redis.exceptions.RedisError):
            return node.client.info("replication")
        return {}

    def _in_step(self, node: Node) -> bool:
        return bool(self._role(node).get("master_link_status") == "up")

    @staticmethod
    def _done(call: Callable[[], object]) -> bool:
        with contextlib.suppress(redis.exceptions.ResponseError):
            call()
            return True
        return False


@contextlib.contextmanager
def nodes(count: int, *options: str) -> Iterator[Sequence[Node]]:
    """Servers that know nothing of each other; gone with the block, data and all."""
    with _folder() as folder:
        made: list[Node] = []
        try:
            made += (Node(folder, *options) for _ in range(count))
            yield made
        finally:
            for node in made:
                node.close()


@contextlib.contextmanager
def cluster(*, replicas: bool = False) -> Iterator[Cluster]:
    """A cluster; gone with the block, data and all."""
    with _folder() as folder:
        made = Cluster(folder, replicas=replicas)
        try:
            yield made
        finally:
            made.close()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it is something."""
    end = time.monotonic() + _WAIT_S
    while not (found := look()):
        assert time.monotonic() < end, "not within a minute"
        time.sleep(_LOOK_S)
    return found


def _end_with_parent() -> None:
    """So that no server is left behind by tests that were killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
