"""What an account did, before it is spelled in a platform's format. Each platform's module makes and spells its own."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, Protocol

import msgspec

from topologies.traffic.people import Account

Kind = Literal["post", "reply", "quote", "repost", "like", "follow"]


class Post(msgspec.Struct):
    """One act, and what is needed to answer, edit or delete it later.

    `key` is the platform's id of it; `versions` are X's ids, oldest first. `uri` and `cid` are Bluesky's. `act` is the
    id that outputs use. `received_at` is when the log gets the next message about it.
    """

    account: Account
    kind: Kind
    at: int
    text: str
    lang: str
    target: "Post | None"
    key: str
    act: str
    uri: str = ""
    cid: str = ""
    versions: tuple[str, ...] = ()
    edited_at: int = 0
    received_at: int = 0


class PlatformWire(Protocol):
    """One platform's format. Times are milliseconds."""

    def compose(self, account: Account, kind: Kind, at: int, text: str, lang: str, target: Post | None) -> Post:
        """Something that is said or done at `at`."""
        ...

    def created(self, post: Post) -> bytes:
        """The payload that brings it."""
        ...

    def edited(self, post: Post) -> bytes:
        """The payload that brings another text of it, once `text` and `edited_at` are changed."""
        ...

    def deleted(self, post: Post) -> bytes:
        """The payload that takes it back."""
        ...


def iso(at_ms: int) -> str:
    """RFC 3339 with milliseconds and Z."""
    return f"{_second(at_ms // 1000)}.{at_ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second(at_s: int) -> str:
    """Most of what happens at a time is of the same few seconds."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
