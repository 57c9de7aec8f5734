"""What facts are measured by: histograms, with the facts whose fields they show in `streams.runtime.facts`."""

from streams.core.facts import Measure

DELAYS_MS = (
    20, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000,
)  # fmt: skip
"""Bounds for delays: close to the promise (half of all within 120 ms, 99 % within 200), wide for backlogs."""

LONG_MS = (10, 100, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000)
"""Bounds for restores."""

COMMIT = Measure(
    "took_ms",
    "commit_seconds",
    "How long a commit takes, from the end of the batch until log and store have it.",
    "Above 50 ms: compare with `apply_seconds`. What is not the store is the brokers: look at their disks and "
    "request queues, and at `retries_total`.",
)

APPLY = Measure(
    "apply_ms",
    "apply_seconds",
    "How long the store takes to apply a commit, of commits that change state.",
    "Above 20 ms: Redis is busy, swaps, or forks for a snapshot; look at its SLOWLOG and latest_fork_usec.",
)

LOAD = Measure(
    "took_ms",
    "load_seconds",
    "How long the store takes to answer what a batch misses: one round trip.",
    "Above 20 ms: Redis is far away or busy; look at its SLOWLOG, at the network, and at `cache_misses_total`.",
)

OUTPUT_DELAY = Measure(
    "delays_ms",
    "output_delay_seconds",
    "From the receipt of what led to a document until subscribers can read it, by output. Documents of a wake "
    "count from the stream time that woke it.",
    "p99 above 0.2 s: see `lag_records`, then `commit_seconds`. Old records (a backlog, a requeue) count with "
    "their age.",
    DELAYS_MS,
)

RESTORE = Measure(
    "took_ms",
    "restore_seconds",
    "How long a partition took from its assignment until its state was in place, by how.",
    "Long ones that are `intact`: the brokers are slow to say where the group stands. Long rebuilds: see the "
    "size of the changelog.",
    LONG_MS,
)
