"""How much of everything is measured."""

import msgspec

from benchmarks.kafka.firehose import Mix
from benchmarks.kafka.servers import SESSION_TIMEOUT_MS

SHARES = (0.01, 0.1, 1.0)
"""Of the payloads, those that concern the brand."""
USUAL = 0.1
"""The share that other engines were measured with; latency, scaling over workers and memory are measured with it."""
PARTS = ("throughput", "latency", "restart", "restore", "soak")
TWO_WORKERS = "10 % relevant, two workers"
"""On the machine of the broker: where it has two cores, they share those with it."""

_FEWER = {0.01: 1.0, 0.1: 0.4, 1.0: 0.06}
"""A relevant payload costs about a hundred times one that is not: with fewer records each run still takes 10 to 60 s."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes. The defaults take about a quarter of an hour on two cores."""

    records: int = 1_000_000
    """With 1 % relevant; with 10 % four tenths of it, with 100 % six hundredths."""
    rounds: int = 3
    customers: int = 15_000
    authors: int = 200_000
    """Who are no customers. Two million show that memory is bounded by configuration."""
    latency_s: float = 25.0
    """At each rate."""
    restart_s: float = 25.0
    """Of load after each signal."""
    items: int = 1_000_000
    """To restore."""
    soak_s: float = 60.0
    session_timeout_ms: int = SESSION_TIMEOUT_MS
    is_quick: bool = False
    """Everything once and small: shows that it works; its figures say nothing."""

    def count(self, share: float) -> int:
        """Records of the firehose with this share."""
        return int(self.records * _FEWER[share])

    def mix(self, share: float) -> Mix:
        """What that firehose is made of."""
        return Mix(share, customers=self.customers, authors=self.authors)


QUICK = Plan(
    records=30_000, rounds=1, customers=500, authors=20_000, latency_s=2.5, restart_s=5.0, items=40_000, soak_s=4.0,
    session_timeout_ms=2_000, is_quick=True,
)  # fmt: skip
