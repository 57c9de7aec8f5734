"""A transactional producer of the SQLite log.

A transaction is kept in memory until `commit`, which writes it in one go, after it has checked what must hold:

    the producer is the newest with its id          else Fenced
    every member stands in its group                else Fenced
    it owns the partitions whose positions it sets  else Fenced    (not with `strict=False`: Kafka does not look)
    those positions are what it has seen            else Fenced    (not with `strict=False`)
"""

from collections.abc import Mapping

from streams.errors import Fenced, StreamError
from streams.runtime.ports import Headers, Membership, Position, TopicPartition
from streams.transport import sqlite_group as group
from streams.transport.sqlite_core import Core, Stored


class SqliteProducer:
    """See `streams.runtime.ports.Producer`. Single-threaded."""

    def __init__(self, core: Core, transactional_id: str, *, strict: bool) -> None:
        """Fence every older producer with this id."""
        self._core, self._id, self._strict = core, transactional_id, strict
        with core.db.write() as db:
            db.execute(
                "INSERT INTO producers VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1",
                (transactional_id,),
            )
            (self._epoch,) = db.execute("SELECT epoch FROM producers WHERE id = ?", (transactional_id,)).fetchone()
        self._open = False
        self._batches: dict[int, list[Stored]] = {}
        self._offsets: list[tuple[Membership, dict[int, Position]]] = []
        self._fenced: Fenced | None = None

    def begin(self) -> None:
        """Open a transaction."""
        if self._open:
            raise StreamError(f"producer {self._id}: a transaction is open already; commit or abort it first")
        self._check_epoch()
        self._open = True

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        partition: int = -1,
        headers: Headers | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Add a record; a record without key and partition goes to any."""
        if not self._open:
            raise StreamError(f"producer {self._id}: no transaction is open; begin one first")
        log, stored = self._core.place(topic, value, key, partition, headers, timestamp_ms)
        batch = self._batches.get(log)
        if batch is None:
            batch = self._batches[log] = []
        batch.append(stored)

    def send_offsets(self, offsets: Mapping[TopicPartition, Position], membership: Membership) -> None:
        """Add consumed positions; positions of several groups go into one transaction."""
        if not self._open:
            raise StreamError(f"producer {self._id}: no transaction is open; begin one first")
        try:
            if _is_checked(membership):
                group.check(self._core.db, membership)
        except Fenced as fenced:
            # As with a broker: nothing but an abort is possible from here on.
            self._fenced = fenced
            raise
        positions = {self._core.log_of(*partition): position for partition, position in offsets.items()}
        self._offsets.append((membership, positions))

    def commit(self) -> None:
        """All or nothing. After `Retryable` nothing has changed and the same call may be made again."""
        if not self._open:
            raise StreamError(f"producer {self._id}: no transaction is open; begin one first")
        if self._fenced is not None:
            raise Fenced(*self._fenced.args)
        with self._core.db.write() as db:
            # Reads inside of the transaction: what holds here holds until it ends.
            self._check_epoch()
            for membership, positions in self._offsets:
                if _is_checked(membership):
                    self._check_positions(membership, positions)
            self._core.append(db, self._batches)
            for membership, positions in self._offsets:
                db.executemany(
                    "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)",
                    [(membership.group, log, at.offset, at.metadata) for log, at in positions.items()],
                )
        for membership, positions in self._offsets:
            if membership.token is not None:
                membership.token.update({log: at.offset for log, at in positions.items()})
        self._open = False
        self._forget()

    def abort(self) -> None:
        """Nothing happened. Does nothing without an open transaction."""
        self._open = False
        self._forget()

    def close(self) -> None:
        """Abort what is open."""
        self.abort()

    def _check_positions(self, membership: Membership, positions: Mapping[int, Position]) -> None:
        group.check(self._core.db, membership)
        if not self._strict:
            return
        owned = dict(
            self._core.db.rows(
                "SELECT a.log, p.next_offset FROM assignments a LEFT JOIN positions p USING (in_group, log) "
                "WHERE a.in_group = ? AND a.owner = ?",
                (membership.group, membership.member),
            )
        )
        for log in positions:
            if log not in owned:
                raise Fenced(f"{membership.member} does not own {_words(self._core.name_of(log))}: it was handed on")
            if membership.token is not None and membership.token.get(log) != owned[log]:
                raise Fenced(
                    f"{_words(self._core.name_of(log))} stands at {owned[log]} in group {membership.group}, "
                    f"{membership.member} last saw {membership.token.get(log)}: somebody else moved it"
                )

    def _check_epoch(self) -> None:
        ((epoch,),) = self._core.db.rows("SELECT epoch FROM producers WHERE id = ?", (self._id,))
        if epoch != self._epoch:
            raise Fenced(f"producer {self._id}: epoch {self._epoch} was replaced by {epoch}")

    def _forget(self) -> None:
        self._batches, self._offsets, self._fenced = {}, [], None


def _is_checked(membership: Membership) -> bool:
    """Kafka takes offsets of a consumer that never joined without any check."""
    return membership.generation >= 0 or membership.member != ""


def _words(partition: TopicPartition) -> str:
    return f"{partition.topic}[{partition.partition}]"
