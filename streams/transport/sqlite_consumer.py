"""A member of a consumer group of the SQLite log.

Each `poll` first looks after the membership (cheap: one `PRAGMA data_version` when nothing was written), then fetches:

    heartbeat due?          write it; take out silent members
    expired?                `lost`, join again as a new member
    asked to give up?       `revoked` (what it commits counts), then release
    free and meant for me?  claim, `assigned`
"""

from collections.abc import Iterable, Sequence

from streams.errors import StreamError
from streams.runtime.ports import Membership, Position, Rebalance, Record, TopicPartition
from streams.transport import sqlite_core
from streams.transport import sqlite_group as group
from streams.transport.sqlite_core import Core

_HEARTBEATS = 5
"""Heartbeats in one session timeout."""


class SqliteConsumer:
    """See `streams.runtime.ports.Consumer`."""

    def __init__(self, core: Core, group_name: str, *, session_timeout_ms: int) -> None:
        """Joins with the first poll after `subscribe`."""
        self._core, self._group, self._timeout_ms = core, group_name, session_timeout_ms
        self._topics: tuple[str, ...] = ()
        self._listener: Rebalance | None = None
        self._member = ""
        self._generation = -1
        self._beat_at: int | None = None
        self._looked_at: tuple[int, int] | None = None
        self._nothing_at: tuple[int, int] | None = None
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._paused: set[int] = set()
        self._turn = 0
        # What this member last saw committed; the producer checks it and brings it up to date.
        self._seen: dict[int, int | None] = {}

    def subscribe(self, topics: Sequence[str], rebalance: Rebalance) -> None:
        """Join the group with the next poll. A topic that does not exist yet is waited for."""
        if self._listener is not None:
            raise StreamError(f"group {self._group}: this consumer has subscribed already; make another one")
        self._topics, self._listener = tuple(topics), rebalance

    def poll(self, records_max: int, wait_ms: int) -> list[Record]:
        """See the port."""

        def take() -> list[Record]:
            return self._fetch(records_max, self._keep_membership())

        return self._core.wait_for(take, wait_ms)

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position | None]:
        """See the port. Transactions are never visible half-way here, so there is nothing to wait for."""
        found: dict[TopicPartition, Position | None] = {}
        for partition in partitions:
            log = self._core.log_of(*partition)
            rows = self._core.db.rows(
                "SELECT next_offset, metadata FROM positions WHERE in_group = ? AND log = ?", (self._group, log)
            )
            found[partition] = Position(*rows[0]) if rows else None
            if log in self._seen:
                self._seen[log] = rows[0][0] if rows else None
        return found

    def membership(self) -> Membership:
        """See the port. Before the first poll: generation -1 and no member."""
        return Membership(self._group, self._generation, self._member, self._seen)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See the port. Nothing happens when the partition is not owned."""
        log = self._core.log_of(*partition)
        if log in self._positions:
            self._positions[log] = offset
            self._nothing_at = None

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        self._paused.update(self._owned(partitions))

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        self._paused.difference_update(self._owned(partitions))
        self._nothing_at = None

    def lag(self, partition: TopicPartition) -> int:
        """See the port. 0 for a partition that is not owned."""
        log = self._core.log_of(*partition)
        if log not in self._positions:
            return 0
        return max(0, self._core.bounds(log)[1] - self._positions[log])

    def close(self) -> None:
        """See the port."""
        if self._listener is None:
            return
        owned = self._names(self._positions)
        try:
            if owned and self._is_member():
                self._listener.revoked(owned)
            elif owned:
                self._listener.lost(owned)
        finally:
            self._listener = None
            self._drop(list(self._positions))
            if self._member:
                with self._core.db.write() as db:
                    group.leave(db, self._group, self._member)
            self._member, self._generation = "", -1

    def _keep_membership(self) -> tuple[int, int]:
        """Gives the version of the log as it was before anything was looked at."""
        if self._listener is None:
            return self._core.db.version()
        now_ms = self._core.clock.now_ms()
        if not self._member:
            self._join(now_ms)
        elif self._beat_at is None or abs(now_ms - self._beat_at) * _HEARTBEATS >= self._timeout_ms:
            with self._core.db.write() as db:
                group.heartbeat(db, self._group, self._member, now_ms, self._core.presence)
            self._beat_at = now_ms
        version = self._core.db.version()
        if version != self._looked_at:
            # Read before looking: what is written meanwhile is looked at again.
            self._look(self._listener, now_ms)
            self._looked_at = version
        return version

    def _join(self, now_ms: int) -> None:
        with self._core.db.write() as db:
            self._member = group.join(db, self._group, self._topics, now_ms, self._timeout_ms, self._core.presence)
        self._generation, self._beat_at, self._looked_at = 0, now_ms, None

    def _look(self, listener: Rebalance, now_ms: int) -> None:
        standing = self._standing()
        if standing.gone:
            gone = self._names(self._positions)
            self._drop(list(self._positions))
            self._member, self._generation = "", -1
            if gone:
                listener.lost(gone)
            self._join(now_ms)
            standing = self._standing()
        if standing.generation != self._generation:
            with self._core.db.write() as db:
                group.acknowledge(db, self._member, standing.generation)
            self._generation = standing.generation
        if standing.release:
            self._release(listener, standing.release)
        if standing.claim:
            self._claim(listener, standing.claim)

    def _standing(self) -> group.Standing:
        generation = self._core.db.rows(group.GENERATION, (self._member,))
        rows = self._core.db.rows(group.STANDING, (self._group,))
        return group.standing(rows, generation[0][0] if generation else None, self._member)

    def _is_member(self) -> bool:
        return bool(self._core.db.rows(group.GENERATION, (self._member,)))

    def _release(self, listener: Rebalance, logs: tuple[int, ...]) -> None:
        # Not told twice when the write below has to be tried again.
        owned = [log for log in logs if log in self._positions]
        try:
            if owned:
                listener.revoked(self._names(owned))
        finally:
            self._drop(owned)
            with self._core.db.write() as db:
                group.release(db, self._group, self._member, logs)

    def _claim(self, listener: Rebalance, logs: tuple[int, ...]) -> None:
        with self._core.db.write() as db:
            got = group.claim(db, self._group, self._member, logs)
            starts = {log: self._start(log) for log in got}
        if not got:
            return
        for log, (committed, start) in starts.items():
            self._seen[log] = committed
            self._positions[log] = start if committed is None else committed
        self._nothing_at = None
        listener.assigned(self._names(got))

    def _start(self, log: int) -> tuple[int | None, int]:
        rows = self._core.db.rows(
            "SELECT next_offset FROM positions WHERE in_group = ? AND log = ?", (self._group, log)
        )
        return rows[0][0] if rows else None, self._core.bounds(log)[0]

    def _drop(self, logs: Iterable[int]) -> None:
        for log in list(logs):
            self._positions.pop(log, None)
            self._seen.pop(log, None)
            self._paused.discard(log)

    def _fetch(self, records_max: int, version: tuple[int, int]) -> list[Record]:
        """Records of all partitions, each getting a fair share; partitions take turns in being first."""
        if version == self._nothing_at:
            return []
        logs = [log for log in self._positions if log not in self._paused]
        if not logs:
            return []
        ends = self._core.ends(logs)
        waiting = [log for log in logs if self._positions[log] < ends[log]]
        self._turn += 1
        turn = self._turn % max(1, len(waiting))
        waiting = waiting[turn:] + waiting[:turn]
        records: list[Record] = []
        bytes_left = sqlite_core.FETCH_BYTES_MAX
        for index, log in enumerate(waiting):
            left = records_max - len(records)
            if left <= 0 or bytes_left <= 0:
                break
            # What is not used by those before goes to those behind; at least one each.
            shares = len(waiting) - index
            part, size, at_end = self._core.fetch(
                log, self._positions[log], max(1, left // shares), bytes_left // shares
            )
            bytes_left -= size
            if part:
                self._positions[log] = part[-1].offset() + 1
            if at_end:
                self._positions[log] = max(self._positions[log], ends[log])
            records += part
        if not records:
            self._nothing_at = version
        return records

    def _names(self, logs: Iterable[int]) -> list[TopicPartition]:
        return [self._core.name_of(log) for log in logs]

    def _owned(self, partitions: Sequence[TopicPartition]) -> list[int]:
        return [log for log in (self._core.log_of(*partition) for partition in partitions) if log in self._positions]
