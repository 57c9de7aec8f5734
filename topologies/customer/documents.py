"""Values of the outputs that a customer writes. Numbers are rounded here, never before."""

from schemas.events import Act, JoinedAct
from schemas.outputs import (
    ActOut,
    Alert,
    AuthorOut,
    ContributionOut,
    CustomerOut,
    Enriched,
    EvidenceOut,
    Late,
    LinkOut,
    ProfileOut,
    Score,
    ScoreNow,
    SentimentOut,
)
from schemas.state import JoinedItem, Profile, Shown
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.step import AlertChange
from topologies.customer.score import Numbers
from topologies.customer.sentiment import Reading
from topologies.identity.documents import (
    EVIDENCE_MAX,
    act_out,
    author_out,
    document_id,
    identifier_text,
    start_text,
    time_text,
)


def customer_out(who: str, profile: Profile) -> CustomerOut:
    """Whose customer that is, as known now. `who` is the customer's id."""
    return CustomerOut(
        id=who,
        name=profile.name or None,
        tier=profile.tier or None,
        company=profile.company or None,
        owner=profile.owner or None,
        open_cases=profile.open_cases,
        fields=profile.fields,
    )


def score_now(shown: Numbers, band: str) -> ScoreNow:
    """The score at some time."""
    return ScoreNow(
        engagement=shown.engagement / 10,
        risk=shown.risk / 10,
        sentiment=None if shown.sentiment is None else shown.sentiment / 1000,
        band=band,
    )


def enriched(
    joined: JoinedAct,
    author: AuthorOut,
    customer: CustomerOut,
    reading: Reading,
    score: ScoreNow,
    *,
    revision: int,
    late_after_ms: int,
    model: str,
) -> Enriched:
    """An act of a customer."""
    act = joined.act
    return Enriched(
        id=document_id("enriched", act.id, revision, customer.id),
        revision=revision,
        retracted=False,
        model=model,
        act=act_out(act, late_after_ms),
        author=author,
        customer=customer,
        link=_link_out(joined),
        sentiment=_sentiment_out(act, reading),
        intents=(),
        score=score,
    )


def author_of(joined: JoinedAct) -> AuthorOut:
    """Our own answers are kept at the account they answer: who wrote them stands in front of their id."""
    act = joined.act
    author = f"account:{act.id.partition('/')[0]}" if act.role else joined.author
    return author_out(author, act.handle, act.name)


def _link_out(joined: JoinedAct) -> LinkOut:
    since = start_text(joined.since)
    parts = (text.partition("=") for text in joined.evidence[:EVIDENCE_MAX])
    evidence = tuple(EvidenceOut(kind=kind, value=value, since=since) for kind, _, value in parts)
    return LinkOut(confidence=joined.confidence / 1000, method=joined.method, evidence=evidence)


def _sentiment_out(act: Act, reading: Reading) -> SentimentOut | None:
    if not act.text:
        return None
    value = None if reading.value is None else reading.value / 1000
    return SentimentOut(value=value, lang=reading.lang, hits=reading.hits)


def retracted(
    account: str, act: str, item: JoinedItem, customer: CustomerOut, score: ScoreNow, *, revision: int, model: str
) -> Enriched:
    """An act that is not this customer's any more. Says what subscribers need to find it, and not what was said in it."""
    return Enriched(
        id=document_id("enriched", act, revision, customer.id),
        revision=revision,
        retracted=True,
        model=model,
        act=ActOut(
            id=act,
            source=account.split(":", 2)[1],
            kind=item.kind,
            uri="",
            at=time_text(item.at),
            received_at=time_text(item.received_at),
            text="",
            lang=None,
            in_reply_to=None,
            targets=(),
            late=False,
        ),
        author=author_out(account, "", ""),
        customer=customer,
        link=None,
        sentiment=None,
        intents=(),
        score=score,
    )


def score_out(
    who: str,
    at: int,
    shown: Numbers,
    band: str,
    before: Shown | None,
    contributions: list[tuple[str, int]],
    *,
    acts: int,
    model: str,
) -> Score:
    """What is shown of a customer's score. `before`: what was shown last."""
    went = 0 if before is None else shown.risk - before.risk
    return Score(
        customer=who,
        at=time_text(at),
        engagement=shown.engagement / 10,
        risk=shown.risk / 10,
        sentiment=None if shown.sentiment is None else shown.sentiment / 1000,
        band=band,
        previous_band=None if before is None else before.band,
        trend="up" if went > 0 else "down" if went < 0 else "same",
        contributions=tuple(ContributionOut(kind=kind, points=tenths / 10) for kind, tenths in contributions),
        acts=acts,
        model=model,
    )


def profile_out(who: str, profile: Profile, model: str) -> ProfileOut:
    """The merged record."""
    return ProfileOut(
        id=who,
        name=profile.name or None,
        tier=profile.tier or None,
        owner=profile.owner or None,
        company=profile.company or None,
        open_cases=profile.open_cases,
        fields=profile.fields,
        records=profile.records,
        identifiers=tuple(map(identifier_text, profile.identifiers)),
        model=model,
    )


def alert_out(rule: Rule, change: AlertChange, customer: CustomerOut, reason: str, model: str) -> Alert:
    """One change of an alert."""
    return Alert(
        id=change.alert,
        rule=rule.id,
        model=model,
        status=change.status,
        severity=rule.severity,
        customer=customer,
        episode_start=time_text(change.episode_start),
        at=time_text(change.at),
        value=change.value,
        threshold=change.threshold,
        reason=reason,
        evidence=change.evidence,
        link_confidence=None if change.confidence is None else change.confidence / 1000,
        group={},
        runbook=rule.runbook,
        targets=rule.targets,
    )


def sealed_early(address: str, account: str, act: str, item: JoinedItem, reason: str) -> Late:
    """An act that was made final before its time."""
    return Late(
        id=document_id("late", address, account, act, item.version, reason),
        reason=reason,
        address=address,
        act=act,
        at=time_text(item.at),
        received_at=time_text(item.received_at),
    )
