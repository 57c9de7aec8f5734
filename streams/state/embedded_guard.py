"""Runs an embedded redis-server for as long as anybody uses it. A process of its own, started by `embedded.py`.

    python embedded_guard.py FOLDER SOCKET_FOLDER SERVER [ARGUMENT …]

Users hold a shared lock on `FOLDER/users.lock`; the kernel drops it when they end, however they end. Once nobody holds
it the guard stops the server and ends. A server that dies is started again. While it lives the guard holds
`FOLDER/guard.lock`. It imports nothing but the standard library, so that it starts fast and stays small.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_LOOK_S = 0.1
_RESTART_S = 0.5
_STOP_S = 10.0
"""A server that saves its data may take a moment; after that it is killed, which the append-only file survives."""
_PR_SET_PDEATHSIG = 1


def _die_with_guard() -> None:
    """In the server, before it starts: end when the guard is killed. Linux only; elsewhere the next start tidies up."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    # The guard has one thread, so that running code between fork and exec is safe.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)  # noqa: S603, PLW1509


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main(folder: Path, socket_folder: Path, command: list[str]) -> None:
    """Guard until nobody uses the server any more. Returns at once in the process that was started."""
    if os.fork():
        return
    # A terminal's Ctrl-C and a shell's hang-up are for the users; the guard ends when they do.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The guard's lock goes before the users': who gets the users' lock then sees that nobody guards any more.
    with (folder / "users.lock").open("a") as users, (folder / "guard.lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server = _start(command)
        while True:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pass
            if server.poll() is not None:
                time.sleep(_RESTART_S)
                server = _start(command)
            time.sleep(_LOOK_S)
        # Newcomers wait for the users' lock meanwhile; then they find no guard and start one.
        _stop(server)
        if socket_folder != folder:
            for path in socket_folder.glob("*"):
                path.unlink()
            socket_folder.rmdir()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
