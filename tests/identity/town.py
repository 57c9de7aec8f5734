"""The folds of identity with nobody else: who is not one of them only listens. Time passes when it is told to.

Every call is held against what the task would refuse: too many effects, items that are too large or do not come back,
effects that depend on the order in which items were written.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from config.settings import HOUR_MS, IdentitySettings, Settings
from schemas.events import FOREVER, Act, Claim, Envelope, Interval, Join, Sighting, encode_envelope
from schemas.log import Wake
from schemas.state import STATE_BYTES_MAX, Kept, decode_item, encode_item
from streams.core.effects import EFFECTS_MAX, Drop, Forget, Note, Publish, Put, Reject, Send, WakeAt
from streams.core.facts import Fact
from streams.core.fold import GENERATION_SHIFT, Now, State
from topologies.identity.account import account
from topologies.identity.email import email
from topologies.identity.handle import handle
from topologies.identity.post import post
from topologies.identity.record import record
from topologies.model import Model, build_model

FOLDS: dict[str, Callable[..., Iterable[Any]]] = {
    "account": account,
    "email": email,
    "handle": handle,
    "post": post,
    "record": record,
}
T0 = 1_750_000_000_000
X1, X2, X3 = "account:x:1", "account:x:2", "account:x:3"
ANN, BEA = "handle:x:ann", "handle:x:bea"
C1, C2, C3 = (f"customer:salesforce:contact:{n}" for n in (1, 2, 3))
EVENT_BYTES_MAX = 900_000


def ms(hour: float) -> int:
    """An hour as a time."""
    return T0 + int(hour * HOUR_MS)


def post_(number: int, hour: float, **more: Any) -> Act:
    """An act by its number."""
    rest: dict[str, Any] = {"version": "1", "source": "x", "kind": "post", "at": ms(hour), "text": "hello"} | more
    return Act(id=f"x:1/{number:06d}", received_at=rest.pop("received_at", ms(hour)), **rest)


def claim(customer: str, version: int, *spans: tuple[float, float] | tuple[float, float, int]) -> Claim:
    """A claim in hours; `inf` is for ever. Strength 3 where none is given."""
    intervals = []
    for start, end, *strength in spans:
        until = FOREVER if end == float("inf") else ms(end)
        intervals.append(Interval(ms(start), until, int(strength[0]) if strength else 3, "x=salesforce:contact:1"))
    return Claim(customer, version, tuple(intervals))


ALWAYS = (0.0, float("inf"))


def sighting(handle_: str, hour: float) -> Sighting:
    """An account used a handle."""
    return Sighting(handle_, ms(hour), ms(hour))


class Town:
    """Addresses with their items, what was published and noted, and what those who only listen were sent."""

    def __init__(self, folds: dict[str, Callable[..., Iterable[Any]]] = FOLDS, **identity: Any) -> None:
        """`folds`: who is more than a listener. `identity`: settings that differ from the default."""
        self.folds = folds
        self.model: Model = build_model(Settings(identity=IdentitySettings(**identity)), (), {})
        self.items: dict[str, dict[str, Any]] = {}
        self.wakes: dict[str, int] = {}
        self.published: list[tuple[str, str, Any]] = []
        self.notes: list[Fact] = []
        self.sent: list[tuple[str, Any]] = []
        self.rejected: list[str] = []
        self.upto = 0
        self.calls = 0
        self._queue: deque[tuple[str, Any, int]] = deque()

    # -- what happens

    def tell(self, address: str, *events: Any) -> "Town":
        """Events to one address, and all that follows from them."""
        for event in events:
            self._queue.append((address, event, getattr(event, "received_at", getattr(event, "at", self.upto))))
            self._drain()
        return self

    def tick(self, hour: float) -> "Town":
        """Stream time reaches an hour; who wants to be woken is."""
        self.upto = max(self.upto, ms(hour))
        while due := sorted((at, who) for who, at in self.wakes.items() if at <= self.upto):
            at, who = due[0]
            del self.wakes[who]
            self._fold(who, Wake(at), self.upto)
            self._drain()
        return self

    def restart(self) -> "Town":
        """Everything comes back from what was written, in another order."""
        self.items = {
            address: {name: decode_item(encode_item(items[name])) for name in sorted(items, reverse=True)}
            for address, items in self.items.items()
            if items
        }
        return self

    def _drain(self) -> None:
        while self._queue:
            address, event, seen_at = self._queue.popleft()
            if address.partition(":")[0] in self.folds:
                self._fold(address, event, seen_at)
            else:
                self.sent.append((address, event))

    def _fold(self, address: str, event: Any, seen_at: int) -> None:
        self.calls += 1
        items = self.items.setdefault(address, {})
        now = Now(1 << GENERATION_SHIFT | self.calls, seen_at, self.upto)
        fold = self.folds[address.partition(":")[0]]
        effects = list(fold(State(address, items), event, now, self.model))
        assert len(effects) <= EFFECTS_MAX, f"{address}: {len(effects)} effects for {type(event).__name__}"
        if self.calls % 16 == 0:
            again = State(address, dict(sorted(items.items(), reverse=self.calls % 32 == 0)))
            assert list(fold(again, event, now, self.model)) == effects, f"{address}: depends on the order of items"
        for effect in effects:
            self._carry_out(address, items, effect, seen_at)

    def _carry_out(self, address: str, items: dict[str, Any], effect: Any, seen_at: int) -> None:
        match effect:
            case Put(item, value):
                data = encode_item(value)
                assert len(data) <= STATE_BYTES_MAX, f"{address}/{item}: {len(data)} bytes"
                assert decode_item(data) == value
                items[item] = value
            case Drop(item):
                items.pop(item, None)
            case Forget():
                items.clear()
                self.wakes.pop(address, None)
            case Send(to, event):
                assert len(encode_envelope(Envelope(seen_at, event))) <= EVENT_BYTES_MAX
                self._queue.append((to, event, seen_at))
            case Publish(output, key, value):
                self.published.append((output, key, value))
            case WakeAt(due):
                self.wakes.pop(address, None)
                self.wakes |= {} if due is None else {address: due}
            case Note(fact):
                self.notes.append(fact)
            case Reject(cause, _):
                self.rejected.append(cause)

    # -- what came of it

    def kept(self, address: str = X1) -> dict[str, Kept]:
        """Acts of an account by id, tombstones too."""
        items = self.items.get(address, {})
        return {name.removeprefix("act:"): item for name, item in items.items() if name.startswith("act:")}

    def joined(self, customer: str = C1) -> dict[str, Join]:
        """Acts that a customer has been told are its own, as it knows them who keeps the newest stance."""
        newest: dict[tuple[str, str], Join] = {}
        for to, event in self.sent:
            if to == customer and isinstance(event, Join):
                key = event.sender, event.subject
                if key not in newest or newest[key].version < event.version:
                    newest[key] = event
        return {act: join for (_, act), join in newest.items() if join.joined is not None}

    def said(self, output: str, status: str | None = None) -> list[Any]:
        """Documents of an output, in order; of links those with a status."""
        documents = [value for name, _, value in self.published if name == output]
        return [one for one in documents if status is None or one.status == status]

    def noted(self, kind: type[Fact]) -> int:
        """How often a fact was noted."""
        return sum(fact.amount for fact in self.notes if type(fact) is kind)

    def bound(self, account_: str) -> tuple[Any, ...]:
        """What the handles have bound to an account, by the account's own memory."""
        heard = self.items.get(account_, {}).get("bounds")
        return () if heard is None else tuple(one for _, claims in heard.by.values() for one in claims)
