"""A generated world is the same for the same options, goes on at the wished rate, and comes in order of receipt."""

from collections import Counter
from itertools import islice
from random import Random

import msgspec
import orjson
import pytest

from topologies.traffic.outbox import Delivery
from topologies.traffic.records import first_values
from topologies.traffic.stage import Options
from topologies.traffic.truth import Done
from topologies.traffic.wire_debezium import DebeziumWire
from topologies.traffic.world import World

START_MS = 1_764_000_000_000
OPTIONS = Options(start_ms=START_MS, customers=60)


def deliveries(options: Options, count: int) -> list[Delivery]:
    """The first so many, opening included."""
    return list(islice(World(options), count))


def done(found: list[Delivery]) -> list[Done]:
    """The acts that these deliveries bring."""
    return [fact for one in found for fact in one.facts if isinstance(fact, Done)]


def test_the_same_options_give_the_same_bytes() -> None:
    assert deliveries(OPTIONS, 2_000) == deliveries(OPTIONS, 2_000)


@pytest.mark.parametrize("change", [{"seed": 2}, {"start_ms": START_MS + 1}, {"rate": 50.0}, {"relevant": 0.9}])
def test_other_options_give_another_world(change: dict[str, float]) -> None:
    assert deliveries(OPTIONS, 500) != deliveries(msgspec.structs.replace(OPTIONS, **change), 500)


def test_deliveries_come_in_order_of_receipt_and_the_opening_before_the_start() -> None:
    world = World(OPTIONS)
    opening, later = list(world.opening()), list(islice(world.beats(), 2_000))
    times = [one.received_at for one in opening + later]
    assert times == sorted(times)
    assert opening
    assert opening[-1].received_at < START_MS <= later[0].received_at


@pytest.mark.parametrize("rate", [20.0, 500.0])
def test_payloads_come_at_the_wished_rate(rate: float) -> None:
    world = World(Options(start_ms=START_MS, rate=rate, customers=60))
    assert list(world.opening())
    last = list(islice(world.beats(), 2_000))[-1]
    seconds = (last.received_at - START_MS) / 1000
    assert 2_000 / seconds == pytest.approx(rate, rel=0.15)


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_the_share_of_relevant_payloads_is_the_wished_one(share: float) -> None:
    world = World(Options(start_ms=START_MS, relevant=share, customers=60, duplicates=0))
    assert list(world.opening())
    noise = sum(not one.is_relevant for one in done(list(islice(world.beats(), 2_000))))
    assert noise / 2_000 == pytest.approx((1 - share) * 0.93, abs=0.05)


def test_every_input_has_traffic() -> None:
    found = Counter(one.input for one in deliveries(OPTIONS, 4_000))
    assert set(found) == {
        "bluesky", "mastodon", "x", "hubspot", "salesforce", "crm", "contacts", "sightings", "decisions",
    }  # fmt: skip


def test_some_deliveries_come_twice_and_a_retried_webhook_says_so() -> None:
    world = Options(start_ms=START_MS, customers=60, duplicates=0.2)
    found = [(one.input, one.payload) for one in deliveries(world, 3_000) if one.payload is not None]
    twice = [payload for payload, count in Counter(found).items() if count > 1]
    assert len(twice) > 200
    events = [event for name, payload in found if name == "hubspot" for event in orjson.loads(payload)]
    attempts = [event["attemptNumber"] for event in events]
    assert set(attempts) == {0, 1}


def test_broken_payloads_come_only_when_wanted_and_beside_the_good_ones() -> None:
    good = deliveries(OPTIONS, 2_000)
    assert not any(one.is_broken for one in good)
    mixed = deliveries(msgspec.structs.replace(OPTIONS, broken=0.1), 2_000)
    assert 100 < sum(one.is_broken for one in mixed) < 300
    for one in mixed:
        if one.payload is not None and not one.is_broken:
            orjson.loads(one.payload)


def test_some_acts_are_received_hours_after_they_were_done() -> None:
    found = deliveries(msgspec.structs.replace(OPTIONS, late=0.1), 3_000)
    late = [one for one in done(found) if one.at < START_MS - 3_600_000]
    assert 100 < len(late) < 500


def test_a_deleted_row_is_followed_by_a_null_value_of_the_same_key() -> None:
    customer = next(one for one in World(OPTIONS).customers if one.source == "crm")
    shop = DebeziumWire(Random(1), START_MS)
    (made,) = shop.contact(customer, first_values(customer), START_MS - 1)
    deleted, tombstone = shop.gone(customer, START_MS)
    assert made.payload is not None
    assert deleted.payload is not None
    assert orjson.loads(made.payload)["op"] == "r"
    assert orjson.loads(deleted.payload)["op"] == "d"
    assert orjson.loads(deleted.payload)["before"] == orjson.loads(made.payload)["after"]
    assert tombstone == (deleted.input, made.key, None)
