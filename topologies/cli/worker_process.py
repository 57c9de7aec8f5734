"""`rapport run` in a process of its own, which ends when whoever started it is gone.

python -m topologies.cli.worker_process ARGUMENTS        of `run`; standard input is a pipe from who started it
"""

import os
import signal
import stat
import sys
import threading
import traceback

from topologies.cli.main import app

CRASHED = 70
"""The exit code after an error that nobody foresaw: another try may help, which it never does after exit code 1."""


def _end_with_parent() -> None:
    """The pipe is closed by the system, whatever the parent died of."""
    # Not by way of Python's own reader: its lock, held here, would make a fatal error of every orderly end.
    while os.read(0, 1):
        pass
    if stat.S_ISFIFO(os.fstat(2).st_mode):
        # Nobody reads any more; a line that cannot be written must not come between us and the last commit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        app(["run", *sys.argv[1:]])
    except Exception:  # noqa: BLE001  the end of the process, whatever it is
        traceback.print_exc()
        sys.exit(CRASHED)
