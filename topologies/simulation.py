"""The product as a scenario of the simulator: generated traffic in the true wire formats, in worlds where all goes wrong.

seed ──► partitions · a small cast and what it does ──► raw topics ──► workers that die, stall and lose their store
"""

import random

import msgspec

from config.settings import EngineSettings
from streams.runtime.ports import Clock, Log
from streams.runtime.simulator import BEGIN_MS, RawInput, Scenario
from streams.runtime.topology import Topology
from streams.state.dict_store import DictStore
from streams.transport.sqlite_log import SqliteLog
from topologies.assemble import create_topics
from topologies.customer.lexicon import load_lexicons
from topologies.customer.rules.load import load_rules
from topologies.model import build_model
from topologies.social_crm import topology
from topologies.traffic.feed import Cursor
from topologies.traffic.outbox import Delivery
from topologies.traffic.settings import demo_settings
from topologies.traffic.stage import Options
from topologies.traffic.world import World

RATE = 4.0
"""Payloads a second."""
LENGTH_MS = (5_000, 15_000, 25_000)


def scenario() -> Scenario:
    """The product with the starter rules."""
    return Scenario(
        topology=_topology,
        log=_log,
        store=DictStore,
        prepare=_prepare,
        inputs=_inputs,
        # What customers tell accounts goes down a level: ticks promise nothing of that, and nobody relies on it.
        promise=False,
    )


def _topology(rng: random.Random) -> Topology:
    settings = msgspec.structs.replace(demo_settings(), engine=EngineSettings(partitions=rng.choice((1, 2, 3))))
    rules, _ = load_rules(None, hold_ms=settings.identity.hold_ms)
    return topology(settings, build_model(settings, rules, load_lexicons()))


def _log(clock: Clock, offset_gap: int, session_timeout_ms: int) -> Log:
    # Not strict: what Kafka does not check must not be what saves us.
    return SqliteLog(
        ":memory:", clock=clock, offset_gap=offset_gap, session_timeout_ms=session_timeout_ms, strict=False
    )  # fmt: skip


def _prepare(log: Log, topology: Topology) -> None:
    engine = EngineSettings(app=topology.app, partitions=topology.partitions)
    create_topics(log, msgspec.structs.replace(demo_settings(), engine=engine))


def _inputs(rng: random.Random) -> list[RawInput]:
    options = Options(
        seed=rng.randrange(1 << 30),
        start_ms=BEGIN_MS,
        rate=RATE,
        relevant=0.8,
        customers=5,
        broken=0.03,
    )
    world = World(options)
    found = list(world.opening()) + Cursor(world.beats()).take(BEGIN_MS + rng.choice(LENGTH_MS), 1_000)
    return [_raw(one) for one in found]


def _raw(one: Delivery) -> RawInput:
    return RawInput(f"raw.{one.input}", one.payload, one.key, None, one.received_at - BEGIN_MS)
