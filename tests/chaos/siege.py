"""Workers under load, faults one after the other, and what must be true in the end.

feed ──► raw topics ──► workers 0, 1, 2 ◄── a fault; then wait until every partition produces and is served again ──► …
then: the feed stops, one worker finishes what is left ──► the oracle
"""

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.chaos.feed import Feed
from tests.chaos.oracle import Judge, Verdict
from tests.chaos.oracle_read import Kafka
from tests.chaos.oracle_truth import happened, wrong_joins
from tests.chaos.products import product_of, social_topology, write_config
from tests.chaos.site import Grounds, Workers
from tests.chaos.traps import Deed, set_trap, sprung_at
from tests.chaos.watch import Recovery, Watch

PARTITIONS = 8
RAW_PARTITIONS = 3
"""Three workers have as many raw partitions each; so no fault leaves one without anything to do."""
SESSION_MS = 1_500
_SPRING_S = 20.0
_RECOVER_S = 60.0
_FINISH_S = 120.0
_LOOK_S = 0.005
_NEVER_MS = 1 << 50
SLOTS = ("0", "1", "2")


class Suffered(NamedTuple):
    """One fault. `recovery` null: it never recovered, which is wrong. `records`: fed from the fault to the recovery."""

    name: str
    recovery: Recovery | None
    records: int


