"""Runs the rules of a customer and tells what comes of it.

    an act came, changed or went ─► rules that it meets, or met ──┐
    score, profile or time moved ─► score_crosses ────────────────┼─► advance ─► episode kept, alert told, wake asked for
    a wake                       ─► every rule that may wait ─────┘

A condition about an act is held against it when it comes, with the customer and the score of that moment; which rules it
met is kept with the act. So no act has to be looked at again, and a changed rule, whose hash is another, saw nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from schemas.state import EpisodeItem, JoinedItem
from streams.core.effects import Note
from topologies.customer.documents import alert_out
from topologies.customer.facts import AlertTold
from topologies.customer.rules.episode import RULE_CHANGED, advance, close
from topologies.customer.rules.episode_score import beyond, step_of, watched
from topologies.customer.rules.reason import why
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.step import AlertChange, RuleAct
from topologies.customer.score import begins_at, falls_below, leaves_below
from topologies.customer.turn import RULE, Turn, customer_context, score_context, split

EPISODE_BYTES_MAX = 160 * 1024
"""Of the act ids in one episode, so that the item stays small enough: of more, episodes that are over are let go of."""

Context = Mapping[str, Any]


# ---------------------------------------------------------------- rules about acts
def rules_of_act(turn: Turn, before: JoinedItem | None, after: JoinedItem, act: str, at: int, context: Context) -> None:
    """Run the rules that an act meets now, or met before this event."""
    met = before.matched if before is not None and before.live else ()
    if not met and not after.matched:
        return
    rules = [rule for rule in turn.plan.act_rules if rule.hash in after.matched or rule.hash in met]
    by_rule = _acts_by_rule(turn, frozenset([rule.hash for rule in rules]))
    for rule in rules:
        if turn.has_to_stop():
            return
        gone = () if rule.hash in after.matched else (act,)
        _advance(turn, rule, by_rule.get(rule.hash, ()), at=at, retracted=gone, score=None, context=context)


def all_rules(turn: Turn) -> None:
    """Run every rule about acts that may be waiting for something. Says nothing twice."""
    by_rule = _acts_by_rule(turn)
    known = {split(name)[1] for name, _ in turn.kept()}
    context = standing_context(turn)
    for rule in turn.plan.act_rules:
        episode = turn.episode(rule.id)
        if episode is None and rule.hash not in by_rule:
            continue
        if turn.has_to_stop():
            return
        acts = by_rule.get(rule.hash, [])
        gone = _rested_on(episode) & known - {act.id for act in acts}
        _advance(turn, rule, acts, at=turn.now.upto, retracted=sorted(gone), score=None, context=context)


def _acts_by_rule(turn: Turn, wanted: frozenset[str] | None = None) -> dict[str, list[RuleAct]]:
    """The kept acts by the hash of each rule they meet; of the wanted rules, if any are named."""
    found: dict[str, dict[str, RuleAct]] = {}
    for name, item in turn.kept():
        if item.matched and (wanted is None or not wanted.isdisjoint(item.matched)):
            act = RuleAct(item.at, split(name)[1], item.confidence)
            for rule_hash in item.matched:
                _once(found.setdefault(rule_hash, {}), act)
    return {rule_hash: list(acts.values()) for rule_hash, acts in found.items()}


def _once(acts: dict[str, RuleAct], act: RuleAct) -> None:
    """Our own answer can be kept at two accounts of a customer: it is one act, and the less sure link counts."""
    other = acts.get(act.id)
    if other is None or (act.confidence, act.at) < (other.confidence, other.at):
        acts[act.id] = act


def _rested_on(episode: EpisodeItem | None) -> set[str]:
    """Every act that an episode, or one before it, was told to rest on."""
    if episode is None:
        return set()
    return {*episode.acts, *episode.base, *(act for past in episode.past for act in past.base)}


# ---------------------------------------------------------------- rules about scores
def rules_of_score(
    turn: Turn, at: int, context: Context, *, came: JoinedItem | None = None, retracted: str = ""
) -> None:
    """Run the rules that watch a score. `came`: the act that has just come; `retracted`: one that has just gone."""
    if not turn.is_scored:
        return
    for rule in turn.plan.score_rules:
        episode = turn.episode(rule.id)
        value = _value(turn, rule, context)
        is_news = bool(retracted) or (came is not None and _counts(rule, came))
        if _is_quiet(rule, episode, value, is_news=is_news):
            continue
        if turn.has_to_stop():
            return
        acts: dict[str, RuleAct] = {}
        for name, item in turn.kept():
            if item.live and _counts(rule, item):
                _once(acts, RuleAct(item.at, split(name)[1], item.confidence))
        gone = (retracted,) if retracted else ()
        if _advance(turn, rule, acts.values(), at=at, retracted=gone, score=value, context=context):
            turn.falls = True


def _value(turn: Turn, rule: Rule, context: Context) -> int | None:
    """The score a rule watches, in its units; None when there is none, or the rule is not about this customer now."""
    found = rule.condition(context)
    if found is None and not turn.is_full:
        turn.effects.append(turn.plan.unknown[rule.id])
    if not found:
        return None
    shown: dict[str, int | None] = {
        "engagement": turn.shown.engagement,
        "risk": turn.shown.risk,
        "sentiment": turn.shown.sentiment,
    }
    return shown[rule.score]


def _is_quiet(rule: Rule, episode: EpisodeItem | None, value: int | None, *, is_news: bool) -> bool:
    """Whether nothing can come of calling the rule, so that the acts behind it need not be looked for.

    While it is closed: it waits for nothing, and the score is not there. While it is open: the score is still there, has
    not moved by a step, and no act came or went.
    """
    if episode is None or (episode.status != "firing" and not episode.pending_since and episode.rule_hash == rule.hash):
        return value is None or not beyond(rule, value, rule.threshold)
    if episode.status != "firing" or episode.rule_hash != rule.hash or value is None or is_news:
        return False
    return beyond(rule, value, rule.exit) and abs(value - episode.value) < step_of(rule)


def _counts(rule: Rule, item: JoinedItem) -> bool:
    """Whether an act stands behind the score that a rule watches."""
    if rule.score == "sentiment":
        return item.has_sentiment
    return item.risk > 0 if rule.score == "risk" else item.engagement > 0


def ask_for_falls(turn: Turn) -> None:
    """Ask to be woken when the score falls, by itself, out of its band or to where a rule wants to be called.

    Sentiment is a mean and does not fall by itself.
    """
    recipe, ledger = turn.plan.recipe, turn.ledger
    limits = {("risk", leaves_below(turn.band, recipe))}
    for rule in turn.plan.score_rules:
        if rule.score == "sentiment":
            continue
        limit = watched(rule, turn.episode(rule.id))
        shown = turn.shown.risk if rule.score == "risk" else turn.shown.engagement
        if rule.rising and _is_open(turn, rule):
            limits.add((rule.score, limit))
        elif not rule.rising and not _is_open(turn, rule) and shown > limit:
            limits.add((rule.score, limit + 1))
    for score, limit in sorted(limits):
        total, kappa = (
            (ledger.risk, recipe.risk_kappa) if score == "risk" else (ledger.engagement, recipe.engagement_kappa)
        )
        bucket = falls_below(total, kappa, limit, turn.bucket)
        if bucket is not None:
            turn.ask(begins_at(bucket, recipe.half_life_ms))


def _is_open(turn: Turn, rule: Rule) -> bool:
    episode = turn.episode(rule.id)
    return episode is not None and episode.status == "firing" and episode.rule_hash == rule.hash


# ---------------------------------------------------------------- what comes of it
def close_removed(turn: Turn) -> None:
    """End what rules began that are in the model no more."""
    for name, episode in turn.state.starting(RULE):
        if name in turn.plan.ids:
            continue
        if turn.has_to_stop():
            return
        for change in close(episode, 0.0, at=turn.now.seen_at, cause=RULE_CHANGED):
            _tell(turn, gone_rule(name), change, standing_context(turn))
        turn.keep_episode(name, None)


def close_all(turn: Turn, cause: str) -> None:
    """End every episode for a reason that is not the rules', and say nothing of the customer but the id."""
    for name, episode in turn.state.starting(RULE):
        if turn.has_to_stop():
            return
        rule = next((one for one in turn.model.rules if one.id == name), None) or gone_rule(name)
        for change in close(episode, rule.threshold, at=turn.now.seen_at, cause=cause):
            _tell(turn, rule, replace(change, evidence=(), confidence=None), {})
        turn.keep_episode(name, None)


