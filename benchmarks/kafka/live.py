"""An application that works on what comes in at a given rate: the setting of everything but throughput."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from benchmarks.kafka.drain import drain
from benchmarks.kafka.fill import Truth
from benchmarks.kafka.firehose import CRM, Mix, firehose_input
from benchmarks.kafka.looks import inbox_lag, lag, wait_until
from benchmarks.kafka.servers import PARTITIONS, Application, Site
from benchmarks.kafka.workers import Worker
from streams.errors import Fatal

_ROOT = Path(__file__).resolve().parents[2]
_READY_S = 60.0


@contextmanager
def live(site: Site, records_topic: str, settings: dict[str, str] | None = None) -> Iterator[tuple[Application, str]]:
    """An application with the records in it, and an empty firehose."""
    number = time.time_ns() // 1_000_000
    app, topic = f"bench-{number}", f"bench.live.{number}"
    crm = msgspec.structs.replace(CRM, topic=records_topic)
    site.make_raw(topic, settings=settings)
    try:
        with site.application(app, [crm]) as before:
            drain(site, before)
            yield site.configure(app, [crm, firehose_input(topic)]), topic
    finally:
        site.raw.remove(topic)
        site.forget([topic])


class Pace:
    """The paced firehose as a process; ended with the block."""

    def __init__(self, site: Site, topic: str, rate: float, seconds: float, mix: Mix) -> None:
        """Sends from now on."""
        self.behind_s = 0.0
        self._truth = site.folder / f"truth-{time.time_ns()}.msgpack"
        command = [sys.executable, "-m", "benchmarks.kafka.pace", site.bootstrap, topic, str(rate), str(seconds)]
        command += [msgspec.json.encode(mix).decode(), str(self._truth)]
        self._process = subprocess.Popen(  # noqa: S603
            command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def wait(self) -> Truth:
        """Until it has sent everything; what is true of it. Raises `Fatal` when it could not."""
        out, err = self._process.communicate()
        if self._process.returncode:
            raise Fatal(f"bench: the source failed: {err.decode(errors='replace')[-1_000:]}")
        self.behind_s = float(out)
        return msgspec.msgpack.decode(self._truth.read_bytes(), type=Truth)


def wait_ready(running: Sequence[Worker]) -> None:
    """Until all partitions have their state. Raises `Fatal` when that takes a minute."""

    def is_ready() -> bool:
        for one in running:
            one.check()
        return len({fact["partition"] for one in running for fact in one.said_of("StateRestored")}) == PARTITIONS

    wait_until("readiness", is_ready, _READY_S)


def wait_drained(
    site: Site, application: Application, topic: str, running: Sequence[Worker] = (), seconds: float = 300.0
) -> None:
    """Until nothing waits. Raises `Fatal` when that takes minutes, or when one of the workers ends."""

    def is_drained() -> bool:
        for one in running:
            one.check()
        return lag(site, application, topic) == 0 and inbox_lag(site, application) == 0

    wait_until("the end of all records", is_drained, seconds)
