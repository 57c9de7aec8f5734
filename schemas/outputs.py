"""What subscribers read. Field names are a contract; times are RFC 3339 UTC with milliseconds; numbers are rounded here.

An `id` is a hash of what caused the value, so two runs over the same log are byte-identical.
"""

from typing import Literal

from schemas.base import Document


class ActOut(Document, frozen=True, kw_only=True):
    """What was done."""

    id: str
    source: str
    kind: str
    uri: str
    at: str
    received_at: str
    text: str
    lang: str | None
    in_reply_to: str | None
    targets: tuple[str, ...]
    late: bool


class AuthorOut(Document, frozen=True, kw_only=True):
    """By whom, as the platform names it. `identifier` is without its type where it is an account."""

    identifier: str
    handle: str | None
    name: str | None


class CustomerOut(Document, frozen=True, kw_only=True):
    """Whose customer that is. `fields` are the configured further ones."""

    id: str
    name: str | None = None
    tier: str | None = None
    company: str | None = None
    owner: str | None = None
    open_cases: int = 0
    fields: dict[str, str] = {}


class EvidenceOut(Document, frozen=True, kw_only=True):
    """Why we think so. `bits` is null for evidence that is not a probability."""

    kind: str
    value: str
    bits: float | None = None
    since: str | None = None


Method = Literal["asserted", "handle", "probabilistic", "confirmed"]


class LinkOut(Document, frozen=True, kw_only=True):
    """How sure."""

    confidence: float
    method: Method
    evidence: tuple[EvidenceOut, ...]


class SentimentOut(Document, frozen=True, kw_only=True):
    """Value in [-1, 1]; null where the language has no lexicon or the text no word of it."""

    value: float | None
    lang: str | None
    hits: int


class ScoreNow(Document, frozen=True, kw_only=True):
    """The score right after the act. Sentiment is null until something was measured."""

    engagement: float
    risk: float
    sentiment: float | None
    band: str


class Enriched(Document, frozen=True, kw_only=True):
    """`social.enriched`: an act of a customer. Keep, per act id, the highest revision; `retracted` takes it back."""

    id: str
    revision: int
    retracted: bool
    model: str
    act: ActOut
    author: AuthorOut
    customer: CustomerOut
    link: LinkOut | None
    sentiment: SentimentOut | None
    intents: tuple[str, ...]
    score: ScoreNow


class Unmatched(Document, frozen=True, kw_only=True):
    """`social.unmatched`: an act about the brand by nobody's customer, written when its join is final."""

    id: str
    act: ActOut
    author: AuthorOut
    reason: Literal["unclaimed", "conflict"]
    model: str


class ContributionOut(Document, frozen=True, kw_only=True):
    """Points of one kind of act in the number shown."""

    kind: str
    points: float


class Score(Document, frozen=True, kw_only=True):
    """`engagement.scores`: newest wins. `contributions` are the three largest, of engagement plus risk."""

    customer: str
    at: str
    engagement: float
    risk: float
    sentiment: float | None
    band: str
    previous_band: str | None
    trend: Literal["up", "down", "same"]
    contributions: tuple[ContributionOut, ...]
    acts: int
    model: str


class ProfileOut(Document, frozen=True, kw_only=True):
    """`customer.profiles`: the merged record, newest wins. `identifiers` are what we know them by."""

    id: str
    name: str | None
    tier: str | None
    company: str | None
    owner: str | None
    open_cases: int
    fields: dict[str, str]
    records: tuple[str, ...]
    identifiers: tuple[str, ...]
    model: str


class Alert(Document, frozen=True, kw_only=True):
    """`alerts`: one record per change of an episode; the newest per id wins."""

    id: str
    rule: str
    model: str
    status: Literal["fired", "updated", "resolved", "withdrawn"]
    severity: Literal["info", "low", "medium", "high", "critical"]
    customer: CustomerOut
    episode_start: str
    at: str
    value: float
    threshold: float
    reason: str
    evidence: tuple[str, ...]
    link_confidence: float | None
    group: dict[str, str]
    runbook: str | None
    targets: tuple[str, ...]


class LinkEvent(Document, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """`identity.links`: what became known, uncertain or untrue about an identifier."""

    id: str
    status: Literal["linked", "retracted", "conflict", "review", "unresolved", "refused"]
    identifier: str
    customer: str | None
    start: str | None
    end: str | None
    confidence: float | None
    method: Method | None
    evidence: tuple[EvidenceOut, ...]
    cause: str


class Late(Document, frozen=True, kw_only=True):
    """`rapport.late`: what came too late, or was cut from memory early, and why."""

    id: str
    reason: str
    address: str
    act: str | None
    at: str
    received_at: str
