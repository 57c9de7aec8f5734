"""When a score is kept and when it is shown: on a change of band, of a point, or of whether there is a sentiment."""

from schemas.state import Shown
from streams.core.effects import Put
from topologies.customer.documents import score_out
from topologies.customer.score import Numbers, contributions
from topologies.customer.turn import SCORE, SHOWN, Turn

STEP_TENTHS = 10
"""One point of engagement or risk."""

STEP_SENTIMENT = 20
"""The same share of sentiment's scale, which is 2 wide, in thousandths."""


def show_score(turn: Turn) -> None:
    """Keep the sums if they changed; publish what is shown if that did."""
    if not turn.is_scored:
        return
    item = turn.ledger.item()
    if item != turn.score_before:
        turn.effects.append(Put(SCORE, item))
    before, shown = turn.shown_before, turn.shown
    if before is not None and before.band == turn.band and not _moved(before, shown):
        return
    turn.falls |= before is None or before.band != turn.band
    document = score_out(
        turn.id,
        turn.as_of,
        shown,
        turn.band,
        before,
        contributions(turn.ledger, shown),
        acts=max(0, turn.ledger.acts),
        model=turn.model.hash,
    )
    turn.publish("scores", document)
    turn.effects.append(Put(SHOWN, Shown(shown.engagement, shown.risk, shown.sentiment, turn.band, turn.as_of)))


def _moved(before: Shown, shown: Numbers) -> bool:
    if abs(shown.risk - before.risk) >= STEP_TENTHS or abs(shown.engagement - before.engagement) >= STEP_TENTHS:
        return True
    if before.sentiment is None or shown.sentiment is None:
        return before.sentiment != shown.sentiment
    return abs(shown.sentiment - before.sentiment) >= STEP_SENTIMENT
