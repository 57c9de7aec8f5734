"""One worker of the suite: that of the product, with traps around its ports, and a mutant's parts where one is asked for."""

import faulthandler
import signal
import sys
import time
from pathlib import Path

import msgspec

from streams.core.facts import Fact
from streams.errors import Retryable
from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.runtime.topology import Topology
from streams.runtime.worker import Worker
from streams.state.redis_store import RedisStore
from streams.transport.kafka_config import Connection
from streams.transport.kafka_log import KafkaLog
from tests.chaos.hatchery import Order
from tests.chaos.mutants import MUTANTS
from tests.chaos.traps import TrappedLog, TrappedStore, Traps
from tests.support.clock import RealClock

LIMITS = Limits(
    # Kills are the suite's doing: no record is to be suspected of them.
    crashes_max=1_000_000,
    # So that a rebuild has several chunks, and traps a place between them.
    restore_records_max=300,
    # Generated traffic has its broken payloads; a burst of them stops nobody here.
    reject_share_max=1.0,
)
_QUIET = (facts.RecordRejected, facts.CallRetried)


def run(topology: Topology, folder: Path, order: Order) -> None:
    """Work until SIGTERM."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Who does not recover is asked where it stands.
    faulthandler.register(signal.SIGUSR1)
    traps = Traps(folder, order.slot)
    traps.look()
    while not stopping:
        try:
            _work(topology, traps, order, stopping)
        except Retryable as problem:
            # A broker or a Redis that is down at the start: whoever starts workers starts them again.
            _note(f"cannot start: {problem}")
            time.sleep(0.1)
        else:
            return


def _work(topology: Topology, traps: Traps, order: Order, stopping: list[int]) -> None:
    connection = Connection(order.broker, client_id=topology.app)
    log = KafkaLog(connection, session_timeout_ms=order.session_timeout_ms)
    mutant = MUTANTS.get(order.mutant)
    try:
        store = RedisStore.connect(order.redis, app=topology.app, cluster_id=log.cluster_id)
        served = mutant.store(store) if mutant else store
        worker = (mutant.worker if mutant else Worker)(
            topology,
            TrappedLog(log, traps, topology.changelog),
            TrappedStore(served, traps),
            RealClock(),
            _tell,
            slot=order.slot,
            limits=msgspec.structs.replace(LIMITS, **order.limits),
            role=order.role,  # type: ignore[arg-type]  # one of the three
        )
        worker.heed(lambda: bool(stopping))
        _note("begins")
        try:
            while not stopping:
                traps.look()
                worker.step()
        finally:
            worker.close()
        store.close()
    finally:
        log.close()


def _tell(fact: Fact) -> None:
    if fact.level != "debug" and not isinstance(fact, _QUIET):
        _note(str(fact))


def _note(text: str) -> None:
    sys.stderr.write(f"{time.time():.3f} {text}\n")
    sys.stderr.flush()
