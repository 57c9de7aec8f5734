"""Places in a commit, a handover and a restore where a process dies, falls asleep, or is refused: wrappers around ports.

    driver ──writes──► <folder>/<slot>          one trap: place, deed, which call
    worker ──reads it between two turns──► Traps ◄── asked by the wrappers at each of their calls
           ──writes──► <folder>/<slot>.sprung   when the trap has closed, just before the deed

Nothing of this is in the engine: the places are calls of `Log`, `Producer`, `Consumer`, `Reader` and `StateStore`.
The names P0 … P8 are those of the protocol's table of crash points.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

from streams.errors import Fenced
from streams.runtime.ports import (
    Consumer,
    Log,
    Membership,
    Position,
    Producer,
    Reader,
    Rebalance,
    Rebuild,
    Record,
    StateCommit,
    StateStore,
    TopicPartition,
    WakeChange,
)

Deed = Literal["kill", "stop", "fence"]

POINTS = {
    "P0": "before the first send of a transaction",
    "P1": "after the sends, before the positions",
    "P2a": "between the positions of the two groups",
    "P2": "after the positions, before the commit",
    "P3a": "while the commit is on its way",
    "P3": "committed, the answer not used yet",
    "P4": "after the commit, before the store",
    "P5": "between two partitions of the store",
    "P6": "after the store",
    "P7a": "told to give up partitions, before the commit",
    "P7": "told to give up partitions, after the commit",
    "P8a": "restore: reading the changelog",
    "P8b": "restore: before the store is brought up to date",
    "P8c": "restore: after that",
    "P8d": "rebuild: the partition is claimed, nothing written",
    "P8e": "rebuild: in the middle of it",
    "P8f": "rebuild: all written, but it does not stand yet",
}
_IN_FLIGHT_S = 0.004
"""A commit takes about so long."""
_COLLECT_S = 0.1


class Traps:
    """What one worker process is to do to itself, and where."""

    def __init__(self, folder: Path, slot: str) -> None:
        """Nothing is set."""
        self._path, self._sprung = folder / slot, folder / f"{slot}.sprung"
        self._seen = 0
        self._point, self._deed, self._left = "", "kill", 0
        self._chance = Random(os.getpid())

    def look(self) -> None:
        """Between two turns: see whether there is a new trap."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed != self._seen:
            self._seen = changed
            point, self._deed, count = self._path.read_text().split()
            self._point, self._left = point, int(count)

    def at(self, point: str) -> None:
        """The worker is at this place. Raises `Fenced` when that is the deed."""
        if point == self._point:
            self._left -= 1
            if self._left < 0:
                self._spring()

    def during(self, point: str) -> None:
        """The worker is about to do something that takes a moment: the trap closes somewhere in it."""
        if point == self._point:
            self._left -= 1
            if self._left < 0:
                threading.Timer(self._chance.uniform(0, _IN_FLIGHT_S), self._spring).start()

    def _spring(self) -> None:
        if self._point == "P1":
            # What was sent has to be on its way: a client collects for some milliseconds.
            time.sleep(_COLLECT_S)
        self._point = ""
        with self._sprung.open("a") as out:
            out.write(f"{time.time_ns() // 1_000_000}\n")
        if self._deed == "fence":
            raise Fenced("a trap says so")
        os.kill(os.getpid(), signal.SIGKILL if self._deed == "kill" else signal.SIGSTOP)
        # Awake again; a trap that was set meanwhile may be the very next step.
        self.look()


def set_trap(folder: Path, slot: str, point: str, deed: Deed, count: int = 0) -> None:
    """At the call after `count` more of `point`, in the worker of this slot."""
    path = folder / slot
    (folder / f"{slot}.sprung").unlink(missing_ok=True)
    new = path.with_suffix(".new")
    new.write_text(f"{point} {deed} {count}")
    new.rename(path)


def sprung_at(folder: Path, slot: str) -> int | None:
    """When the trap closed (ms)."""
    try:
        lines = (folder / f"{slot}.sprung").read_text().split()
    except FileNotFoundError:
        return None
    return int(lines[0]) if lines else None


class _Around:
    """Everything that is not overridden is the inner one's."""

    def __init__(self, inner: Any, traps: Traps) -> None:
        self._inner, self._traps = inner, traps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class TrappedLog(_Around):
    """A log whose consumers, producers and changelog readers have traps."""

    def __init__(self, inner: Log, traps: Traps, changelog: str) -> None:
        super().__init__(inner, traps)
        self._changelog = changelog

    def consumer(self, group: str) -> Consumer:
        return TrappedConsumer(self._inner.consumer(group), self._traps)

    def producer(self, transactional_id: str) -> Producer:
        return TrappedProducer(self._inner.producer(transactional_id), self._traps)

    def reader(self, topic: str, partition: int, offset: int = 0) -> Reader:
        found: Reader = self._inner.reader(topic, partition, offset)
        return TrappedReader(found, self._traps) if topic == self._changelog else found


class TrappedReader(_Around):
    def take(self, records_max: int, wait_ms: int) -> list[Record]:
        found: list[Record] = self._inner.take(records_max, wait_ms)
        self._traps.at("P8a")
        return found

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        found: list[Record] = self._inner.poll(records_max, wait_ms)
        self._traps.at("P8a")
        return found


class TrappedProducer(_Around):
    def __init__(self, inner: Producer, traps: Traps) -> None:
        super().__init__(inner, traps)
        self._sent = self._groups = 0
        self._send = inner.send

    def begin(self) -> None:
        self._inner.begin()
        self._sent = self._groups = 0

    def send(self, *parts: Any, **more: Any) -> None:
        if not self._sent:
            self._sent = 1
            self._traps.at("P0")
        self._send(*parts, **more)

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        self._traps.at("P2a" if self._groups else "P1")
        self._inner.send_offsets(offsets, membership)
        self._groups += 1

    def commit(self) -> None:
        self._traps.at("P2")
        self._traps.during("P3a")
        self._inner.commit()
        self._traps.at("P3")


class TrappedConsumer(_Around):
    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        self._inner.subscribe(topics, TrappedRebalance(rebalance, self._traps))


class TrappedRebalance(_Around):
    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self._traps.at("P7a")
        self._inner.revoked(partitions)
        self._traps.at("P7")


class TrappedStore(_Around):
    def __init__(self, inner: StateStore, traps: Traps) -> None:
        super().__init__(inner, traps)

    def apply(self, commits: Sequence[StateCommit]) -> None:
        self._traps.at("P4")
        for index, commit in enumerate(commits):
            self._inner.apply([commit])
            if index == 0 and len(commits) > 1:
                self._traps.at("P5")
        self._traps.at("P6")

    def rebuild(self, partition: int) -> Rebuild:
        found = self._inner.rebuild(partition)
        self._traps.at("P8d")
        return TrappedRebuild(found, self._traps)

    def catch_up(self, partition: int, seq_from: int, commit: StateCommit) -> None:
        self._traps.at("P8b")
        self._inner.catch_up(partition, seq_from, commit)
        self._traps.at("P8c")


class TrappedRebuild(_Around):
    def write(self, rows: Mapping[bytes, bytes | None], wakes: Sequence[WakeChange]) -> None:
        self._inner.write(rows, wakes)
        self._traps.at("P8e")

    def finish(self, seq: int, changelog_offset: int) -> None:
        if seq:
            self._traps.at("P8f")
        self._inner.finish(seq, changelog_offset)
