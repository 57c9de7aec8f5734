"""Episodes of rules that watch a score: `score_crosses`.

    score   60 ─ ─ ─ ─ ─ ─ ╱╲─ ─╱╲─ ─ ─ ─ ─ ─ ─ ─        threshold (inclusive)
            50 ─ ─ ─ ─ ─ ╱ ─ ─╲╱─ ─╲─ ─ ─ ─ ─ ─ ─        exit
    episode               start       resolved            between the two nothing changes

A score is a decayed sum and its past is not kept: what it would have been at the start of an episode without a
retracted act cannot be said. So a score episode is never withdrawn. A retraction that brings the score back over the
threshold ends it at once, without waiting for `exit`.

A score falls by itself: whoever calls must ask to be woken when it reaches `watched`.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from schemas.state import EpisodeItem
from topologies.customer.rules.rule import SCORE_UNITS, Rule
from topologies.customer.rules.step import EVIDENCE_MAX, AlertChange, RuleAct, Step, alert_id

KEPT_MAX = 64

STEP_SHARE = 0.01
"""Of the score's scale: an open alert is told again when the score has moved by so much, as scores themselves are."""

_SCALE = {"engagement": 100, "risk": 100, "sentiment": 2}


def watched(rule: Rule, episode: EpisodeItem | None) -> int:
    """The value, in `SCORE_UNITS`, at which the rule wants to be called next: its exit while open, else its threshold.

    Exactly at the exit an episode goes on; it ends beyond it.
    """
    is_open = episode is not None and episode.status == "firing" and episode.rule_hash == rule.hash
    return round((rule.exit if is_open else rule.threshold) * SCORE_UNITS[rule.score])


def step_of(rule: Rule) -> float:
    """By how much the score must move, in `SCORE_UNITS`, for an open alert to be told again."""
    return STEP_SHARE * _SCALE[rule.score] * SCORE_UNITS[rule.score]


def advance_score(
    rule: Rule,
    episode: EpisodeItem | None,
    acts: Sequence[RuleAct],
    *,
    customer: str,
    score: int | None,
    upto: int,
    at: int,
    retracted: Collection[str],
) -> Step:
    """See `episode.advance`. What happens happens now: a late act changes the score today, not in the past."""
    item = episode or EpisodeItem(rule.hash, "pending")
    now = max(at, upto)
    changes: list[AlertChange] = []
    reached = score is not None and beyond(rule, score, rule.threshold)
    if item.status == "firing":
        # None: nothing is measured any more, or the rule's own condition is not met any more.
        back = score is None or not beyond(rule, score, rule.exit) or (bool(retracted) and not reached)
        if not back:
            assert score is not None
            item, told = _refreshed(rule, item, acts, score, at)
            return Step(item, told)
        value = item.value if score is None else score
        item = replace(item, status="resolved", at=now, resolved_at=now, until=now, value=value)
        changes.append(_change(rule, item, "resolved", now, acts))
    if not reached or score is None:
        item = replace(item, pending_since=0)
        return Step(None if item.status == "pending" else item, tuple(changes))
    since = item.pending_since or max(now, _bound(rule, item))
    fires_at = since + rule.for_ms
    if fires_at > (upto if rule.for_ms else now):
        return Step(replace(item, pending_since=since), tuple(changes), fires_at)
    ids = _ids(acts)
    item = EpisodeItem(
        rule.hash,
        "firing",
        start=since,
        at=fires_at,
        acts=ids,
        value=score,
        alert=alert_id(rule.id, (customer,), since),
    )
    changes.append(_change(rule, item, "fired", fires_at, acts))
    return Step(item, tuple(changes))


def _refreshed(
    rule: Rule, item: EpisodeItem, acts: Sequence[RuleAct], score: int, at: int
) -> tuple[EpisodeItem, tuple[AlertChange, ...]]:
    """Tell an open episode's new evidence, or that the score has moved on by a step."""
    ids = _ids(acts)
    step = step_of(rule)
    # Sealed acts leave the list; that is no news.
    news = set(ids[-EVIDENCE_MAX:]) - set(item.acts)
    if not news and abs(score - item.value) < step:
        return item, ()
    item = replace(item, acts=ids or item.acts, value=score, at=at)
    return item, (_change(rule, item, "updated", at, acts),)


def beyond(rule: Rule, score: int, limit: float) -> bool:
    """Whether a score is on the side of `limit` on which the rule fires; the limit itself is."""
    units = round(limit * SCORE_UNITS[rule.score])
    return score >= units if rule.rising else score <= units


def _bound(rule: Rule, item: EpisodeItem) -> int:
    return 0 if item.status == "pending" else max(item.start + rule.cooldown_ms, item.start + 1, item.until)


def _ids(acts: Sequence[RuleAct]) -> tuple[str, ...]:
    return tuple(act.id for act in sorted(acts, key=lambda act: (act.at, act.id))[-KEPT_MAX:])


def _change(rule: Rule, item: EpisodeItem, status: str, at: int, acts: Sequence[RuleAct]) -> AlertChange:
    named = set(item.acts[-EVIDENCE_MAX:])
    return AlertChange(
        status,  # type: ignore[arg-type]
        item.alert,
        item.start,
        at,
        item.value / SCORE_UNITS[rule.score],
        rule.threshold,
        item.acts[: -EVIDENCE_MAX - 1 : -1],
        min((act.confidence for act in acts if act.id in named), default=None),
    )
