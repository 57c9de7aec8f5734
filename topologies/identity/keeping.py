"""An account at work on one event: what it is afterwards, and the effects that make it so.

    event ─► Keeper: head, claims, bounds and acts as they become ─► rejoin · reseen · seal ─► finish ─► effects

Everything an account tells is the difference to what it has told: customers by each act's `customer` and `link`,
handles by the memo of the stance. So whatever did not fit into one call can be done by the next that looks.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.events import FINAL, Act, Join, JoinedAct, Seen
from schemas.log import Continue
from schemas.state import AccountHead, HeardBounds, HeardClaims, Kept
from streams.core.effects import EFFECTS_MAX, Drop, Effect, Forget, Note, Publish, Put, Send, WakeAt
from streams.core.fold import Now, State
from streams.core.stance import fingerprint, tell, told
from topologies.identity.documents import is_late, late, unmatched
from topologies.identity.facts import ActSealedEarly, HistoryFolded
from topologies.identity.join import CONFIDENCE, METHODS, Link, Links, links_of, winner
from topologies.identity.memory import Age, hold_of, too_many
from topologies.identity.sightings import beginnings, in_order, left_behind, runs_of, sight_of, with_sighting
from topologies.model import Model

NEW = AccountHead()
ROOM = EFFECTS_MAX - 8
"""Effects after which a call stops and sends itself `Continue`; the rest are for what ends a call."""

NEVER = "never"


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
        return self.changed[act_id] if act_id in self.changed else self.state.get(f"act:{act_id}")

    def acts(self) -> dict[str, Kept]:
        """All of them, in any order."""
        found: dict[str, Kept] = dict(self.state.each("act:"))
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

    def see(self, at: int, handle: str) -> None:
        """Remember a sighting that does not go with an act."""
        seen, folded = with_sighting(self.head.seen, at, handle)
        if folded:
            self.effects.append(Note(HistoryFolded(what="handles of an account")))
        self.head = replace(self.head, seen=seen)

    # -- sealing

    @property
    def forgets_until(self) -> int:
        """What was received until then (inclusive) is not remembered any more."""
        return self.now.upto - hold_of(self.head, self.settings)

    def seal_what_is_due(self) -> None:
        """Seal what `hold` is over for."""
        last = self.forgets_until
        due = sorted(Age(kept.received_at, act_id) for act_id, kept in self.acts().items() if kept.received_at <= last)
        for age in due:
            if not self.has_room:
                return
            self.seal(age.id, "")

    def cap(self, added: Age) -> None:
        """Seal the oldest acts early when there are too many."""
        # Counts the other items too; exact only where it is near.
        if len(self.state) < self._room_for_acts():
            return
        ages = [Age(kept.received_at, act_id) for act_id, kept in self.acts().items()]
        for act_id, knob in too_many(ages, self.head, added, self.settings).items():
            self.seal(act_id, knob)

    def _room_for_acts(self) -> int:
        held_max = self.settings.held_max
        return held_max if self.head.claimed else min(held_max, self.settings.unclaimed_per_hour_max)

    def seal(self, act_id: str, knob: str) -> None:
        """An act's join is final. `knob`: the cap that seals it before its time; empty: it is time."""
        kept = self.kept(act_id)
        if kept is None:
            return
        sight = sight_of(kept)
        if sight is not None and not self.head.hidden and not self.is_in_run(sight.handle, sight.at):  # noqa: SIM102
            if left_behind(self.head.seen, self.acts().values(), sight):
                self.see(sight.at, sight.handle)
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

    def finish(self) -> Iterable[Effect]:
        """All effects of the call."""
        state, effects = self.state, self.effects
        for act_id, kept in self.changed.items():
            item = f"act:{act_id}"
            before = state.get(item)
            if kept is None:
                if before is not None:
                    effects.append(Drop(item))
            elif kept is not before:
                effects.append(Put(item, kept))
        if self.head != self.before:
            effects.append(Put("head", self.head))
        effects.append(WakeAt(self._due()))
        if self._more:
            effects.append(Send(state.address, Continue(self.cursor)))
        return effects

    def _due(self) -> int | None:
        """When the oldest act is to be sealed; without acts, when the account can be forgotten, if ever."""
        oldest = min((kept.received_at for kept in self.acts().values()), default=None)
        if oldest is not None:
            return oldest + hold_of(self.head, self.settings)
        return None if self.is_known else self.head.keep_until or None

    @property
    def is_known(self) -> bool:
        """Whether the account stays without any act: somebody claimed it once, or a person decided about it."""
        return self.claims is not None or self.bounds is not None or bool(self.head.vetoed)

    def forget(self) -> Iterable[Effect]:
        """Leave nothing behind: the handles' memory of this account goes too."""
        for name in told(self.state, "seen"):
            self.effects += tell(self.state, "seen", name, Seen(self.state.address, self.now.position, ()), ())
        return [*self.effects, Forget()]