def gone_rule(rule_id: str) -> Rule:
    """What stands for a rule that nobody has any more."""
    return Rule(rule_id, "", rule_id, "info", "match", lambda _: False, {}, threshold=0.0)


def _advance(
    turn: Turn,
    rule: Rule,
    acts: Iterable[RuleAct],
    *,
    at: int,
    retracted: Iterable[str],
    score: int | None,
    context: Context,
) -> bool:
    """One rule; true when anything about its episode is new."""
    before = turn.episode(rule.id)
    step = advance(
        rule,
        before,
        list(acts),
        customer=turn.id,
        score=score,
        upto=turn.now.upto,
        at=at,
        retracted=tuple(retracted),
    )
    if step.episode != before:
        turn.keep_episode(rule.id, None if step.episode is None else _bounded(step.episode))
    for change in step.changes:
        _tell(turn, rule, change, context)
    if step.wake is not None:
        turn.ask(step.wake)
    return step.episode != before


def _bounded(episode: EpisodeItem) -> EpisodeItem:
    """Small enough to be kept. Ids are what takes space, and only a platform's longest come near the limit."""
    if not episode.past:
        return episode
    left = EPISODE_BYTES_MAX - _bytes(episode.acts) - _bytes(episode.base)
    past = list(episode.past)
    while past and sum(_bytes(one.base) for one in past) > left:
        del past[0]
    return episode if len(past) == len(episode.past) else replace(episode, past=tuple(past))


def _bytes(ids: Iterable[str]) -> int:
    return sum(len(one.encode("utf-8", "surrogatepass")) for one in ids)


def _tell(turn: Turn, rule: Rule, change: AlertChange, context: Context) -> None:
    document = alert_out(rule, change, turn.customer, why(rule, change, context), turn.model.hash)
    turn.publish("alerts", document, key=change.alert)
    turn.effects.append(Note(AlertTold(rule=rule.id, status=change.status, severity=rule.severity)))


def standing_context(turn: Turn) -> dict[str, Any]:
    """What conditions see when no act is looked at."""
    return {"customer": customer_context(turn.customer), "score": score_context(turn.shown, turn.band)}
