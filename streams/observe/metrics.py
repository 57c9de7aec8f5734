"""Facts and statuses as Prometheus metrics. The only owner of prometheus_client.

    fact ──► counter    rapport_<counter>{labels} += amount
        └──► histogram  rapport_<measure>{labels}, from a field in milliseconds, shown in seconds
    Status ──► gauges   see `streams.observe.gauges`

What is counted lies in plain numbers; metrics are made of them when somebody asks. So a fact costs a look-up and an
addition, and a list of delays costs its sorting.
"""

from bisect import bisect_right
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.core.facts import Fact, Measure
from streams.observe.gauges import GAUGES, View

Registry = CollectorRegistry
WsgiApp = Callable[..., Iterable[bytes]]

NAMESPACE = "rapport"
LABEL_SETS_MAX = 200
"""Of one counter. Kinds come from payloads: whoever sends a new one each time must not fill the memory."""
_OTHER = "other"
_LABEL_CHARS_MAX = 100

Labels = tuple[str, ...]


class Buckets:
    """How often a duration lay below each bound."""

    __slots__ = ("_bounds", "counts", "sum_ms")

    def __init__(self, bounds_ms: Sequence[int]) -> None:
        """`bounds_ms`: upper ends, inclusive, rising."""
        self._bounds = bounds_ms
        self.counts = [0] * (len(bounds_ms) + 1)
        """By bucket, the last one for what is above all bounds."""
        self.sum_ms = 0

    def add(self, found: int | list[int] | None) -> None:
        """One duration, or many, or none. Below zero (clocks differ) counts as none at all passed."""
        if found is None:
            return
        values = sorted(found) if isinstance(found, list) else [found]
        if values and values[0] < 0:
            values = [max(0, value) for value in values]
        counts, done = self.counts, 0
        for index, bound in enumerate(self._bounds):
            upto = bisect_right(values, bound, done)
            counts[index] += upto - done
            done = upto
            if done == len(values):
                break
        counts[-1] += len(values) - done
        self.sum_ms += sum(values)

    def shown(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative, as Prometheus wants it; and the sum in seconds."""
        total, shown = 0, []
        for bound, count in zip((*self._bounds, None), list(self.counts), strict=True):
            total += count
            shown.append(("+Inf" if bound is None else str(bound / 1000), float(total)))
        return shown, self.sum_ms / 1000


class Series:
    """One set of label values of a kind of fact."""

    __slots__ = ("amount", "buckets")

    def __init__(self, measures: Sequence[Measure]) -> None:
        """Nothing counted."""
        self.amount = 0
        self.buckets = [(attrgetter(measure.field), Buckets(measure.bounds_ms)) for measure in measures]


class Kind:
    """One type of fact: its counter and its histograms, by label values."""

    __slots__ = ("_labels_of", "series", "type")

    def __init__(self, kind: type[Fact]) -> None:
        """One that nobody labels is 0 from the beginning: what appears with its first increment never rises."""
        self.type = kind
        self.series: dict[Labels, Series] = {} if kind.labels else {(): Series(kind.measures)}
        self._labels_of = _labels_getter(kind.labels)

    def add(self, fact: Fact) -> None:
        """Count it."""
        values = self._labels_of(fact)
        series = self.series.get(values) or self._admit(values)
        series.amount += fact.amount
        for get, buckets in series.buckets:
            buckets.add(get(fact))

    def _admit(self, values: tuple[Any, ...]) -> Series:
        names = tuple(str(value)[:_LABEL_CHARS_MAX] for value in values)
        if names not in self.series and len(self.series) >= LABEL_SETS_MAX:
            names = (_OTHER,) * len(names)
        series = self.series.get(names)
        if series is None:
            series = self.series[names] = Series(self.type.measures)
        return series


class Metrics(Collector):
    """All metrics of a process. Counts on the worker's thread; is read by those of the server."""

    def __init__(self, view: Callable[[], View], registry: Registry | None = None) -> None:
        """`view`: what gauges show. `registry` null: that of the process, with its memory and CPU time."""
        self._view = view
        self._kinds: dict[type[Fact], Kind] = {}
        self._registry = REGISTRY if registry is None else registry
        self._registry.register(self)

    def add(self, fact: Fact) -> None:
        """Count a fact that has a counter."""
        kind = self._kinds.get(type(fact))
        (self._kind(type(fact)) if kind is None else kind).add(fact)

    def totals(self) -> Counts[str]:
        """What was counted so far, by counter, over all labels."""
        totals: Counts[str] = Counts()
        for kind in list(self._kinds.values()):
            totals[kind.type.counter] += sum(series.amount for series in list(kind.series.values()))
        return totals

    def app(self) -> WsgiApp:
        """Answers with all metrics."""
        answer: WsgiApp = make_wsgi_app(self._registry)
        return answer

    def collect(self) -> Iterator[Metric]:
        """Everything, as Prometheus wants it."""
        view = self._view()
        for gauge in GAUGES:
            shown = GaugeMetricFamily(f"{NAMESPACE}_{gauge.name}", gauge.help, labels=gauge.labels)
            for values, value in gauge.read(view):
                shown.add_metric(values, value)
            yield shown
        for kind_type in counted_facts():
            yield from _families(self._kind(kind_type))

    def _kind(self, kind_type: type[Fact]) -> Kind:
        return self._kinds.setdefault(kind_type, Kind(kind_type))


def counted_facts(base: type[Fact] = Fact) -> list[type[Fact]]:
    """Every type of fact that is counted, of all modules that were imported, by counter."""
    found = {one for kind in base.__subclasses__() for one in [kind, *counted_facts(kind)] if one.counter}
    return sorted(found, key=lambda one: (one.counter, one.__qualname__))


def _families(kind: Kind) -> Iterator[Metric]:
    fact, series = kind.type, list(kind.series.items())
    counter = CounterMetricFamily(f"{NAMESPACE}_{fact.counter}", fact.help, labels=fact.labels)
    for values, one in series:
        counter.add_metric(values, one.amount)
    yield counter
    for index, measure in enumerate(fact.measures):
        histogram = HistogramMetricFamily(f"{NAMESPACE}_{measure.name}", measure.help, labels=fact.labels)
        for values, one in series:
            histogram.add_metric(values, *one.buckets[index][1].shown())
        yield histogram


def _labels_getter(labels: Labels) -> Callable[[Fact], tuple[Any, ...]]:
    if not labels:
        return lambda _: ()
    get = attrgetter(*labels)
    # Of one name it gives no tuple.
    return (lambda fact: (get(fact),)) if len(labels) == 1 else get
