"""What keeps a SQLite log small: retention of topics that delete, compaction of those that keep the newest per key.

    retention    |-------dropped-------|----kept----|        by the time of writing, to the minute
    compaction   |----clean: one per key----|----dirty----|  a record dies once a newer one has its key

A null value stays for `NULL_GRACE_MS` after its key was cleaned, so that a reader on its way learns of the removal.
Work is cut into pieces of a few milliseconds. Several processes may work at once: only what is dead is deleted.
"""

from collections.abc import Iterator

from streams.transport.sqlite_core import Core, Topic
from streams.transport.sqlite_schema import OFFSET_BITS

NULL_GRACE_MS = 7 * 86_400_000
"""A week: longer than any store of state is expected to be behind."""
_RETAIN_EVERY_MS = 60_000
_SWEEP_EVERY_MS = 10_000
_PIECE = 4_000
_DIRTY_MIN = 2_000
"""Fewer new records than this are not worth a sweep, nor are fewer than half of what is clean."""
_KEYS_MAX = 100_000
"""Keys a sweep holds in memory."""

_STAMP = """INSERT OR REPLACE INTO stamps SELECT log, ?, next_offset FROM logs WHERE log = ? AND next_offset >
            coalesce((SELECT max(next_offset) FROM stamps WHERE stamps.log = logs.log), 0)"""
_CUT = "SELECT coalesce(max(next_offset), 0) FROM stamps WHERE log = ? AND at <= ?"
_OLD_STAMPS = "DELETE FROM stamps WHERE log = ? AND at < (SELECT max(at) FROM stamps WHERE log = ? AND at <= ?)"


class Keeper:
    """The housekeeping of one process."""

    def __init__(self, core: Core) -> None:
        """Does nothing until `work` is called."""
        self._core = core
        self._retained_at: int | None = None
        self._swept_at: int | None = None
        self._sweep: Iterator[None] | None = None

    def work(self) -> None:
        """Do a piece. Raises `Retryable` when the file is busy."""
        now_ms = self._core.clock.now_ms()
        if self._retained_at is None or abs(now_ms - self._retained_at) >= _RETAIN_EVERY_MS:
            # When a piece was not enough the next call goes on.
            self._retained_at = now_ms if self._retain(now_ms) else None
        if self._sweep is None and (self._swept_at is None or abs(now_ms - self._swept_at) >= _SWEEP_EVERY_MS):
            self._sweep, self._swept_at = self._sweep_all(now_ms), now_ms
        if self._sweep is not None:
            sweep, self._sweep = self._sweep, None
            for _ in sweep:
                self._sweep = sweep
                break

    def _all_topics(self) -> list[Topic]:
        names = self._core.db.rows("SELECT name FROM topics ORDER BY name")
        return [self._core.topic(name) for (name,) in names]

    def _retain(self, now_ms: int) -> bool:
        """Drop what is too old; false when there is more to drop."""
        done = True
        for topic in self._all_topics():
            keep_ms = NULL_GRACE_MS if topic.compact else topic.retention_ms
            if keep_ms is None:
                continue
            for log in range(topic.base, topic.base + topic.partitions):
                with self._core.db.write() as db:
                    # A log that is idle has no stamp of its last records yet.
                    db.execute(_STAMP, (now_ms, log))
                    if not topic.compact:
                        db.execute(_OLD_STAMPS, (log, log, now_ms - keep_ms))
                if not topic.compact:
                    done = self._drop_before(log, self._cut(log, now_ms - keep_ms)) and done
        return done

    def _cut(self, log: int, written_before_ms: int) -> int:
        """Records below this offset were written before that time."""
        return int(self._core.db.rows(_CUT, (log, written_before_ms))[0][0])

    def _drop_before(self, log: int, offset: int) -> bool:
        first = log << OFFSET_BITS
        start = self._core.bounds(log)[0]
        if offset <= start:
            return True
        beyond = self._core.db.rows(
            "SELECT id FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?",
            (first + start, first + offset, _PIECE),
        )
        upto = beyond[0][0] - first if beyond else offset
        with self._core.db.write() as db:
            db.execute("DELETE FROM records WHERE id >= ? AND id < ?", (first + start, first + upto))
            db.execute("UPDATE logs SET start_offset = max(start_offset, ?) WHERE log = ?", (upto, log))
        return not beyond

    def _sweep_all(self, now_ms: int) -> Iterator[None]:
        for topic in self._all_topics():
            if topic.compact:
                for log in range(topic.base, topic.base + topic.partitions):
                    yield from self._sweep_log(log, now_ms)

    def _sweep_log(self, log: int, now_ms: int) -> Iterator[None]:
        """Compact one log up to its present end, or as far as the keys fit into memory."""
        first = log << OFFSET_BITS
        ((upto, cleaned, clean_records),) = self._core.db.rows(
            "SELECT next_offset, cleaned_offset, cleaned_records FROM logs WHERE log = ?", (log,)
        )
        if upto - cleaned < max(_DIRTY_MIN, clean_records // 2):
            return
        newest: dict[bytes, int] = {}
        for piece in self._pieces(first + cleaned, first + upto):
            newest.update({key: row for row, key, _ in piece if key is not None})
            if len(newest) >= _KEYS_MAX:
                upto = piece[-1][0] - first + 1
                break
            yield
        # A null below `cleaned` is the only record of its key: with it the key is gone for good.
        nulls_before = first + min(cleaned, self._cut(log, now_ms - NULL_GRACE_MS))
        live = 0
        for piece in self._pieces(first, first + upto):
            dead = [
                (row,)
                for row, key, is_null in piece
                if newest.get(key, row) > row or (is_null and row < nulls_before and newest.get(key, row) == row)
            ]
            live += len(piece) - len(dead)
            if dead:
                with self._core.db.write() as db:
                    db.executemany("DELETE FROM records WHERE id = ?", dead)
            yield
        with self._core.db.write() as db:
            db.execute(
                "UPDATE logs SET cleaned_offset = ?, cleaned_records = ? WHERE log = ? AND cleaned_offset < ?",
                (upto, live, log, upto),
            )
            db.execute(_OLD_STAMPS, (log, log, now_ms - NULL_GRACE_MS))

    def _pieces(self, lower: int, upper: int) -> Iterator[list[tuple[int, bytes, int]]]:
        """(id, key, value is null) of records from `lower` (inclusive) to `upper` (exclusive), in pieces."""
        while piece := self._core.db.rows(
            "SELECT id, key, value IS NULL FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (lower, upper, _PIECE),
        ):
            yield piece
            lower = piece[-1][0] + 1
