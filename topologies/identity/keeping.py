"""An account at work on one event: what it is afterwards, and the effects that make it so.

    event ─► Keeper: head, claims, bounds and acts as they become ─► rejoin · reseen · seal ─► finish ─► effects

Everything an account tells is the difference to what it has told: customers by each act's `customer` and `link`,
handles by the memo of the stance. So whatever did not fit into one call can be done by the next that looks.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from msgspec.structs import replace

from schemas.events import FINAL, Act, Join, JoinedAct, Seen
from schemas.log import Continue
from schemas.state import AccountHead, HeardBounds, HeardClaims, Kept
from streams.core.effects import EFFECTS_MAX, Drop, Effect, Forget, Note, Publish, Put, Send, WakeAt
from streams.core.fold import Now, State
from streams.core.stance import fingerprint, tell, told
from topologies.identity.documents import is_late, late, unmatched
from topologies.identity.facts import ActSealedEarly, HistoryFolded, ParkedActJoined
from topologies.identity.join import CONFIDENCE, METHODS, Link, Links, links_of, winner
from topologies.identity.memory import Age, hold_of, one_too_many
from topologies.identity.sightings import beginnings, in_order, runs_of, sight_of, with_sighting
from topologies.model import Model

NEW = AccountHead()
ROOM = EFFECTS_MAX - 8
"""Effects after which a call stops and sends itself `Continue`; the rest are for what ends a call."""

ACT = "act:"
"""How the items of acts are named, before their ids."""

MANY = 8
"""Items from which on the time of the wake is remembered."""

NEVER = "never"

_JOINED = Note(ParkedActJoined())


class Keeper:
    """One call. Effects are in the order of their telling; items are written at the end, each once."""

    def __init__(self, state: State, now: Now, model: Model) -> None:
        """Nothing of `state` is changed."""
        self.state, self.now, self.model = state, now, model
        self.settings = model.identity
        self.before: AccountHead = state.get("head") or NEW
        self.head = self.before
        self.claims: HeardClaims | None = state.get("claims")
        self.bounds: HeardBounds | None = state.get("bounds")
        self.links = self.links_now()
        self.effects: list[Effect] = []
        self.changed: dict[str, Kept | None] = {}
        self.cursor = ""
        """What `Continue` says if there is more to do."""
        self._more = False

    # -- as it is by now

    def links_now(self) -> Links:
        """The claims that hold. None when a person said that the account is nobody's."""
        if self.claims is None and self.bounds is None:
            return ()
        vetoed = self.head.vetoed
        return () if vetoed and vetoed[-1][2] == NEVER else links_of(self.claims, self.bounds)

    def kept(self, act_id: str) -> Kept | None:
        """An act by its id, tombstones too."""
        return self.changed[act_id] if act_id in self.changed else self.state.get(ACT + act_id)

    def acts(self) -> dict[str, Kept]:
        """All of them, in any order."""
        found: dict[str, Kept] = dict(self.state.each(ACT))
        for act_id, kept in self.changed.items():
            if kept is not None:
                found[act_id] = kept
            else:
                found.pop(act_id, None)
        return found

    @property
    def has_room(self) -> bool:
        """Whether one more act may be told about. If not, the call is continued."""
        if len(self.effects) + len(self.changed) < ROOM:
            return True
        self._more = True
        return False

    # -- acts and customers

    def rejoin_all(self) -> None:
        """Tell customers what has changed about any act."""
        for act_id, kept in sorted(self.acts().items()):
            if not self.has_room:
                return
            after = self.rejoin(act_id, kept)
            if after is not kept:
                self.changed[act_id] = after

    def rejoin(self, act_id: str, kept: Kept) -> Kept:
        """Tell customers what has changed about an act. Gives it as it is then: the same object if nothing has."""
        act, link = kept.act, None
        if self.links and act is not None and not self.head.hidden:
            link, _ = winner(self.links, act.at, self.settings.look_back_ms)
        if act is None or link is None:
            if not kept.customer:
                return kept
            self._send(kept.customer, act_id, kept.revision + 1, None)
            return replace(kept, revision=kept.revision + 1, customer="", link=b"")
        digest = fingerprint((kept.version, link.start, link.strength, link.evidence))
        if kept.customer == link.customer and kept.link == digest:
            return kept
        revision = kept.revision
        if kept.customer and kept.customer != link.customer:
            revision += 1
            self._send(kept.customer, act_id, revision, None)
        elif not kept.customer and ACT + act_id in self.state:
            self.effects.append(_JOINED)
        revision += 1
        self._send(link.customer, act_id, revision, self._joined(act, link))
        return replace(kept, revision=revision, customer=link.customer, link=digest)

    def _send(self, customer: str, act_id: str, revision: int, joined: JoinedAct | None) -> None:
        join = Join(self.state.address, act_id, self.now.position, revision, joined)
        self.effects.append(Send(customer, join))

    def _joined(self, act: Act, link: Link) -> JoinedAct:
        return JoinedAct(
            self.named(act),
            self.state.address,
            CONFIDENCE[link.strength],
            METHODS[link.strength],
            link.evidence,
            link.start,
            is_late(act, self.settings.late_after_ms),
        )

    def named(self, act: Act) -> Act:
        """The act with the names its author was last seen with, where it brings none itself."""
        head = self.head
        if act.role or not ((head.handle and not act.handle) or (head.name and not act.name)):
            return act
        return replace(act, handle=act.handle or head.handle, name=act.name or head.name)

    # -- handles

    def reseen(self) -> None:
        """Tell handles when they were used, where that has changed."""
        acts = () if self.head.hidden else self.acts().values()
        sights = in_order(self.head.seen, acts)
        runs = runs_of(sights)
        first = beginnings(sights)
        handle, since = (first[-1].handle, first[-1].at) if first else ("", 0)
        if (handle, since) != (self.head.handle, self.head.handle_at):
            self.head = replace(self.head, handle=handle, handle_at=since)
        for name in sorted({*runs, *told(self.state, "seen")}):
            if not self.has_room:
                return
            seen = Seen(self.state.address, self.now.position, runs.get(name, ()))
            self.effects += tell(self.state, "seen", name, seen, seen.runs)

    def is_in_run(self, handle: str, at: int) -> bool:
        """Whether a sighting says nothing new: it lies inside the run that still lasts. Saves the sorting of all."""
        return handle == self.head.handle and at > self.head.handle_at

    def see(self, sightings: Iterable[tuple[int, str]]) -> None:
        """Remember sightings, (at, handle) each, that do not go with an act."""
        seen, folded = self.head.seen, 0
        for at, handle in sightings:
            seen, is_folded = with_sighting(seen, at, handle)
            folded += is_folded
        if folded:
            self.effects.append(Note(HistoryFolded(what="handles of an account", amount=folded)))
        self.head = replace(self.head, seen=seen)

    # -- sealing

    @property
    def forgets_until(self) -> int:
        """What was received until then (inclusive) is not remembered any more."""
        return self.now.upto - hold_of(self.head, self.settings)

    def seal_what_is_due(self) -> None:
        """Seal what `hold` is over for."""
        last = self.forgets_until
        due = [item.removeprefix(ACT) for _, item in sorted(age for age in self._ages() if age[0] <= last)]
        self._leave_behind(due)
        for act_id in due:
            if not self.has_room:
                return
            self._seal(act_id, "")

    def cap(self, added_at: int) -> None:
        """Seal the oldest acts early while there are too many, now that one received at `added_at` has come."""
        # Counts the other items too: exact only where it is near.
        if len(self.state) < self._room_for_acts():
            return
        more = True
        while more and self.has_room:
            item, knob, more = one_too_many(self._items(), self.head, added_at, self.settings)
            if item:
                act_id = item.removeprefix(ACT)
                self._leave_behind([act_id])
                self._seal(act_id, knob)

    def _items(self) -> Iterable[tuple[str, Any]]:
        """The items of the state with those of acts as they are now, in any order."""
        new = [(ACT + act_id, kept) for act_id, kept in self.changed.items()]
        if any(item in self.state for item, _ in new):
            return {**dict(self.state.items()), **dict(new)}.items()
        return chain(self.state.items(), new)

    def _ages(self) -> list[Age]:
        """Of all acts, in any order."""
        return [(kept.received_at, item) for item, kept in self._items() if type(kept) is Kept]

    def _room_for_acts(self) -> int:
        held_max = self.settings.held_max
        return held_max if self.head.claimed else min(held_max, self.settings.unclaimed_per_hour_max)

    def _leave_behind(self, going: list[str]) -> None:
        """Remember the sightings of acts that are sealed where a run begins with them."""
        sights = [sight for act_id in going if (sight := sight_of(self.kept(act_id))) is not None]
        if self.head.hidden or all(self.is_in_run(sight.handle, sight.at) for sight in sights):
            return
        first = set(beginnings(in_order(self.head.seen, self.acts().values())))
        self.see((sight.at, sight.handle) for sight in sights if sight in first)

    def _seal(self, act_id: str, knob: str) -> None:
        """An act's join is final. `knob`: the cap that seals it before its time; empty: it is time."""
        kept = self.kept(act_id)
        if kept is None:
            return
        # A page that is still to come may not have told yet whose it is.
        kept = self.rejoin(act_id, kept)
        self.changed[act_id] = None
        act = kept.act
        if act is not None and not self.head.hidden and not kept.customer and not act.role:
            self._publish_unmatched(act)
        if knob:
            self.head = replace(self.head, forgotten=max(self.head.forgotten, (kept.received_at, act_id)))
            self.effects.append(Note(ActSealedEarly(cap=knob)))
            if act is not None:
                self.publish_late(act, f"sealed early: {knob} reached")

    def _publish_unmatched(self, act: Act) -> None:
        _, tied = winner(self.links, act.at, self.settings.look_back_ms)
        named, after = self.named(act), self.settings.late_after_ms
        document = unmatched(self.state.address, named, conflict=tied, late_after_ms=after, model=self.model.hash)
        self.effects.append(Publish("unmatched", document.author.identifier, document))

    def publish_late(self, act: Act, reason: str) -> None:
        """Say in `rapport.late` why an act is not, or no longer, remembered."""
        self.effects.append(Publish("late", self.state.address, late(self.state.address, act, reason)))

    # -- the end of a call

    def keep(self, until: int) -> None:
        """Stay at least until then, acts or none."""
        if until > self.head.keep_until and not self.is_known:
            self.head = replace(self.head, keep_until=until)

    def claimed(self) -> None:
        """From here on the account is one that somebody has claimed, and is kept for longer."""
        if not self.head.claimed:
            # What was sealed until now as nobody's is not remembered, though acts are kept for longer from now on.
            sealed = self.forgets_until, FINAL
            self.head = replace(self.head, claimed=True, forgotten=max(self.head.forgotten, sealed))

    def finish(self, added: int | None = None) -> Iterable[Effect]:
        """All effects of the call. `added`: when the act was received that has come, if nothing else has."""
        if added is not None:
            self.cap(added)
        self._wake_at(added)
        state, effects = self.state, self.effects
        for act_id, kept in self.changed.items():
            item = ACT + act_id
            before = state.get(item)
            if kept is None:
                if before is not None:
                    effects.append(Drop(item))
            elif kept is not before:
                effects.append(Put(item, kept))
        if self.head is not self.before and self.head != self.before:
            effects.append(Put("head", self.head))
        if self._more:
            effects.append(Send(state.address, Continue(self.cursor)))
        return effects

    def _wake_at(self, added: int | None) -> None:
        """Ask to be woken when the oldest act is to be sealed; without acts, when the account can be forgotten.

        Never later than that; earlier does no harm: the wake finds nothing to do and asks again.
        """
        head, hold, has_many = self.head, hold_of(self.head, self.settings), len(self.state) > MANY
        if added is not None and has_many and head.due > self.now.upto:
            due: int | None = min(head.due, added + hold)
            if due == head.due:
                return
        else:
            oldest = min(self._ages(), default=None)
            lasting = None if self.is_known else head.keep_until or None
            due = lasting if oldest is None else oldest[0] + hold
        remembered = due if due and has_many else 0
        if remembered != head.due:
            self.head = replace(head, due=remembered)
        self.effects.append(WakeAt(due))

    @property
    def is_known(self) -> bool:
        """Whether the account stays without any act: somebody claimed it once, or a person decided about it."""
        return self.claims is not None or self.bounds is not None or bool(self.head.vetoed)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to remember the account for."""
        return not self.is_known and self.head.keep_until <= self.now.upto and not self.acts()

    def forget(self) -> Iterable[Effect]:
        """Leave nothing behind, in pages: the handles' memory of this account goes first."""
        self.head = replace(self.head, seen=())
        self.reseen()
        return self.finish() if self._more else [*self.effects, Forget()]
