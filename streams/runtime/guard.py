"""Stops a worker that rejects nearly everything: then the input has changed, or the program is wrong."""

from streams.errors import Fatal
from streams.runtime.limits import Limits


class RejectGuard:
    """Counts records and dead letters that were committed, window by window."""

    def __init__(self, limits: Limits, dlq: str) -> None:
        """`dlq`: the topic the message names."""
        self._limits, self._dlq = limits, dlq
        self._records = self._rejects = 0

    def note(self, records: int, rejects: int) -> None:
        """After a commit. Raises `Fatal` when a window had too large a share of rejects."""
        self._records += records
        self._rejects += rejects
        if self._records < self._limits.reject_window:
            return
        records, rejects = self._records, self._rejects
        self._records = self._rejects = 0
        if rejects > records * self._limits.reject_share_max:
            raise Fatal(
                f"{rejects} of the last {records} records went to {self._dlq}, want at most "
                f"{self._limits.reject_share_max:.0%}: stopped before the rest follows; look at them with `rapport dlq ls`"
            )
