"""Workers as processes, `rapport run`, and what they take: CPU time of all threads, and memory, seen from outside.

A sample every 50 ms, from /proc. What was used between two moments is read off the line between samples.
"""

import bisect
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from benchmarks.kafka.servers import Application
from streams.errors import Fatal

RAPPORT = Path(sys.executable).with_name("rapport")
_SAMPLE_S = 0.05
_END_S = 15.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGESIZE") // 1024


class Sample(msgspec.Struct, frozen=True):
    """`at_s`: wall clock. `cpu_s`: of all threads since the start. `rss_mb`: memory that is in use."""

    at_s: float
    cpu_s: float
    rss_mb: float


class Worker:
    """One process. What it says goes into a file, one JSON object a line."""

    def __init__(self, application: Application, slot: str) -> None:
        """Started, not ready yet."""
        self.said = application.config.with_name(f"worker-{slot}-{time.time_ns()}.jsonl")
        with self.said.open("wb") as out:
            command = [str(RAPPORT), "run", "--config", str(application.config), "--slot", slot]
            # It ends with us, however we end.
            if setpriv := shutil.which("setpriv"):
                command = [setpriv, "--pdeathsig", "KILL", *command]
            # Its own session: a terminal's Ctrl-C is for us, and we end it.
            self.process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.samples: list[Sample] = []
        self.sample()

    def sample(self) -> None:
        """Look at it, if it still runs."""
        if (found := sample(self.process.pid)) is not None:
            self.samples.append(found)

    def said_of(self, event: str) -> list[dict[str, Any]]:
        """What it has said so far of one kind of event, with `at_s`, seconds since 1970."""
        # The last line may be half written.
        lines = [orjson.loads(one) for one in self.said.read_bytes().splitlines() if one[:1] + one[-1:] == b"{}"]
        return [
            said | {"at_s": datetime.fromisoformat(said["timestamp"]).timestamp()}
            for said in lines
            if said["event"] == event
        ]

    def check(self) -> None:
        """Raises `Fatal` when it has ended by itself."""
        if self.process.poll() is not None:
            tail = self.said.read_text(errors="replace")[-1_500:]
            raise Fatal(f"bench: a worker ended by itself with exit code {self.process.returncode}: {tail}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send the signal and wait; how many seconds it took."""
        began = time.perf_counter()
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.perf_counter() - began


@contextmanager
def workers(application: Application, count: int = 1) -> Iterator[list[Worker]]:
    """So many, sampled until they are ended at the end of the block."""
    running: list[Worker] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_SAMPLE_S):
            for one in tuple(running):
                one.sample()

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        running += (Worker(application, str(number)) for number in range(count))
        yield running
    finally:
        over.set()
        looking.join()
        for one in running:
            one.end()


def sample(pid: int) -> Sample | None:
    """Of any process; nothing when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name in brackets may hold blanks: what follows is the third field.
    fields = text.rpartition(")")[2].split()
    return Sample(time.time(), (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE_KB / 1024)


def cpu_between(samples: Sequence[Sample], begin_s: float, end_s: float) -> float:
    """CPU seconds used from one moment to the other."""
    return _cpu_at(samples, end_s) - _cpu_at(samples, begin_s)


def _cpu_at(samples: Sequence[Sample], at_s: float) -> float:
    place = bisect.bisect_left([one.at_s for one in samples], at_s)
    if place == 0 or place == len(samples):
        return samples[min(place, len(samples) - 1)].cpu_s
    a, b = samples[place - 1], samples[place]
    return a.cpu_s + (b.cpu_s - a.cpu_s) * (at_s - a.at_s) / (b.at_s - a.at_s)
