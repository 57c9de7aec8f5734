"""A rule as the customer fold uses it: compiled, checked, hashed."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

Condition = Callable[[Mapping[str, Any]], bool | None]
"""True, False, or None for "unknown": a field the condition needs is missing. Never raises."""

Severity = Literal["info", "low", "medium", "high", "critical"]


class Rule(msgspec.Struct, frozen=True):
    """One rule.

    `kind`: `match` every act that meets `condition`; `event_count` at least `threshold` such acts within `within_ms`
    of event time; `score_crosses` the `score` (engagement, risk, sentiment) reaches `threshold` (from below when
    `rising`, else from above) and has not come back over `exit`. `hash` covers everything that changes results.
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
