"""Every fold alone: what a call costs, with states as generated traffic leaves them, effects taken and dropped."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks.case import Case, Run
from benchmarks.journey import Call, journey
from benchmarks.product import model, topology
from streams.core.fold import Fold

KINDS = {
    "account": ("Act", "Gone", "Sighting", "Claim", "Bound"),
    "handle": ("Claim", "Seen"),
    "post": ("Authored",),
    "record": ("Changed", "Content"),
    "customer": ("Join", "Content"),
}
"""What comes often, by address type."""


def cases() -> list[Case]:
    """By address type and kind of event."""
    return [
        Case(f"fold.{address}.{event}", "a call", _preparation(address, event))
        for address, events in KINDS.items()
        for event in events
    ]


def _preparation(address: str, event: str) -> Callable[[], AbstractContextManager[Run]]:
    @contextmanager
    def prepare() -> Iterator[Run]:
        calls = journey().calls[address, event]
        # States are small at first.
        late = calls[len(calls) // 4 :]
        yield lambda: _run(topology().stages[address].fold, late)

    return prepare


def _run(fold: Fold, calls: list[Call]) -> int:
    with_model = model()
    for state, event, now in calls:
        for _ in fold(state, event, now, with_model):
            pass
    return len(calls)
