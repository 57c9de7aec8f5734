"""How much memory and disk a load will take: an estimate from the size of real items, good to a factor of two.

Redis   customers · their CRM records · acts that can still find another customer · accounts behind them
log     inbox and outputs by their retention; the changelog is about as large as the state
"""

import msgspec

from config.settings import DAY_MS, Settings
from schemas.events import FOREVER, Act, Content, FieldValue, Interval, Record
from schemas.state import (
    AccountHead,
    CustomerHead,
    Field,
    Heard,
    HeardClaims,
    History,
    JoinedItem,
    Kept,
    Profile,
    RecordHead,
    ScoreItem,
    Shown,
    StateItem,
    Told,
    encode_item,
)
from schemas.topics import topics

ADDRESS_BYTES = 220
"""Of one hash in Redis besides its items: key, entry, header. Measured on Redis 8.2, as are the two below."""
ITEM_BYTES, SMALL_ITEM_BYTES = 100, 25
"""Of one item besides its value. Small: where no value of the address is larger than `SMALL_VALUE_BYTES`."""
SMALL_VALUE_BYTES = 64
INBOX_BYTES_PER_ACT = 1_400
"""The act, its join, and what the two tell others."""
ENRICHED_BYTES = 1_900
"""With its headers."""
ACTS_PER_ACCOUNT = 1.5
"""Relevant ones within the hold: most authors name a brand once."""

_AT = 1_760_000_000_000
_DID = "account:bluesky:did:plc:z72i7hdynmk6r22z27h6tvur"
_RECORD = "record:salesforce:contact:0035g00000XyZabAAB"


class Load(msgspec.Struct, frozen=True):
    """What is expected. Acts are relevant ones; `known_share` of them by customers."""

    customers: int
    acts_per_day: int
    known_share: float = 0.3


class Size(msgspec.Struct, frozen=True):
    """What it takes. `held_acts`: acts kept at a time."""

    held_acts: int
    redis_bytes: int
    log_bytes: int
    redis_bytes_per_customer: int
    redis_bytes_per_held_act: int


def estimate(settings: Settings, load: Load) -> Size:
    """The steady state after the longest retention has passed once."""
    identity = settings.identity
    known = load.acts_per_day * load.known_share
    held = known * identity.hold_ms / DAY_MS + (load.acts_per_day - known) * identity.hold_unclaimed_ms / DAY_MS
    joined = known * identity.hold_ms / DAY_MS
    per_customer = _hash(*_customer()) + _hash(*_record()) + _hash(*_claimed_account())
    per_act = _items(_kept()) + round((ADDRESS_BYTES + _items(AccountHead("Ann Miller"))) / ACTS_PER_ACCOUNT)
    redis = load.customers * per_customer + held * per_act + joined * _items(_joined())
    table = topics("-")
    inbox_days = (table["inbox"].retention_ms or DAY_MS) / DAY_MS
    enriched_days = (table["enriched"].retention_ms or DAY_MS) / DAY_MS
    log = load.acts_per_day * INBOX_BYTES_PER_ACT * inbox_days + known * ENRICHED_BYTES * enriched_days + redis
    return Size(round(held), round(redis), round(log), per_customer, per_act)


def shown_bytes(count: int) -> str:
    """For people."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1_000
    return f"{size:.1f} TB"


def _hash(*items: StateItem) -> int:
    return ADDRESS_BYTES + _items(*items)


def _items(*items: StateItem) -> int:
    sizes = [len(encode_item(item)) for item in items]
    return sum(sizes) + len(sizes) * (SMALL_ITEM_BYTES if max(sizes) <= SMALL_VALUE_BYTES else ITEM_BYTES)


def _customer() -> list[StateItem]:
    content = Heard(_content())
    score = ScoreItem(b"x" * 52, b"x" * 52, b"x" * 50, b"x" * 50, 20, {}, {"post": (b"x" * 52, b"x" * 52)})
    shown = Shown(412, 630, -31, "at-risk", _AT)
    profile = Profile("Ann Miller", "gold", "Acme Corporation Ltd", "Sam Smith", 1, {})
    return [CustomerHead(identifiers=(_DID,)), content, profile, score, shown, Told(b"x" * 16)]


def _record() -> list[StateItem]:
    value = FieldValue(_AT, "0000000000001234", "ann.miller@mail.example")
    return [RecordHead(), *[Field(value)] * 8, *[History((value,))] * 3, Told(b"x" * 16)]


def _claimed_account() -> list[StateItem]:
    claim = Interval(_AT, FOREVER, 3, "bluesky=did:plc:z72i7hdynmk6r22z27h6tvur")
    return [AccountHead("Ann Miller", "ann.example"), HeardClaims({_RECORD: (1 << 48, (claim,))})]


def _content() -> Content:
    value = FieldValue(_AT, "0000000000001234", "ann.miller@mail.example")
    record = Record(_RECORD, dict.fromkeys(("name", "tier", "owner", "email", "company"), value), {"bluesky": (value,)})
    return Content(_RECORD, _RECORD, 1 << 48, record)


def _kept() -> Kept:
    text = "x" * 140
    act = Act("bluesky:" + _DID, "3mptbypluud2a", _AT, _AT, "bluesky", "post", "at://" + "x" * 70, text, "en")
    return Kept("3mptbypluud2a", _AT, act)


def _joined() -> JoinedItem:
    return JoinedItem(1 << 48, 1, live=True, kind="post", at=_AT, received_at=_AT, bucket=9_000, engagement=3_000)
