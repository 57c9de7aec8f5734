"""The whole path: raw topics full of generated traffic, one worker with everything, until nothing is left.

SQLite log in a file, embedded Redis, exactly once, every commit included; sentiment, score, twenty rules, all outputs.
`path.<share>` is the job other engines were measured on: a firehose of posts, with the records of the CRM there already.
`path.mixed` is all sources at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from benchmarks.case import Case, Goal, Run
from benchmarks.cases import echo
from benchmarks.nothing import RealClock, told
from benchmarks.payloads import FIREHOSE, PARTITIONS, PAYLOADS, deliveries
from benchmarks.product import folder, settings, topology
from config.inputs import topic_of
from streams.errors import Fatal
from streams.runtime.ports import Log, Row
from streams.runtime.worker import Worker
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_store import RedisStore
from streams.transport.sqlite_log import SqliteLog
from topologies.assemble import limits_of
from topologies.traffic.feed import topics_for
from topologies.traffic.outbox import Delivery

_STEPS_MAX = 100_000
_QUIET_STEPS = 20
"""So many turns without anything to do: longer than any commit waits."""


def cases() -> list[Case]:
    """By the share of payloads that concern the brand."""
    what = "a raw record, to outputs and state"
    paces = {0.01: 2.5, 0.1: 1.0, 1.0: 0.2}
    firehose = [
        Case(f"path.{share:.0%} relevant", what, _preparation(share), Goal(baseline=echo.NAME, pace_min=pace), rounds=5)
        for share, pace in paces.items()
    ]
    return [*firehose, Case("path.mixed", what, _preparation(0.1, mixed=True), rounds=3)]


def _preparation(share: float, *, mixed: bool = False) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        product, clock = topology(), RealClock()
        with folder() as path, EmbeddedRedis(path / "redis") as server:
            log = SqliteLog(str(path / "log.sqlite"), clock=clock)
            _create_topics(log)
            store = RedisStore.connect(server.url, app=product.app, cluster_id=log.cluster_id)
            worker = Worker(product, log, store, clock, told, limits=limits_of(settings()))
            world = deliveries(PAYLOADS, share)
            before = [] if mixed else [one for one in world if one.input != FIREHOSE]
            measured = [one for one in world if mixed or one.input == FIREHOSE]
            shift = clock.now_ms() - world[-1].received_at
            _feed(log, before, shift)
            _drain(worker)
            _feed(log, measured, shift)

            def run() -> int:
                _drain(worker)
                return len(measured)

            yield run
            worker.close()
            store.close()
            log.close()

    return prepare


def _drain(worker: Worker) -> None:
    """Step until neither raw topics nor the inbox hold anything."""
    quiet = 0
    for _ in range(_STEPS_MAX):
        quiet = 0 if worker.step() else quiet + 1
        if quiet == _QUIET_STEPS:
            return
    raise Fatal(f"benchmarks: want an end of all records, found none after {_STEPS_MAX} turns")


def _feed(log: Log, world: Sequence[Delivery], shift: int) -> None:
    """In order. `shift` brings the last one to now, so that nobody's time to be forgotten has come."""
    topics = topics_for(settings())
    rows: dict[str, list[Row]] = {}
    for one in world:
        rows.setdefault(topics[one.input], []).append((one.key, one.payload, None, one.received_at + shift))
    for topic, all_rows in rows.items():
        for start in range(0, len(all_rows), 2_000):
            log.append(topic, all_rows[start : start + 2_000])


def _create_topics(log: Log) -> None:
    product = topology()
    for name in (product.inbox, product.dlq, *(output.topic for output in product.outputs.values())):
        log.create_topic(name, product.partitions, compact=False, retention_ms=None)
    log.create_topic(product.changelog, product.partitions, compact=True, retention_ms=None)
    log.create_topic(product.progress, 1, compact=True, retention_ms=None)
    for one in settings().inputs:
        log.create_topic(topic_of(one), PARTITIONS, compact=False, retention_ms=None)
