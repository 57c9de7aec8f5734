"""What the demo runs beside its view: a worker in a process of its own, a thread that feeds, a thread that watches."""

import os
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import orjson

from config.inputs import topic_of
from config.settings import Settings
from schemas.topics import OUTPUTS, topics
from streams.errors import Fatal, Retryable
from streams.runtime.ports import Clock, Consumer, Log, Reader, TopicPartition
from topologies.cli.demo_board import Board
from topologies.traffic.feed import Cursor, LogFeed, topics_for
from topologies.traffic.outbox import Delivery
from topologies.traffic.world import World

READY = "worker starts"
"""What a worker says when it has everything it needs."""
_START_S, _STOP_S = 60.0, 15.0
_NAP_S = 0.01
_START_NAP_S = 0.05
_FEED_MAX = 500
_LOOK_MS = 250
"""How often it is looked how far the workers are."""


class WorkerProcess:
    """`rapport run` in a process of its own; what it says goes into a file."""

    def __init__(self, config: Path, output: Path) -> None:
        """Starts it. It ends by itself when this process is gone."""
        self._output = output
        # Settings of the user's own product must not leak into the demo.
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        with output.open("w") as file:
            self._process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "topologies.cli.worker_process", "--config", str(config)],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                env=env,
                # Ctrl-C goes to the demo alone, which then asks the worker to leave.
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Raises `Fatal` when it does not come up."""
        end = time.monotonic() + _START_S
        while READY not in self._said():
            if not self.is_alive or time.monotonic() > end:
                raise Fatal(f"the worker did not start; it said:\n{self.last_words()}")
            time.sleep(_START_NAP_S)

    def last_words(self) -> str:
        """The end of what it has said."""
        return "\n".join(self._said().strip().splitlines()[-15:]) or "(nothing)"

    def stop(self) -> None:
        """Let it commit and leave; kill it when it does not."""
        if self.is_alive:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """At once."""
        self._process.kill()
        self._process.wait()

    def _said(self) -> str:
        return self._output.read_text(errors="replace")


class _Helper(threading.Thread, ABC):
    """A thread that goes on until it is told to end. What went wrong in it is raised by `end`."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._ended = threading.Event()
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as problem:  # noqa: BLE001  handed to whoever asks
            self.problem = problem

    @abstractmethod
    def work(self) -> None:
        """What it does."""

    def end(self) -> None:
        """Wait until it has come to its end."""
        self._ended.set()
        if self.is_alive():
            self.join()
        if self.problem is not None:
            raise self.problem


class Feeder(_Helper):
    """Writes a world's traffic into the raw topics as its time comes."""

    def __init__(self, log: Log, settings: Settings, world: World, board: Board, clock: Clock) -> None:
        """Begins with `start`."""
        super().__init__("feeder")
        self._world, self._board, self._clock = world, board, clock
        self._feed = LogFeed(log, topics_for(settings), clock)

    def work(self) -> None:
        """See the class."""
        deliveries: Iterator[Delivery] = chain(self._world.opening(), self._world.beats())
        cursor = Cursor(deliveries)
        while not self._ended.is_set():
            self._feed.write(cursor.take(self._clock.now_ms(), _FEED_MAX))
            self._board.sent = sum(self._feed.tally.written.values())
            if cursor.is_waiting:
                self._ended.wait(_NAP_S)


class Watcher(_Helper):
    """Reads the outputs as any subscriber would, and how far the workers are, onto the board."""

    def __init__(self, log: Log, settings: Settings, board: Board, clock: Clock) -> None:
        """Begins with `start`."""
        super().__init__("watcher")
        self._log, self._board, self._clock = log, board, clock
        table = topics(settings.engine.app)
        self._readers: list[tuple[str, Reader]] = [
            (name, log.reader(table[name].name, partition, log.end_offset(table[name].name, partition)))
            for name in (*OUTPUTS, "dlq")
            for partition in range(settings.engine.partitions)
        ]
        app = settings.engine.app
        raw = [topic_of(one) for one in settings.inputs]
        self._groups = [
            _Group(log, log.consumer(f"{app}.ingest"), raw),
            _Group(log, log.consumer(f"{app}.fold"), [table["inbox"].name]),
        ]

    def work(self) -> None:
        """See the class."""
        looked_at = 0
        while not self._ended.is_set():
            try:
                found = self._read()
                if self._clock.now_ms() - looked_at >= _LOOK_MS:
                    looked_at = self._clock.now_ms()
                    self.look()
            except Retryable:
                found = False
            if not found:
                self._ended.wait(_NAP_S)
        while self._read():
            pass
        self.look()

    def look(self) -> None:
        """How far the workers are."""
        (done, raw_lag), (events, inbox_lag) = (group.standing() for group in self._groups)
        self._board.reach(
            self._clock.now_ms(), done=done, events=events, raw_lag=raw_lag, inbox_lag=inbox_lag
        )  # fmt: skip

    def _read(self) -> bool:
        is_found = False
        for name, reader in self._readers:
            for record in reader.poll(_FEED_MAX, 0):
                is_found = True
                key, value = (record.key() or b"").decode(errors="replace"), record.value()
                document = None if value is None or name == "dlq" else orjson.loads(value)
                self._board.see(name, key, document, self._clock.now_ms())
        return is_found


class _Group:
    """How far a group is in its topics: counted from where they stood at the start."""

    def __init__(self, log: Log, consumer: Consumer, names: list[str]) -> None:
        self._log, self._consumer = log, consumer
        self._partitions = [TopicPartition(name, number) for name in names for number in range(log.partitions(name))]
        self._start = self._done()

    def standing(self) -> tuple[int, int]:
        """(records done since the start, records still to do)."""
        done = self._done()
        ends = sum(self._log.end_offset(*one) for one in self._partitions)
        return done - self._start, max(0, ends - done)

    def _done(self) -> int:
        found = self._consumer.committed(self._partitions)
        return sum(
            self._log.start_offset(*one) if (at := found[one]) is None else at.offset for one in self._partitions
        )  # fmt: skip
