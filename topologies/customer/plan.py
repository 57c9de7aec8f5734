"""What the customer fold needs of a model, worked out once per model: rules by what they look at, and the score's recipe."""

from collections.abc import Callable
from typing import Any

import msgspec

from streams.core.effects import Note
from topologies.customer.facts import ConditionUnknown
from topologies.customer.rules.expr_all import Answers, compile_all
from topologies.customer.rules.rule import Condition, Rule
from topologies.customer.score import Recipe, recipe_of
from topologies.model import Model


class Plan(msgspec.Struct, frozen=True):
    """`acts`: rules about acts as (condition, hash, what to say when it is unknown), in order of their ids.

    `ask` gives the answers of all their conditions at once, or None when each has to be asked by itself.
    """

    recipe: Recipe
    ask: Callable[[dict[str, Any]], Answers | None]
    acts: tuple[tuple[Condition, str, Note], ...]
    act_rules: tuple[Rule, ...]
    score_rules: tuple[Rule, ...]
    by_hash: dict[str, Rule]
    ids: frozenset[str]
    unknown: dict[str, Note]


def _make(model: Model) -> Plan:
    unknown = {rule.id: Note(ConditionUnknown(rule=rule.id)) for rule in model.rules}
    about_acts = tuple(rule for rule in model.rules if rule.kind != "score_crosses")
    return Plan(
        recipe=recipe_of(model.score, model.identity.hold_ms),
        ask=_ask_all(about_acts),
        acts=tuple((rule.condition, rule.hash, unknown[rule.id]) for rule in about_acts),
        act_rules=about_acts,
        score_rules=tuple(rule for rule in model.rules if rule.kind == "score_crosses"),
        by_hash={rule.hash: rule for rule in model.rules},
        ids=frozenset(rule.id for rule in model.rules),
        unknown=unknown,
    )


def _ask_all(rules: tuple[Rule, ...]) -> Callable[[dict[str, Any]], Answers | None]:
    if any(rule.tree is None for rule in rules):
        return lambda _: None
    return compile_all([rule.tree for rule in rules])


_KEPT_MAX = 8
_kept: dict[int, tuple[Model, Plan]] = {}


def plan_of(model: Model) -> Plan:
    """The plan of a model. A pure function that remembers its last answers: a fold cannot work it out for every act.

    Remembered by identity, together with the model, so that the identity cannot become another model's.
    """
    found = _kept.get(id(model))
    if found is not None:
        return found[1]
    while len(_kept) >= _KEPT_MAX:
        del _kept[next(iter(_kept))]
    plan = _make(model)
    _kept[id(model)] = model, plan
    return plan


UNKNOWN_MAX = 40
"""Notes of unknown conditions in one call; the others are counted together, as rule `others`."""


def matching(plan: Plan, context: dict[str, Any]) -> tuple[tuple[str, ...], list[Note]]:
    """(hashes of the rules about acts whose condition a context meets, what to say of those that are unknown)."""
    matched: list[str] = []
    unknown: list[Note] = []
    answers = plan.ask(context)
    if answers is None:
        answers = tuple(condition(context) for condition, _, _ in plan.acts)
    for (_, rule_hash, note), found in zip(plan.acts, answers, strict=True):
        if found:
            matched.append(rule_hash)
        elif found is None:
            unknown.append(note)
    if len(unknown) > UNKNOWN_MAX:
        rest = len(unknown) - UNKNOWN_MAX
        unknown[UNKNOWN_MAX:] = [Note(ConditionUnknown(rule="others", amount=rest))]
    return tuple(matched), unknown
