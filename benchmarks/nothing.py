"""Edges that do nothing: what is measured in front of them costs only itself."""

import time
from collections.abc import Mapping
from typing import Any

from streams.runtime.ports import Headers, Membership, Position, TopicPartition


class NoProducer:
    """See `streams.runtime.ports.Producer`. Takes everything, keeps nothing."""

    def begin(self) -> None:
        """See the port."""

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int = -1,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """See the port."""

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        """See the port."""

    def commit(self) -> None:
        """See the port."""

    def abort(self) -> None:
        """See the port."""

    def close(self) -> None:
        """See the port."""


class NoRebalance:
    """See `streams.runtime.ports.Rebalance`. Who is alone in its group need not listen."""

    def assigned(self, partitions: Any) -> None:
        """See the port."""

    def revoked(self, partitions: Any) -> None:
        """See the port."""

    def lost(self, partitions: Any) -> None:
        """See the port."""


class RealClock:
    """See `streams.runtime.ports.Clock`."""

    def now_ms(self) -> int:
        """See the port."""
        return time.time_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        """See the port."""
        time.sleep(duration_ms / 1000)


def told(fact: object) -> None:
    """What operators see is not measured."""
