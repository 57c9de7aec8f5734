"""Memory of one worker that is given more than it can do, for minutes."""

import statistics
from collections.abc import Callable

import msgspec

from benchmarks.kafka.firehose import Mix
from benchmarks.kafka.live import Pace, live, wait_ready
from benchmarks.kafka.servers import Site
from benchmarks.kafka.workers import workers

_WARM_UP = 0.25
"""Of the time: caches fill."""
_OVERLOAD = 1.3
_POINTS = 60
"""Kept of the curve."""
_KEPT = {"retention.bytes": str(256 << 20), "segment.bytes": str(64 << 20), "retention.ms": "-1"}


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """`drift`: the mean of the last quarter of the time against that of the second, as a share; 0.05 is 5 %."""

    seconds: float
    rate: float
    authors: int
    folded: int
    rss_start_mb: float
    rss_mean_mb: float
    rss_max_mb: float
    drift: float
    curve_mb: tuple[float, ...]


def soak(
    site: Site, records_topic: str, saturated: float, seconds: float, mix: Mix, show: Callable[[str], None]
) -> Soak:
    """`saturated`: records a second one worker is able to do. No check of outputs: nothing is drained in the end."""
    show(f"soak: {seconds:.0f} s at saturation, {mix.authors} authors")
    with live(site, records_topic, _KEPT) as (application, topic), workers(application) as running:
        wait_ready(running)
        worker = running[0]
        with Pace(site, topic, saturated * _OVERLOAD, seconds, mix) as pace:
            began_s = worker.samples[-1].at_s
            pace.wait()
        worker.check()
        during = [one.rss_mb for one in worker.samples if one.at_s >= began_s]
        worker.end()
        stopped = worker.said_of("worker stops")
    quarter = len(during) // 4
    second, last = during[quarter : 2 * quarter], during[-quarter:]
    step = max(1, len(during) // _POINTS)
    return Soak(
        seconds=seconds, rate=saturated * _OVERLOAD, authors=mix.authors,
        folded=int(stopped[-1]["events"]) if stopped else 0,
        rss_start_mb=during[0], rss_mean_mb=statistics.fmean(during[quarter:]), rss_max_mb=max(during),
        drift=statistics.fmean(last) / statistics.fmean(second) - 1,
        curve_mb=tuple(round(one, 1) for one in during[::step]),
    )  # fmt: skip
