"""The one shape of business logic: `fold(state, event, now, model) -> effects`.

Same arguments, same effects. `state` is read-only: a fold says `Put`, it does not put.
"""

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from streams.core.effects import Effect

GENERATION_SHIFT = 48
"""A position is `generation << 48 | inbox offset`."""


class Now(msgspec.Struct, frozen=True, gc=False):
    """When, as data.

    `position`: of the event, `generation << 48 | offset`; versions of stances. `seen_at`: stream position of the raw
    record that caused the event. `upto`: stream time of the address's level: every act with `seen_at` below it has
    been folded. Only `upto` ends windows.
    """

    position: int
    seen_at: int
    upto: int


class State:
    """The items of one address, read-only. Missing items are None."""

    __slots__ = ("_items", "address")

    def __init__(self, address: str, items: Mapping[str, Any]) -> None:
        """`items` is not copied: the task owns it and changes it only between calls."""
        self.address = address
        self._items = items

    def get(self, item: str) -> Any:
        """The item's value, or None."""
        return self._items.get(item)

    def __contains__(self, item: str) -> bool:
        return item in self._items

    def __len__(self) -> int:
        return len(self._items)

    def starting(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Items whose name begins with `prefix`, as (name without it, value), in order of name.

        Sorted because the order in which items were written is not part of the state: a restore loses it.
        """
        size = len(prefix)
        names = sorted([name for name in self._items if name.startswith(prefix)])
        return iter([(name[size:], self._items[name]) for name in names])

    def each(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The same without the price of sorting, in any order: only for what does not depend on it."""
        size = len(prefix)
        return ((name[size:], value) for name, value in self._items.items() if name.startswith(prefix))

    def items(self) -> ItemsView[str, Any]:
        """All items under their whole names, in any order: for what is done at every event, and depends on no order."""
        return self._items.items()

    def count(self, prefix: str) -> int:
        """How many items' names begin with `prefix`."""
        return sum(1 for name in self._items if name.startswith(prefix))


class Fold(Protocol):
    """The behaviour of one type of address."""

    def __call__(self, state: State, event: Any, now: Now, model: Any, /) -> Iterable[Effect]:
        """What follows from the event. Raising sends the event to the dead-letter topic."""
        ...
