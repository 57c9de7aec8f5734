"""Who and what is in a world: few names, so that little is large enough to collide.

5 accounts · 4 handles · 5 contacts, 2 companies, 2 cases in 3 sources · hours 0 … 20 · look-back 4 h
"""

from typing import Any

from config.settings import DAY_MS, HOUR_MS, IdentitySettings, ProfileSettings, ScoreSettings, Settings
from topologies.customer.sentiment import Lexicon
from topologies.model import Model, build_model

BASE_MS = 1_750_000_000_000
HOURS_MAX = 20

X1, X2 = "account:x:1", "account:x:2"
B1, B2 = "account:bluesky:did:plc:b1", "account:bluesky:did:plc:b2"
M1 = "account:mastodon:ann@m.example"
ACCOUNTS = (X1, X2, B1, B2, M1)
XA, XB = "handle:x:ann", "handle:x:bea"
BA, BB = "handle:bluesky:ann.example", "handle:bluesky:bea.example"
MAIL = "email:ann@a.example"

S1, S2, S9 = (f"record:salesforce:contact:{n}" for n in (51, 52, 59))
H1, H2, Z1 = "record:hubspot:contact:7", "record:hubspot:contact:8", "record:zendesk:contact:3"
CONTACTS = (S1, S2, H1, H2, Z1)
COMPANIES = ("record:salesforce:company:1", "record:salesforce:company:2")
CASES = ("record:salesforce:case:1", "record:zendesk:case:2")
RECORDS = CONTACTS + COMPANIES + CASES

External = tuple[str, Any]
"""(address, event)."""


def customer(record: str) -> str:
    """The address of the customer a record would found."""
    return "customer:" + record.removeprefix("record:")


C1, C2, C9 = customer(S1), customer(S2), customer(S9)
CUSTOMERS = (C1, C2, customer(H1), C9)


def ms(hour: float) -> int:
    """An hour of the world as a time."""
    return BASE_MS + int(hour * HOUR_MS)


def model(*, look_back_hours: int = 4) -> Model:
    """A small lexicon, tight caps, a look-back shorter than the world."""
    settings = Settings(
        identity=IdentitySettings(look_back_ms=look_back_hours * HOUR_MS, hold_unclaimed_ms=3 * DAY_MS),
        score=ScoreSettings(caps={"like": 0.75, "repost": 3.0}),
        profile=ProfileSettings(fields=("region",)),
    )
    words = {"good": 2.0, "bad": -2.0, "awful": -3.5}
    return build_model(settings, (), {"en": Lexicon(digest="three words", words=words)})


Choices = dict[str, tuple[str | None, ...]]
"""The values a field may have, by field."""

HANDLES = {X1: (XA, XB, ""), X2: (XA, XB, ""), B1: (BA, BB), B2: (BA, BB), M1: ("",)}
_CONTACT: Choices = {
    "x": (XA, XB, X1, X2, f"{XA} {XB}", f"{X1} {XB}", None),
    "bluesky": (BA, BB, B1, B2, f"{B1} {BB}", None),
    "mastodon": (M1, None),
    "email": (MAIL, None),
    "name": ("Ann", "Bea", None),
    "tier": ("gold", "silver", None),
    "owner": ("olga", None),
    "region": ("north", None),
}
_LINKS: dict[str, Choices] = {
    "salesforce": {"company": (*COMPANIES, "Own Ltd", None), "external_id": (H1,)},
    "hubspot": {"company": ("Text GmbH", None), "external_id": (S1, S2, S9, None)},
    "zendesk": {"company": (None,), "external_id": (H1, S1, None)},
}
_COMPANY: Choices = {"name": ("Acme", "Bolt", None)}
_CASE: Choices = {"contact": (S1, H1, H2, S9, None), "status": ("open", "closed", "solved", None)}


def choices(record: str) -> Choices:
    """The fields a record may have, and their values."""
    _, source, kind, _ = record.split(":")
    if kind == "contact":
        return _CONTACT | _LINKS[source]
    return _COMPANY if kind == "company" else _CASE


def act_id(account: str, number: int, *, ours: bool = False) -> str:
    """Mastodon's posts are known without their author; the others' ids begin with theirs."""
    if account == M1 and not ours:
        return f"mastodon:m.example/{number}"
    return f"{account.removeprefix('account:')}/{'our' if ours else ''}{number}"
