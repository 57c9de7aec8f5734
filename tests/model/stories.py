"""Single worlds with the right answer written beside them, in hours. Each was once a way to get it wrong.

The first seven are those of the model that the semantics were found with; the look-back here is a day.
"""

from typing import Any

import msgspec

from schemas.events import (
    FINAL,
    AccountStatus,
    Act,
    Authored,
    Changed,
    Decided,
    Erase,
    Gone,
    GonePost,
    ReplyTo,
    Sighting,
)
from streams.core.decay import bucket_of, weight
from tests.model.cast import B1, B2, BA, BASE_MS, C1, C2, H1, H2, M1, S1, S2, X1, X2, XA, XB, External, ms
from tests.model.cast import model as world_model
from tests.model.oracle import Profile

MODEL = world_model(look_back_hours=24)


class Story(msgspec.Struct, frozen=True):
    """`pairs`: (act, customer). `engagement` and `profiles` are looked at where they are given."""

    name: str
    events: list[External]
    pairs: set[tuple[str, str]] = set()
    engagement: dict[str, int] = {}
    profiles: dict[str, Profile] = {}
    shortcut: str = ""
    """Which shortcut gets it wrong."""


def act(act_id: str, hour: float, account: str = X1, **more: Any) -> External:
    """A post, unless said otherwise."""
    rest: dict[str, Any] = {"version": "1", "kind": "post"} | more
    return account, Act(id=act_id, at=ms(hour), received_at=ms(hour), source=account.split(":")[1], **rest)


def change(record: str, hour: float, op: str = "set", position: str = "0", **fields: str | None) -> External:
    """A change of a record; without fields the fields stay."""
    return record, Changed(ms(hour), position, op, fields, ms(hour))  # type: ignore[arg-type]


def gone(act_id: str, version: str = FINAL, account: str = X1) -> External:
    """A delete."""
    return account, Gone(act_id, version, ms(20), ms(20))


def decided(who: str, hour: float, what: str, identifier: str) -> External:
    """A person's word."""
    return who, Decided(ms(hour), "0", what, identifier, "ann")  # type: ignore[arg-type]


POST = "post:mastodon:m.example/1"
_BUCKET = bucket_of(BASE_MS, MODEL.score.half_life_ms) + 3
_BUCKET_HOUR = next(h / 10 for h in range(400) if bucket_of(ms(h / 10), MODEL.score.half_life_ms) == _BUCKET)

MODEL_STORIES = [
    Story(
        "a claim that ended at 50 arrives after the acts were joined",
        [change(S1, 0, x=X1), change(S1, 50, x=None), act("p60", 60), act("p40", 40)],
        {("p40", C1)},
        shortcut="forget_joined",
    ),
    Story(
        "a CRM value goes from one account to another and back, out of order",
        [
            change(S1, 0, x=X1),
            change(S1, 50, x=X2),
            change(S1, 80, x=X1),
            act("q60", 60, X2),
            act("p40", 40),
            act("p55", 55),
        ],
        {("q60", C1), ("p40", C1)},
        shortcut="lww_claims",
    ),
    Story(
        "a handle is used again by another account",
        [change(S1, 0, x=XA), act("p10", 10, X1, handle=XA), act("q70", 70, X2, handle=XA)],
        {("p10", C1)},
        shortcut="handle_latest",
    ),
    Story(
        "a cap of one and a half likes a bucket, four likes, and one taken back",
        [change(S1, 0, x=X1), *(act(f"l{n}", _BUCKET_HOUR + n / 10, kind="like") for n in range(4)), gone("l0")],
        {(f"l{n}", C1) for n in (1, 2, 3)},
        engagement={C1: 750 * weight(_BUCKET)},
        shortcut="running",
    ),
    Story(
        "the delete comes before the post",
        [act("p1", 10), gone("p1"), change(S1, 0, x=X1)],
        engagement={},
        shortcut="no_tombstone",
    ),
    Story(
        "somebody is erased while acts and changes are under way",
        [change(S1, 0, x=X1), change(S1, 5, x=XA, name="Ann"), (C1, Erase(ms(6), ms(6))), act("p1", 10)],
        shortcut="erase_forget",
    ),
    Story(
        "an account changes hands at 100; an act at 90 is inside the look-back of the new claim",
        [
            change(S1, 0, x=X1),
            change(S2, 100, x=X1),
            change(S1, 100, position="1", x=None),
            act("p90", 90),
            act("p110", 110),
        ],
        {("p90", C1), ("p110", C2)},
        shortcut="lookback_equal",
    ),
]
"""Story 7 of the model, a merge cycle, and its shortcut `no_path` come when merges come."""

