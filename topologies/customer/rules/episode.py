"""The life of an alert: a pure function of what is known now.

    (nothing) ──► pending ──► firing ──► resolved       fired · updated · resolved · withdrawn are told
                   `for`        │            │
                                └────────────┴────► withdrawn       what it rested on is gone

A rule has at most one open episode per customer, and its episodes' starts only grow: an alert id is never fired twice,
and nothing follows `withdrawn`. Only stream time (`upto`) ends windows and `for`; the times of acts never do. Called
again with nothing new it says nothing.

An act that comes late
- counts in every window it belongs to: it can join an open episode, or make a new one fire for a time that stream time
  has passed, which is then told as fired and resolved at once;
- never moves the start of an episode, never opens one before the start of the last one, and never re-opens one.

What is withdrawn stays withdrawn, also when its acts come back: they count for later episodes. Cooldown is counted from
the start of the last episode that was not withdrawn.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from schemas.state import EpisodeItem
from topologies.customer.rules.episode_count import advance_count
from topologies.customer.rules.episode_score import advance_score
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.step import AlertChange, RuleAct, Step, alert_id

RULE_CHANGED = "rule changed"


def advance(
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
    """One rule at one customer after something happened, or at a wake.

    `acts`: the customer's kept (unsealed) acts that meet the condition now, in any order. `retracted`: ids of acts that
    met it before this event and do not any more (deleted, edited, given to another customer). An act that is in neither
    was sealed: an episode it belongs to keeps it; a later one does not know of it. `score`: of a `score_crosses` rule the score now, in `SCORE_UNITS`; None when
    there is none or the rule's own condition is not met. `upto`: stream time. `at`: event time of what happened; at a
    wake, `upto`.
    """
    changes: list[AlertChange] = []
    if episode is not None and episode.rule_hash != rule.hash:
        changes, episode = _rule_changed(rule, episode, at)
    if rule.kind == "score_crosses":
        step = advance_score(rule, episode, acts, customer=customer, score=score, upto=upto, at=at, retracted=retracted)
    else:
        step = advance_count(rule, episode, acts, customer=customer, upto=upto, at=at, retracted=retracted)
    return replace(step, changes=(*changes, *step.changes)) if changes else step


def close(episode: EpisodeItem, threshold: float, *, at: int, cause: str) -> tuple[AlertChange, ...]:
    """What to tell when an episode ends for a reason outside the rule: the rule was removed, the customer erased."""
    if episode.status != "firing":
        return ()
    return (
        AlertChange(
            "resolved",
            episode.alert,
            episode.start,
            at,
            float(episode.value),
            threshold,
            episode.acts[:-6:-1],
            cause=cause,
        ),
    )


def _rule_changed(rule: Rule, episode: EpisodeItem, at: int) -> tuple[list[AlertChange], EpisodeItem]:
    """A changed rule is a new rule: it is armed from now on, and cannot judge what its predecessor saw."""
    changes = list(close(episode, rule.threshold, at=at, cause=RULE_CHANGED))
    status = "resolved" if episode.status == "firing" else episode.status
    fresh = replace(
        episode,
        rule_hash=rule.hash,
        status=status,
        pending_since=0,
        resolved_at=at if changes else episode.resolved_at,
        until=max(at, episode.start + 1) if status != "pending" else 0,
        base=(),
        past=(),
    )
    return changes, fresh


__all__ = ["RULE_CHANGED", "AlertChange", "RuleAct", "Step", "advance", "alert_id", "close"]
