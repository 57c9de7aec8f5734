"""A partition that is filled anew: the product's own changelog, many times over, from the log into an emptied Redis.

log.reader ──► rows ──► HSET … in transactions, one under way while the next is made ──► redis-server, append-only file
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from benchmarks.case import Case, Goal, Run
from benchmarks.cases.task import fold_again
from benchmarks.nothing import RealClock, told
from benchmarks.product import folder, topology
from schemas.log import MARKER_KEY, SEPARATOR, Marker, encode_wire
from streams.errors import Fatal
from streams.runtime.limits import Limits
from streams.runtime.ports import Log, Position, Row, TopicPartition
from streams.runtime.restore import Restore
from streams.state.dict_store import DictStore
from streams.state.embedded import EmbeddedRedis
from streams.state.redis_store import RedisStore
from streams.transport.sqlite_log import SqliteLog

ITEMS = 1_000_000
_SEQ = 1
_CHUNK = 5_000


def cases() -> list[Case]:
    """150k items a second is 6.7 us of the clock an item; the server works beside us."""
    return [Case("restore.lost", "an item, from the changelog into Redis", _prepare, Goal(us_max=6.7), rounds=2)]


class _Committed:
    """What a restore asks of a consumer: the position of a group that stands at the last commit."""

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
        return {where: Position(0, f"v1;{_SEQ};0,0,0") for where in partitions}


@contextmanager
def _prepare() -> Iterator[Run]:
    product, clock = topology(), RealClock()
    with folder() as path, EmbeddedRedis(path / "redis") as server:
        log = SqliteLog(str(path / "log.sqlite"), clock=clock)
        log.create_topic(product.inbox, product.partitions, compact=False, retention_ms=None)
        log.create_topic(product.changelog, product.partitions, compact=True, retention_ms=None)
        _fill(log, ITEMS)
        store = RedisStore.connect(server.url, app="bench", cluster_id=log.cluster_id)
        consumer: Any = _Committed()

        def run() -> int:
            restore = Restore(0, product, log, store, consumer, clock, Limits(), told)
            while restore.done is None:
                restore.step()
            if restore.so_far.items != ITEMS:
                raise Fatal(f"benchmarks: want {ITEMS} items restored, found {restore.so_far.items}")
            return ITEMS

        yield run
        store.close()
        log.close()


def _fill(log: Log, count: int) -> None:
    """One partition's changelog after compaction: one record an item, then the marker of the last commit."""
    product = topology()
    rows: list[Row] = []
    items = _items()
    for number in range(count):
        turn, at = divmod(number, len(items))
        address, item, value = items[at]
        rows.append((b"%b~%d%b%b" % (address, turn, SEPARATOR, item), value, None, 1))
        if len(rows) == _CHUNK:
            log.append(product.changelog, rows, 0)
            rows = []
    marker = encode_wire(Marker(_SEQ, product.model_hash, (0, 0, 0)))
    log.append(product.changelog, [*rows, (MARKER_KEY, marker, None, 1)], 0)


@lru_cache(maxsize=1)
def _items() -> tuple[tuple[bytes, bytes, bytes], ...]:
    """(address, item, value) of what generated traffic leaves behind."""
    store = DictStore("bench")
    fold_again(store, Limits())
    return tuple(
        (address.encode(), item.encode(), value)
        for partition in range(topology().partitions)
        for address in store.scan_addresses(partition)
        for item, value in store.read_address(partition, address).items()
    )