MORE_STORIES = [
    Story(
        "two customers claim one account: nobody's",
        [change(S1, 0, x=X1), change(S2, 0, x=X1), act("p1", 10)],
    ),
    Story(
        "an account named in the CRM beats a handle named in the CRM",
        [change(S1, 0, x=X1), change(S2, 0, x=XA), act("p1", 10, handle=XA)],
        {("p1", C1)},
    ),
    Story(
        "a person's yes beats both, a person's no takes one out, and unset takes the yes back",
        [
            change(S1, 0, x=X1),
            decided(C2, 3, "is", X1),
            act("p1", 10),
            change(S1, 0, bluesky=B1),
            change(S2, 0, bluesky=B1),
            decided(C1, 3, "never", B1),
            act("q1", 10, B1),
            decided(C2, 3, "is", X2),
            decided(C2, 4, "unset", X2),
            act("r1", 10, X2),
        ],
        {("p1", C2), ("q1", C2)},
    ),
    Story(
        "never by one handle is not never by the other",
        [
            change(S1, 0, x=f"{XA} {XB}"),
            decided(C1, 1, "never", XA),
            act("p1", 10, X1, handle=XA),
            act("q1", 10, X2, handle=XB),
        ],
        {("q1", C1)},
    ),
    Story(
        "the bound account keeps the claim after it renamed itself, and had it before its first sighting",
        [
            change(S1, 0, bluesky=BA),
            (B1, Sighting(BA, ms(10), ms(10))),
            (B1, Sighting("handle:bluesky:new.example", ms(20), ms(20))),
            (B2, Sighting(BA, ms(30), ms(30))),
            act("p5", 5, B1),
            act("p25", 25, B1),
            act("q35", 35, B2),
        ],
        {("p5", C1), ("p25", C1)},
    ),
    Story(
        "our own reply joins, scores nothing, and is no sighting of our handle at their account",
        [
            change(S1, 0, x=X1),
            change(S2, 0, x=XB),
            act("ours", 10, X1, kind="reply", role="reply", handle=XB),
            act("q1", 11, X1),
        ],
        {("ours", C1), ("q1", C1)},
        engagement={C1: 3000 * weight(bucket_of(ms(11), MODEL.score.half_life_ms))},
    ),
    Story(
        "a record that was deleted from 10 to 20 claims nothing between them",
        [
            change(S1, 0, x=X1),
            change(S1, 30, "delete"),
            change(S1, 60, "restore"),
            act("p20", 20),
            act("p32", 32),
            act("p70", 70),
        ],
        {("p20", C1), ("p70", C1)},
    ),
    Story(
        "an edit replaces, a delete of the old version does not touch it, one of the new does",
        [
            change(S1, 0, x=X1),
            act("p", 10),
            act("p", 10, version="2"),
            gone("p", "1"),
            act("q", 10),
            act("q", 10, version="2"),
            gone("q", "2"),
        ],
        {("p", C1)},
    ),
    Story(
        "a suspended account's acts are gone until it comes back",
        [
            change(S1, 0, x=X1, bluesky=B1),
            act("p", 10),
            act("q", 10, B1),
            (X1, AccountStatus(True, "suspended", ms(12), ms(12))),
            (B1, AccountStatus(True, "suspended", ms(12), ms(12))),
            (B1, AccountStatus(False, "active", ms(13), ms(13))),
        ],
        {("q", C1)},
    ),
    Story(
        "a delete and a reply of ours that name no author",
        [
            change(S1, 0, mastodon=M1),
            act("mastodon:m.example/1", 10, M1),
            act("mastodon:m.example/2", 11, M1),
            (POST, Authored(M1, "mastodon:m.example/1", ms(10))),
            (POST, GonePost(ms(12), ms(12))),
            (POST, ReplyTo(act("us", 13, M1, kind="reply", role="reply")[1])),
        ],
        {("mastodon:m.example/2", C1), ("us", C1)},
    ),
    Story(
        "records of two systems are one customer by an external id; the better source wins field by field",
        [
            change(S1, 0, name="Ann", company="record:salesforce:company:1"),
            change("record:salesforce:company:1", 0, name="Acme"),
            change(H1, 5, external_id=S1, name="Annie", tier="gold", x=X1),
            change(H2, 6, external_id=S1, tier="silver"),
            change("record:zendesk:case:2", 1, contact=H1, status="open"),
            change("record:salesforce:case:1", 1, contact=S1, status="closed"),
            act("p", 10),
        ],
        {("p", C1)},
        profiles={C1: Profile(name="Ann", tier="silver", company="Acme", open_cases=1)},
    ),
]
STORIES = MODEL_STORIES + MORE_STORIES
