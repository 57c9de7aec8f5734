"""From a post that is sent to the enriched event and the alert that a subscriber sees, at several rates."""

import time
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.kafka.fill import Truth
from benchmarks.kafka.firehose import Mix
from benchmarks.kafka.listen import Listener, Seen
from benchmarks.kafka.live import Pace, live, wait_drained, wait_ready
from benchmarks.kafka.looks import lag
from benchmarks.kafka.servers import Site
from benchmarks.kafka.verify import violations
from benchmarks.kafka.workers import workers
from streams.errors import Fatal

_WARM_UP = 0.2
"""Of the time of each rate, not counted."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """At one rate. Percentiles 50, 99 and 99.9 and the most, in milliseconds; of none: empty."""

    name: str
    rate: float
    seconds: float
    enriched: int
    enriched_ms: tuple[float, ...]
    alerts: int
    alerts_ms: tuple[float, ...]
    source_behind_ms: float
    """How late the source was at most: the machine was too busy to send in time."""
    left: int
    """Raw records that waited when the last one was sent: many mean that the rate was too high."""


def latencies(
    site: Site,
    records_topic: str,
    rates: Sequence[tuple[str, float]],
    seconds: float,
    mix: Mix,
    show: Callable[[str], None],
) -> list[Latency]:
    """One worker, one rate after the other. Raises `Fatal` when an output is not as it must be."""
    truth, found = Truth(), []
    with live(site, records_topic) as (application, topic), workers(application, 1) as running:
        wait_ready(running)
        for number, (name, rate) in enumerate(rates):
            show(f"latency at {name}: {rate:.0f}/s")
            own = msgspec.structs.replace(mix, seed=100 + number)
            with Listener(site, application) as listener:
                began_s = time.time()
                with Pace(site, topic, rate, seconds, own) as pace:
                    sent = pace.wait()
                left = lag(site, application, topic)
                wait_drained(site, application, topic, running)
                time.sleep(0.5)
                listener.check()
            truth.add(sent)
            counted = [one for one in listener.seen if one.written_s >= began_s + seconds * _WARM_UP]
            found.append(_latency(name, rate, seconds, counted, pace.behind_s, left))
        for one in running:
            one.end()
        if wrong := violations(site, application, truth):
            raise Fatal("bench: latency does not count: " + "; ".join(wrong))
    return found


def percentiles(values: Sequence[float]) -> tuple[float, ...]:
    """50, 99, 99.9 and the most; of none: empty."""
    if not values:
        return ()
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99, 0.999, 1.0))


def _latency(name: str, rate: float, seconds: float, seen: Sequence[Seen], behind_s: float, left: int) -> Latency:
    enriched = [one.took_ms for one in seen if not one.alert]
    alerts = [one.took_ms for one in seen if one.alert]
    return Latency(
        name=name, rate=rate, seconds=seconds,
        enriched=len(enriched), enriched_ms=percentiles(enriched),
        alerts=len(alerts), alerts_ms=percentiles(alerts),
        source_behind_ms=behind_s * 1_000, left=left,
    )  # fmt: skip
