"""What subscribers read. Field names are a contract; times are RFC 3339 UTC with milliseconds; numbers are rounded here.

An `id` is a hash of what caused the value, so two runs over the same log are byte-identical.
"""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.base import Document

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Share = Annotated[float, Meta(ge=0, le=1)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Mood = Annotated[float, Meta(ge=-1, le=1)]
Count = Annotated[int, Meta(ge=0)]


class ActOut(Document, frozen=True, kw_only=True):
    """What was done."""

    id: str
    """Stable over edits: `bluesky:did:plc:…/app.bsky.feed.post/3k…`."""
    source: str
    """The platform."""
    kind: str
    """post, reply, quote, repost, like, follow, dm or block; more may come."""
    uri: str
    """Where it can be looked at; empty: nowhere."""
    at: Time
    """When it was done, as far as that can be believed."""
    received_at: Time
    """When the source, the gateway or the log had it."""
    text: str
    """Plain text; empty where the act has none, and after a retraction."""
    lang: str | None
    """The language as the platform or the author named it."""
    in_reply_to: str | None
    """The act it answers."""
    targets: tuple[str, ...]
    """Identifiers of whom it is addressed to."""
    late: bool
    """Received so long after its time that it counts as late."""


class AuthorOut(Document, frozen=True, kw_only=True):
    """By whom, as the platform names it. `identifier` is without its type where it is an account."""

    identifier: str
    """`bluesky:did:plc:…`, else `email:…`, `phone:…`."""
    handle: str | None
    """As last seen; it can change hands."""
    name: str | None
    """As the author writes it."""


class CustomerOut(Document, frozen=True, kw_only=True):
    """Whose customer that is. `fields` are the configured further ones."""

    id: str
    """The record id of the customer's leading CRM record."""
    name: str | None = None
    """The person's name."""
    tier: str | None = None
    """The tier, as the CRM spells it."""
    company: str | None = None
    """Whom the customer belongs to."""
    owner: str | None = None
    """Who looks after the customer."""
    open_cases: Count = 0
    """Cases that are not closed."""
    fields: dict[str, str] = {}
    """Further fields, by the names in `profile.fields` of the configuration."""


class EvidenceOut(Document, frozen=True, kw_only=True):
    """Why we think so. `bits` is null for evidence that is not a probability."""

    kind: str
    """What was found: a field of a record, a sighting, a decision."""
    value: str
    """What it says."""
    bits: float | None = None
    """How much it weighs, as log2 of the odds."""
    since: Time | None = None
    """Since when it holds."""


Method = Literal["asserted", "handle", "probabilistic", "confirmed"]


class LinkOut(Document, frozen=True, kw_only=True):
    """How sure."""

    confidence: Share
    """How probable it is that the author is the customer."""
    method: Method
    """Named in the CRM, by handle, by likeness, or confirmed by a person."""
    evidence: tuple[EvidenceOut, ...]
    """What it rests on."""


class SentimentOut(Document, frozen=True, kw_only=True):
    """Value in [-1, 1]; null where the language has no lexicon or the text no word of it."""

    value: Mood | None
    """-1 angry … 1 delighted; 0 is neither, which is not the same as null."""
    lang: str | None
    """Whose lexicon was used."""
    hits: Count
    """Words of the lexicon that were found."""


class ScoreNow(Document, frozen=True, kw_only=True):
    """The score right after the act. Sentiment is null until something was measured."""

    engagement: Percent
    """How active: 0 to 100."""
    risk: Percent
    """How close to leaving: 0 to 100."""
    sentiment: Mood | None
    """The decayed mean of what was said."""
    band: str
    """The band of risk, by the names in the configuration; `ok` below the first."""


class Enriched(Document, frozen=True, kw_only=True):
    """`social.enriched`: an act of a customer. Keep, per act id, the highest revision; `retracted` takes it back."""

    id: str
    """Of this record: one per act and revision."""
    revision: Count
    """Counted at the account over all customers: an act that moves to another customer goes on counting."""
    retracted: bool
    """True: forget this act of this customer. The act has no text then, and there is no link."""
    model: str
    """The configuration it was computed with."""
    act: ActOut
    """What was done."""
    author: AuthorOut
    """By whom."""
    customer: CustomerOut
    """Whose customer that is, as known now."""
    link: LinkOut | None
    """Why we think so; null after a retraction."""
    sentiment: SentimentOut | None
    """How it was meant; null where nothing was said in words."""
    intents: tuple[str, ...]
    """What the author wants, by name."""
    score: ScoreNow
    """The customer's score right after it."""


class Unmatched(Document, frozen=True, kw_only=True):
    """`social.unmatched`: an act about the brand by nobody's customer, written when its join is final."""

    id: str
    """Of this record."""
    act: ActOut
    """What was done."""
    author: AuthorOut
    """By whom."""
    reason: Literal["unclaimed", "conflict"]
    """Nobody's customer, or equally well that of two."""
    model: str
    """The configuration it was computed with."""


class ContributionOut(Document, frozen=True, kw_only=True):
    """Points of one kind of act in the number shown."""

    kind: str
    """The kind of act."""
    points: float
    """What it adds to what is shown."""


class Score(Document, frozen=True, kw_only=True):
    """`engagement.scores`: newest wins. `contributions` add up to engagement plus risk."""

    customer: str
    """The customer's id."""
    at: Time
    """Event time that it is decayed to: the latest that the customer knows of."""
    engagement: Percent
    """How active: 0 to 100."""
    risk: Percent
    """How close to leaving: 0 to 100."""
    sentiment: Mood | None
    """The decayed mean of what was said."""
    band: str
    """The band of risk, by the names in the configuration; `ok` below the first."""
    previous_band: str | None
    """The band last published; null: this is the first."""
    trend: Literal["up", "down", "same"]
    """Where risk has gone since the last one."""
    contributions: tuple[ContributionOut, ...]
    """The largest, at most three, the last being `other` where there are more kinds: they add up to the two numbers."""
    acts: Count
    """Acts that count in it."""
    model: str
    """The configuration it was computed with."""


class ProfileOut(Document, frozen=True, kw_only=True):
    """`customer.profiles`: the merged record, newest wins. `identifiers` are what we know them by."""

    id: str
    """The record id of the customer's leading CRM record."""
    name: str | None
    """The person's name."""
    tier: str | None
    """The tier, as the CRM spells it."""
    company: str | None
    """Whom the customer belongs to."""
    owner: str | None
    """Who looks after the customer."""
    open_cases: Count
    """Cases that are not closed."""
    fields: dict[str, str]
    """Further fields, by the names in `profile.fields` of the configuration."""
    records: tuple[str, ...]
    """CRM records that were put together here."""
    identifiers: tuple[str, ...]
    """What we know the customer by."""
    model: str
    """The configuration it was computed with."""


class Alert(Document, frozen=True, kw_only=True):
    """`alerts`: one record per change of an episode; the newest per id wins."""

    id: str
    """Of the episode: the same in all its records, and in every replay."""
    rule: str
    """Which rule."""
    model: str
    """The configuration it was computed with."""
    status: Literal["fired", "updated", "resolved", "withdrawn"]
    """`withdrawn`: what it rested on was taken back; it should not have fired."""
    severity: Literal["info", "low", "medium", "high", "critical"]
    """As the rule says."""
    customer: CustomerOut
    """Who it is about."""
    episode_start: Time
    """When it began."""
    at: Time
    """Event time of this change."""
    value: float
    """What was measured: acts in the window, or the score."""
    threshold: float
    """What it was held against."""
    reason: str
    """In words, for the one who has to act."""
    evidence: tuple[str, ...]
    """Acts it rests on, newest first, at most 5."""
    link_confidence: Share | None
    """Of the least sure of them."""
    group: dict[str, str]
    """What the rule groups by, with its values; empty: by customer."""
    runbook: str | None
    """What to do."""
    targets: tuple[str, ...]
    """Who is to be told."""


class LinkEvent(Document, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """`identity.links`: what became known, uncertain or untrue about an identifier."""

    id: str
    """Of this record."""
    status: Literal["linked", "retracted", "conflict", "review", "unresolved", "refused"]
    """`conflict`: two customers; `review`: a person should look; `unresolved`: a handle nobody has been seen to use."""
    identifier: str
    """Which identifier: `bluesky:did:plc:…`, `handle:…`, `email:…`."""
    customer: str | None
    """Whose; null where that is the question."""
    start: Time | None
    """Since when (inclusive); null: since ever."""
    end: Time | None
    """Until when (exclusive); null: it still holds."""
    confidence: Share | None
    """How probable."""
    method: Method | None
    """How it was found."""
    evidence: tuple[EvidenceOut, ...]
    """What it rests on."""
    cause: str
    """What brought this record about, in words."""


class Late(Document, frozen=True, kw_only=True):
    """`rapport.late`: what came too late, or was cut from memory early, and why."""

    id: str
    """Of this record."""
    reason: str
    """Why, in words."""
    address: str
    """Where it was held, or would have been."""
    act: str | None
    """The act it is about."""
    at: Time
    """When the act was done."""
    received_at: Time
    """When the source, the gateway or the log had it."""
