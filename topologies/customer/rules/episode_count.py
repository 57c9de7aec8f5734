"""Episodes of rules that count acts: `match` (one is enough) and `event_count`.

    acts          x    x x                x
    enough            |------------)               run of the window: from the act that makes it enough
    episode           start        until           to the moment at which too few are left

Everything is worked out anew from the acts each time; remembered are only the last episode, because it has been told,
and the acts it rests on, because acts are sealed while it lasts.
"""

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from schemas.state import EpisodeItem, PastEpisode
from topologies.customer.rules.rule import Rule
from topologies.customer.rules.runs import Run, first_start, run_at, runs
from topologies.customer.rules.step import EVIDENCE_MAX, AlertChange, RuleAct, Step, alert_id

KEPT_MAX = 64
"""Acts an episode keeps; older evidence goes first. No threshold is above it."""

PAST_MAX = 16
"""Episodes that are over and can still be withdrawn; the oldest beyond it cannot any more."""

EPISODES_MAX = 8
"""Episodes one call opens at most; it asks to be called again for the rest."""


def advance_count(
    rule: Rule,
    episode: EpisodeItem | None,
    acts: Sequence[RuleAct],
    *,
    customer: str,
    upto: int,
    at: int,
    retracted: Collection[str],
) -> Step:
    """See `episode.advance`."""
    if episode is None and not acts:
        return Step(None)
    work = _Work(rule, episode, acts, retracted, customer, upto, at)
    work.withdraw()
    work.refresh()
    for _ in range(EPISODES_MAX):
        if not work.settle():
            return work.step()
    return work.step(again=True)


