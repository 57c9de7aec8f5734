"""How long restores will take still, from how fast they went lately."""

from collections.abc import Iterable

from streams.runtime.status import Restoring

_LOOK_MS = 10_000
"""An estimate is of the last ten to twenty seconds: a store that was busy for a while says little about what is left."""

Look = tuple[int, int]
"""(when, how much was done)"""


class Pace:
    """Looks at every restore now and then."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._looks: dict[int, tuple[Look, Look, Look]] = {}
        self.left_ms: dict[int, int] = {}
        """By partition; one without an estimate is not there."""

    def look(self, restores: Iterable[Restoring], now_ms: int) -> None:
        """This is how far they are now."""
        before, self._looks, self.left_ms = self._looks, {}, {}
        for one in restores:
            now = now_ms, one.done
            since, middle, last = before.get(one.partition, (now, now, now))
            if now_ms < last[0] or one.done < last[1]:
                # The clock was set back, or the restore has begun anew.
                since = middle = now
            elif now_ms - middle[0] >= _LOOK_MS:
                since, middle = middle, now
            self._looks[one.partition] = since, middle, now
            took_ms, done = now_ms - since[0], one.done - since[1]
            if one.total and one.done >= one.total:
                self.left_ms[one.partition] = 0
            elif one.total and took_ms and done:
                self.left_ms[one.partition] = (one.total - one.done) * took_ms // done
