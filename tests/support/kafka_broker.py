"""One Kafka broker for a whole test run, shared by its processes, in a folder of the run's own.

    test process ──┐ shared lock on users.lock
    test process ──┴──► broker ◄── guard (this module, run as a program): stops it when nobody holds the lock

The kernel drops a lock when its process ends, however it ends: so no broker is left behind.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.errors import Fatal
from streams.transport import dev_kafka_jars
from streams.transport.dev_kafka import DevKafka

_START_S = 300.0
"""With the jars fetched; a few seconds without."""
_LOOK_S = 0.1
ROOT = Path(__file__).resolve().parents[2]


def need_kafka() -> None:
    """Skip the test where no broker can run; on a build machine that is a failure."""
    problem = dev_kafka_jars.missing()
    if not problem:
        return
    said = f"TESTS AGAINST KAFKA DID NOT RUN: {problem}"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


@contextmanager
def shared_kafka(folder: Path) -> Iterator[str]:
    """The address of the broker of this folder; started by the first to come, stopped after the last has gone."""
    need_kafka()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("a") as users:
        with (folder / "start.lock").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            # Waits while a guard stops the broker that had no users left.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not (folder / "address").exists():
                _start_guard(folder)
        yield (folder / "address").read_text()


def _start_guard(folder: Path) -> None:
    log = (folder / "guard.log").open("ab")
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.support.kafka_broker", str(folder)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    log.close()
    end = time.monotonic() + _START_S
    while not (folder / "address").exists():
        if guard.poll() is not None or time.monotonic() > end:
            said = (folder / "guard.log").read_text(errors="replace")[-2_000:]
            pytest.fail(f"the broker for tests did not start: {said}", pytrace=False)
        time.sleep(_LOOK_S)
    # The guard outlives this process, on purpose.
    guard.returncode = 0


def _guard(folder: Path) -> None:
    broker = DevKafka(folder / "node")
    broker.start(make_archive=True)
    made = folder / "address.new"
    made.write_text(broker.bootstrap)
    made.rename(folder / "address")
    with (folder / "users.lock").open("a") as users:
        while broker.pid is not None:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_LOOK_S)
        (folder / "address").unlink()
        broker.stop()


if __name__ == "__main__":
    try:
        _guard(Path(sys.argv[1]))
    except Fatal as problem:
        sys.exit(str(problem))
