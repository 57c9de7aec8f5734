"""Slots: names of workers, each for one at a time, the same after a restart.

    <log.directory>/slots/<slot>.lock       locked while a worker has it; the kernel drops the lock however it ends
    <log.directory>/slots/place             what tells this folder's slots from those of other folders and machines

A worker with the name of one that has died takes over what that left open at once; with another name it waits until the
log gives up on the dead one.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.settings import Settings
from streams.errors import Fatal

SLOTS_MAX = 64


class Slot:
    """A slot that is held. `lock`: a file descriptor; whoever inherits it holds the slot as well."""

    def __init__(self, name: str, lock: int) -> None:
        """Made by `claim_slot`."""
        self.name, self.lock = name, lock


@contextmanager
def claim_slot(settings: Settings, slot: str | None = None) -> Iterator[Slot]:
    """A name that no other worker on this log has: the one asked for, else the first number that is free.

    Raises `Fatal` when it is taken, or when the folder cannot be written.
    """
    folder = Path(settings.log.directory) / "slots"
    make_folder(folder)
    for name in [slot] if slot is not None else map(str, range(SLOTS_MAX)):
        with (folder / f"{name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # Workers of several folders and machines share a broker: their names must differ.
            shared = settings.log.bootstrap_servers and slot is None
            yield Slot(f"{socket.gethostname()}-{_place(folder)}-{name}" if shared else name, lock.fileno())
            return
    if slot is not None:
        raise Fatal(f"--slot: want a slot of its own, found {slot!r} taken by a worker that runs; leave the option out")
    raise Fatal(f"want at most {SLOTS_MAX} workers on one log, found as many; stop one of them")


def make_folder(path: Path) -> None:
    """Make a folder of the log's. Raises `Fatal` when that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Fatal(
            f"log.directory: want a folder that can be written, found {path} is not ({problem}); "
            "name another one, or give this user the right to write there"
        ) from problem


def _place(folder: Path) -> str:
    """Six digits that this folder keeps for good."""
    path, own = folder / "place", folder / f"place.{os.getpid()}"
    if not path.exists():
        own.write_text(secrets.token_hex(3), encoding="utf-8")
        # The first one counts, whoever comes at the same moment.
        with suppress(FileExistsError):
            os.link(own, path)
        own.unlink()
    return path.read_text(encoding="utf-8")
