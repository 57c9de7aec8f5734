"""A rule as the customer fold uses it: compiled, checked, hashed."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

Condition = Callable[[Mapping[str, Any]], bool | None]
"""True, False, or None for "unknown": a field the condition needs is missing. Never raises."""

Severity = Literal["info", "low", "medium", "high", "critical"]

SCORE_UNITS = {"engagement": 10, "risk": 10, "sentiment": 1000}
"""How many integer units one shown point of a score has where rules look at it: tenths, and thousandths of sentiment."""


class RuleTest(msgspec.Struct, frozen=True):
    """An example in a rule file: what the rule must say to a context. `line` is where it stands."""

    name: str
    context: dict[str, Any]
    matches: bool
    file: str
    line: int
    column: int


class Rule(msgspec.Struct, frozen=True):
    """One rule.

    `kind`: `match` every act that meets `condition`; `event_count` at least `threshold` such acts within `within_ms`
    of event time; `score_crosses` the `score` (engagement, risk, sentiment) reaches `threshold` (from below when
    `rising`, else from above) and has not come back over `exit`. `within_ms` of a `match` is its cooldown.

    `hash` covers what decides whether and when the rule fires: an episode outlives a new title, runbook or severity,
    not a new condition. `source` is all that reaches an output: it is what the model's hash covers. `uses` are the
    fields of the condition, and `tree` is what it was compiled from; null where it was not.
    """

    id: str
    hash: str
    title: str
    severity: Severity
    kind: Literal["match", "event_count", "score_crosses"]
    condition: Condition
    source: dict[str, Any]
    threshold: float = 1.0
    exit: float = 1.0
    rising: bool = True
    score: Literal["", "engagement", "risk", "sentiment"] = ""
    within_ms: int = 3_600_000
    for_ms: int = 0
    cooldown_ms: int = 3_600_000
    link_confidence_min: float = 0.0
    reason: str = ""
    runbook: str | None = None
    targets: tuple[str, ...] = ()
    tests: tuple[RuleTest, ...] = ()
    uses: frozenset[str] = frozenset()
    tree: Any = None
