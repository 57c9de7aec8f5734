"""One scripted interleaving for each mutant, in which it must do wrong, and in which the right protocol does not.

The toy product on a broker and a Redis that are shared; workers with one role each, so that it is known what is in
whose transaction: `i` takes raw records, `a` and `b` fold. Nobody writes ticks, and nobody asks the store by itself.
"""

import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from tests.chaos.oracle import Verdict, judge
from tests.chaos.oracle_read import Kafka
from tests.chaos.products import product_of
from tests.chaos.site import Grounds, Workers
from tests.chaos.traps import Deed, set_trap, sprung_at
from tests.support.kafka_worker import topology_of
from tests.support.toy_topology import add, payload

_PATIENCE_S = 30.0
_LOOK_S = 0.02
SESSION_MS = 1_000
_LIMITS = {"tick_ms": 1 << 50, "probe_ms": 1 << 50}
_BOARDS = 4
"""Partitions of the toy; as many addresses, one in each, are enough."""


class Script:
    """Workers of one kind, and the verbs of a script."""

    def __init__(self, grounds: Grounds, folder: Path, mutant: str) -> None:
        """`mutant`: empty: the right protocol."""
        self.grounds, self.mutant = grounds, mutant
        unique = uuid.uuid4().hex[:8]
        topology = topology_of(unique)
        self.product = product_of(topology)
        self.workers = Workers(grounds, folder / unique, "toy", unique, SESSION_MS)
        grounds.create_topics(topology, 1)
        self._kafka = Kafka(grounds.broker)
        self._feed: Any = Producer({"bootstrap.servers": grounds.broker, "linger.ms": 0, "log_level": 0})
        self._number = 0

    def start(self, *names: str, **limits: int) -> None:
        """Workers by name: `i…` takes raw records, others fold."""
        for name in names:
            # A trap that has killed its worker is not for the next one.
            (self.workers.folder / name).unlink(missing_ok=True)
            role = "ingest" if name.startswith("i") else "fold"
            self.workers.start(name, role=role, mutant=self.mutant, limits=_LIMITS | limits)

    def add(self, *addresses: str) -> None:
        """A raw record for each; `board:…` folds without sending anything to anybody."""
        for address in addresses:
            self._number += 1
            event = {**add(f"{self._number}"), "to": address}
            self._feed.produce(next(iter(self.product.raw)), payload(event), partition=0)
        assert not self._feed.flush(20)

    def settle(self) -> None:
        """Wait until everything is done."""
        end = time.monotonic() + _PATIENCE_S
        while self._is_waiting():
            assert time.monotonic() < end, self._said()
            time.sleep(_LOOK_S)

    def trap(self, name: str, point: str, deed: Deed, count: int = 0) -> None:
        """Set one; it is seen a moment later."""
        set_trap(self.workers.folder, name, point, deed, count)
        time.sleep(0.1)

    def sprung(self, name: str, deed: Deed) -> None:
        """Wait until it has closed."""
        end = time.monotonic() + _PATIENCE_S
        while (
            sprung_at(self.workers.folder, name) is None
            or (deed == "kill" and not self.workers.is_gone(name))
            or (deed == "stop" and not self.workers.is_asleep(name))
        ):
            assert time.monotonic() < end, self._said()
            time.sleep(_LOOK_S)
        if deed == "kill":
            self.workers.gone(name)

    def wake(self, name: str) -> None:
        """Go on."""
        self.workers.signal(name, signal.SIGCONT)

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for something that can be seen."""
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"not {what}: {self._said()}"
            time.sleep(_LOOK_S)

    def watch_for(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for what must not come; a while is enough."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not condition():
            time.sleep(_LOOK_S)

    def is_level(self) -> bool:
        """Whether the store stands where the log does."""
        client, app = self.grounds.redis.client, self.product.app
        return all(
            client.hget(f"{{{app}:{partition}}}:meta", "seq") == b"%d" % seq
            for partition, seq in self.seqs().items()
            if seq
        )

    def seqs(self) -> dict[int, int]:
        """What the log says of each inbox partition."""
        wheres = [(self.product.inbox, partition) for partition in range(self.product.partitions)]
        found = self._kafka.standings(f"{self.product.app}.fold", wheres)
        return {partition: stand.seq if stand else 0 for (_, partition), stand in found.items()}

    def verdict(self, *, drained: bool = True) -> Verdict:
        """Everybody leaves, once the store is where the log is, or does not get there; then the oracle."""
        if drained:
            self.watch_for(self.is_level, 5)
        self.workers.leave([*self.workers.pids])
        found = judge(self.grounds.broker, self.grounds.redis.client, self.product, drained=drained)
        found.wrong += self.workers.wrong
        return found

    def close(self) -> None:
        """End it all."""
        self.workers.close()

    def _is_waiting(self) -> bool:
        product = self.product
        inbox = [(product.inbox, partition) for partition in range(product.partitions)]
        raw = [(topic, 0) for topic in product.raw]
        stands = self._kafka.standings(f"{product.app}.fold", inbox)
        stands |= self._kafka.standings(f"{product.app}.ingest", raw)
        starts = {where: stand.offset if stand else 0 for where, stand in stands.items()}
        return any(self._kafka.read(starts, first_only=True).values())

    def _said(self) -> str:
        return "\n".join(f"{name}: {self.workers.said(name, 1_500)}" for name in ("i", "a", "b"))


_MANY = [f"board:{number}" for number in range(24)]
"""Enough that every partition has some."""
_FEW, _OTHERS = _MANY[:6], _MANY[6:]


def store_before_log(script: Script) -> Verdict:
    """Dies between the store and the log: then the store must not know more than the log."""
    script.start("i", "a")
    script.add(*_MANY)
    script.settle()
    script.trap("a", "P1", "kill")
    script.add(*_MANY)
    script.sprung("a", "kill")
    return script.verdict(drained=False)


def unchecked_reads(script: Script) -> Verdict:
    """The store is emptied under a worker that has to read it next."""
    script.start("i")
    script.start("a", cache_addresses_max=1)
    script.add(*_MANY)
    script.settle()
    script.add("board:90", "board:91", "board:92", "board:93", "board:94", "board:95")
    script.settle()
    script.grounds.redis.client.flushall()
    script.add(*_MANY)
    script.settle()
    return script.verdict()


def unchecked_writes(script: Script) -> Verdict:
    """Falls asleep with a commit that the store has not got yet; its heir goes on; then it wakes up and writes."""
    script.start("i", "a")
    script.add(*_MANY)
    script.settle()
    script.trap("a", "P4", "stop")
    script.add(*_FEW)
    script.sprung("a", "stop")
    script.start("b")
    script.settle()
    for _ in range(3):
        script.add(*_MANY)
        script.settle()
    # It must not come so far; when it does it is gone at once, before the group hears of it.
    script.trap("a", "P6", "kill")
    script.wake("a")
    script.watch_for(lambda: script.workers.is_gone("a"), 1)
    script.workers.kill("a")
    # What it has overwritten nobody writes again; but somebody writes the number of the commit.
    script.add(*_OTHERS)
    script.settle()
    return script.verdict()


def positions_apart(script: Script) -> Verdict:
    """Dies before the positions are added: then nothing may have been committed."""
    script.start("i", "a")
    script.add(*_MANY)
    script.settle()
    script.trap("a", "P1", "kill")
    script.add(*_MANY)
    script.sprung("a", "kill")
    # The same slot: what it has left open is aborted at once.
    script.start("a")
    script.settle()
    return script.verdict()


def any_generation(script: Script) -> Verdict:
    """Falls asleep with work in its hands, which its heir does; then it wakes up and commits as well."""
    script.start("i", "a")
    script.add(*_MANY)
    script.settle()
    script.trap("a", "P1", "stop")
    script.add(*_MANY)
    script.sprung("a", "stop")
    before = script.seqs()
    script.start("b")
    script.until("taken over", lambda: sum(script.seqs().values()) > sum(before.values()))
    script.wake("a")
    time.sleep(1)
    script.settle()
    return script.verdict()


def kept_state(script: Script) -> Verdict:
    """Is told that it may not commit, and goes on."""
    script.start("i", "a")
    script.add(*_MANY)
    script.settle()
    script.trap("a", "P2", "fence")
    script.add(*_MANY)
    script.sprung("a", "fence")
    script.settle()
    return script.verdict()


def restored_too_little(script: Script) -> Verdict:
    """Falls asleep with an open transaction, which hides what its heir commits; the heir has to restore from that."""
    script.start("i", "a")
    script.add(*_MANY)
    script.settle()
    script.trap("a", "P1", "stop")
    script.add(*_MANY)
    script.sprung("a", "stop")
    before = script.seqs()
    script.start("b")
    script.until("taken over", lambda: all(seq > before[partition] for partition, seq in script.seqs().items()))
    script.add(*_MANY)
    script.until("more", lambda: all(seq > before[partition] + 1 for partition, seq in script.seqs().items()))
    # The heir's commits stand behind the open transaction, and the store is lost.
    script.grounds.redis.client.flushall()
    script.add(*_MANY)
    time.sleep(1)
    script.workers.kill("a")
    script.start("a")
    script.settle()
    return script.verdict()


SCRIPTS: dict[str, Callable[[Script], Verdict]] = {
    "store before the log": store_before_log,
    "no seq check on reads": unchecked_reads,
    "no seq check on writes": unchecked_writes,
    "positions outside of the transaction": positions_apart,
    "no check of the generation": any_generation,
    "state kept after an abort": kept_state,
    "restore up to the end it sees": restored_too_little,
}
"""By mutant."""


def play(grounds: Grounds, folder: Path, name: str, mutant: str) -> Verdict:
    """One script with one protocol."""
    script = Script(grounds, folder, mutant)
    try:
        return SCRIPTS[name](script)
    finally:
        script.close()
