"""`rapport run --workers N`: workers, each a process, and one process that looks after them.

    rapport run --workers 3 ─┬─► worker, slot 0 ─┐
                             ├─► worker, slot 1 ─┼─ line by line, with the slot ─► stderr
                             └─► worker, slot 2 ─┘
    SIGTERM, Ctrl-C ─► each of them: they commit and leave; the last one to leave ends us
    one died        ─► again, under the same slot, after a pause that grows
    one has a problem that a person must look at ─► all leave, and we end with its exit code and what it said

A worker's standard input is a pipe from here: when we are gone, however it went, it commits and leaves.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, ClassVar

import orjson

from streams.core.facts import Fact, Level
from streams.observe import Observer
from topologies.cli.shell import FINE, INTERRUPTED, PROBLEMS, UNREACHABLE, USAGE
from topologies.slots import Slot

PAUSE_S, PAUSE_MAX_S = 0.5, 30.0
"""Before a worker that died is started again; twice as long each time, up to the second one."""
CALM_S = 60.0
"""A worker that lived for so long begins with the shortest pause."""
_LOOK_S = 0.02


class WorkerDied(Fact, frozen=True, kw_only=True):
    """A worker's process ended by a crash or was killed. Nothing is lost; it is started again."""

    level: ClassVar[Level] = "error"
    slot: str
    how: str
    deaths: int
    again_in_ms: int


class WorkerSaid(Fact, frozen=True, kw_only=True):
    """A line that a worker did not write as a log line: the end of a traceback, an error in words."""

    level: ClassVar[Level] = "error"
    slot: str
    said: str


class Member:
    """One worker: its process, or when the next one is due, or how it ended."""

    def __init__(self, slot: Slot, arguments: Sequence[str], hear: Callable[[str, str], None]) -> None:
        """`arguments`: of `rapport run`. `hear`: the slot, and a line that it said."""
        self.slot, self._arguments, self._hear = slot, list(arguments), hear
        self.deaths = 0
        self.code: int | None = None
        """How it ended, for good."""
        self.due: float | None = 0.0
        """When it is to be started; null: it was."""
        self.said = ""
        """The last line that was not a log line: an error in words, when there was one."""
        self._began = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._hearing: threading.Thread | None = None

    @property
    def is_first(self) -> bool:
        """Whether it never died."""
        return self.deaths == 0

    def start(self) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "topologies.cli.worker_process", "--slot", self.slot.name, "--held"]
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [*command, *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # It holds the slot as well: nobody gets it while the process lives, whatever becomes of us.
            pass_fds=[self.slot.lock],
            # Ctrl-C goes to us alone, and we pass it on.
            start_new_session=True,
        )
        self.due, self.said, self._began = None, "", time.monotonic()
        assert self._process.stdout is not None
        self._hearing = threading.Thread(target=self._listen, args=[self._process.stdout], daemon=True)
        self._hearing.start()

    def send(self, number: int) -> None:
        """Pass a signal on."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def ended(self) -> int | None:
        """The exit code of a process that has just ended, with all that it said heard; null: nothing new."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        assert self._hearing is not None
        assert process.stdin is not None
        self._process = None
        # A process that it started may hold the pipe for longer than it lived itself.
        self._hearing.join(1)
        process.stdin.close()
        return process.returncode

    def pause_s(self) -> float:
        """It died once more: how long to wait."""
        if time.monotonic() - self._began >= CALM_S:
            self.deaths = 0
        self.deaths += 1
        return float(min(PAUSE_MAX_S, PAUSE_S * 2 ** (self.deaths - 1)))

    def _listen(self, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                if not is_log_line(text):
                    self.said = text or self.said
                self._hear(self.slot.name, text)


class Crew:
    """All workers of one command."""

    def __init__(
        self,
        slots: Sequence[Slot],
        arguments: Callable[[int], Sequence[str]],
        observer: Observer,
        *,
        as_json: bool,
    ) -> None:
        """`arguments`: of `rapport run` for each worker, by its number. Nothing is started yet."""
        self._observer, self._as_json = observer, as_json
        self._writing = threading.Lock()
        self._members = [Member(slot, arguments(number), self._hear) for number, slot in enumerate(slots)]
        self._signals: list[int] = []
        self._passed: set[int] = set()
        self.cause: Member | None = None
        """Whose problem has stopped all."""

    def run(self) -> int:
        """Until all have ended. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._signals.append(number))
        while any(member.code is None for member in self._members):
            while self._signals:
                self._pass_on(self._signals.pop(0))
            for member in self._members:
                self._look_after(member)
            time.sleep(_LOOK_S)
        if self.cause is not None:
            return self.cause.code or PROBLEMS
        return next((code for member in self._members if (code := member.code)), FINE)

    @property
    def _stopping(self) -> bool:
        return bool(self._passed)

    def _pass_on(self, number: int) -> None:
        self._passed.add(number)
        for member in self._members:
            member.send(number)

    def _look_after(self, member: Member) -> None:
        if member.code is None and member.due is not None and time.monotonic() >= member.due:
            if self._stopping:
                member.code = FINE
            else:
                member.start()
        code = member.ended()
        if code is None:
            return
        if code in {FINE, INTERRUPTED}:
            member.code = code
        elif -code in self._passed:
            # It had not even begun to listen.
            member.code = FINE
        elif code in {PROBLEMS, USAGE} or (code == UNREACHABLE and member.is_first):
            # It will say the same again, and so will the others.
            member.code = code
            if not self._stopping:
                self.cause = member
                self._pass_on(signal.SIGTERM)
        elif self._stopping:
            member.code = PROBLEMS
        else:
            self._try_again(member, code)

    def _try_again(self, member: Member, code: int) -> None:
        pause_s = member.pause_s()
        member.due = time.monotonic() + pause_s
        died = WorkerDied(
            slot=member.slot.name, how=_how(code), deaths=member.deaths, again_in_ms=round(pause_s * 1_000)
        )
        with self._writing:
            self._observer(died)

    def _hear(self, slot: str, text: str) -> None:
        with self._writing:
            if not self._as_json:
                sys.stderr.write(f"[{slot}] {text}\n")
            elif is_log_line(text):
                tagged = orjson.dumps({**orjson.loads(text), "slot": slot}).decode()
                sys.stderr.write(f"{tagged}\n")
            elif text:
                self._observer(WorkerSaid(slot=slot, said=text))
            sys.stderr.flush()


def is_log_line(text: str) -> bool:
    """Whether a worker wrote this as a JSON log line."""
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _how(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
