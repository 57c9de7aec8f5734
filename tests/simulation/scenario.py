"""The toy topology as a scenario of the simulator."""

import json
import random
from typing import Any

from streams.runtime.ports import Clock
from streams.runtime.simulator import RawInput, Scenario
from streams.runtime.topology import Topology
from streams.state.dict_store import DictStore
from streams.transport.sqlite_log import SqliteLog
from tests.support.toy_topology import create_topics, payload, toy_topology

NAME = "tests.simulation.scenario:scenario"


def inputs(rng: random.Random) -> list[RawInput]:
    """Some fifty payloads over twenty seconds: good ones, bad ones, and several in one."""
    found = []
    at = 0
    for number in range(rng.choice((20, 50, 80))):
        at += rng.choice((0, 10, 300))
        events = [event(rng, f"{number}.{part}") for part in range(rng.choice((1, 1, 1, 2, 4)))]
        value = payload(*events)
        kind = rng.random()
        if kind < 0.03:
            value = b"{broken"
        elif kind < 0.06:
            value = payload(*events, refuse=True)
        elif kind < 0.10:
            value = json.dumps({"irrelevant": True}).encode()
        elif kind < 0.12:
            value = payload({"id": "x", "to": "nobody:1", "amount": 1, "total": "total:1"})
        topic, partition = rng.choice(("raw.a", "raw.b")), rng.randrange(2)
        headers = [("h", b"1")] if kind > 0.9 else None
        found.append(RawInput(topic, value, partition=partition, received_at=at, headers=headers))
    return found


def event(rng: random.Random, name: str) -> dict[str, Any]:
    kind = rng.random()
    address = f"counter:{rng.randrange(5)}"
    if kind < 0.05:
        return {"id": name, "to": address, "bad": rng.choice(("reject", "many", "output", "item", "raise"))}
    if kind < 0.1:
        return {"id": name, "to": address, "reset": True}
    return {"id": name, "to": address, "amount": rng.randrange(1, 9), "total": f"total:{rng.randrange(3)}"}


def new_log(clock: Clock, gap: int, session_timeout_ms: int) -> SqliteLog:
    # Not strict: what Kafka does not check must not be what saves us.
    return SqliteLog(":memory:", clock=clock, offset_gap=gap, session_timeout_ms=session_timeout_ms, strict=False)


def topology(rng: random.Random) -> Topology:
    return toy_topology(partitions=rng.choice((1, 2, 3)))


def scenario(**more: Any) -> Scenario:
    return Scenario(
        topology=topology, log=new_log, store=DictStore, prepare=create_topics, inputs=inputs, name=NAME, **more
    )
