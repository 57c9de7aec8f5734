"""Acts of a customer: they come, change, go, and are sealed.

    Join(act)  ──► sentiment ─► points ─► sums ─► what is shown ─► rules        enriched, scores, alerts
    Join(null) ──► sums without it ─────────────► what is shown ─► rules        retracted, scores, alerts
    hold over  ──► sealed: it stays in the sums and is not remembered

The highest version wins, also of an absence: so an act that is gone is remembered until it would have been sealed.
"""

from typing import Any

from msgspec.structs import replace

from config.settings import HOUR_MS
from schemas.events import Join, JoinedAct
from schemas.outputs import AuthorOut
from schemas.state import JoinedItem
from streams.core.decay import bucket_of
from streams.core.effects import Note
from topologies.customer.alerts import Context, ask_for_falls, rules_of_act, rules_of_score, standing_context
from topologies.customer.documents import author_of, enriched, retracted, score_now, sealed_early
from topologies.customer.facts import JoinTooLate
from topologies.customer.plan import matching
from topologies.customer.score import points_of
from topologies.customer.sentiment import Reading, sentiment
from topologies.customer.shown import show_score
from topologies.customer.turn import ACT, SEPARATOR, Turn, customer_context, score_context, split
from topologies.identity.documents import identifier_text
from topologies.identity.facts import ActSealedEarly

SEAL_SLACK_MS = HOUR_MS
"""Acts are sealed up to so much later than they could be: so a customer is woken for it once an hour at most."""

SEALED_AT_ONCE = 32
"""When there are too many acts, so many are sealed in one go: looking for the oldest costs a look at each."""

TOO_MANY = "sealed early: the customer has more than identity.joined_max unsealed acts"
TOO_LATE = "the act was sealed before this join came"


def join(turn: Turn, event: Join) -> None:
    """An act is this customer's, or is not any more."""
    name = event.sender + SEPARATOR + event.subject
    before: JoinedItem | None = turn.state.get(ACT + name)
    if before is not None and event.version <= before.version:
        return
    if event.joined is None:
        _gone(turn, event, name, before)
    elif _is_sealed(turn, event.joined, before):
        _too_late(turn, event, event.joined)
    else:
        _come(turn, event, event.joined, name, before)
        seal_overflow(turn)


# ---------------------------------------------------------------- come
def _come(turn: Turn, event: Join, joined: JoinedAct, name: str, before: JoinedItem | None) -> None:
    act, model = joined.act, turn.model
    reading = sentiment(act.text, act.lang, model.lexicons)
    item = _item(turn, event, joined, reading)
    _count(turn, before, item)
    turn.measure()
    author = author_of(joined)
    context: dict[str, Any] = {}
    if turn.plan.acts or turn.plan.score_rules:
        context = _context(turn, joined, author, reading)
        matched, unknown = matching(turn.plan, context)
        turn.effects += unknown
        if matched:
            item = replace(item, matched=matched)
    turn.put_act(name, item)
    _remember_account(turn, event.sender)
    if before is None or not before.live or before.revision != event.revision:
        document = enriched(
            joined,
            author,
            turn.customer,
            reading,
            score_now(turn.shown, turn.band),
            revision=event.revision,
            late_after_ms=model.identity.late_after_ms,
            model=model.hash,
        )
        turn.publish("enriched", document)
    turn.ask(act.received_at + model.identity.hold_ms + SEAL_SLACK_MS)
    if context:
        rules_of_act(turn, before, item, act.id, act.at, context)
    after_score(turn, act.at, context, came=item)


def _item(turn: Turn, event: Join, joined: JoinedAct, reading: Reading) -> JoinedItem:
    """The act as it is kept."""
    act, recipe = joined.act, turn.plan.recipe
    engagement, risk = points_of(act, reading.value, recipe)
    has_sentiment = reading.value is not None and not act.role
    return JoinedItem(
        version=event.version,
        revision=event.revision,
        live=True,
        kind=act.kind,
        at=act.at,
        received_at=act.received_at,
        bucket=bucket_of(act.at, recipe.half_life_ms),
        engagement=engagement,
        risk=risk,
        sentiment=reading.value or 0 if has_sentiment else 0,
        has_sentiment=has_sentiment,
        role=act.role,
        confidence=joined.confidence,
    )


def _count(turn: Turn, before: JoinedItem | None, after: JoinedItem | None) -> None:
    """Take an act as it was out of the sums, and put it in as it is. Our own answers are not in them."""
    ledger = turn.ledger
    engagement, risk = ledger.engagement, ledger.risk
    if before is not None and before.live and not before.role:
        ledger.remove(before)
    if after is not None and not after.role:
        ledger.add(after)
    turn.falls |= ledger.engagement < engagement or ledger.risk < risk


