"""The cheap look at raw payloads: the scan alone by number of terms, and all that one costs that does not matter."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache

import msgspec

from benchmarks.case import Case, Goal, Run
from benchmarks.payloads import FIREHOSE, records
from benchmarks.product import model, settings
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.normalise.bluesky import TELL_TALES
from topologies.normalise.formats import build
from topologies.normalise.needles import patterns
from topologies.normalise.relevance import relevance_of
from topologies.normalise.scan import engine

_BATCH = 4_000
"""As many as a worker takes at a time."""
_TERMS = (2, 20, 2_000)
"""Two are those of the generated world; the others nobody says."""


def cases() -> list[Case]:
    """The goal is about the scan."""
    scans = [Case(f"scan.{terms} terms", "a payload, scanned", _scan(terms), Goal(us_max=0.5)) for terms in _TERMS]
    return [*scans, Case("normalise.irrelevant", "a Bluesky payload nobody wants", _passed_over)]


def _scan(terms: int) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        ours = model().relevance
        more = tuple(f"{'qxzvkj'[number % 6]}{number}wq" for number in range(terms - len(ours.terms)))
        relevance = relevance_of(msgspec.structs.replace(ours, terms=ours.terms + more))
        scanner = engine(patterns(relevance, FIREHOSE, TELL_TALES, entities=False))
        batches = [[record.value() or b"" for record in batch] for batch in _batches(_irrelevant())]

        def run() -> int:
            for batch in batches:
                scanner.candidates(batch)
            return sum(map(len, batches))

        yield run

    return prepare


@contextmanager
def _passed_over() -> Iterator[Run]:
    normalise, batches = _normaliser(), _batches(_irrelevant())

    def run() -> int:
        for batch in batches:
            normalise(batch)
        return sum(map(len, batches))

    yield run


def _batches(found: tuple[Record, ...]) -> list[tuple[Record, ...]]:
    return [found[start : start + _BATCH] for start in range(0, len(found), _BATCH)]


@lru_cache(maxsize=1)
def _normaliser() -> Normaliser:
    return build(next(one for one in settings().inputs if one.name == FIREHOSE), model())


@lru_cache(maxsize=1)
def _irrelevant() -> tuple[Record, ...]:
    return tuple(record for record in records(FIREHOSE, 16_000, 0.1) if _is_nothing(_normaliser(), record))


def _is_nothing(normalise: Normaliser, record: Record) -> bool:
    found = normalise([record])
    return not found.arrivals and not found.refusals and not found.unknown
