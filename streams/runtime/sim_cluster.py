"""Workers, their faults, and the world around them, on virtual time. Everything random comes from one generator."""

# ruff: noqa: D102  what these do stands in the protocols they follow

import copy
import random
from collections import Counter, deque
from collections.abc import Callable

from streams.core.facts import Fact
from streams.errors import Retryable
from streams.runtime.limits import Limits
from streams.runtime.ports import Log, StateStore
from streams.runtime.sim_faults import (
    FENCEABLE,
    RETRYABLE,
    FaultyLog,
    FaultyProducer,
    FaultyStore,
    SimCrash,
    raise_fault,
)
from streams.runtime.sim_profile import CALM, Profile
from streams.runtime.topology import Topology
from streams.runtime.worker import Worker

SESSION_MS = 10_000
_STALL_MS = 12_000
_STALL_TURNS = 14
_DOWN_MS = 400
_TIMELINE_MAX = 400
_SNAPSHOTS_MAX = 4


class SimClock:
    """See `streams.runtime.ports.Clock`."""

    def __init__(self, now_ms: int) -> None:
        """Stands still until somebody waits."""
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        self._now_ms += duration_ms


class Actor:
    """One process: a worker, or the place where one died. Its `Faults`."""

    def __init__(self, cluster: "Cluster", slot: str) -> None:
        """Starts with its first step."""
        self._cluster, self.slot = cluster, slot
        self.worker: Worker | None = None
        self.busy = False
        """Inside a call that stalls."""
        self.starts_at = 0
        self.doomed_after: int | None = None

    # -- see `sim_faults.Faults`

    def before(self, where: str) -> None:
        self._strike(where, "before")

    def after(self, where: str) -> None:
        self._strike(where, "after")

    def outcome(self) -> str:
        cluster = self._cluster
        if cluster.rng.random() >= cluster.profile.doubt:
            return "fine"
        found = cluster.rng.choice(("in flight", "done but unknown", "done but retryable"))
        cluster.note(f"{self.slot}: commit {found}")
        return found

    def at_most(self, count: int) -> int:
        cluster = self._cluster
        return cluster.rng.randint(1, count) if cluster.rng.random() < cluster.profile.short else count

    def hides(self) -> bool:
        return self._cluster.rng.random() < self._cluster.profile.hide

    def sent(self, producer: FaultyProducer) -> None:
        self._cluster.in_flight.append(producer)

    def undecided(self, transactional_id: str | None = None) -> bool:
        if transactional_id is not None:
            self._cluster.decide(lambda producer: producer.transactional_id == transactional_id)
        return bool(self._cluster.in_flight)

    def store(self) -> StateStore:
        if self._cluster.clock.now_ms() < self._cluster.down_until:
            raise Retryable("the store is down")
        return self._cluster.store

    def _strike(self, where: str, side: str) -> None:
        cluster = self._cluster
        profile, weight = cluster.profile, cluster.profile.weight(where)
        chance = cluster.rng.random() / weight
        for kind, rate in (
            ("crash", profile.crash),
            ("stall", profile.stall),
            ("retry", profile.retry),
            ("fence", profile.fence),
        ):
            if chance >= rate:
                chance -= rate
                continue
            if kind == "stall":
                cluster.stall(self, f"{side} {where}")
            elif kind == "crash" or (side == "before" and where in (RETRYABLE if kind == "retry" else FENCEABLE)):
                cluster.note(f"{self.slot}: {kind} {side} {where}")
                raise_fault(kind, where)
            return


