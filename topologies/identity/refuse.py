"""What an address answers to an event that is not for its kind."""

from typing import Any

from streams.core.address import type_of
from streams.core.effects import Effect, Reject
from streams.core.fold import State


def refuse(state: State, event: Any) -> list[Effect]:
    """The dead-letter topic gets it; only a mistake in a normaliser or a fold can send it."""
    return [Reject(f"{type_of(state.address)}: cannot do anything with a {type(event).__name__}", "event")]
