"""Calls of the client that may never return, made beside the thread that asks for them.

call ──► a thread of its own ──► done in time: as if it had been called here
                             └─► not in time: the thread is left to it, the next call gets a new one

librdkafka's `send_offsets_to_transaction` waits for ever when the connection to the group's coordinator is lost at the
wrong moment: its request keeps a deadline, but nobody looks at it.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue


class Beside:
    """One call at a time."""

    def __init__(self) -> None:
        """No thread until the first call."""
        self._asked: SimpleQueue[Callable[[], None] | None] | None = None
        self._answered: SimpleQueue[BaseException | None] = SimpleQueue()

    def call(self, what: Callable[[], None], wait_s: float) -> bool:
        """Whether it has returned within `wait_s`. Raises what it raises."""
        if self._asked is None:
            self._asked, self._answered = SimpleQueue(), SimpleQueue()
            # Without it being a daemon a call that hangs would hold up the end of the process.
            threading.Thread(target=_serve, args=(self._asked, self._answered), name="beside", daemon=True).start()
        self._asked.put(what)
        try:
            problem = self._answered.get(timeout=wait_s)
        except Empty:
            self.close()
            return False
        if problem is not None:
            raise problem
        return True

    def close(self) -> None:
        """The thread ends, after the call under way."""
        if self._asked is not None:
            self._asked.put(None)
            self._asked = None


def _serve(asked: SimpleQueue[Callable[[], None] | None], answered: SimpleQueue[BaseException | None]) -> None:
    while (what := asked.get()) is not None:
        try:
            what()
        except BaseException as problem:  # noqa: BLE001  whoever has asked raises it
            answered.put(problem)
        else:
            answered.put(None)
