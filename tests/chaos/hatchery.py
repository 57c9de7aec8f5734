"""Worker processes in no time: one process that has loaded everything forks them.

    python -m tests.chaos.hatchery FOLDER KIND NAME      KIND: `social` (NAME: configuration), `toy` (NAME: unique part)

    stdin   {"slot", "broker", "redis", "role", "mutant", "limits"}     a worker, please
    stdout  {"slot", "pid"} when it is there, {"ended": pid, "code"} when it is gone

A restart takes milliseconds instead of seconds of processor time. The hatchery itself never has a thread or a
connection, so that its children begin like fresh processes. They die with it, and it ends with its standard input.
"""

import ctypes
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from streams.runtime.topology import Topology
from tests.chaos.products import social_topology
from tests.support.kafka_worker import topology_of as toy_topology

_LOOK_S = 0.005
_PR_SET_PDEATHSIG = 1


class Order(msgspec.Struct, frozen=True):
    """A worker that is wanted. `limits`: what differs from the suite's own."""

    slot: str
    broker: str
    redis: str
    session_timeout_ms: int
    role: str = "both"
    mutant: str = ""
    limits: dict[str, int] = {}


def main(folder: Path, kind: str, name: str) -> None:
    """Fork workers until nobody asks for any."""
    topology = social_topology(Path(name)) if kind == "social" else toy_topology(name)
    from tests.chaos.worker import run

    _say(ready=True)
    os.set_blocking(0, False)
    buffer = b""
    while True:
        readable, _, _ = select.select([0], [], [], _LOOK_S)
        if readable:
            data = os.read(0, 65_536)
            if not data:
                return
            buffer += data
        while b"\n" in buffer:
            line, _, buffer = buffer.partition(b"\n")
            order = msgspec.json.decode(line, type=Order)
            _say(slot=order.slot, pid=_fork(folder, topology, order, run))
        _bury()


def _fork(folder: Path, topology: Topology, order: Order, run: Callable[[Topology, Path, Order], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _die_with_parent()
        with (folder / f"worker-{order.slot}.log").open("ab", buffering=0) as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            os.close(0)
        run(topology, folder, order)
        code = 0
    except BaseException:  # noqa: BLE001  its parent's code must not go on in a child
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _bury() -> None:
    """Tell of children that have ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _say(ended=pid, code=os.waitstatus_to_exitcode(status))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _say(**what: object) -> None:
    os.write(1, msgspec.json.encode(what) + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
