"""What a worker waits for when it gets nowhere, in words: said when it goes on, less and less often.

a call is made again (log, store, commit, restore)   ──► trouble   over by a turn that did something without any
once a second: not joined, nothing owned, restoring  ──► standing  over when it is not so any more
                 either of them, for 5 s, 15 s, 35 s, …, then once a minute ──► `WorkerWaits`
                 over, after that was said                                  ──► `WorkerWentOn`
"""

from collections.abc import Callable

from streams.core.facts import Fact
from streams.runtime import facts
from streams.runtime.limits import elapsed_ms
from streams.runtime.ports import Clock

_FIRST_MS, _PAUSE_MS_MAX = 5_000, 60_000
_CALM_MS = 5_000
"""Trouble that was not met for so long is over: an idle worker asks somebody something every second."""
_HELD_MS = 90_000
"""That stream time is held is told once a minute, while it is so."""

_WORDS = {
    "step": "an answer",
    "commit": "the log to take a commit",
    "apply": "the store to take a commit",
    "restore": "an answer for a restore",
    "locate": "positions of raw partitions",
}


class _Wait:
    """One thing that is waited for, over and over, and when it was said last."""

    def __init__(self, tell: Callable[[Fact], None]) -> None:
        self.what = self.reason = ""
        self._tell = tell
        self._since = self._told_at = self._noted_at = 0
        self._pause_ms = _FIRST_MS
        self._is_told = False

    def note(self, what: str, reason: str, now_ms: int) -> None:
        if not self.what:
            self._since = self._told_at = now_ms
            self._pause_ms = _FIRST_MS
        self.what, self.reason, self._noted_at = what, reason, now_ms
        if elapsed_ms(self._told_at, now_ms) < self._pause_ms:
            return
        self._pause_ms = min(2 * self._pause_ms, _PAUSE_MS_MAX)
        self._told_at, self._is_told = now_ms, True
        self._tell(facts.WorkerWaits(what=what, since_ms=max(0, now_ms - self._since), reason=reason))

    def over(self, now_ms: int) -> None:
        if self._is_told:
            self._tell(facts.WorkerWentOn(what=self.what, after_ms=max(0, now_ms - self._since)))
        self.what = self.reason = ""
        self._is_told = False

    def is_calm(self, now_ms: int) -> bool:
        return elapsed_ms(self._noted_at, now_ms) >= _CALM_MS


class Waits:
    """Of one worker. Hears every fact that it tells, and passes it on."""

    def __init__(self, tell: Callable[[Fact], None], clock: Clock) -> None:
        """Nothing is waited for yet."""
        self._tell, self._clock = tell, clock
        self._trouble, self._standing = _Wait(tell), _Wait(tell)
        self._is_clean = True
        """Whether this turn met with no trouble so far."""
        self._held = ""
        self._held_at = 0

    def __call__(self, fact: Fact) -> None:
        """Pass it on; remember it when it says that something is waited for."""
        self._tell(fact)
        if type(fact) is facts.CallRetried:
            if words := _WORDS.get(fact.what):
                self._is_clean = False
                self._trouble.note(words, fact.reason, self._clock.now_ms())
        elif type(fact) is facts.StreamTimeHeld:
            self._held, self._held_at = fact.task, self._clock.now_ms()

    def turned(self, *, worked: bool) -> None:
        """A turn of the worker has ended. `worked`: records were taken or committed."""
        is_clean, self._is_clean = self._is_clean, True
        if self._trouble.what and is_clean:
            now_ms = self._clock.now_ms()
            if worked or self._trouble.is_calm(now_ms):
                self._trouble.over(now_ms)

    def stands(self, what: str, reasons: list[str]) -> None:
        """What is not as it has to be before there can be work; no reasons: all is. Once a second or so."""
        now_ms = self._clock.now_ms()
        if reasons and not self._trouble.what:
            # Who does not answer is the reason for the rest, and is said already.
            more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
            self._standing.note(what, reasons[0] + more, now_ms)
        elif not reasons and self._standing.what:
            self._standing.over(now_ms)

    @property
    def waits_for(self) -> str:
        """In words; empty: nothing."""
        for wait in (self._trouble, self._standing):
            if wait.what:
                return f"{wait.what}: {wait.reason}"
        if self._held and elapsed_ms(self._held_at, self._clock.now_ms()) < _HELD_MS:
            return f"stream time: {self._held} has not said how far it is"
        return ""
