"""On its way to the log: payloads wait here until their time of receipt; some come twice, some are spoiled.

What a payload makes true goes with it, so the truth never knows more than a reader of the log.
"""

import heapq
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import orjson

from topologies.traffic.records import Raw
from topologies.traffic.truth import Fact
from topologies.traffic.wire_hubspot import retried

TWICE_MS = 500, 20_000
"""A second delivery comes so much later: after a reconnect, or because the first was answered too late."""


class Delivery(NamedTuple):
    """One raw record. `received_at`: when the log gets it. Null payload: a tombstone, as Debezium sends it."""

    input: str
    key: bytes
    payload: bytes | None
    received_at: int
    facts: tuple[Fact, ...] = ()
    """What it makes true: see `Truth`."""
    is_broken: bool = False


class _Pending(NamedTuple):
    """Sorts by time of receipt, then by order of making."""

    received_at: int
    number: int
    raw: Raw
    facts: tuple[Fact, ...]
    is_broken: bool


class Outbox:
    """Takes payloads in any order, gives them out in order of receipt."""

    def __init__(self, rnd: Random, *, duplicates: float, broken: float) -> None:
        """Shares of 1: payloads that come twice, and broken ones that come besides."""
        self._rnd, self._duplicates, self._broken = rnd, duplicates, broken
        self._pending: list[_Pending] = []
        self._number = 0

    def send(self, raw: Raw, received_at: int, facts: Sequence[Fact] = ()) -> None:
        """To be received then."""
        rnd = self._rnd
        self._push(received_at, raw, tuple(facts))
        if raw.payload is None:
            return
        if rnd.random() < self._duplicates:
            again = retried(raw.payload) if raw.input == "hubspot" else raw.payload
            self._push(received_at + rnd.randint(*TWICE_MS), raw._replace(payload=again))
        if self._broken and rnd.random() < self._broken:
            self._push(received_at + 1, raw._replace(payload=_spoiled(rnd, raw.payload)), is_broken=True)

    def received(self, upto: int) -> Iterator[Delivery]:
        """What is received by then (inclusive), in order."""
        while self._pending and self._pending[0].received_at <= upto:
            received_at, _, raw, facts, is_broken = heapq.heappop(self._pending)
            yield Delivery(raw.input, raw.key, raw.payload, received_at, facts, is_broken)

    def _push(self, received_at: int, raw: Raw, facts: tuple[Fact, ...] = (), *, is_broken: bool = False) -> None:
        self._number += 1
        heapq.heappush(self._pending, _Pending(received_at, self._number, raw, facts, is_broken))


def _spoiled(rnd: Random, payload: bytes) -> bytes:
    """What nobody can read: cut off, in another encoding, of wrong types, or not JSON at all."""
    match rnd.randrange(4):
        case 0:
            return payload[: len(payload) // 2]
        case 1:
            return payload[:-2] + b"\xff\xfe" + payload[-2:]
        case 2:
            return orjson.dumps({"error": "upstream timed out", "was": payload[:40].decode("utf-8", "replace")})[:-1]
        case _:
            return b"<html><body>502 Bad Gateway</body></html>"
