"""One call of the customer fold: what is known, what changes, and the effects so far.

    items ──► Turn ──► join · records · alerts · seal, one after the other ──► head and wake last

`head.due` is never later than the time at which something has to be done, and may be earlier: then the wake finds
nothing to do and works out the next one. So an act need not look at all that waits.
"""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from schemas.log import Continue
from schemas.outputs import CustomerOut
from schemas.state import CustomerHead, EpisodeItem, JoinedItem, Profile, ScoreItem, Shown
from streams.core.address import id_of
from streams.core.decay import bucket_of
from streams.core.effects import Drop, Effect, Publish, Put, Send, WakeAt
from streams.core.fold import Now, State
from topologies.customer.documents import customer_out, score_now
from topologies.customer.plan import plan_of
from topologies.customer.score import NOTHING, OK, Ledger, Numbers, band_of, begins_at, numbers
from topologies.model import Model

ROOM = 160
"""Effects after which a call leaves the rest to `Continue`: below 256 by what one rule can add."""

REST = "rest"
"""The cursor of every `Continue`: what is done says nothing again, so going on is beginning anew."""

HEAD, PROFILE, SCORE, SHOWN = "head", "profile", "score", "shown"
ACT, FROM, DECIDED, RULE = "act:", "from:", "decided:", "rule:"
"""Items, or how their names begin."""

SEPARATOR = "\x1f"
"""Between the account and the act in an item's name."""


class Turn:
    """What the parts of the fold share during one call."""

    __slots__ = (
        "_customer", "_head_before", "_is_unfinished", "_woken", "acts", "as_of", "band", "bucket", "effects", "episodes", "falls", "head", "id", "ledger",
        "model", "now", "plan", "profile", "score_before", "shown", "shown_before", "state",
    )  # fmt: skip

    def __init__(self, state: State, now: Now, model: Model) -> None:
        """Reads the small items."""
        self.state, self.now, self.model = state, now, model
        self.plan = plan_of(model)
        self.id = id_of(state.address)
        self.effects: list[Effect] = []
        self._head_before: CustomerHead | None = state.get(HEAD)
        self.head = self._head_before or CustomerHead(model=model.hash)
        self.profile: Profile = state.get(PROFILE) or Profile()
        self.score_before: ScoreItem | None = state.get(SCORE)
        self.shown_before: Shown | None = state.get(SHOWN)
        self.ledger = Ledger(self.score_before, self.plan.recipe)
        self.acts: dict[str, JoinedItem | None] = {}
        """Acts that this call has changed, by account and id; null: sealed."""
        self.episodes: dict[str, EpisodeItem | None] = {}
        """Episodes that this call has changed, by rule."""
        self.falls = False
        """Whether the score may reach a limit earlier than it was known to, by falling."""
        self.shown, self.band, self.as_of, self.bucket = NOTHING, OK, 0, 0
        """What there is to show, the band, and the time it is for, in milliseconds and in buckets; see `measure`."""
        self._customer: CustomerOut | None = None
        self._woken = self._is_unfinished = False

    # -- effects

    @property
    def is_full(self) -> bool:
        """Whether the rest should be left to another call."""
        return len(self.effects) >= ROOM

    def has_to_stop(self) -> bool:
        """Whether this call is full; then another one goes on."""
        self._is_unfinished |= self.is_full
        return self.is_full

    def go_on(self) -> None:
        """Let another call look at everything."""
        self._is_unfinished = True

    def put_act(self, name: str, item: JoinedItem) -> None:
        """Keep an act; `name` is account and id."""
        self.acts[name] = item
        self.effects.append(Put(ACT + name, item))

    def drop_act(self, name: str) -> None:
        """Seal an act."""
        self.acts[name] = None
        self.effects.append(Drop(ACT + name))

    def keep_episode(self, rule: str, item: EpisodeItem | None) -> None:
        """Remember a rule's episode; null: there is nothing to remember."""
        self.episodes[rule] = item
        self.effects.append(Drop(RULE + rule) if item is None else Put(RULE + rule, item))

    def publish(self, output: str, value: Any, key: str = "") -> None:
        """Write to an output; without a key by the customer's id."""
        self.effects.append(Publish(output, key or self.id, value))

    def ask(self, due: int) -> None:
        """Be woken at `due`, or before."""
        if not self.head.due or due < self.head.due:
            self.head = replace(self.head, due=due)

    def woken(self) -> None:
        """The wake is used up: what is still to come has to ask again."""
        self._woken = True
        self.head = replace(self.head, due=0)

    def finish(self) -> list[Effect]:
        """All effects, with the head and the wake at the end."""
        head, before = self.head, self._head_before
        if before is None and not self.effects and head == CustomerHead(model=self.model.hash):
            # Nothing came of it: no customer begins with that.
            return []
        if head != before:
            self.effects.append(Put(HEAD, head))
        if self._woken or head.due != (before.due if before is not None else 0):
            self.effects.append(WakeAt(head.due or None))
        if self._is_unfinished:
            self.effects.append(Send(self.state.address, Continue(REST)))
        return self.effects

    # -- what is known

    @property
    def customer(self) -> CustomerOut:
        """As documents show it."""
        if self._customer is None:
            self._customer = customer_out(self.id, self.profile)
        return self._customer

    def knows(self, profile: Profile) -> None:
        """The profile has changed."""
        self.profile, self._customer = profile, None

    def episode(self, rule: str) -> EpisodeItem | None:
        """A rule's episode as it is now."""
        if rule in self.episodes:
            return self.episodes[rule]
        found: EpisodeItem | None = self.state.get(RULE + rule)
        return found

    def kept(self) -> Iterator[tuple[str, JoinedItem]]:
        """Acts that are not sealed, retracted ones too, as they are now; in any order: for what does not depend on it."""
        changed = self.acts
        for name, item in self.state.each(ACT):
            if name not in changed:
                yield name, item
        for name, after in changed.items():
            if after is not None:
                yield name, after

    # -- the score

    @property
    def is_scored(self) -> bool:
        """Whether any act has ever counted."""
        return self.score_before is not None or self.ledger.acts != 0

    def measure(self) -> None:
        """Work out what there is to show, now that the sums are what they are.

        Scores are decayed to the latest time that the customer knows of, by acts or by ticks: never the clock. They are
        the same throughout a bucket, so of a tick only its bucket counts: how fine ticks are does not show.
        """
        ledger, recipe, before = self.ledger, self.plan.recipe, self.shown_before
        ticked = begins_at(bucket_of(self.now.upto, recipe.half_life_ms), recipe.half_life_ms)
        self.as_of = max(ticked, ledger.latest_at)
        self.bucket = bucket_of(self.as_of, recipe.half_life_ms)
        if self.is_scored:
            self.shown = numbers(ledger, self.bucket, recipe)
            self.band = band_of(self.shown.risk, OK if before is None else before.band, recipe)


def split(name: str) -> tuple[str, str]:
    """(account, act id) of the name of a kept act."""
    account, _, act = name.partition(SEPARATOR)
    return account, act


def score_context(shown: Numbers, band: str) -> dict[str, Any]:
    """The score as conditions see it."""
    now = score_now(shown, band)
    return {"engagement": now.engagement, "risk": now.risk, "sentiment": now.sentiment, "band": band}


def customer_context(customer: CustomerOut) -> dict[str, Any]:
    """The customer as conditions see it."""
    return {
        "id": customer.id,
        "name": customer.name,
        "tier": customer.tier,
        "company": customer.company,
        "owner": customer.owner,
        "open_cases": customer.open_cases,
        "fields": customer.fields,
    }
