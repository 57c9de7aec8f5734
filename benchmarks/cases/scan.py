"""The cheap look at raw payloads: what one that does not matter costs, and what more terms add to it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache

import msgspec

from benchmarks.case import Case, Goal, Run
from benchmarks.payloads import FIREHOSE, records
from benchmarks.product import model, settings
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.normalise.formats import build

_BATCH = 4_000
"""As many as a worker takes at a time."""


def cases() -> list[Case]:
    """By number of terms; 2 are those of the generated world."""
    what = "a Bluesky payload nobody wants"
    return [Case(f"scan.{terms} terms", what, _preparation(terms), Goal(us_max=0.5)) for terms in (2, 20, 2_000)]


def _preparation(terms: int) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        normalise, irrelevant = _normaliser(terms), _irrelevant()
        batches = [irrelevant[start : start + _BATCH] for start in range(0, len(irrelevant), _BATCH)]

        def run() -> int:
            for batch in batches:
                normalise(batch)
            return len(irrelevant)

        yield run

    return prepare


@lru_cache(maxsize=8)
def _normaliser(terms: int) -> Normaliser:
    """With words that nobody says beside those of the world."""
    ours = model().relevance
    more = tuple(f"{'qxzvkj'[number % 6]}{number}wq" for number in range(terms - len(ours.terms)))
    relevance = msgspec.structs.replace(ours, terms=ours.terms + more)
    return build(settings().inputs[0], msgspec.structs.replace(model(), relevance=relevance))


@lru_cache(maxsize=1)
def _irrelevant() -> tuple[Record, ...]:
    normalise = _normaliser(2)
    return tuple(record for record in records(FIREHOSE, 16_000, 0.1) if _is_nothing(normalise, record))


def _is_nothing(normalise: Normaliser, record: Record) -> bool:
    found = normalise([record])
    return not found.arrivals and not found.refusals and not found.unknown
