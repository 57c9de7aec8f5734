"""Ticks in the middle of everything: acts are sealed while claims, deletes and joins are on their way.

Then it is not settled whose an act is, but whatever it comes to is told once and the same to everybody:

unmatched once, or somebody's, never both · a revision says one thing · scores are the sum of what subscribers have
"""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from config.settings import HOUR_MS
from schemas.events import Act, Envelope
from schemas.log import Wake
from schemas.state import JoinedItem, Kept, PendingReply, PostHead
from streams.core.fold import GENERATION_SHIFT, Now
from streams.core.partition import partition_of
from tests.model import cast, world
from tests.model.cast import External, ms
from tests.model.examples import examples
from tests.model.extract import address_of, sums_in
from tests.model.oracle import Sums, sums
from tests.model.runner import WAKES_MAX, Played, _Run
from tests.model.test_promise import STAGES
from topologies.model import Model

JITTER_MS = (0, 0, 0, HOUR_MS, 4 * HOUR_MS, 7 * HOUR_MS)
"""How much later than it was received an event may come."""


def model(**identity: Any) -> Model:
    """Holds so short that much is sealed in a world."""
    known = cast.model(look_back_hours=2)
    short = {"hold_ms": 5 * HOUR_MS, "hold_unclaimed_ms": 3 * HOUR_MS} | identity
    return replace(known, identity=replace(known.identity, **short))


class Race(_Run):
    """Stream time goes on in between, level by level."""

    def __init__(self, known: Model, seed: int, *, reorder: bool, duplicate: bool) -> None:
        super().__init__(STAGES, known, Random(seed), 1 + seed % 5, reorder=reorder, duplicate=duplicate, echo=False)
        self._reached = {1: 0, 2: 0}

    def run(self, events: list[External]) -> Played:
        """Everything about when it was received; at the end all holds are over."""
        rnd = self._rnd
        again = rnd.sample(events, len(events) // 3) if self._duplicate else []
        outside = sorted([*events, *again], key=lambda one: received(one) + rnd.choice(JITTER_MS))
        newest = 0
        for address, event in outside:
            self._queue(address, Envelope(received((address, event)), event))
            newest = max(newest, received((address, event)))
            self._some(rnd.randrange(6))
            if rnd.random() < 0.3:
                self._tick(newest - rnd.choice((0, HOUR_MS, 3 * HOUR_MS)))
        self._drain([])
        self._tick(ms(cast.HOURS_MAX + 3))
        self._tick(ms(24 * 30))
        self._drain([])
        return self._done

    def _some(self, count: int) -> None:
        for _ in range(count):
            if ready := [p for p, queue in enumerate(self._queues) if queue]:
                self._fold_one(self._rnd.choice(ready))

    def _tick(self, upto: int) -> None:
        for level in (1, 2):
            if level == 2:
                # It promises that whatever the level below had to say until then is folded.
                self._drain([])
            self._reached[level] = max(self._reached[level], upto)
            for _ in range(WAKES_MAX):
                due = sorted((at, who) for who, at in self._done.wakes.items() if at <= self._reached[level])
                mine = [(at, who) for at, who in due if self._stages[who.partition(":")[0]].level == level]
                if not mine:
                    break
                at, who = self._rnd.choice(mine)
                del self._done.wakes[who]
                self._fold(who, Wake(at), seen_at=upto)
                self._some(self._rnd.randrange(3))
            else:
                raise AssertionError(f"{mine[0]} wakes for ever")

    def _fold(self, address: str, event: Any, seen_at: int) -> None:
        partition = partition_of(address.encode(), len(self._queues))
        self._offsets[partition] += self._rnd.choice((1, 1, 1, 2))
        upto = self._reached[self._stages[address.partition(":")[0]].level]
        now = Now(position=1 << GENERATION_SHIFT | self._offsets[partition], seen_at=seen_at, upto=upto)
        for effect in self._effects(address, event, now):
            self._carry_out(address, effect, seen_at)


def received(one: External) -> int:
    """When; what has no such time was there from the beginning."""
    return getattr(one[1], "received_at", 0) or ms(0)


def without_edits(events: list[External]) -> list[External]:
    """An edit of what is sealed cannot be told from another act."""
    known, out = set[str](), list[External]()
    for address, event in events:
        if not isinstance(event, Act) or event.id not in known:
            out.append((address, event))
        if isinstance(event, Act):
            known.add(event.id)
    return out


def check(events: list[External], known: Model, seed: int, *, duplicate: bool) -> None:
    """Our own answers are left out: they can be kept at two accounts."""
    events = without_edits(events)
    done = Race(known, seed, reorder=bool(seed & 1), duplicate=duplicate).run(events)
    acts = {event.id: event for _, event in events if isinstance(event, Act) and event.role != "reply"}
    documents = [value for name, _, value in done.published if name == "enriched" and value.act.id in acts]
    said: dict[tuple[str, int], tuple[str, bool]] = {}
    newest: dict[str, Any] = {}
    for one in documents:
        what = one.customer.id, one.retracted
        assert said.setdefault((one.act.id, one.revision), what) == what, "a revision says two things"
        if one.act.id not in newest or newest[one.act.id].revision < one.revision:
            newest[one.act.id] = one
    live = {act: one.customer.id for act, one in newest.items() if not one.retracted}
    unmatched = [value.act.id for name, _, value in done.published if name == "unmatched"]
    assert len(unmatched) == len(set(unmatched)), "an act is sealed twice"
    assert not live.keys() & set(unmatched), "what is final as nobody's is somebody's"
    joined: dict[str, list[Act]] = {}
    for act, who in live.items():
        joined.setdefault(address_of(who), []).append(acts[act])
    want = {who: total for who, mine in joined.items() if (total := sums(mine, known)) != Sums()}
    assert sums_in(done) == want
    kept = Kept | JoinedItem | PendingReply | PostHead
    assert [item for items in done.items.values() for item in items.values() if isinstance(item, kept)] == []


seeds = st.integers(0, 1 << 20)


@examples(100)
@given(world.worlds, seeds, st.booleans())
def test_sealing_on_the_way(events: list[External], seed: int, duplicate: bool) -> None:
    check(events, model(), seed, duplicate=duplicate)


@examples(100)
@given(world.worlds, seeds, st.booleans())
def test_sealing_early_on_the_way(events: list[External], seed: int, duplicate: bool) -> None:
    check(events, model(held_max=3, unclaimed_per_hour_max=2), seed, duplicate=duplicate)
