"""What a worker says of itself: how long things took, what waits where, and what it still needs."""

from typing import Any

from streams.errors import Retryable
from streams.runtime import facts
from streams.runtime.limits import Limits
from streams.state.dict_store import DictStore
from tests.runtime.conftest import MakeWorld
from tests.runtime.world import World
from tests.support.toy_topology import add


def test_a_document_is_delayed_from_the_receipt_of_its_cause_until_all_can_read_it(world: World) -> None:
    world.run(ms=500)
    received_at = world.clock.now_ms()
    world.feed(add("a"))
    world.run(ms=1_000, until=lambda: bool(world.outputs("seen")))
    visible_at = world.clock.now_ms()
    (told,) = [fact for fact in world.told(facts.OutputsPublished) if fact.output == "seen"]
    (delay_ms,) = told.delays_ms
    assert 0 < delay_ms <= visible_at - received_at
    assert delay_ms >= visible_at - received_at - 50, "the last commit, and no more, lies between"


def test_what_waited_before_a_start_is_as_late_as_it_is(world: World) -> None:
    world.feed(add("a"))
    world.clock.sleep_ms(60_000)
    world.run(ms=2_000)
    (told,) = [fact for fact in world.told(facts.OutputsPublished) if fact.output == "seen"]
    assert 60_000 < told.delays_ms[0] < 62_000


def test_every_document_has_its_delay(world: World) -> None:
    world.feed(*[add(f"a{number}", number) for number in range(20)])
    world.run(ms=2_000)
    told = world.told(facts.OutputsPublished)
    assert all(len(fact.delays_ms) == fact.amount for fact in told)
    assert sum(fact.amount for fact in told if fact.output == "seen") == 20


class SlowStore(DictStore):
    """Takes its time, in virtual time."""

    world: World

    def apply(self, commits: Any) -> None:
        self.world.clock.sleep_ms(70)
        super().apply(commits)

    def load(self, wanted: Any, seqs: Any) -> Any:
        self.world.clock.sleep_ms(30)
        return super().load(wanted, seqs)


def test_a_slow_store_shows_in_commits_and_reads_and_not_in_delays(make_world: MakeWorld) -> None:
    world = make_world()
    store = SlowStore(world.log.cluster_id)
    store.world = world
    world.worker(store=store)
    world.feed(add("a"))
    world.run(ms=2_000)
    world.feed(add("b"), add("c", 2))
    world.run(ms=2_000)
    commits = world.told(facts.BatchCommitted)
    assert {fact.apply_ms for fact in commits if fact.partitions} == {70}
    assert {fact.apply_ms for fact in commits if not fact.partitions} <= {None}
    assert all(fact.took_ms >= 70 for fact in commits if fact.partitions)
    assert {took for fact in world.told(facts.AddressesLoaded) for took in fact.took_ms} <= {30, 60}


def test_an_address_is_read_once_and_then_at_hand(make_world: MakeWorld) -> None:
    world = make_world()
    world.worker()
    # From the first commit on a partition has state, and what is not in memory has to be looked for.
    for number in range(60):
        world.feed(add(f"a{number}", number))
    world.run(ms=2_000)
    world.facts.clear()
    world.feed(add("x", 1_000))
    world.run(ms=1_000)
    assert sum(fact.amount for fact in world.told(facts.AddressesLoaded)) >= 1
    world.facts.clear()
    world.feed(add("y", 1_000))
    world.run(ms=1_000)
    assert world.told(facts.AddressesLoaded) == []
    hits = sum(fact.amount for fact in world.told(facts.AddressesAtHand))
    assert hits == sum(fact.amount for fact in world.told(facts.EventsFolded)) + sum(
        fact.amount for fact in world.told(facts.WakesFired)
    )


def test_what_waits_is_known_by_partition(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(inbox_records_max=5, raw_records_max=5))
    world.worker()
    world.run(ms=1_000)
    assert {lag.records for lag in world.workers["0"].status().lags} == {0}
    world.feed(*[add(f"a{number}") for number in range(3)], partition=1)
    for _ in range(40):
        world.feed(add("b"), partition=1)
    world.workers["0"].step()
    lags = world.workers["0"].status().lags
    waiting = [lag for lag in lags if lag.records]
    assert {lag[:2] for lag in waiting if lag.topic == "raw.a"} == {("raw.a", 1)}
    assert max(lag.records for lag in waiting if lag.topic == "raw.a") >= 30
    world.run(ms=3_000)
    lags = world.workers["0"].status().lags
    assert {lag.records for lag in lags} == {0}
    homes = {(topic, partition) for topic, partition, _ in lags}
    assert homes >= {(world.topology.inbox, partition) for partition in range(world.topology.partitions)}
    assert len(homes) == len(lags)


def test_before_it_has_joined_it_says_so(world: World) -> None:
    missing = world.workers["0"].status().missing
    assert missing == ("group toy.ingest: not joined yet", "group toy.fold: not joined yet")


def test_what_is_restored_is_missing_until_it_is_there(make_world: MakeWorld) -> None:
    world = make_world()
    store = DownStore(world.log.cluster_id)
    world.worker(store=store)
    world.run(ms=500)
    missing = world.workers["0"].status().missing
    assert missing == tuple(
        f"toy.inbox[{one}]: its state is being restored" for one in range(world.topology.partitions)
    )
    store.is_down = False
    world.run(ms=1_000)
    assert world.workers["0"].status().missing == ()
    assert world.workers["0"].status().restoring == ()


def test_one_that_owns_nothing_is_ready_as_well(make_world: MakeWorld) -> None:
    """More workers than partitions: the others stand by."""
    world = make_world()
    for slot in map(str, range(world.topology.partitions + 1)):
        world.worker(slot, role="fold")
    world.run(ms=5_000)
    found = [world.workers[slot].status() for slot in world.workers]
    assert [len(status.tasks) for status in found].count(0) == 1
    assert all(status.missing == () for status in found)


class DownStore(DictStore):
    """Does not answer, until it does."""

    is_down = True

    def position(self, partition: int) -> Any:
        if self.is_down:
            raise Retryable("nobody listens there")
        return super().position(partition)
