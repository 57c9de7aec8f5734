"""A worker of the toy product on Kafka and Redis, as a process: for tests that kill it.

    python -m tests.support.kafka_worker BOOTSTRAP UNIQUE SLOT REDIS_URL SESSION_TIMEOUT_MS

Says `ready` on its standard output when it has joined; leaves in good order on SIGTERM.
"""

import signal
import sys

import msgspec

from streams.core.facts import Fact
from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.runtime.topology import Topology
from streams.runtime.worker import Worker
from streams.state.redis_store import RedisStore
from streams.transport.kafka_config import Connection
from streams.transport.kafka_log import KafkaLog
from tests.support.clock import RealClock
from tests.support.toy_topology import toy_topology

PARTITIONS = 4
LIMITS = Limits(drained_ms=1_000, reject_share_max=1.0, crashes_max=50)
"""Kills are the test's doing: no record is to be suspected of them."""


def topology_of(unique: str) -> Topology:
    """The toy, with names that nobody else uses on the same broker."""
    toy = toy_topology(PARTITIONS)
    name = f"{toy.app}-{unique}"
    return msgspec.structs.replace(
        toy,
        app=name,
        **{part: f"{getattr(toy, part)}.{unique}" for part in ("inbox", "changelog", "progress", "dlq")},
        inputs=[msgspec.structs.replace(entry, topic=f"{entry.topic}.{unique}") for entry in toy.inputs],
        outputs={
            key: msgspec.structs.replace(output, topic=f"{output.topic}.{unique}")
            for key, output in toy.outputs.items()
        },
    )


def open_log(bootstrap: str, unique: str, session_timeout_ms: int = 10_000) -> KafkaLog:
    return KafkaLog(Connection(bootstrap, client_id=f"toy-{unique}"), session_timeout_ms=session_timeout_ms)


def run(bootstrap: str, unique: str, slot: str, redis_url: str, session_timeout_ms: int) -> None:
    """Work until told to stop."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    topology = topology_of(unique)
    log = open_log(bootstrap, unique, session_timeout_ms)
    store = RedisStore.connect(redis_url, app=topology.app, cluster_id=log.cluster_id)
    worker = Worker(topology, log, store, RealClock(), _tell, slot=slot, limits=LIMITS)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    worker.run(lambda: bool(stopping))
    store.close()
    log.close()


def _tell(fact: Fact) -> None:
    if fact.level != "debug" and not isinstance(fact, facts.RecordRejected):
        sys.stderr.write(f"{fact}\n")


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
