"""A backlog in one place holds up nobody who waits in another. Counted in records, not in seconds."""

from typing import Any

from streams.runtime.limits import Limits
from streams.runtime.ports import TopicPartition
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import add, encode_event, payload
from tests.support.toy_topology import read_event as event_of

BACKLOG = 20_000


def firehose(world: World, count: int = BACKLOG) -> None:
    """Records that nobody wants, in every partition of one input."""
    rows = [(None, b'{"irrelevant":1}', None, world.clock.now_ms())] * (count // 2)
    for partition in (0, 1):
        world.log.append("raw.a", rows, partition)


def taken(world: World) -> int:
    """Firehose records that are done with."""
    where = [TopicPartition("raw.a", partition) for partition in (0, 1)]
    raw = world.workers["0"]._raw
    assert raw is not None
    return sum(raw.tasks[at].position for at in where if at in raw.tasks)


def test_a_change_gets_through_while_a_firehose_backlog_waits(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(raw_records_max=500, commit_records_max=1_000))
    firehose(world)
    world.worker()
    world.run(until=lambda: taken(world) > 0)
    before = taken(world)
    world.feed(add("change", 1, 1), topic="raw.b", partition=1)
    world.run(ms=60_000, until=lambda: bool(world.outputs("seen")))
    assert dict(world.outputs("seen"))["change"]["count"] == 1
    assert taken(world) - before <= 3_000, "a few takes, not the backlog"


def test_what_is_in_an_inbox_does_not_wait_for_a_firehose_backlog(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(raw_records_max=500, commit_records_max=1_000))
    firehose(world)
    world.worker()
    world.run(until=lambda: taken(world) > 0)
    before = taken(world)
    event: dict[str, Any] = add("waiting", 1, 1)
    data = encode_event(world.clock.now_ms(), event_of(event))
    world.log.append(world.topology.inbox, [(b"counter:1", data, None, 0)])
    world.run(ms=60_000, until=lambda: bool(world.outputs("seen")))
    assert taken(world) - before <= 2_000


def test_records_in_hand_are_bounded_whatever_waits(make_world: MakeWorld) -> None:
    """Inbox and raw backlogs of any size: what is taken and not committed stays within the limits."""
    limits = Limits(
        raw_records_max=100, inbox_records_max=50, commit_records_max=200, inbox_lag_max=150, commit_ms_max=10_000
    )
    world = make_world(limits=limits)
    for number in range(1_500):
        world.feed_bytes(payload(*(add(f"{number}.{part}", part) for part in range(2))), partition=number % 2)
    worker = world.worker()
    most = 0
    for _ in range(3_000):
        worker.step()
        most = max(most, worker._batch.records + len(worker._inbox.left))  # type: ignore[union-attr]
        world.clock.sleep_ms(1)
    assert 100 <= most <= limits.commit_records_max + limits.raw_records_max + limits.inbox_records_max
    assert len(world.outputs("seen")) >= 3_000
