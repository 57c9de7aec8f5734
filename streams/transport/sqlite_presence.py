"""Which processes live: so that the partitions of one that was killed are taken over at once, not after its timeout.

Each process that has members holds a lock on a file of its own beside the log; the kernel drops it when the process
ends, however it ends. A process that hangs keeps its lock: for that one the session timeout is there.
"""

import fcntl
import uuid
from pathlib import Path
from typing import IO


class Presence:
    """The sign of life of one open log, and a look at those of the others."""

    def __init__(self, path: str) -> None:
        """Shows nothing until `show`. A log in memory has no other processes."""
        self._folder = None if path == ":memory:" else Path(f"{path}-alive")
        self._file: IO[str] | None = None
        self._name = ""

    def show(self) -> str:
        """Hold the lock from here on; gives the name others find it by. Empty: nothing to find."""
        if self._folder is not None and self._file is None:
            self._folder.mkdir(exist_ok=True)
            name = uuid.uuid4().hex
            file = (self._folder / name).open("w")
            fcntl.flock(file, fcntl.LOCK_EX)
            self._file, self._name = file, name
        return self._name

    def is_dead(self, name: str) -> bool:
        """Whether the process that showed this name has ended. Never true for one that has not."""
        if self._folder is None or name in {"", self._name}:
            return False
        path = self._folder / name
        try:
            file = path.open("r+")
        except FileNotFoundError:
            return True
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            path.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Take the sign of life away."""
        if self._file is not None and self._folder is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            self._file.close()
            self._file = None
