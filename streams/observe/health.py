"""Whether a process lives, and whether it is ready for work: what `/health` and `/ready` answer.

    loop turns ──► turned ─┐
    Status     ──► show ───┼──► live   the loop has turned within `stuck_ms`
    trouble    ──► note ───┘     ready  live, joined, and everything it owns is in place

Written by the worker's thread, read by those of the server: each field is replaced as a whole.
"""

import time
from collections.abc import Callable
from typing import Any

from streams.observe.lines import masked
from streams.runtime.status import Status

STUCK_MS = 60_000
"""Twice what a worker tries to finish a commit for while its brokers are away: killing it then would help nobody."""


class Health:
    """Of one process."""

    def __init__(self, stuck_ms: int = STUCK_MS, monotonic: Callable[[], float] = time.monotonic) -> None:
        """The time in which a worker starts counts as its first turn. `monotonic`: seconds."""
        self._stuck_s, self._monotonic = stuck_ms / 1000, monotonic
        self._turned_at = monotonic()
        self._shown: Status | None = None
        self._trouble: tuple[str, float] | None = None

    def turned(self) -> None:
        """The loop has turned once more."""
        self._turned_at = self._monotonic()

    def show(self, status: Status) -> None:
        """This is how it stands."""
        self._shown = status

    def note(self, trouble: str) -> None:
        """Something did not work at once. It may well be why the loop does not turn."""
        self._trouble = trouble, self._monotonic()

    @property
    def age_s(self) -> float:
        """Since the loop has turned."""
        return max(0.0, self._monotonic() - self._turned_at)

    def live(self) -> tuple[bool, dict[str, Any]]:
        """Whether the loop turns, and the answer in words."""
        age_s = self.age_s
        answer: dict[str, Any] = {"status": "live", "turned_s_ago": round(age_s, 1)}
        status = self._shown
        if status is not None and status.waits_for:
            answer["waits_for"] = masked(status.waits_for)
        if age_s <= self._stuck_s:
            return True, answer
        reason = f"the loop has not turned for {age_s:.0f} s, want a turn every {self._stuck_s:.0f} s"
        return False, {**answer, "status": "stuck", "reason": reason + self._last_trouble()}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether it works on all that it owns, and the answer in words."""
        is_live, said = self.live()
        if not is_live:
            return False, {"status": "not ready", "missing": [said["reason"]]}
        status = self._shown
        if status is None:
            return False, {"status": "not ready", "missing": ["the worker is starting" + self._last_trouble()]}
        if status.missing:
            return False, {"status": "not ready", "missing": list(status.missing)}
        return True, {"status": "ready", "inbox": list(status.tasks), "raw": list(status.raw)}

    def _last_trouble(self) -> str:
        if self._trouble is None:
            return ""
        what, at = self._trouble
        return f"; {self._monotonic() - at:.0f} s ago: {what}"
