"""What must be reached, and whether it was. Ratios are taken round by round: a machine changes its pace."""

import statistics
from collections.abc import Sequence

import msgspec

from benchmarks.kafka.latency import Latency
from benchmarks.kafka.restart import Restart
from benchmarks.kafka.restore import Restored
from benchmarks.kafka.soak import Soak
from benchmarks.kafka.throughput import Run

ECHO = "echo in transactions"
LATENCIES = ("2k/s", "50 % load")
"""The rates at which latency is held against its goal."""
P50_MS, P99_MS = 120.0, 200.0
_PACES = {"1 % relevant": 2.5, "10 % relevant": 1.0, "100 % relevant": 0.2}
_STREAMS_PER_S = 165_000
_LEAVE_S = 1.0
_TAKE_OVER_S = 2.0
_ITEMS_PER_S = 150_000
_DRIFT = 0.05
_SOAK_S = 600.0


class Goal(msgspec.Struct, frozen=True):
    """`is_met` null: measured too shortly to say."""

    name: str
    wanted: str
    found: str
    is_met: bool | None


def paces(runs: Sequence[Run]) -> list[Goal]:
    """Records a second against the echo of the same round."""
    found = []
    for name, wanted in _PACES.items():
        ratios = ratios_of(runs, name)
        if ratios:
            by_cpu = ratios_of(runs, name, by_cpu=True)
            median = statistics.median(ratios)
            shown = (
                f"{median:.2f} x ({min(ratios):.2f}–{max(ratios):.2f}); by CPU time {statistics.median(by_cpu):.2f} x"
            )
            found.append(Goal(f"{name}, against the {ECHO}", f">= {wanted:g} x", shown, median >= wanted))
    usual = [run.per_s for run in runs if run.name == "10 % relevant"]
    if usual:
        rate = statistics.median(usual)
        found.append(
            Goal(
                "10 % relevant, against Kafka Streams on the same job (165k, measured once, elsewhere)",
                f">= {_STREAMS_PER_S:,}/s", f"{rate:,.0f}/s", rate >= _STREAMS_PER_S,
            )
        )  # fmt: skip
    return found


def ratios_of(runs: Sequence[Run], name: str, *, by_cpu: bool = False) -> list[float]:
    """Of a run to the echo, round by round."""
    echoes, ours = ([run for run in runs if run.name == one] for one in (ECHO, name))
    return [
        one.per_cpu_s / echo.per_cpu_s if by_cpu else one.per_s / echo.per_s
        for one, echo in zip(ours, echoes, strict=False)
    ]


def latency(found: Sequence[Latency]) -> list[Goal]:
    """p50 and p99, of enriched events and of alerts."""
    goals = []
    for one in found:
        if one.name in LATENCIES:
            for what, times in (("enriched", one.enriched_ms), ("alerts", one.alerts_ms)):
                if times:
                    goals.append(
                        Goal(
                            f"latency of {what}, {one.name}", f"p50 <= {P50_MS:.0f}, p99 <= {P99_MS:.0f} ms",
                            f"{times[0]:.0f}, {times[1]:.0f} ms", times[0] <= P50_MS and times[1] <= P99_MS,
                        )
                    )  # fmt: skip
    return goals


def restart(found: Sequence[Restart], session_timeout_ms: int) -> list[Goal]:
    """First outputs after a kill, and leaving in good order."""
    limit = session_timeout_ms / 1_000 + _TAKE_OVER_S
    goals = [
        Goal(
            f"{one.name}: every partition gives again", f"<= {limit:g} s", f"{one.first_s:.1f} s", one.first_s <= limit
        )
        for one in found
        if one.name.startswith("kill")
    ]
    goals += [
        Goal("SIGTERM: left", f"<= {_LEAVE_S:g} s", f"{one.exit_s:.2f} s", one.exit_s <= _LEAVE_S)
        for one in found
        if one.name.startswith("SIGTERM")
    ]
    return goals


def restore(found: Sequence[Restored]) -> list[Goal]:
    """Items a second, where Redis was lost."""
    return [
        Goal(one.name, f">= {_ITEMS_PER_S:,} items/s", f"{one.per_s:,.0f} items/s", one.per_s >= _ITEMS_PER_S)
        for one in found
        if "lost" in one.name
    ]


def memory(found: Soak) -> Goal:
    """Flat over ten minutes."""
    met = abs(found.drift) <= _DRIFT if found.seconds >= _SOAK_S else None
    shown = f"{found.drift:+.1%} over {found.seconds / 60:.1f} min"
    return Goal("memory at saturation, flat over ten minutes", f"within {_DRIFT:.0%}", shown, met)
