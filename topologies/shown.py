"""How things look to subscribers: times, identifiers, acts, and the ids of records. Shared by all folds that publish."""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache

from schemas.events import Act
from schemas.outputs import ActOut, AuthorOut

TIME_MIN, TIME_MAX = -62_135_596_800_000, 253_402_300_799_999
"""Years 1 to 9999: what RFC 3339 can write."""


def time_text(at: int) -> str:
    """RFC 3339, UTC, with milliseconds. Times beyond what can be written become the nearest that can."""
    if not TIME_MIN <= at <= TIME_MAX:
        at = min(max(at, TIME_MIN), TIME_MAX)
    return f"{_second(at // 1000)}.{at % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    # Cached: an act has two or three times, and most of a batch are within the same few seconds.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def identifier_text(address: str) -> str:
    """As subscribers read it: without its type where it is an account (`bluesky:did:plc:…`), else as it is."""
    return address.removeprefix("account:")


def output_id(*parts: str | int) -> str:
    """An id that is a hash of what caused a record: the same in every run over the same log."""
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def act_out(act: Act, *, late: bool = False) -> ActOut:
    """An act with all that is known of it."""
    return ActOut(
        id=act.id,
        source=act.source,
        kind=act.kind,
        uri=act.uri,
        at=time_text(act.at),
        received_at=time_text(act.received_at),
        text=act.text,
        lang=act.lang or None,
        in_reply_to=act.in_reply_to or None,
        targets=tuple(map(identifier_text, act.targets)),
        late=late,
    )


def author_out(account: str, act: Act) -> AuthorOut:
    """By whom: the account (or other identifier) that an act was kept at, with the names the act came with.

    Our own answers are kept at the account they answer; who wrote them stands in front of their id, as far as the
    platform's ids name authors.
    """
    return AuthorOut(
        identifier=act.id.partition("/")[0] if act.role else identifier_text(account),
        handle=handle_text(act.handle),
        name=act.name or None,
    )


def handle_text(handle: str) -> str | None:
    """A handle without its type and platform; None: there is none."""
    return handle.removeprefix("handle:").partition(":")[2] or None if handle.startswith("handle:") else handle or None
