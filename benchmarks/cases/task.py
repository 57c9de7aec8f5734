"""A task with its state: the inbox partitions of generated traffic, folded again from the first record on.

load what is missing ──► fold ──► changelog (into nothing) ──► store, one commit after the other
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks.case import Case, Goal, Run
from benchmarks.journey import journey
from benchmarks.nothing import NoProducer, RealClock, told
from benchmarks.product import folder, topology
from streams.runtime.batch import Batch
from streams.runtime.commit import Committer
from streams.runtime.limits import Limits
from streams.runtime.outcome import Encoder
from streams.runtime.ports import Record, StateStore
from streams.runtime.task import Task
from streams.state.dict_store import DictStore
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_store import RedisStore
from streams.transport.sqlite_log import SqliteLog

_COMMIT = 500
"""Records between two commits."""
_EVENT = Goal(us_max=20.0)


def cases() -> list[Case]:
    """With a store that costs nothing, with Redis, and with Redis and a cache that never holds what is needed."""
    what = "an inbox event, folded, its items written"
    return [
        Case("task.dict", what, _dict, _EVENT, rounds=5),
        Case("task.redis", what, _redis(Limits()), _EVENT, rounds=5),
        Case("task.redis, no cache", what, _redis(Limits(cache_addresses_max=0)), rounds=3),
    ]


@contextmanager
def _dict() -> Iterator[Run]:
    yield lambda: fold_again(DictStore("bench"), Limits())


def _redis(limits: Limits) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        with folder() as path, EmbeddedRedis(path) as server:
            store = RedisStore.connect(server.url, app="bench", cluster_id="bench")
            yield lambda: fold_again(store, limits)
            store.close()

    return prepare


def fold_again(store: StateStore, limits: Limits) -> int:
    """Everything into this store; how many events there were."""
    product, clock = topology(), RealClock()
    log = SqliteLog(":memory:", clock=clock)
    log.create_topic(product.changelog, product.partitions, compact=True, retention_ms=None)
    committer = Committer(product, log, store, clock, limits, told)
    encoder, batch = Encoder(product, limits.record_bytes_max), Batch(NoProducer(), product, limits)
    count = 0
    for partition, records in enumerate(journey().inbox):
        task = Task(
            partition, product, store, limits, encoder,
            seq=0, position=0, upto=(0, 0, 0), changelog_offset=0,
        )  # fmt: skip
        for start in range(0, len(records), _COMMIT):
            chunk = records[start : start + _COMMIT]
            _fold(task, chunk, batch, store, committer)
            task.evict(limits.cache_addresses_max // product.partitions)
        count += len(records)
    log.close()
    return count


def _fold(task: Task, chunk: tuple[Record, ...], batch: Batch, store: StateStore, committer: Committer) -> None:
    """Until the last one is done: a tick may take several commits."""
    while task.position <= chunk[-1].offset():
        wanted = task.missing(chunk)
        if wanted:
            task.admit(wanted, store.load({task.partition: list(wanted)}, {task.partition: task.seq}))
        batch.begin()
        task.fold(chunk, batch)
        batch.finish()
        if task.changed:
            commit = committer.write_state(task, batch)
            task.committed()
            store.apply([commit])
        batch.release(told, 0)