class Cluster:
    """Actors, one log, one store."""

    def __init__(
        self, rng: random.Random, profile: Profile, limits: Limits, topology: Topology, log: Log,
        new_store: Callable[[], StateStore], clock: SimClock, worker_type: type[Worker],
        wrap_store: Callable[[StateStore], StateStore],
    ) -> None:  # fmt: skip
        """`wrap_store`: between the worker and its faulty store; for experiments with broken ones."""
        self.rng, self.profile, self.limits, self.topology = rng, profile, limits, topology
        self.log, self.clock = log, clock
        self._new_store, self._worker_type, self._wrap_store = new_store, worker_type, wrap_store
        self.store = new_store()
        self.down_until = 0
        self.deaths = 0
        """Processes that died or slept for so long that they were taken for dead."""
        self.in_flight: list[FaultyProducer] = []
        self.actors = [Actor(self, f"w{number}") for number in range(profile.slots)]
        self.timeline: deque[str] = deque(maxlen=_TIMELINE_MAX)
        self.counts: Counter[str] = Counter()
        self._snapshots: list[StateStore] = []
        self._stalled = False

    # -- workers

    def step(self, actor: Actor) -> None:
        """One turn of one worker; starts it if it is not there. Raises `Fatal`, and whatever the product raises."""
        if actor.busy or self.clock.now_ms() < actor.starts_at:
            return
        try:
            if actor.worker is None:
                actor.worker = self._start(actor)
            actor.worker.step()
        except SimCrash:
            self.deaths += 1
            self._bury(actor)
            return
        except Retryable as problem:
            # A start that could not reach the log; a supervisor tries again.
            self.note(f"{actor.slot}: did not start: {problem}")
            self._bury(actor)
            return
        if actor.doomed_after is not None:
            actor.doomed_after -= 1
            if actor.doomed_after <= 0:
                self.note(f"{actor.slot}: the zombie dies")
                self.actors.remove(actor)

    def leave(self, actor: Actor) -> None:
        """A worker is told to stop, and comes back later."""
        self.note(f"{actor.slot}: leaves")
        worker, actor.worker = actor.worker, None
        actor.starts_at = self.clock.now_ms() + self.rng.choice((0, 500, 3_000))
        try:
            if worker is not None:
                worker.close()
        except SimCrash:
            self.note(f"{actor.slot}: died while leaving")

    def stall(self, actor: Actor, where: str) -> None:
        """A worker sleeps inside a call while the others work on; sometimes somebody takes its slot meanwhile."""
        if self._stalled:
            return
        self.note(f"{actor.slot}: falls asleep {where}")
        self._stalled = actor.busy = True
        self.deaths += 1
        if actor.doomed_after is None and actor.worker is not None and self.rng.random() < 0.3:
            self.actors.append(Actor(self, actor.slot))
            actor.doomed_after = self.rng.choice((1, 3, 10))
        for _ in range(_STALL_TURNS):
            self.clock.sleep_ms(_STALL_MS // _STALL_TURNS + 1)
            others = [other for other in self.actors if other is not actor]
            if others:
                self.step(self.rng.choice(others))
        self._stalled = actor.busy = False
        self.note(f"{actor.slot}: wakes up")

    # -- the world around them

    def happen(self) -> None:
        """Between two turns: what the profile says may happen to the store, the log and the workers."""
        rng, profile = self.rng, self.profile
        if rng.random() < profile.lose:
            self.note("the store is lost")
            self.store = self._new_store()
        if rng.random() < 2 * profile.roll_back:
            self._snapshots = [*self._snapshots, copy.deepcopy(self.store)][-_SNAPSHOTS_MAX:]
        if self._snapshots and rng.random() < profile.roll_back:
            self.note("the store is rolled back")
            self.store = copy.deepcopy(rng.choice(self._snapshots))
        if rng.random() < profile.down:
            self.note("the store is down")
            self.down_until = self.clock.now_ms() + rng.randint(1, _DOWN_MS)
        if self.in_flight and rng.random() < 0.2:
            self.decide(lambda _: True)
        awake = [actor for actor in self.actors if actor.worker is not None and not actor.busy]
        if awake and rng.random() < profile.leave:
            self.leave(rng.choice(awake))

    def decide(self, which: Callable[[FaultyProducer], bool]) -> None:
        """Commits that are on their way arrive, or never will."""
        decided = [producer for producer in self.in_flight if which(producer)]
        self.in_flight = [producer for producer in self.in_flight if not which(producer)]
        for producer in decided:
            commits = self.rng.random() < 0.5
            self.note(f"a commit of {producer.transactional_id} {'arrives' if commits else 'never arrives'}")
            producer.arrive(commits=commits)

    def calm_down(self) -> None:
        """Nothing goes wrong from here on, and everybody works."""
        self.note("faults end")
        self.profile = CALM
        self.down_until = 0
        self.decide(lambda _: True)
        self.actors = [actor for actor in self.actors if actor.doomed_after is None]
        for actor in self.actors:
            actor.starts_at = 0

    def replace_workers(self, limits: Limits) -> None:
        """Everybody leaves; one worker with other limits comes."""
        for actor in self.actors:
            if actor.worker is not None:
                actor.worker.close()
        self.limits = limits
        self.actors = [Actor(self, "last")]

    def close(self) -> None:
        """End."""
        for actor in self.actors:
            if actor.worker is not None:
                actor.worker.close()

    def note(self, what: str) -> None:
        """Into the timeline of a failing seed."""
        self.counts[what.partition(": ")[2] or what] += 1
        self.timeline.append(f"{self.clock.now_ms():>9} {what}")

    def _start(self, actor: Actor) -> Worker:
        self.note(f"{actor.slot}: starts")

        def tell(fact: Fact) -> None:
            if fact.level != "debug":
                self.note(f"{actor.slot}: {fact}")

        store = self._wrap_store(FaultyStore(actor))
        return self._worker_type(
            self.topology, FaultyLog(self.log, actor), store, self.clock, tell, slot=actor.slot, limits=self.limits
        )

    def _bury(self, actor: Actor) -> None:
        actor.worker = None
        if actor.doomed_after is not None:
            self.actors.remove(actor)
        # Sooner or later than its session ends.
        actor.starts_at = self.clock.now_ms() + self.rng.choice((0, 10, 300, SESSION_MS + 1_000))
