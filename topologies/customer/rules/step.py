"""What goes into an episode and what comes out of it.

RuleAct …, stream time ─► advance ─► Step(episode as it is now, changes to tell, when to be called again)
"""

import hashlib
from typing import Literal

import msgspec

from schemas.state import EpisodeItem

EVIDENCE_MAX = 5
"""Acts an alert names; the episode keeps more."""


class RuleAct(msgspec.Struct, frozen=True, gc=False):
    """An act of the customer that met the rule's condition. `confidence` of its link in thousandths."""

    at: int
    id: str
    confidence: int = 1000


class AlertChange(msgspec.Struct, frozen=True):
    """One change of an alert, to be published.

    `alert` is its id. `at` is the event time at which it became so: `fired` when the rule had held for long enough,
    `resolved` the end of the window or, for scores, of what happened; else the time of what happened. `value` is the
    number of acts in the last window, or the score as shown. `evidence` are act ids, newest first, at most 5.
    `confidence` is the lowest of the evidence's links in thousandths, None where no act stands behind it any more.
    `cause` is why it is over where that does not follow from the rule.
    """

    status: Literal["fired", "updated", "resolved", "withdrawn"]
    alert: str
    episode_start: int
    at: int
    value: float
    threshold: float
    evidence: tuple[str, ...] = ()
    confidence: int | None = None
    cause: str = ""


class Step(msgspec.Struct, frozen=True):
    """What follows. `episode` None: nothing to remember. `changes` in order, most often none or one.

    `wake` is the stream time (inclusive) at which to be called again though nothing happened; above the `upto` of this
    call. None: only when something happens.
    """

    episode: EpisodeItem | None
    changes: tuple[AlertChange, ...] = ()
    wake: int | None = None


def alert_id(rule_id: str, group: tuple[str, ...], episode_start: int) -> str:
    """The id of an episode's alert: the same in every replay, whatever else happened."""
    text = "\0".join((rule_id, *group, str(episode_start)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
