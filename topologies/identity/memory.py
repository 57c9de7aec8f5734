"""How long and how much an identifier remembers: when acts are sealed, and which go first when there are too many.

    received_at                          received_at + hold
        |---------- kept ----------------------|  sealed by the tick that passes it
                        x                         or by a cap: the oldest by (received_at, id) first

An act of before what is remembered cannot be told from a repetition: it is late.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from config.settings import HOUR_MS, IdentitySettings
from schemas.events import Act
from schemas.state import AccountHead, Kept

HELD_MAX = "held_max"
HOURLY_MAX = "unclaimed_per_hour_max"
"""The caps, by the names of their settings."""

ACT_CHARS_MAX = 32_000
"""Of all texts of an act together. At four bytes each they are half of what an item may have."""

TEXT_CHARS_MAX = 16_000
NAMES_MAX = 64
NAME_CHARS_MAX = 256
"""What is left of a larger act: so much of its text, so many targets and topics, and its other texts if they are no
longer than this."""


Age = tuple[int, str]
"""(received_at, item): what acts are sealed by, oldest first. Items are named by the id of the act."""


def hold_of(head: AccountHead, settings: IdentitySettings) -> int:
    """How long the account's acts are kept, in milliseconds."""
    return settings.hold_ms if head.claimed else settings.hold_unclaimed_ms


def is_beyond(act: Act, head: AccountHead, upto: int, settings: IdentitySettings) -> bool:
    """Whether an act that is not kept would have been sealed by now, had it come before."""
    return (act.received_at, act.id) <= head.forgotten or act.received_at + hold_of(head, settings) <= upto


def one_too_many(
    items: Iterable[tuple[str, Any]], head: AccountHead, added_at: int, settings: IdentitySettings
) -> tuple[str, str, bool]:
    """(the item that has to go, the cap that says so, whether more have to) when one received at `added_at` has come.

    Empty: none has to go.
    """
    acts = [(item, kept.received_at) for item, kept in items if type(kept) is Kept]
    over = len(acts) - settings.held_max
    if not head.claimed:
        hour = added_at - added_at % HOUR_MS
        until = hour + HOUR_MS
        same = [act for act in acts if hour <= act[1] < until]
        too_many = len(same) - settings.unclaimed_per_hour_max
        if too_many > 0:
            return _oldest(same), HOURLY_MAX, too_many > 1 or over > 1
    return (_oldest(acts), HELD_MAX, over > 1) if over > 0 else ("", "", False)


def _oldest(acts: list[tuple[str, int]]) -> str:
    """By (received_at, id). Runs at every event of a busy account: a loop is quicker than making keys for `min`."""
    oldest, oldest_at = acts[0]
    for item, at in acts:
        if at <= oldest_at and (at < oldest_at or item < oldest):
            oldest, oldest_at = item, at
    return oldest


def trimmed(act: Act) -> Act:
    """The act, no larger than what may be kept. The same object when there is nothing to cut."""
    chars = len(act.text) + len(act.uri) + len(act.in_reply_to) + len(act.handle) + len(act.name) + len(act.lang)
    if act.targets or act.topics:
        chars += sum(map(len, act.targets)) + sum(map(len, act.topics))
    if chars <= ACT_CHARS_MAX:
        return act
    return replace(
        act,
        text=act.text[:TEXT_CHARS_MAX],
        uri=_short(act.uri),
        in_reply_to=_short(act.in_reply_to),
        handle=_short(act.handle),
        name=act.name[:NAME_CHARS_MAX],
        lang=_short(act.lang),
        targets=tuple(filter(_short, act.targets))[:NAMES_MAX],
        topics=tuple(filter(_short, act.topics))[:NAMES_MAX],
    )


def _short(text: str) -> str:
    """An address that is cut is another address: rather none."""
    return text if len(text) <= NAME_CHARS_MAX else ""
