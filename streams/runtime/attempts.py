"""What kills the process cannot reject itself: notes, written outside of any transaction, say where work began.

    task begins at offset x                     note "attempt:<task>"   (x, how often without getting past)
    more than `crashes_max` times               careful for a batch: one record a commit, each noted before it is touched
    the same record killed us as often again    dead letter with the cause `crash`

A note is compared with the offset only, so progress makes it void. What is given up on purpose is not held against
anybody; what is taken away from a worker that hangs is.
"""

from collections.abc import Iterable

from schemas.log import Progress, encode_wire
from streams.errors import Retryable
from streams.runtime.codec import raw_task
from streams.runtime.limits import Limits
from streams.runtime.ports import Log, Record, TopicPartition
from streams.runtime.task import TICK_KEY
from streams.runtime.ticks import ProgressBoard

PREFIX = "attempt:"
"""Of the notes' keys in the progress topic."""

CAUSE = "crash: the process died each time this record was worked on"


class Attempts:
    """The notes of one worker."""

    def __init__(self, log: Log, board: ProgressBoard, topic: str, limits: Limits) -> None:
        """`topic`: of progress, where the notes are kept as well."""
        self._log, self._board, self._topic, self._limits = log, board, topic, limits
        self._noted: dict[str, tuple[int, int]] = {}
        self._careful: dict[TopicPartition, int] = {}
        self._tried: dict[TopicPartition, int] = {}

    @property
    def careful(self) -> bool:
        """Whether some partition is at records that may have killed somebody."""
        return bool(self._careful)

    def begin(self, where: TopicPartition, offset: int) -> None:
        """Work on a partition begins at `offset`. Raises `Retryable`."""
        self.end(where)
        end = self._log.end_offset(*where)
        if end <= offset:
            return
        self._board.read()
        killed = self._board.progress().get(f"{PREFIX}{raw_task(*where)}!", (-1, 0))
        suspect = self._note(raw_task(*where), offset) > self._limits.crashes_max or (killed[0] == offset and killed[1])
        if suspect and self._is_record(where, offset):
            # Whoever died had taken so many at most.
            self._careful[where] = min(end, offset + self._limits.raw_records_max)

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
        return self._note(f"{raw_task(*where)}!", record.offset()) > self._limits.crashes_max

    def passed(self) -> None:
        """A commit went through: what was tried is behind us."""
        for where, offset in self._tried.items():
            self._noted.pop(f"{raw_task(*where)}!", None)
            if offset + 1 >= self._careful[where]:
                del self._careful[where]
        self._tried.clear()

    def forgive(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        """These (or all) are given up on purpose: what was begun there is not to blame. A failure to say so is harmless."""
        names = set(self._noted) if partitions is None else {raw_task(*where) for where in partitions}
        noted = {task: at for task, at in self._noted.items() if task.removesuffix("!") in names or task in names}
        rows = [
            ((PREFIX + task).encode(), encode_wire(Progress((offset, count - 1))), None, 0)
            for task, (offset, count) in sorted(noted.items())
        ]
        try:
            if rows:
                self._log.append(self._topic, rows, 0)
        except Retryable:
            return
        for task in noted:
            del self._noted[task]

    def _note(self, task: str, offset: int) -> int:
        """How often work began here, this time included."""
        mine = self._noted.get(task)
        if mine is not None and mine[0] == offset:
            # This process has been here before, and lives.
            return mine[1]
        noted = self._board.progress().get(PREFIX + task)
        count = noted[1] + 1 if noted is not None and noted[0] == offset else 1
        row = ((PREFIX + task).encode(), encode_wire(Progress((offset, count))), None, 0)
        self._log.append(self._topic, [row], 0)
        self._noted[task] = (offset, count)
        return count

    def _is_record(self, where: TopicPartition, offset: int) -> bool:
        """Whether there is anything to begin with: offsets at the end may be nobody's."""
        reader = self._log.reader(*where, offset)
        try:
            return bool(reader.poll(1, self._limits.restore_wait_ms))
        finally:
            reader.close()
