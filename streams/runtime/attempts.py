"""What kills the process cannot reject itself: notes, written outside of any transaction, say where work began.

    task begins at offset x                note "attempt:<task>"    (x, deaths there so far, 1: under way)
    left on purpose                        the same                 (x, deaths there so far, 0)
    found under way by somebody else       whoever wrote it died at the offset that is committed now
    `crashes_max` deaths at an offset      careful for a batch: one record a commit, each noted before it is touched
    as many more at one of these records   dead letter with the cause `crash`

Progress makes a note void. What is given up on purpose is not held against anybody; what is taken away from a worker
that hangs is. Where no record waits nothing can have been the cause, so nothing is counted.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.log import Progress, encode_wire
from streams.errors import Doubtful, Retryable
from streams.runtime.codec import raw_task
from streams.runtime.limits import Limits
from streams.runtime.ports import Log, Record, TopicPartition
from streams.runtime.task import TICK_KEY
from streams.runtime.ticks import ProgressBoard

PREFIX = "attempt:"
"""Of the notes' keys in the progress topic."""

CAUSE = "crash: the process died each time this record was worked on"

_LOOK_MAX = 500
"""Records read at a time to see how many there are."""


class _Note(NamedTuple):
    """As it stands in the progress topic. `under_way`: 1 until it is left on purpose."""

    offset: int
    deaths: int
    under_way: int


class Attempts:
    """The notes of one worker."""

    def __init__(self, log: Log, board: ProgressBoard, topic: str, limits: Limits) -> None:
        """`topic`: of progress, where the notes are kept as well."""
        self._log, self._board, self._topic, self._limits = log, board, topic, limits
        self._noted: dict[str, _Note] = {}
        self._careful: dict[TopicPartition, int] = {}
        self._tried: dict[TopicPartition, int] = {}
        self._blamed = False

    @property
    def careful(self) -> bool:
        """Whether some partition is at records that may have killed somebody."""
        return bool(self._careful)

    def begin(self, where: TopicPartition, offset: int) -> None:
        """Work on a partition begins at `offset`. Raises `Retryable`."""
        self.end(where)
        self._board.read()
        deaths = self._deaths(_name(where), offset)
        if deaths and self._last(where, offset, 1) is None:
            deaths = 0
        self._write({_name(where): _Note(offset, deaths, 1)})
        if deaths >= self._limits.crashes_max or self._is_at_killer(where, offset):
            # Whoever died may have taken more than one batch; then the ones behind get their own turn of care.
            last = self._last(where, offset, self._limits.raw_records_max)
            if last is not None:
                self._careful[where] = last

    def end(self, where: TopicPartition) -> None:
        """The partition is somebody else's, or begins anew."""
        self._careful.pop(where, None)
        self._tried.pop(where, None)

    def is_deadly(self, record: Record) -> bool:
        """Note that a record is about to be worked on; true when it must not be. Raises `Retryable`."""
        where = TopicPartition(record.topic(), record.partition())
        if where not in self._careful:
            return False
        self._tried[where] = record.offset()
        if record.key() == TICK_KEY:
            # A tick is fired piece by piece, and holds nothing that could be looked at later.
            return False
        name = _name(where) + "!"
        mine = self._noted.get(name)
        if mine is None or mine.offset != record.offset():
            before = self._note(name)
            deaths = before.deaths + before.under_way if before and before.offset == record.offset() else 0
            mine = _Note(record.offset(), deaths, 1)
            self._write({name: mine})
        return mine.deaths >= self._limits.crashes_max

    def passed(self) -> None:
        """A commit went through: what was tried is behind us."""
        for where, offset in self._tried.items():
            self._noted.pop(_name(where) + "!", None)
            if offset >= self._careful[where]:
                del self._careful[where]
        self._tried.clear()

    def blame(self) -> None:
        """This process ends because of what it is working on: however orderly it leaves, nothing is forgiven."""
        self._blamed = True

    def forgive(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        """These (or all) are given up on purpose: what was begun there is not to blame. A failure to say so is harmless."""
        if self._blamed:
            return
        names = (
            set(self._noted)
            if partitions is None
            else {_name(where) + end for where in partitions for end in ("", "!")}
        )
        mine = {name: note for name, note in sorted(self._noted.items()) if name in names}
        try:
            self._board.read()
            # Somebody who has taken over meanwhile answers for himself.
            self._write({name: note._replace(under_way=0) for name, note in mine.items() if self._note(name) == note})
        except (Retryable, Doubtful):
            return
        for name in mine:
            del self._noted[name]

    def _deaths(self, name: str, offset: int) -> int:
        """How often somebody died with `offset` as the next one to work on."""
        note = self._note(name)
        if note is None:
            return 0
        # This process wrote it, and lives.
        died = note.under_way and note != self._noted.get(name)
        return (note.deaths if note.offset == offset else 0) + (1 if died else 0)

    def _is_at_killer(self, where: TopicPartition, offset: int) -> bool:
        """Whether somebody died at a single record that is not behind us. Offsets in between may be nobody's."""
        note = self._note(_name(where) + "!")
        return note is not None and note.offset >= offset and self._deaths(_name(where) + "!", note.offset) > 0

    def _note(self, name: str) -> _Note | None:
        found = self._board.progress().get(PREFIX + name)
        return None if found is None else _Note(*found)

    def _write(self, notes: dict[str, _Note]) -> None:
        rows = [((PREFIX + name).encode(), encode_wire(Progress(note)), None, 0) for name, note in notes.items()]
        if rows:
            self._log.append(self._topic, rows, 0)
            self._noted |= notes

    def _last(self, where: TopicPartition, offset: int, records_max: int) -> int | None:
        """The offset of the last of so many records from `offset` on; null when there are none."""
        reader, last, left = self._log.reader(*where, offset), None, records_max
        try:
            while left > 0 and (records := reader.poll(min(left, _LOOK_MAX), self._limits.restore_wait_ms)):
                last, left = records[-1].offset(), left - len(records)
        finally:
            reader.close()
        return last


def _name(where: TopicPartition) -> str:
    return raw_task(*where)
