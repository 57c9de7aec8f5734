"""Everything that is sent to an address, as arrays. One union, one decoder.

`at` is the claimed time of the thing itself, `received_at` when the source, the gateway or the log had it. Both are
integers of milliseconds. Identifiers are addresses: `account:bluesky:did:plc:…`, `handle:x:ann`, `email:ann@a.example`.

    raw record ─► Act, Gone, AccountStatus, Sighting   to account:…
               ─► Authored, GonePost, ReplyTo          to post:…      (sources whose deletes and replies name no author)
               ─► Changed                              to record:…
               ─► Decided, Erase                       to customer:…  (or Decided to account:… when no customer is named)
    stances       Claim  customer → identifier         Seen   account → handle       Bound  handle → account
                  Content record → record | customer   Join   account → customer     Purge  customer → identifier
                  SameEmail record → email             Cluster email → record

A stance is a full replacement of what its sender said before on the same subject. `version` is the position of the
sender's event: `generation << 48 | inbox offset`; the highest wins, also with an empty value.
"""

from typing import Literal

import msgspec

from schemas.base import Wire
from schemas.log import Continue, SwitchModel, Tick

FOREVER = 1 << 62
"""The open end of an interval. Intervals are half open: `from` is inside, `to` is outside."""

ActKind = Literal["post", "reply", "quote", "repost", "like", "follow", "dm", "block"]

FINAL = "~"
"""A version above all others: a delete that names none."""


class Act(Wire, frozen=True, tag=10):
    """Somebody did something on a platform.

    `id` is source-scoped and stable over edits: `bluesky:did:plc:…/app.bsky.feed.post/3k…`. `version` sorts as a
    string within one id. `targets` are identifiers the act is addressed to. `role` is `reply` for an act of our own
    account that answers the receiver of this event, else empty. `flag` is `clamped` when the claimed time was not
    believed. `topics` are the relevance terms that were found.
    """

    id: str
    version: str
    at: int
    received_at: int
    source: str
    kind: ActKind
    uri: str = ""
    text: str = ""
    lang: str = ""
    in_reply_to: str = ""
    targets: tuple[str, ...] = ()
    handle: str = ""
    name: str = ""
    role: Literal["", "reply"] = ""
    flag: Literal["", "clamped"] = ""
    topics: tuple[str, ...] = ()


class Gone(Wire, frozen=True, tag=11):
    """An act was deleted. Beats every version of the act that is not above its own."""

    id: str
    version: str
    at: int
    received_at: int


class AccountStatus(Wire, frozen=True, tag=12):
    """The platform says whether an account is there. Hidden accounts' acts count as deleted until they come back."""

    hidden: bool
    status: str
    at: int
    received_at: int


class Sighting(Wire, frozen=True, tag=13):
    """An account used a handle at a time. `handle` is an address `handle:…`."""

    handle: str
    at: int
    received_at: int
    name: str = ""


class Authored(Wire, frozen=True, tag=14):
    """To `post:…`: who wrote it, and the id of the act."""

    account: str
    act: str
    received_at: int


class GonePost(Wire, frozen=True, tag=15):
    """To `post:…`: it was deleted; the author is not named."""

    at: int
    received_at: int


class ReplyTo(Wire, frozen=True, tag=16):
    """To `post:…`: our own act answers it; the author is not named. Passed on to the author with role `reply`."""

    act: Act


class Changed(Wire, frozen=True, tag=20):
    """Something happened to a CRM record. `fields` holds only what changed; null clears.

    Claim-bearing fields hold identifiers, normalised and separated by spaces. Keys are ours: name, tier, owner, email,
    phone, bluesky, x, mastodon, company, contact, external_id, status, … `position` breaks ties between equal times.
    """

    at: int
    position: str
    op: Literal["set", "delete", "restore", "purge"]
    fields: dict[str, str | None] = {}
    received_at: int = 0


class Decided(Wire, frozen=True, tag=21):
    """A person decided. `is` and `never` are about one identifier and one customer; `unset` takes the decision back."""

    at: int
    position: str
    what: Literal["is", "never", "unset"]
    identifier: str
    by: str = ""
    received_at: int = 0


class Erase(Wire, frozen=True, tag=22):
    """Forget this person."""

    at: int
    received_at: int


class Interval(Wire, frozen=True, tag=29):
    """A claim: `customer` is the identifier from `start` (inside) to `end` (outside).

    `strength`: 4 a person confirmed · 3 account named in the CRM · 2 handle named in the CRM · 1 probabilistic ·
    0 never (a person said so: beats all). `evidence` is `kind=value` for the reader.
    """

    start: int
    end: int
    strength: int
    evidence: str
    bits: int = 0


class Claim(Wire, frozen=True, tag=30):
    """Customer → identifier: all its claims on it."""

    sender: str
    version: int
    intervals: tuple[Interval, ...]


class Seen(Wire, frozen=True, tag=31):
    """Account → handle: when it used the handle, by its own sightings."""

    sender: str
    version: int
    runs: tuple[tuple[int, int], ...]


class BoundClaim(Wire, frozen=True, tag=39):
    """One claim that a handle binds to an account."""

    customer: str
    interval: Interval


class Bound(Wire, frozen=True, tag=32):
    """Handle → account: the claims it binds to that account."""

    sender: str
    version: int
    claims: tuple[BoundClaim, ...]


class FieldValue(Wire, frozen=True, tag=38):
    """One entry of a field's history."""

    at: int
    position: str
    value: str | None


class Record(Wire, frozen=True, tag=37):
    """What a record says of itself: last values, the histories of claim-bearing fields, and when it was deleted."""

    record: str
    values: dict[str, FieldValue]
    histories: dict[str, tuple[FieldValue, ...]]
    gone: tuple[tuple[int, int], ...] = ()


class Content(Wire, frozen=True, tag=33):
    """Record → its parent record or its customer: the content of `subject`, or nothing any more."""

    sender: str
    subject: str
    version: int
    content: Record | None


class JoinedAct(Wire, frozen=True, tag=36):
    """An act as its customer gets it."""

    act: Act
    author: str
    confidence: int
    method: Literal["asserted", "handle", "probabilistic", "confirmed"]
    evidence: tuple[str, ...]
    since: int
    late: bool = False


class Join(Wire, frozen=True, tag=34):
    """Account → customer: the act is yours, or (null) not any more. `revision` is counted at the account."""

    sender: str
    subject: str
    version: int
    revision: int
    joined: JoinedAct | None


class Purge(Wire, frozen=True, tag=35):
    """Customer → identifier: a person was erased. Kept acts, sightings and history go; ids stay as tombstones."""

    sender: str
    version: int
    at: int


class SameEmail(Wire, frozen=True, tag=40):
    """Record → `email:…`: my verified e-mail is this. Null `priority`: not any more."""

    sender: str
    version: int
    priority: int | None


class Cluster(Wire, frozen=True, tag=41):
    """`email:…` → record: the record that leads the records with this e-mail; empty: none."""

    sender: str
    version: int
    leader: str


Event = (
    Tick | Continue | SwitchModel
    | Act | Gone | AccountStatus | Sighting | Authored | GonePost | ReplyTo
    | Changed | Decided | Erase
    | Claim | Seen | Bound | Content | Join | Purge | SameEmail | Cluster
)  # fmt: skip


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An inbox record's value. `seen_at` is the stream position of the raw record that caused it all."""

    seen_at: int
    event: Event


encode_envelope = msgspec.msgpack.Encoder().encode
decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
"""Raises `msgspec.ValidationError` for what this release does not know."""
