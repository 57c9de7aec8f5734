"""The customer: who it is, what it is worth, and what somebody should know about it now.

    record  ──Content──►            ──Claim, Purge──► account, handle
    account ──Join────►  customer
    people  ──Decided, Erase──►     ──► enriched, scores, profiles, alerts, links, late

Claims follow from records and decisions alone, never from acts: so no loop can form.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from schemas.events import Content, Decided, Erase, Join
from schemas.log import Continue, SwitchModel, Wake
from streams.core.effects import Effect, Reject
from streams.core.fold import Now, State
from topologies.customer.acts import after_score, join, seal, seal_overflow
from topologies.customer.alerts import all_rules, close_removed, standing_context
from topologies.customer.erase import erase, erased
from topologies.customer.records import content, decided, retell
from topologies.customer.score import rescaled
from topologies.customer.turn import Turn
from topologies.model import Model


def customer(state: State, event: Any, now: Now, model: Model, /) -> Iterable[Effect]:
    """One event of one customer."""
    turn = Turn(state, now, model)
    if turn.head.erased_at:
        return erased(turn, event)
    if type(event) is Erase:
        return erase(turn, event)
    _rescale(turn)
    if turn.head.model != model.hash:
        _switch(turn)
    match event:
        case Join():
            join(turn, event)
        case Content():
            _after_records(turn, is_news=content(turn, event))
        case Decided():
            _after_records(turn, is_news=decided(turn, event))
        case Wake():
            turn.woken()
            _look_around(turn)
        case Continue():
            close_removed(turn)
            retell(turn)
            _look_around(turn)
        case SwitchModel():
            pass
        case _:
            return [Reject(f"a customer cannot do anything with a {type(event).__name__}", "event")]
    return turn.finish()


def _after_records(turn: Turn, *, is_news: bool) -> None:
    """Rules about scores may be about this customer now, or not any more. Acts that have come stay as they were seen."""
    if is_news and turn.plan.score_rules and turn.is_scored:
        turn.measure()
        turn.falls = True
        after_score(turn, turn.now.seen_at, standing_context(turn))


def _look_around(turn: Turn) -> None:
    """Everything that time alone can have changed; then what is next is known again."""
    recipe, upto = turn.plan.recipe, turn.now.upto
    turn.measure()
    all_rules(turn)
    seal_overflow(turn)
    if turn.is_scored:
        # Two holds: the last act that counts in a bucket is received within one, and can go within another.
        turn.ledger.close_before(upto - 2 * recipe.hold_ms)
        if (end := turn.ledger.ends_at) is not None:
            turn.ask(end + 2 * recipe.hold_ms)
        turn.falls = True
        after_score(turn, upto, standing_context(turn))
    seal(turn)


def _switch(turn: Turn) -> None:
    """A new model: what it changes for this customer is found out in a call of its own."""
    turn.measure()
    close_removed(turn)
    turn.head = replace(turn.head, model=turn.model.hash)
    turn.go_on()


def _rescale(turn: Turn) -> None:
    """Sums of another half-life would be nonsense in this one's buckets."""
    score, recipe = turn.score_before, turn.plan.recipe
    if score is not None and score.half_life_ms != recipe.half_life_ms:
        turn.ledger = rescaled(score, [item for _, item in turn.kept() if item.live and not item.role], recipe)
