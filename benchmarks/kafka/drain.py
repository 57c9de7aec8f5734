"""Working in this process until nothing is left: before a measurement, so that records are there; and after it.

A worker of the product like any other, but that it writes no ticks: else there would always be something left.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from benchmarks.kafka.looks import lag
from benchmarks.kafka.servers import PARTITIONS, Application, Site
from benchmarks.nothing import told
from streams.errors import Fatal
from streams.runtime.ports import Log, StateStore
from streams.runtime.worker import Worker
from topologies.assemble import SystemClock, limits_of, open_log, open_store

_NEVER_MS = 1 << 59
_DRAIN_S = 300.0
_QUIET_STEPS = 60
"""So many turns without anything to do, five milliseconds each."""


@contextmanager
def edges(application: Application) -> Iterator[tuple[Log, StateStore]]:
    """Log and store of an application."""
    settings = application.setup.settings
    with open_log(settings) as log, open_store(settings, log.cluster_id) as store:
        yield log, store


def drain(site: Site, application: Application) -> None:
    """Work until neither the raw topics nor the inbox hold anything. Raises `Fatal` when that takes minutes."""
    settings = application.setup.settings
    limits = msgspec.structs.replace(limits_of(settings), tick_ms=_NEVER_MS)
    end = time.monotonic() + _DRAIN_S
    with edges(application) as (log, store):
        worker = Worker(application.topology, log, store, SystemClock(), told, slot="drain", limits=limits)
        try:
            # A busy broker may give nothing for longer than that.
            _until_quiet(worker, end)
            while any(lag(site, application, one.topic) for one in application.topology.inputs):
                _until_quiet(worker, end)
        finally:
            worker.close()


def _until_quiet(worker: Worker, end: float) -> None:
    quiet = 0
    while quiet < _QUIET_STEPS:
        if time.monotonic() > end:
            raise Fatal(f"bench: still not everything was worked on after {_DRAIN_S:.0f} s")
        busy = worker.step()
        status = worker.status()
        # Alone in its groups: everything is its own before it begins.
        joined = len(status.tasks) == PARTITIONS and bool(status.raw)
        quiet = 0 if busy or not joined else quiet + 1