class _Work:
    """One call. `item` is the episode as far as it is known by now; `changes` are in the order of their telling."""

    def __init__(
        self,
        rule: Rule,
        episode: EpisodeItem | None,
        acts: Sequence[RuleAct],
        retracted: Collection[str],
        customer: str,
        upto: int,
        at: int,
    ) -> None:
        self.rule, self.customer, self.upto, self.at = rule, customer, upto, at
        self.count = int(rule.threshold)
        least = round(rule.link_confidence_min * 1000)
        self.live = {act.id: act for act in acts if act.confidence >= least}
        self.gone = {*retracted, *(act.id for act in acts if act.confidence < least)} - self.live.keys()
        self.before = episode
        self.item = episode or EpisodeItem(rule.hash, "pending")
        self.changes: list[AlertChange] = []
        self.wake: int | None = None
        self._pool()

    def _pool(self) -> None:
        """What is counted: kept acts, and while an episode is open its sealed ones too."""
        pool = {act.id: act.at for act in self.live.values()}
        if self.item.status == "firing":
            for act, time in zip(self.item.acts, self.item.times, strict=True):
                if act not in pool and act not in self.gone:
                    pool[act] = time
        self.pool = sorted((time, act) for act, time in pool.items())
        self.times = [time for time, _ in self.pool]
        self.runs = runs(self.times, self.count, self.rule.within_ms)

    def withdraw(self) -> None:
        """Take back every episode that would not have fired without what is gone; forget those that are safe."""
        kept: list[PastEpisode] = []
        for past in self.item.past:
            base = self._base(past.start, past.base)
            if len(base) < self.count:
                self._tell("withdrawn", past.alert, past.start, self.at, float(len(base)), past.base[::-1])
            elif any(act in self.live for act in base):
                kept.append(replace(past, base=base))
        item = replace(self.item, past=tuple(kept))
        if item.status in {"firing", "resolved"} and item.base:
            base = self._base(item.start, item.base)
            if len(base) < self.count or (self.gone and self._too_short(item.start)):
                self._tell("withdrawn", item.alert, item.start, self.at, float(len(base)), item.base[::-1])
                item = replace(item, status="withdrawn", at=self.at, until=0, base=(), acts=(), times=())
            else:
                item = replace(item, base=base)
        self.item = item
        if item.status == "withdrawn":
            self._pool()

    def refresh(self) -> None:
        """Tell an open episode's new evidence."""
        if self.item.status != "firing":
            return
        before = self.item
        self.item = self._with_evidence(replace(before, until=self._end(before)))
        if self.upto >= self.item.until:
            return
        if (self.item.acts[-EVIDENCE_MAX:], self.item.value) != (before.acts[-EVIDENCE_MAX:], before.value):
            self.item = replace(self.item, at=self.at)
            self._tell_item("updated", self.at)

    def settle(self) -> bool:
        """End the open episode if its time has come; open the next one if there is one. True: look again."""
        item = self.item
        if item.status == "firing":
            if self.upto < item.until:
                self.wake = item.until
                return False
            self.item = replace(item, status="resolved", at=item.until, resolved_at=item.until)
            self._tell_item("resolved", item.until)
            self._pool()
        start = self._next()
        if start is None:
            self.item = replace(self.item, pending_since=0)
            return False
        if self.upto < start.start + self.rule.for_ms and self.rule.for_ms:
            self.item = replace(self.item, pending_since=start.start)
            self.wake = min(start.start + self.rule.for_ms, start.end)
            return False
        self._fire(start)
        return True

    def step(self, *, again: bool = False) -> Step:
        """What came of it."""
        untold = self.item.status == "pending" and not self.item.pending_since
        wake = self.upto + 1 if again else self.wake
        return Step(None if untold else self.item, tuple(self.changes), wake)

    def _base(self, start: int, before: tuple[str, ...]) -> tuple[str, ...]:
        """The acts in the window that ended at `start`: sealed ones as remembered, kept ones as they are now."""
        low = start - self.rule.within_ms
        sealed = [act for act in before if act not in self.live and act not in self.gone]
        kept = sorted((act.at, act.id) for act in self.live.values() if low < act.at <= start)
        return (*sealed, *(act for _, act in kept))[-KEPT_MAX:]

    def _too_short(self, start: int) -> bool:
        run = run_at(self.runs, start)
        return run is not None and run.end <= start + self.rule.for_ms

    def _end(self, item: EpisodeItem) -> int:
        """When too few are left. Where the acts of the start are sealed, the run goes on from what was known of it."""
        run = run_at(self.runs, item.start)
        if run is not None:
            return run.end
        end = item.until
        for later in self.runs:
            if later.start <= end < later.end:
                end = later.end
        return end

    def _next(self) -> Run | None:
        """The start of the next episode, with the end of its run; runs that did not hold for longer than `for` are passed."""
        bound = self._bound()
        while (found := first_start(self.times, self.runs, bound)) is not None:
            if found.end > found.start + self.rule.for_ms or self.upto < found.end:
                return found
            bound = found.end
        return None

    def _bound(self) -> int:
        """No episode starts before this: not in the cooldown of the last one, not in what it covered, and after it."""
        item = self.item
        if item.status == "pending":
            return 0
        if item.status == "withdrawn":
            return max(item.start + 1, item.until)
        return max(item.start + self.rule.cooldown_ms, item.until, item.start + 1)

    def _fire(self, start: Run) -> None:
        past = self.item.past
        if self.item.status == "resolved" and any(act in self.live for act in self.item.base):
            past = (*past, PastEpisode(self.item.start, self.item.alert, self.item.base))[-PAST_MAX:]
        fired_at = start.start + self.rule.for_ms
        self.item = self._with_evidence(
            EpisodeItem(
                self.rule.hash,
                "firing",
                start=start.start,
                at=fired_at,
                until=start.end,
                alert=alert_id(self.rule.id, (self.customer,), start.start),
                base=self._base(start.start, ()),
                past=past,
            )
        )
        self._tell_item("fired", fired_at)

    def _with_evidence(self, item: EpisodeItem) -> EpisodeItem:
        """Acts from the window of the start on, the newest 64; the value is the number in the newest one's window."""
        low = item.start - self.rule.within_ms
        found = [(time, act) for time, act in self.pool if time > low][-KEPT_MAX:]
        newest = found[-1][0] if found else 0
        value = sum(time > newest - self.rule.within_ms for time, _ in found)
        return replace(item, acts=tuple(act for _, act in found), times=tuple(time for time, _ in found), value=value)

    def _tell_item(self, status: str, at: int) -> None:
        item = self.item
        self._tell(status, item.alert, item.start, at, float(item.value), item.acts[::-1])

    def _tell(self, status: str, alert: str, start: int, at: int, value: float, newest_first: Sequence[str]) -> None:
        evidence = tuple(newest_first[:EVIDENCE_MAX])
        known = [self.live[act].confidence for act in newest_first if act in self.live]
        self.changes.append(
            AlertChange(
                status,  # type: ignore[arg-type]
                alert,
                start,
                at,
                value,
                self.rule.threshold,
                evidence,
                min(known, default=None),
            )
        )
