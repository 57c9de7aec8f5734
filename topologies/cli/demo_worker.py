"""The demo's worker: `rapport run` in a process of its own, which ends when whoever started it is gone.

python -m topologies.cli.demo_worker CONFIG        standard input is a pipe from the demo
"""

import os
import signal
import sys
import threading

from topologies.cli.main import app


def _end_with_parent() -> None:
    """The pipe is closed by the system, whatever the parent died of."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app(["run", "--config", sys.argv[1]])
