"""Stream time: how far everybody is, and the ticks that say so.

    raw task    progress (seen_at,)          u1 = min over all raw tasks of all inputs
    inbox task  progress upto of last tick   u2 = min over all inbox tasks of their u1,  u3 = min of their u2

A tick promises: every act of level k with `seen_at` < u(k) has been folded where the tick stands. It holds because
progress is committed together with the sends it covers, and read by whoever writes the next tick.
"""

from collections.abc import Callable, Iterable, Mapping

from schemas.log import LEVELS, Tick, decode_progress
from streams.core.facts import Fact
from streams.runtime import facts
from streams.runtime.batch import Batch
from streams.runtime.codec import inbox_task, raw_task
from streams.runtime.limits import Limits, elapsed_ms
from streams.runtime.ports import Clock, Log
from streams.runtime.task import TICK_KEY, Task
from streams.runtime.topology import Topology

Upto = tuple[int, int, int]
_READ_MAX = 5_000
_HELD_TOLD_MS = 60_000


class ProgressBoard:
    """What all tasks of the application have published. Reads the progress topic without a group."""

    def __init__(self, log: Log, topology: Topology) -> None:
        """Raises `Fatal` when a topic is missing."""
        self._reader = log.reader(topology.progress, 0)
        self._raw = [
            raw_task(entry.topic, partition)
            for entry in topology.inputs
            for partition in range(log.partitions(entry.topic))
        ]
        self._inbox = [inbox_task(partition) for partition in range(topology.partitions)]
        self._progress: dict[str, tuple[int, ...]] = {}

    def read(self) -> None:
        """Bring the board up to date. Raises `Retryable`."""
        while records := self._reader.poll(_READ_MAX, 0):
            for record in records:
                key, value = record.key(), record.value()
                if key is not None and value is not None:
                    self._progress[key.decode()] = decode_progress(value).upto

    def upto(self) -> Upto:
        """What a tick may say now."""
        return (
            min((self._of(name, 1) for name in self._raw), default=0),
            min(self._of(name, 1) for name in self._inbox),
            min(self._of(name, LEVELS - 1) for name in self._inbox),
        )

    def promised(self) -> int:
        """What no tick written so far is above at level 1; 0 before the first one."""
        if not any(self._of(name, 1) for name in self._inbox):
            return 0
        # Not what was processed: ticks on their way may say more, but no more than the tasks that had their say.
        return min((at for name in self._raw if (at := self._of(name, 1))), default=0)

    def held_by(self) -> tuple[str, int]:
        """The raw task that is furthest back, and how far it is (0: it has never said)."""
        if not self._raw:
            return "", 0
        return min(((name, self._of(name, 1)) for name in self._raw), key=lambda found: found[1])

    def progress(self) -> Mapping[str, tuple[int, ...]]:
        """By name of the task."""
        return self._progress

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()

    def _of(self, name: str, level: int) -> int:
        upto = self._progress.get(name)
        return 0 if upto is None else upto[level - 1]


class Ticker:
    """Writes ticks into the inbox partitions of one worker."""

    def __init__(
        self, topology: Topology, board: ProgressBoard, limits: Limits, clock: Clock, tell: Callable[[Fact], None]
    ) -> None:
        """Nothing is written until `write`."""
        self._topology, self._board, self._limits, self._clock, self._tell = topology, board, limits, clock, tell
        self._held_told_at = clock.now_ms()

    def write(self, tasks: Iterable[Task], batch: Batch) -> None:
        """A tick for every task whose stream time can move; once a minute where nobody waits for a time.

        Raises `StateLost`, `Retryable`.
        """
        now_ms = self._clock.now_ms()
        upto = self.upto()
        late = [
            task
            for task in tasks
            if is_above(upto, task.told) and elapsed_ms(task.ticked_at, now_ms) >= self._limits.tick_ms
        ]
        if not late:
            return
        # One that waits needs the ticks of the others as well: u2 is the least that all have processed.
        quiet = not any(task.waits() for task in late)
        due = [task for task in late if not quiet or elapsed_ms(task.ticked_at, now_ms) >= self._limits.quiet_tick_ms]
        if not due:
            return
        batch.begin()
        value = self._topology.encode_event(now_ms, Tick(now_ms, upto))
        for task in due:
            batch.send(self._topology.inbox, value, TICK_KEY, task.partition)
            task.told, task.ticked_at = upto, now_ms
        held_by, _ = self._board.held_by()
        batch.notes.append(
            facts.TickWritten(amount=len(due), upto=upto, behind_ms=max(0, now_ms - upto[0]), held_by=held_by)
        )

    def complain(self, tasks: Iterable[Task]) -> None:
        """Once a minute, while somebody waits for a time: who has never said how far it is."""
        now_ms = self._clock.now_ms()
        if elapsed_ms(self._held_told_at, now_ms) < _HELD_TOLD_MS:
            return
        self._held_told_at = now_ms
        held_by, held_at = self._board.held_by()
        if held_by and held_at == 0 and any(task.waits() for task in tasks):
            self._tell(facts.StreamTimeHeld(task=held_by))

    def upto(self) -> Upto:
        """What a tick may say now."""
        return self._board.upto()


def is_above(upto: Upto, before: Upto) -> bool:
    """Whether a tick would move time at any level."""
    return upto[0] > before[0] or upto[1] > before[1] or upto[2] > before[2]
