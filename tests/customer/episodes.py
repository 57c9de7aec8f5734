"""A customer with one rule, and timelines in words."""

from typing import Any

from schemas.state import EpisodeItem, decode_item, encode_item
from topologies.customer.rules.episode import AlertChange, RuleAct, advance
from topologies.customer.rules.rule import Rule


def rule(**changed: Any) -> Rule:
    given: dict[str, Any] = {
        "id": "r", "hash": "h", "title": "r", "severity": "high", "kind": "event_count",
        "condition": lambda _: True, "source": {}, "threshold": 2.0, "within_ms": 10, "cooldown_ms": 10,
    }  # fmt: skip
    return Rule(**(given | changed))


MATCH = rule(kind="match", threshold=1.0)
TWICE = rule()
RISK = rule(kind="score_crosses", score="risk", threshold=60.0, exit=50.0, cooldown_ms=100)


class World:
    """A customer's acts that meet one rule, and all that was told about it."""

    def __init__(self, watching: Rule) -> None:
        self.rule = watching
        self.acts: dict[str, RuleAct] = {}
        self.episode: EpisodeItem | None = None
        self.told: list[AlertChange] = []
        self.upto = 0
        self.wake: int | None = None

    def go(self, at: int | None = None, *, score: int | None = None, retracted: tuple[str, ...] = ()) -> str:
        """Call the rule; the changes as words: `fired 3 resolved 13`."""
        step = advance(
            self.rule,
            self.episode,
            list(self.acts.values()),
            customer="c",
            score=score,
            upto=self.upto,
            at=self.upto if at is None else at,
            retracted=retracted,
        )
        # What is remembered goes through the state's own bytes: a restore knows no more.
        self.episode = decode_item(encode_item(step.episode)) if step.episode else None
        self.told += step.changes
        self.wake = step.wake
        assert step.wake is None or step.wake > self.upto
        return " ".join(f"{change.status} {change.episode_start}" for change in step.changes)

    def remembered(self) -> tuple[str, int] | None:
        return (self.episode.status, self.episode.pending_since) if self.episode else None

    def act(self, at: int, name: str = "", confidence: int = 1000) -> str:
        name = name or f"a{at}"
        self.acts[name] = RuleAct(at, name, confidence)
        return self.go(at)

    def gone(self, *names: str) -> str:
        for name in names:
            del self.acts[name]
        return self.go(retracted=names)

    def seal(self, *names: str) -> str:
        for name in names:
            del self.acts[name]
        return self.go()

    def tick(self, upto: int, **more: Any) -> str:
        self.upto = upto
        return self.go(**more)


def play(world: World, script: str) -> None:
    """`verb argument … -> what is told`, a line each; the expectation stands on the line that causes it."""
    for line in script.strip().splitlines():
        what, _, expected = (part.strip() for part in line.partition("->"))
        verb, *arguments = what.split("#")[0].split()
        numbers = [int(word) if word.isdigit() else word for word in arguments]
        assert getattr(world, verb)(*numbers) == expected.split("#")[0].strip(), line


def lives(told: list[AlertChange]) -> dict[str, list[str]]:
    """The changes of each alert, in order."""
    found: dict[str, list[str]] = {}
    for change in told:
        found.setdefault(change.alert, []).append(change.status)
    return found