def _context(turn: Turn, joined: JoinedAct, author: AuthorOut, reading: Reading) -> dict[str, Any]:
    """What conditions see."""
    act = joined.act
    return {
        "act": {
            "kind": act.kind,
            "source": act.source,
            "text": act.text,
            "lang": act.lang,
            "uri": act.uri,
            "late": joined.late,
            "role": act.role,
            "targets": tuple(map(identifier_text, act.targets)) if act.targets else (),
            "topics": act.topics,
        },
        "author": {"identifier": author.identifier, "handle": author.handle, "name": author.name},
        "customer": customer_context(turn.customer),
        "link": {"confidence": joined.confidence / 1000, "method": joined.method},
        "sentiment": None if reading.value is None else reading.value / 1000,
        "score": score_context(turn.shown, turn.band),
    }


def _remember_account(turn: Turn, account: str) -> None:
    """So that it can be purged when the person is erased, also where a handle led to it."""
    known = turn.head.identifiers
    if account not in known and len(known) < turn.model.identity.identifiers_max:
        turn.head = replace(turn.head, identifiers=tuple(sorted({*known, account})))


# ---------------------------------------------------------------- gone
def _gone(turn: Turn, event: Join, name: str, before: JoinedItem | None) -> None:
    now, hold_ms = turn.now, turn.model.identity.hold_ms
    was = before or JoinedItem(0, 0, live=False, at=now.seen_at, received_at=now.seen_at)
    item = JoinedItem(
        event.version,
        event.revision,
        live=False,
        kind=was.kind,
        at=was.at,
        received_at=was.received_at,
        role=was.role,
    )
    turn.put_act(name, item)
    turn.ask(was.received_at + hold_ms + SEAL_SLACK_MS)
    # What was sealed early may be known to subscribers though it is not known here.
    if not was.live and (before is not None or not turn.head.forgotten[0]):
        return
    _count(turn, before, None)
    turn.measure()
    retract(turn, name, item, event.revision)
    context = standing_context(turn)
    rules_of_act(turn, before, item, event.subject, now.seen_at, context)
    after_score(turn, now.seen_at, context, retracted=event.subject)


def retract(turn: Turn, name: str, item: JoinedItem, revision: int) -> None:
    """Tell subscribers to forget an act."""
    account, act = split(name)
    score = score_now(turn.shown, turn.band)
    document = retracted(account, act, item, turn.customer, score, revision=revision, model=turn.model.hash)
    turn.publish("enriched", document)


def after_score(turn: Turn, at: int, context: Context, *, came: JoinedItem | None = None, retracted: str = "") -> None:
    """What follows from new sums: they are kept, shown, held against rules; and when they will fall is asked for."""
    show_score(turn)
    if turn.plan.score_rules:
        rules_of_score(turn, at, context, came=came, retracted=retracted)
    if turn.falls:
        ask_for_falls(turn)


# ---------------------------------------------------------------- sealed
def _is_sealed(turn: Turn, joined: JoinedAct, before: JoinedItem | None) -> bool:
    """Whether an act that is not known here was sealed already.

    One without a kind is not known either: it was taken back after it was sealed, and is in the sums all the same.
    """
    if before is not None and before.kind:
        return False
    act = joined.act
    is_over = act.received_at + turn.model.identity.hold_ms <= turn.now.upto
    return is_over or (act.received_at, act.id) <= turn.head.forgotten


def _too_late(turn: Turn, event: Join, joined: JoinedAct) -> None:
    act = joined.act
    item = JoinedItem(event.version, event.revision, live=False, at=act.at, received_at=act.received_at)
    turn.effects.append(Note(JoinTooLate()))
    document = sealed_early(turn.state.address, event.sender, act.id, item, TOO_LATE)
    turn.publish("late", document, key=turn.state.address)


def seal_overflow(turn: Turn) -> None:
    """Keep the number of acts within its cap: the oldest are final."""
    state, most = turn.state, turn.model.identity.joined_max
    # Counting costs a look at each item: not before there can be enough of them.
    if len(state) + len(turn.acts) <= most:
        return
    oldest = sorted((item.received_at, split(name)[1], name, item) for name, item in turn.kept())
    over = len(oldest) - most
    for received_at, act, name, item in oldest[: max(over, min(SEALED_AT_ONCE, most // 8)) if over > 0 else 0]:
        if turn.has_to_stop():
            return
        turn.drop_act(name)
        turn.head = replace(turn.head, forgotten=max(turn.head.forgotten, (received_at, act)))
        if item.live:
            document = sealed_early(state.address, split(name)[0], act, item, TOO_MANY)
            turn.publish("late", document, key=state.address)
            turn.effects.append(Note(ActSealedEarly(cap="joined_max")))


def seal(turn: Turn) -> None:
    """Let go of acts whose hold is over, and ask for the next."""
    hold_ms, upto = turn.model.identity.hold_ms, turn.now.upto
    for name, item in sorted(turn.kept(), key=lambda one: one[0]):
        if item.received_at + hold_ms > upto:
            turn.ask(item.received_at + hold_ms + SEAL_SLACK_MS)
        elif turn.has_to_stop():
            return
        else:
            turn.drop_act(name)
