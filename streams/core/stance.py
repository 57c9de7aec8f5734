"""Stances: how addresses talk. What one tells another is always the whole of it, with a version.

    sender                                     receiver
    tell(state, value) ── Send(value, v) ──►   v above what was heard? keep it : ignore it

The version is the position of the sender's event, so it never goes back, not after a lost memo either. Sent only when
the value changed; a retraction is the next version with an empty value. Nobody relies on the order of the channel.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.state import Told
from streams.core.effects import Drop, Effect, Put, Send
from streams.core.fold import State

MEMO_PREFIX = "told:"
"""Items of the sender: what it has last told, by kind and receiver."""


def tell(state: State, kind: str, to: str, event: Any, value: Any, *, subject: str = "") -> Iterator[Effect]:
    """Send `event` to `to` if `value` is not what was last told there about `subject`, and remember that.

    An empty value that was never told is not sent.
    """
    item = f"{MEMO_PREFIX}{kind}:{to}\x1f{subject}" if subject else f"{MEMO_PREFIX}{kind}:{to}"
    before = state.get(item)
    if not value:
        if before is not None:
            yield Drop(item)
            yield Send(to, event)
        return
    digest = fingerprint(value)
    if before is None or before.digest != digest:
        yield Put(item, Told(digest))
        yield Send(to, event)


def told(state: State, kind: str) -> Iterator[str]:
    """To whom something not empty was told under `kind`, as `receiver` or `receiver\\x1fsubject`, in order."""
    for name, _ in state.starting(f"{MEMO_PREFIX}{kind}:"):
        yield name


def fingerprint(value: Any) -> bytes:
    """Sixteen bytes that are equal iff the values are, in every process and release."""
    return hashlib.blake2b(msgspec.msgpack.encode(value, order="deterministic"), digest_size=16).digest()