class Siege:
    """Everything that runs for one trial. `close` it."""

    def __init__(self, grounds: Grounds, folder: Path, *, seed: int, rate: float, slots: Sequence[str] = SLOTS) -> None:
        self.grounds, self.chance, self.slots = grounds, Random(seed), list(slots)
        folder.mkdir(parents=True, exist_ok=True)
        broker, redis_url = f"127.0.0.1:{grounds.kafka_net.port}", f"redis://127.0.0.1:{grounds.redis_net.port}/0"
        config = write_config(folder, broker, redis_url, partitions=PARTITIONS, session_timeout_ms=SESSION_MS)
        self.workers = Workers(grounds, folder / "workers", "social", str(config), SESSION_MS)
        topology = social_topology(config)
        self.product = product_of(topology)
        grounds.create_topics(topology, RAW_PARTITIONS)
        self.feed = Feed(grounds.broker, seed=seed, rate=rate)
        self.watch = Watch(grounds.broker, grounds.redis.client, topology.app, topology.changelog, PARTITIONS)
        self.suffered: list[Suffered] = []
        self.wrong: list[str] = []

    def begin(self) -> None:
        """Workers, traffic; returns when all partitions are at work."""
        began = now_ms()
        self.watch.start()
        self.feed.start()
        for slot in self.slots:
            self.workers.start(slot)
        self._recover("start", began, 0)

    def suffer(self, name: str, fault: "Fault", *, alone: bool = False) -> None:
        """One fault, until it is over. `alone`: who is left has to recover before anybody is started again."""
        fed = self.feed.acknowledged
        since_ms = fault(self)
        if not alone:
            self.heal()
        self._recover(name, since_ms, fed)
        if alone:
            self.heal()

    def heal(self) -> None:
        """Everybody who is missing is started again; nobody has a trap any more; only the usual workers are left."""
        for slot in self.slots:
            set_trap(self.workers.folder, slot, "-", "kill")
        for slot in [*self.workers.pids]:
            if self.workers.is_gone(slot):
                self.workers.gone(slot)
            elif self.workers.is_asleep(slot):
                # Two may have gone into traps of which one was enough.
                self.workers.signal(slot, signal.SIGCONT)
        self.workers.leave([slot for slot in self.workers.pids if slot not in self.slots])
        for slot in self.slots:
            if slot not in self.workers.pids:
                self.workers.start(slot)

    def end(self) -> tuple[Verdict, dict[str, int]]:
        """Stop the traffic, let one worker finish, judge. And what there was to be seen in the outputs."""
        self.feed.stop()
        self.finish()
        self.watch.close()
        judging = Judge(self.grounds.broker, self.grounds.redis.client, self.product)
        judging.run()
        verdict = judging.verdict
        enriched = [r for (topic, _), found in judging.records.items() if topic == "social.enriched" for r in found]
        verdict.wrong += [*wrong_joins(enriched, self.feed.truth), *self.wrong, *self.workers.wrong]
        if verdict.raw < self.feed.sent:
            verdict.wrong.append(f"{verdict.raw} raw records were read, {self.feed.sent} were fed")
        return verdict, dict(happened(judging.records))

    def finish(self) -> None:
        """Everybody leaves; a last worker, which writes no ticks, does what is left."""
        self.workers.leave([*self.workers.pids])
        set_trap(self.workers.folder, "0", "-", "kill")
        self.workers.start("0", limits={"tick_ms": _NEVER_MS})
        end = time.monotonic() + _FINISH_S
        while not self._is_done():
            assert time.monotonic() < end, f"not done in {_FINISH_S:.0f} s: {self.workers.said('0')}"
            assert not self.workers.is_gone("0"), self.workers.said("0")
            time.sleep(0.1)
        self.workers.leave(["0"])

    def close(self) -> None:
        """Stop everything of this trial."""
        self.watch.close()
        self.workers.close()

    # -- for faults

    def pick(self, count: int = 1) -> list[str]:
        """Some of the workers that run."""
        return self.chance.sample([slot for slot in self.slots if slot in self.workers.pids], count)

    def trap(self, slot: str, point: str, deed: Deed, count: int = 0) -> None:
        """Set one."""
        set_trap(self.workers.folder, slot, point, deed, count)

    def sprung(self, slots: Sequence[str], point: str) -> dict[str, int]:
        """Wait until a trap in one of these has closed; when (ms), by slot."""
        end = time.monotonic() + _SPRING_S
        while True:
            found = {slot: at for slot in slots if (at := sprung_at(self.workers.folder, slot)) is not None}
            if found and all(self.workers.is_gone(slot) or self.workers.is_asleep(slot) for slot in found):
                return found
            assert time.monotonic() < end, f"nobody came to {point}: " + "\n".join(map(self.workers.said, slots))
            time.sleep(_LOOK_S)

    def _recover(self, name: str, since_ms: int, fed: int) -> None:
        end = time.monotonic() + _RECOVER_S
        while (found := self.watch.recovery(since_ms)) is None:
            if time.monotonic() > end or self._is_anybody_gone():
                self._ask()
                said = "\n".join(self.workers.said(slot) for slot in self.workers.pids)
                self.wrong.append(f"{name}: no recovery: {self.watch.missing(since_ms)}\n{said}")
                break
            time.sleep(0.02)
        self.suffered.append(Suffered(name, found, self.feed.acknowledged - fed))

    def _ask(self) -> None:
        """Have everybody write down where it stands."""
        for slot in self.workers.pids:
            self.workers.signal(slot, signal.SIGUSR1)
        time.sleep(0.5)

    def _is_anybody_gone(self) -> bool:
        return any(self.workers.is_gone(slot) for slot in self.workers.pids)

    def _is_done(self) -> bool:
        """Whether the groups stand behind the last records, and Redis where the group does."""
        kafka, product = Kafka(self.grounds.broker), self.product
        inbox = [(product.inbox, partition) for partition in range(PARTITIONS)]
        raw = [(topic, partition) for topic in product.raw for partition in range(RAW_PARTITIONS)]
        stands = kafka.standings(f"{product.app}.fold", inbox) | kafka.standings(f"{product.app}.ingest", raw)
        starts = {where: stand.offset if stand else 0 for where, stand in stands.items()}
        if any(kafka.read(starts, first_only=True).values()):
            return False
        for where in inbox:
            found = self.grounds.redis.client.hget(f"{{{product.app}:{where[1]}}}:meta", "seq")
            stand = stands[where]
            if stand is not None and stand.seq and found != b"%d" % stand.seq:
                return False
        return True


Fault = Callable[[Siege], int]
"""Does it, and says when it was (ms). What is broken at the end of it is mended by `Siege.heal`."""


def now_ms() -> int:
    """As commits are stamped."""
    return time.time_ns() // 1_000_000


def wake(siege: Siege, slots: Sequence[str]) -> None:
    """Who sleeps goes on."""
    for slot in slots:
        siege.workers.signal(slot, signal.SIGCONT)
