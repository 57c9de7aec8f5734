"""State items: what Redis and the changelog hold. One struct and one tag per item and version.

A changed struct gets a new tag; the old one stays for one release and is converted where it is read (`upgrade`). A tag
this release does not know means that a newer release wrote the state: the task stops and says so.

    account:   head · claims · bounds · act:<id> · told:seen:<handle>
    handle:    head · claims · seen:<account> · told:bound:<account>
    record:    head · field:<name> · hist:<name> · gone · from:<subject>[␟<sender, if another>] · told:…
    post:      head · reply:<act id>
    email:     from:<record> · told:cluster:<record>
    customer:  head · from:<subject> · decided:<identifier> · profile ·
               act:<account>␟<act id> · score · shown · rule:<rule> · told:claim:<identifier>
    every one: \\0w (its wake)
"""

import msgspec

from schemas.base import Wire
from schemas.events import Act, BoundClaim, Content, FieldValue, Interval

STATE_BYTES_MAX = 256 * 1024
"""Of one item. Cannot be reached: every collection has a cap. A test drives the caps to the limit."""


class Told(Wire, frozen=True, tag=100):
    """Digest of the last value of a stance."""

    digest: bytes


class WakeDue(Wire, frozen=True, tag=101):
    """When an address wants to be woken."""

    due: int


class HeardClaims(Wire, frozen=True, tag=110):
    """Claims an identifier has heard, by customer. At most `CLAIMANTS_MAX`; more are refused and noted."""

    by: dict[str, tuple[int, tuple[Interval, ...]]]


class HeardBounds(Wire, frozen=True, tag=111):
    """Claims that handles bind to an account, by handle."""

    by: dict[str, tuple[int, tuple[BoundClaim, ...]]]


class AccountHead(Wire, frozen=True, tag=112):
    """An account: name and handle as last seen, whether it is hidden, and how far its memory has been cut.

    `seen` are the account's sightings by handle apart from its acts, `(at, handle)`, oldest first; `handle` is the one
    it uses, since `handle_at`. Acts at or below `forgotten` = (received_at, id) can no longer be told from duplicates.
    `vetoed` is the newest decision on all customers: (time, position, what). An account that nobody ever claimed is
    forgotten when it has no acts and `keep_until` has passed. Acts received until `purged_at` are left out. `due` is when
    an account with many acts wakes, so that not every act has to look at all the others.
    """

    name: str = ""
    handle: str = ""
    name_at: int = 0
    hidden: bool = False
    hidden_at: int = 0
    claimed: bool = False
    forgotten: tuple[int, str] = (0, "")
    seen: tuple[tuple[int, str], ...] = ()
    vetoed: tuple[tuple[int, str, str], ...] = ()
    purged_at: int = 0
    handle_at: int = 0
    keep_until: int = 0
    due: int = 0


class Kept(Wire, frozen=True, tag=113):
    """An act that an identifier keeps until it is sealed. Null `act`: a tombstone of a deleted or purged one.

    `customer` is who it was last sent to (empty: nobody), `link` the digest of the join that was sent.
    """

    version: str
    received_at: int
    act: Act | None
    revision: int = 0
    customer: str = ""
    link: bytes = b""


class HeardSeen(Wire, frozen=True, tag=114):
    """Runs in which an account used a handle."""

    version: int
    runs: tuple[tuple[int, int], ...]


class HandleHead(Wire, frozen=True, tag=115):
    """What was last published about a handle: `unresolved`, and which `<account>␟<customer>` are for `review`."""

    unresolved: bool = False
    review: tuple[str, ...] = ()


class RecordHead(Wire, frozen=True, tag=120):
    """A CRM record: where its content goes now (`target`), and whether it was erased (time, 0 = no).

    `heard_leader`: (e-mail, version, record that leads those with this e-mail). `everywhere`: the person was erased, not
    this record alone; so what says that it belongs here has to go as well.
    """

    erased_at: int = 0
    heard_leader: tuple[tuple[str, int, str], ...] = ()
    target: str = ""
    everywhere: bool = False


class Field(Wire, frozen=True, tag=121):
    """The newest value of a field."""

    newest: FieldValue


class History(Wire, frozen=True, tag=122):
    """Values of a claim-bearing field by (time, position), oldest first, at most `HISTORY_MAX`."""

    entries: tuple[FieldValue, ...]


class RecordGone(Wire, frozen=True, tag=123):
    """Deletes and restores of a record: (time, position, "delete" or "restore"), oldest first."""

    changes: tuple[tuple[int, str, str], ...]


class Heard(Wire, frozen=True, tag=124):
    """The last content stance on a subject."""

    content: Content


class PostHead(Wire, frozen=True, tag=130):
    """Who wrote a post; whether and when it was deleted (0 = no)."""

    account: str = ""
    act: str = ""
    gone_at: int = 0
    gone_received_at: int = 0
    keep_until: int = 0


