"""One of two workers is killed, or told to leave: how long until every partition gives something again.

An act goes through three partitions: of its raw topic, of its author, of its customer. For each of them the time is
taken from the signal to the first act, written after it, that a subscriber sees on that way. The slowest counts.
"""

import signal
import time
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.kafka.fill import Truth
from benchmarks.kafka.firehose import Mix
from benchmarks.kafka.listen import Listener, Seen
from benchmarks.kafka.live import Pace, live, wait_drained, wait_ready
from benchmarks.kafka.looks import shares, wait_until
from benchmarks.kafka.servers import PARTITIONS, Application, Site
from benchmarks.kafka.verify import violations
from benchmarks.kafka.workers import Worker, workers
from streams.core.partition import partition_of
from streams.errors import Fatal

_RATE = 300.0
_BEFORE_S = 2.0
_BALANCED_S = 60.0
_DID = slice(len("bluesky:"), None)


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """`first_s`: until the slowest partition gave something; `typical_s`: the middle one. `exit_s`: until it had left."""

    name: str
    first_s: float
    typical_s: float
    exit_s: float


class _Case(msgspec.Struct, frozen=True):
    name: str
    number: signal.Signals
    replaced: bool


CASES = (
    _Case("kill -9, started anew at once", signal.SIGKILL, replaced=True),
    _Case("kill -9, the other takes over", signal.SIGKILL, replaced=False),
    _Case("SIGTERM, the other takes over", signal.SIGTERM, replaced=False),
)


def restarts(site: Site, records_topic: str, seconds: float, mix: Mix, show: Callable[[str], None]) -> list[Restart]:
    """All cases, one after the other; `seconds` of load after each signal. Raises `Fatal` when an output is wrong."""
    truth, found = Truth(), []
    with live(site, records_topic) as (application, topic):
        for number, case in enumerate(CASES):
            show(f"restart: {case.name}")
            own = msgspec.structs.replace(mix, relevant=1.0, seed=200 + number)
            with workers(application, 2) as running, Listener(site, application) as listener:
                wait_ready(running)
                wait_until("balance", lambda: _is_balanced(site, application), _BALANCED_S)
                with Pace(site, topic, _RATE, _BEFORE_S + seconds, own) as pace:
                    time.sleep(_BEFORE_S)
                    began_s = time.time()
                    exit_s = running[0].end(case.number)
                    if case.replaced:
                        running[0] = Worker(application, "0")
                    truth.add(pace.wait())
                wait_drained(site, application, topic, [one for one in running if one.process.poll() is None])
                time.sleep(0.5)
                listener.check()
            first = _first_by_partition(listener.seen, began_s)
            found.append(Restart(name=case.name, first_s=first[-1], typical_s=first[len(first) // 2], exit_s=exit_s))
        if wrong := violations(site, application, truth):
            raise Fatal("bench: restarts do not count: " + "; ".join(wrong))
    return found


def _is_balanced(site: Site, application: Application) -> bool:
    """Whether both have their half of everything."""
    raw = len(application.topology.inputs) * PARTITIONS
    groups = ((f"{application.name}.fold", PARTITIONS), (f"{application.name}.ingest", raw))
    return all(shares(site, group) == [count // 2] * 2 for group, count in groups)


def _first_by_partition(seen: Sequence[Seen], began_s: float) -> list[float]:
    """Seconds, rising; of each partition of each kind."""
    first: dict[tuple[str, int], float] = {}
    for one in sorted(seen, key=lambda one: one.seen_s):
        if one.written_s < began_s or one.alert:
            continue
        did = one.act[_DID].partition("/")[0]
        ways = (("raw", did), ("account", f"account:bluesky:{did}"), ("customer", f"customer:{one.customer}"))
        for kind, key in ways:
            first.setdefault((kind, partition_of(key.encode(), PARTITIONS)), one.seen_s - began_s)
    if len(first) != 3 * PARTITIONS:
        raise Fatal(f"bench: only {len(first)} of {3 * PARTITIONS} partitions gave anything; want more seconds of load")
    return sorted(first.values())
