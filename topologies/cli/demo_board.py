"""What the demo shows: numbers that follow from the outputs and from how far the workers are."""

from collections import Counter, deque
from typing import Any

import msgspec

from topologies.normalise.times import parse_time

KEPT = 200
"""Alerts and links that are remembered to be shown."""
RATE_MS = 5_000
"""Rates are taken over so long."""
MOVED_MS = 12_000
"""A score that has moved within so long is shown as moving."""


class ScoreShown(msgspec.Struct):
    """A customer's score as last published. `moved` is how far risk and engagement went with the last change."""

    customer: str
    engagement: float
    risk: float
    band: str
    moved: tuple[float, float]
    moved_at: int


class AlertShown(msgspec.Struct, frozen=True):
    """One change of an alert. `reason` is one line and names the customer."""

    at: str
    status: str
    severity: str
    rule: str
    reason: str


class LinkShown(msgspec.Struct, frozen=True):
    """An account that turned out to be a customer's, or not any more."""

    status: str
    identifier: str
    customer: str
    method: str


class Board:
    """Takes in documents as they are seen; everything on it can be read at any time."""

    def __init__(self, started_ms: int) -> None:
        """Nothing has been seen yet."""
        self.started_ms = started_ms
        self.sent = self.done = self.events = 0
        """Payloads written, payloads done, events that went through the inbox."""
        self.raw_lag = self.inbox_lag = 0
        self.outputs: Counter[str] = Counter()
        self.alerts_by: Counter[str] = Counter()
        self.latencies: Counter[int] = Counter()
        """Acts by milliseconds from their receipt to the sight of the output; of authors who were known by then."""
        self.scores: dict[str, ScoreShown] = {}
        self.names: dict[str, tuple[str, str]] = {}
        """(name, tier) by customer."""
        self.alerts: deque[AlertShown] = deque(maxlen=KEPT)
        self.links: deque[LinkShown] = deque(maxlen=KEPT)
        self._linked: dict[str, int] = {}
        self._joined: set[str] = set()
        self._steps: deque[tuple[int, int]] = deque([(started_ms, 0)])

    @property
    def joined(self) -> int:
        """Acts that are a customer's now."""
        return len(self._joined)

    @property
    def linked(self) -> int:
        """Accounts that are a customer's now."""
        return len(self._linked)

    @property
    def alerts_seen(self) -> int:
        """Changes of alerts that were news: also those that `alerts` has let go."""
        return self.alerts_by.total() - self.alerts_by["updated"]

    def reach(self, now_ms: int, *, done: int, events: int, raw_lag: int, inbox_lag: int) -> None:
        """How far the workers are."""
        self.done, self.events, self.raw_lag, self.inbox_lag = done, events, raw_lag, inbox_lag
        self._steps.append((now_ms, done))
        while len(self._steps) > 2 and self._steps[1][0] <= now_ms - RATE_MS:
            self._steps.popleft()

    def rate(self) -> float:
        """Payloads done a second, of late."""
        (first_ms, first), (last_ms, last) = self._steps[0], self._steps[-1]
        return (last - first) * 1000 / (last_ms - first_ms) if last_ms > first_ms else 0.0

    def latency(self, share: float) -> int | None:
        """The milliseconds that this share of the acts did not exceed; None: none yet."""
        left = share * self.latencies.total()
        for ms in sorted(self.latencies):
            left -= self.latencies[ms]
            if left <= 0:
                return ms
        return None

    def top(self, name: str, count: int) -> list[ScoreShown]:
        """The customers with the highest `risk` or `engagement`."""
        return sorted(self.scores.values(), key=lambda one: (-getattr(one, name), one.customer))[:count]

    def name_of(self, customer: str) -> str:
        """As people call them."""
        return self.names.get(customer, ("", ""))[0] or customer

    def see(self, output: str, key: str, document: dict[str, Any] | None, now_ms: int) -> None:
        """A document was seen at `now_ms`. Null: the key of a compacted output is gone."""
        self.outputs[output] += 1
        match output:
            case "enriched" if document is not None:
                self._enriched(document, now_ms)
            case "scores":
                self._score(key, document, now_ms)
            case "profiles" if document is not None:
                self.names[key] = (document["name"] or "", document["tier"] or "")
            case "links" if document is not None:
                self._link(document, now_ms)
            case "alerts" if document is not None:
                self._alert(document)

    def _enriched(self, document: dict[str, Any], now_ms: int) -> None:
        act = document["act"]
        if document["retracted"]:
            self._joined.discard(act["id"])
            return
        is_new = act["id"] not in self._joined
        self._joined.add(act["id"])
        received_at = parse_time(act["received_at"])
        known_at = self._linked.get(document["author"]["identifier"])
        if is_new and known_at is not None and max(known_at, self.started_ms) <= received_at:
            self.latencies[max(0, now_ms - received_at)] += 1

    def _score(self, customer: str, document: dict[str, Any] | None, now_ms: int) -> None:
        if document is None:
            self.scores.pop(customer, None)
            return
        engagement, risk = document["engagement"], document["risk"]
        before = self.scores.get(customer)
        moved = (risk - before.risk, engagement - before.engagement) if before else (risk, engagement)
        self.scores[customer] = ScoreShown(customer, engagement, risk, document["band"], moved, now_ms)

    def _link(self, document: dict[str, Any], now_ms: int) -> None:
        identifier, status = document["identifier"], document["status"]
        if status == "linked":
            self._linked.setdefault(identifier, now_ms)
        elif status == "retracted":
            self._linked.pop(identifier, None)
        if status in {"linked", "retracted"}:
            shown = LinkShown(status, identifier, document["customer"] or "", document["method"] or "")
            self.links.append(shown)

    def _alert(self, document: dict[str, Any]) -> None:
        self.alerts_by[document["status"]] += 1
        if document["status"] == "updated":
            # The same alert with one more act: counted, but no news.
            return
        name, reason = document["customer"]["name"] or "", " ".join(document["reason"].split())
        if name not in reason:
            reason = f"{name}: {reason}"
        shown = AlertShown(document["at"], document["status"], document["severity"], document["rule"], reason)
        self.alerts.append(shown)