class PendingReply(Wire, frozen=True, tag=131):
    """Our own reply that waits for the author of the post it answers. `sent`: passed on already."""

    act: Act
    sent: bool = False


class HeardEmail(Wire, frozen=True, tag=132):
    """A record that has this verified e-mail."""

    version: int
    priority: int | None


class CustomerHead(Wire, frozen=True, tag=140):
    """A customer: erased when (0 = no), until when the tombstone stays, whether a profile stands in its topic.

    `identifiers` are the accounts that acts came from, however they were found; of an erased customer the identifiers
    that are still to be purged. `model` is the hash of the model it was last folded with, `due` its wake (0 = none).
    Acts at or below `forgotten` = (received_at, id) were sealed early: what comes of them counts no more.
    """

    erased_at: int = 0
    erased_until: int = 0
    published: bool = False
    identifiers: tuple[str, ...] = ()
    model: str = ""
    due: int = 0
    forgotten: tuple[int, str] = (0, "")


class DecidedItem(Wire, frozen=True, tag=141):
    """The newest decision about an identifier."""

    at: int
    position: str
    what: str
    by: str


class Profile(Wire, frozen=True, tag=142):
    """The merged view of a customer's records, as it was last published."""

    name: str = ""
    tier: str = ""
    company: str = ""
    owner: str = ""
    open_cases: int = 0
    fields: dict[str, str] = {}
    records: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


class JoinedItem(Wire, frozen=True, tag=143):
    """An act of this customer until it is sealed. `live` false: retracted; kept so that an older join is not news.

    `engagement`, `risk` and `sentiment` are points in 1/1000 in `bucket`; `matched` are the rules whose condition was
    met, by their hash: a changed rule did not see it.
    """

    version: int
    revision: int
    live: bool
    kind: str = ""
    at: int = 0
    received_at: int = 0
    bucket: int = 0
    engagement: int = 0
    risk: int = 0
    sentiment: int = 0
    has_sentiment: bool = False
    role: str = ""
    matched: tuple[str, ...] = ()
    confidence: int = 0


class ScoreItem(Wire, frozen=True, tag=144):
    """The exact sums of a customer: W of engagement, risk and sentiment as signed little-endian integers.

    `sums` are the points of capped kinds' buckets that can still change, `kind:bucket → (engagement, risk)`, before
    their cap; in buckets below `frozen` nothing of such a kind changes any more. `by_kind` are the W of engagement and
    risk per kind: they are the contributions and add up to the totals. `latest_at` is the latest time of an act that was
    ever counted, `half_life_ms` the one that W is made with.
    """

    engagement: bytes = b"\0"
    risk: bytes = b"\0"
    sentiment: bytes = b"\0"
    sentiment_weight: bytes = b"\0"
    acts: int = 0
    sums: dict[str, tuple[int, int]] = {}
    by_kind: dict[str, tuple[bytes, bytes]] = {}
    latest_at: int = 0
    half_life_ms: int = 0
    frozen: int = -(1 << 40)


class Shown(Wire, frozen=True, tag=145):
    """What was last published of the score: engagement and risk in 1/10, sentiment in 1/1000."""

    engagement: int
    risk: int
    sentiment: int | None
    band: str
    at: int


class PastEpisode(Wire, frozen=True, tag=147):
    """An episode that is over and can still be withdrawn. `base` are the acts that made it fire, by id."""

    start: int
    alert: str
    base: tuple[str, ...]


class EpisodeItem(Wire, frozen=True, tag=146):
    """The state of one rule at one customer: its last episode, and those before that can still be withdrawn.

    `status` is that of the last episode: firing, resolved or withdrawn; `pending` while there was none. `pending_since`
    is when the next one would start (0: no sign of one). `acts` are the evidence, oldest first, at most 64, done at
    `times`; `base` those in the window that ended at `start`. `until` is when the window ends, or ended.
    """

    rule_hash: str
    status: str
    start: int = 0
    pending_since: int = 0
    at: int = 0
    acts: tuple[str, ...] = ()
    resolved_at: int = 0
    value: int = 0
    until: int = 0
    alert: str = ""
    times: tuple[int, ...] = ()
    base: tuple[str, ...] = ()
    past: tuple[PastEpisode, ...] = ()


StateItem = (
    Told | WakeDue
    | HeardClaims | HeardBounds | AccountHead | Kept | HeardSeen | HandleHead
    | RecordHead | Field | History | RecordGone | Heard
    | PostHead | PendingReply | HeardEmail
    | CustomerHead | DecidedItem | Profile | JoinedItem | ScoreItem | Shown | EpisodeItem
)  # fmt: skip

encode_item = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(StateItem).decode
"""Raises `msgspec.ValidationError` when a newer release wrote the item."""
