"""A deterministic cluster in one process: everything that happens follows from one seed, on virtual time.

    Scenario (topology, edges, inputs) ──► feed · step workers in random order · faults
                                              │ faults end, everything drains
                                              ▼
                                           oracle: recomputes from the log what must have come of it

Any worker may die before or after any call it makes, fall asleep inside it for longer than its session, or get no
answer; the store may be lost, rolled back or down; workers join and leave; inputs come twice and out of order.
"""

import random
from collections.abc import Callable, Sequence

import msgspec

from streams.errors import Fatal
from streams.runtime.oracle import Verdict, check
from streams.runtime.oracle_log import seqs, waiting
from streams.runtime.ports import Clock, Headers, Log, StateStore
from streams.runtime.sim_cluster import SESSION_MS, Cluster, SimClock
from streams.runtime.sim_profile import draw_limits, draw_profile
from streams.runtime.topology import Topology
from streams.runtime.worker import Worker

BEGIN_MS = 1_750_000_000_000
"""Worlds begin here: in June 2025, far from zero, so that times look like times."""

_DRAIN_TURNS_MAX = 4_000
_SETTLE_MS = 40_000
"""How long a drained world is left alone: long enough for wakes of wakes."""
_LOOK_EVERY = 10


class RawInput(msgspec.Struct, frozen=True):
    """A raw record to be fed. `received_at` is relative to the begin of the world, in milliseconds."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: Headers | None = None
    received_at: int = 0
    partition: int | None = None


class Scenario(msgspec.Struct, frozen=True):
    """What is simulated. Everything is made anew for each seed.

    `log(clock, offset_gap, session_timeout_ms)` and `store(cluster_id)` make the edges; `prepare` creates the topics;
    `inputs(rng)` are the raw records, in the order in which they come about. `promise`: see `oracle.check`. `name`: how
    `rapport simulate --scenario` finds it; empty for the product's own.
    """

    topology: Callable[[random.Random], Topology]
    log: Callable[[Clock, int, int], Log]
    store: Callable[[str], StateStore]
    prepare: Callable[[Log, Topology], None]
    inputs: Callable[[random.Random], Sequence[RawInput]]
    worker: type[Worker] = Worker
    wrap_store: Callable[[StateStore], StateStore] = lambda store: store
    promise: bool = True
    settle_ms: int = _SETTLE_MS
    name: str = ""


class Report(msgspec.Struct, frozen=True):
    """What became of one seed. `counts`: what happened how often; `timeline`: the last of it."""

    seed: int
    violations: list[str]
    counts: dict[str, int]
    timeline: list[str]
    verdict: Verdict | None
    scenario: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything was as it must be."""
        return not self.violations

    def text(self) -> str:
        """For a failing test: what is wrong, how it came, and how to see it again."""
        option = f" --scenario {self.scenario}" if self.scenario else ""
        return "\n".join([*self.timeline[-80:], *self.violations, f"rapport simulate{option} --seed {self.seed}"])


def simulate(seed: int, scenario: Scenario) -> Report:
    """Run one world to its end, and judge it."""
    rng = random.Random(seed)
    profile, limits = draw_profile(rng), draw_limits(rng)
    clock = SimClock(BEGIN_MS)
    topology = scenario.topology(rng)
    log = scenario.log(clock, profile.gap, SESSION_MS)
    try:
        scenario.prepare(log, topology)
        cluster = Cluster(
            rng, profile, limits, topology, log, lambda: scenario.store(log.cluster_id), clock,
            scenario.worker, scenario.wrap_store,
        )  # fmt: skip
        return _World(seed, scenario, cluster).run()
    finally:
        log.close()


def simulate_all(seeds: Sequence[int], scenario: Scenario) -> list[Report]:
    """Those that failed."""
    return [report for report in (simulate(seed, scenario) for seed in seeds) if not report.ok]


