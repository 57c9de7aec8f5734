"""What the engine itself writes into the log: ticks, continuations, markers and progress.

    inbox       key = address     value = Envelope[seen_at, event]
    changelog   key = address \\0 item, value = item; last of a commit: key = MARKER_KEY, value = Marker
    progress    key = task name   value = Progress

Times are integers of milliseconds since 1970, UTC.
"""

import msgspec

from schemas.base import Wire

LEVELS = 3
"""Levels of addresses: 1 raw records are sent to, 2 customers, 3 groups."""

TICK_ADDRESS = "tick:"
"""The address of ticks in every inbox partition. No fold owns it."""

MARKER_KEY = b"\0m"
"""Key of the last record of each commit in the changelog. Sorts before every address."""

WAKE_ITEM = "\0w"
"""The item that holds the wake of an address: so a rebuild from the changelog restores the wakes as well."""

SEPARATOR = b"\0"
"""Between address and item in a changelog key. Neither contains it, but for `WAKE_ITEM`, which begins with it."""


class Tick(Wire, frozen=True, tag=1):
    """Stream time for one partition: every act of level k with `seen_at` < `upto[k-1]` has been folded here."""

    now: int
    upto: tuple[int, int, int]


class Continue(Wire, frozen=True, tag=2):
    """A fold's message to itself: it had more than 256 effects to give. `cursor` says where to go on."""

    cursor: str


class Wake(Wire, frozen=True, tag=3):
    """The time an address asked for has come. Made by the task at a tick, never written to the log."""

    due: int


class SwitchModel(Wire, frozen=True, tag=4):
    """From this record on the task folds with another model."""

    model: str


class Marker(Wire, frozen=True, tag=8):
    """Ends commit `seq` of one task in its changelog partition."""

    seq: int
    model: str
    upto: tuple[int, int, int]


class Progress(Wire, frozen=True, tag=9):
    """How far a task is done. Raw tasks: `(seen_at,)`; inbox tasks: `upto` of the last tick processed."""

    upto: tuple[int, ...]


encode_wire = msgspec.msgpack.Encoder().encode
decode_marker = msgspec.msgpack.Decoder(Marker).decode
decode_progress = msgspec.msgpack.Decoder(Progress).decode
