"""Everything a fold may ask for, as data. The task carries it out; a fold that raises has changed nothing.

Put, Drop, Forget     state of the own address, item by item
Send                  an event to another address, through the inbox
Publish               a value to an output topic (null erases the key of a compacted one)
WakeAt                be called with `Wake` at the first tick at or after `due`; replaces the wake before
Reject                this event goes to the dead-letter topic; nothing else of the call happens but notes
Note                  a fact for operators
"""

from typing import Any

import msgspec

from streams.core.facts import Fact

EFFECTS_MAX = 256
"""Of one call. A fold with more to say sends itself `Continue`."""


class Put(msgspec.Struct, frozen=True, gc=False):
    """Set an item of the own address."""

    item: str
    value: Any


class Drop(msgspec.Struct, frozen=True, gc=False):
    """Remove an item of the own address. Nothing happens when it is not there."""

    item: str


class Forget(msgspec.Struct, frozen=True, gc=False):
    """Remove every item of the own address, the wake too."""


class Send(msgspec.Struct, frozen=True, gc=False):
    """Write an event into the inbox of an address."""

    address: str
    event: Any


class Publish(msgspec.Struct, frozen=True, gc=False):
    """Write a document to an output topic, by the output's name in the topology."""

    output: str
    key: str
    value: Any


class WakeAt(msgspec.Struct, frozen=True, gc=False):
    """Call this address with `Wake` when stream time has reached `due` (inclusive). Null: do not."""

    due: int | None


class Reject(msgspec.Struct, frozen=True, gc=False):
    """This event can never succeed."""

    cause: str
    path: str = "$"


class Note(msgspec.Struct, frozen=True, gc=False):
    """Something an operator can see."""

    fact: Fact


Effect = Put | Drop | Forget | Send | Publish | WakeAt | Reject | Note