class _World:
    """One run of a cluster."""

    def __init__(self, seed: int, scenario: Scenario, cluster: Cluster) -> None:
        self._seed, self._scenario, self._cluster = seed, scenario, cluster
        self._violations: list[str] = []

    def run(self) -> Report:
        cluster = self._cluster
        verdict = None
        try:
            self._live()
            self._drain()
            if not self._violations:
                verdict = check(
                    cluster.log, cluster.store, cluster.topology,
                    value_bytes_max=cluster.limits.record_bytes_max, promise=self._scenario.promise,
                )  # fmt: skip
                self._violations += verdict.violations
                if 2 * verdict.deadly > cluster.deaths:
                    self._violations.append(f"{verdict.deadly} records called deadly, but {cluster.deaths} deaths")
        except Fatal as problem:
            self._violations.append(f"a worker stopped: {problem}")
        finally:
            cluster.close()
        return Report(
            self._seed, self._violations, dict(cluster.counts), list(cluster.timeline), verdict, self._scenario.name
        )  # fmt: skip

    def _live(self) -> None:
        """Inputs come, workers work, things go wrong."""
        cluster, rng = self._cluster, self._cluster.rng
        to_come = self._disturb(self._scenario.inputs(rng))
        turns = cluster.profile.turns
        for turn in range(turns):
            share = -(-len(to_come) // max(1, (turns * 2 // 3 - turn)))
            for _ in range(min(share, len(to_come))):
                self._feed(to_come.pop())
            cluster.happen()
            cluster.step(rng.choice(cluster.actors))
            cluster.clock.sleep_ms(rng.choice((0, 1, 5, 20, 20, 100, 400)))
            if turn % _LOOK_EVERY == 0:
                self._check_order()
        while to_come:
            self._feed(to_come.pop())

    def _disturb(self, inputs: Sequence[RawInput]) -> list[RawInput]:
        """Inputs as they may reach the log: some twice, some later than others. Last comes first: it is popped."""
        rng = self._cluster.rng
        twice = [entry for entry in inputs if rng.random() < 0.1]
        order = [(index + rng.choice((0, 0, 0, 3, 20)) * rng.random(), entry) for index, entry in enumerate(inputs)]
        order += [(rng.random() * len(inputs), entry) for entry in twice]
        return [entry for _, entry in sorted(order, key=lambda pair: -pair[0])]

    def _feed(self, entry: RawInput) -> None:
        at = min(BEGIN_MS + entry.received_at, self._cluster.clock.now_ms())
        row = (entry.key, entry.value, entry.headers, at)
        self._cluster.log.append(entry.topic, [row], entry.partition)

    def _check_order(self) -> None:
        """The store never stands above the log: else it serves what never happened."""
        cluster = self._cluster
        if cluster.in_flight:
            return
        for partition, seq in seqs(cluster.log, cluster.topology).items():
            found = cluster.store.position(partition).seq
            if found is not None and found > seq:
                self._violations.append(f"store[{partition}] stands at {found}, the log at {seq}")

    def _drain(self) -> None:
        """Faults end. Everything is read, wakes come; then nobody writes ticks any more, and all that is left is read."""
        cluster = self._cluster
        cluster.calm_down()
        ends_at = cluster.clock.now_ms() + self._scenario.settle_ms
        for turn in range(_DRAIN_TURNS_MAX):
            for actor in list(cluster.actors):
                cluster.step(actor)
            cluster.clock.sleep_ms(500 if turn % 4 == 0 else 5)
            if cluster.clock.now_ms() >= ends_at and turn % _LOOK_EVERY == 0 and not self._waiting():
                break
        cluster.replace_workers(msgspec.structs.replace(cluster.limits, tick_ms=1 << 40))
        for turn in range(_DRAIN_TURNS_MAX):
            cluster.step(cluster.actors[0])
            cluster.clock.sleep_ms(5)
            if turn % _LOOK_EVERY == _LOOK_EVERY - 1 and not self._waiting():
                return
        self._violations.append(f"not drained: records wait in {self._waiting()}")

    def _waiting(self) -> list[str]:
        """Partitions with records that no group has committed yet."""
        return [f"{topic}[{number}]" for topic, number in waiting(self._cluster.log, self._cluster.topology)]
