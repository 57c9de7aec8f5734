"""One customer, folded by hand: events in, items kept as a restore would find them, everything that was said collected."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from config.settings import DAY_MS, HOUR_MS, IdentitySettings, ProfileSettings, ScoreSettings, Settings
from schemas.events import (
    Act,
    Content,
    Decided,
    Erase,
    FieldValue,
    Join,
    JoinedAct,
    Record,
    decode_envelope,
    encode_envelope,
)
from schemas.log import Continue, Wake
from schemas.state import STATE_BYTES_MAX, decode_item, encode_item
from streams.core.effects import EFFECTS_MAX, Drop, Forget, Note, Publish, Put, Send, WakeAt
from streams.core.fold import Now, State
from topologies.customer.fold import customer
from topologies.customer.rules.rule import Rule
from topologies.customer.sentiment import Lexicon
from topologies.model import Model, build_model

WHO = "customer:salesforce:contact:51"
RECORD = "record:salesforce:contact:51"
ANN = "account:x:1"
BASE_MS = 1_760_000_000_000
WORDS = {"good": 2.0, "bad": -2.0, "awful": -3.5}


def ms(hour: float) -> int:
    """An hour of the story as a time."""
    return BASE_MS + int(hour * HOUR_MS)


def a_model(*rules: Rule, identity: dict[str, Any] | None = None, score: dict[str, Any] | None = None) -> Model:
    """A small lexicon; the rest as it comes, unless said otherwise."""
    settings = Settings(
        identity=IdentitySettings(**(identity or {})),
        score=ScoreSettings(**(score or {})),
        profile=ProfileSettings(fields=("region",)),
    )
    ordered = tuple(sorted(rules, key=lambda rule: rule.id))
    return build_model(settings, ordered, {"en": Lexicon(digest="three words", words=WORDS)})


MODEL = a_model()


class Desk:
    """The customer at work. Every call goes through the codecs, as between two restarts."""

    def __init__(self, model: Model = MODEL) -> None:
        self.model = model
        self.items: dict[str, Any] = {}
        self._due: int | None = None
        self.upto = 0
        self.sent: list[tuple[str, Any]] = []
        self.published: list[tuple[str, str, Any]] = []
        self.notes: list[Any] = []
        self.calls = 0
        self._position = 1 << 48
        self._versions = 1 << 48

    # -- what happens

    def fold(self, event: Any, seen_at: int = 0) -> list[tuple[str, str, Any]]:
        """Fold an event and all that the customer sends itself; what was published meanwhile."""
        start, queue = len(self.published), [event]
        while queue:
            _, known = _through_codec(queue.pop(0))
            for effect in self._call(known, seen_at or self.upto):
                match effect:
                    case Put(item, value):
                        data = encode_item(value)
                        assert len(data) <= STATE_BYTES_MAX, f"{item}: {len(data)} bytes"
                        self.items[item] = decode_item(data)
                        assert self.items[item] == value
                    case Drop(item):
                        self.items.pop(item, None)
                    case Forget():
                        self.items, self._due = {}, None
                    case Send(address, sent) if address == WHO:
                        assert isinstance(sent, Continue)
                        queue.append(sent)
                    case Send(address, sent):
                        self.sent.append((address, sent))
                    case Publish(output, key, value):
                        self.published.append((output, key, value))
                    case WakeAt(due):
                        self._due = due
                    case Note(fact):
                        self.notes.append(fact)
                    case _:
                        raise AssertionError(effect)
        return self.published[start:]

    def _call(self, event: Any, seen_at: int) -> list[Any]:
        self.calls += 1
        self._position += 1
        now = Now(self._position, seen_at, self.upto)
        effects = list(customer(State(WHO, self.items), event, now, self.model))
        assert len(effects) <= EFFECTS_MAX, f"{len(effects)} effects of {event}"
        again = list(customer(State(WHO, dict(reversed(self.items.items()))), event, now, self.model))
        assert again == effects, f"the order of items matters to {event}"
        return effects

    def tick(self, upto: int) -> list[tuple[str, str, Any]]:
        """Stream time goes on; wakes in between are fired at the next tick, as a worker does."""
        self.upto = upto
        start = len(self.published)
        for _ in range(100):
            due, self._due = self._due, None
            if due is None or due > upto:
                self._due = due
                return self.published[start:]
            self.fold(Wake(due))
            assert not self.due() or self.due() > upto, "woken again at once"
        raise AssertionError("wakes for ever")

    def due(self) -> int:
        """When it wants to be woken; 0: not."""
        return self._due or 0

    def join(self, act: Act, *, account: str = ANN, revision: int = 1, **more: Any) -> list[tuple[str, str, Any]]:
        """The account says: this act is yours."""
        rest: dict[str, Any] = {"confidence": 999, "method": "asserted", "evidence": ("x=51",), "since": 0} | more
        joined = JoinedAct(act, account, **rest)
        return self.fold(Join(account, act.id, self.version(), revision, joined), act.received_at)

    def unjoin(self, act_id: str, *, account: str = ANN, revision: int = 2) -> list[tuple[str, str, Any]]:
        """The account says: not any more."""
        return self.fold(Join(account, act_id, self.version(), revision, None))

    def record(
        self, fields: Mapping[str, str | None], *, subject: str = RECORD, **more: Any
    ) -> list[tuple[str, str, Any]]:
        """A record says what it says; the claim-bearing fields since the beginning of the story."""
        return self.fold(Content(RECORD, subject, self.version(), a_record(fields, subject, **more)))

    def no_record(self, subject: str = RECORD) -> list[tuple[str, str, Any]]:
        """A record is not this customer's any more."""
        return self.fold(Content(RECORD, subject, self.version(), None))

    def decide(self, what: Any, identifier: str, hour: float = 0) -> list[tuple[str, str, Any]]:
        """A person decides."""
        return self.fold(Decided(ms(hour), "0", what, identifier, "olga"))

    def erase(self, at: int) -> list[tuple[str, str, Any]]:
        """Forget this person."""
        return self.fold(Erase(at, at), at)

    def version(self) -> int:
        """The next one."""
        self._versions += 1
        return self._versions

    # -- what came of it

    def last(self, output: str) -> Any:
        """The last value of an output."""
        return [value for name, _, value in self.published if name == output][-1]

    def of(self, output: str) -> list[Any]:
        """All values of an output."""
        return [value for name, _, value in self.published if name == output]

    def told(self, kind: type[Any]) -> list[tuple[str, Any]]:
        """What was sent of a kind, by address."""
        return [(address, event) for address, event in self.sent if isinstance(event, kind)]

    def alerts(self) -> list[str]:
        """`rule status` of every change told so far."""
        return [f"{value.rule} {value.status}" for value in self.of("alerts")]

    def counted(self, counter: str) -> int:
        """How often a fact was noted."""
        return sum(fact.amount for fact in self.notes if fact.counter == counter)


def _through_codec(event: Any) -> tuple[int, Any]:
    if isinstance(event, Wake):
        return 0, event
    envelope = decode_envelope(encode_envelope((0, event)))
    assert envelope.event == event
    return envelope.seen_at, envelope.event


def post(act_id: str, hour: float, text: str = "", **more: Any) -> Act:
    """A post in English, received as it was written."""
    rest: dict[str, Any] = {"version": "1", "received_at": ms(hour), "source": "x", "kind": "post", "lang": "en"} | more
    return Act(id=act_id, at=ms(hour), text=text, **rest)


def a_record(
    fields: Mapping[str, str | None],
    subject: str = RECORD,
    *,
    at: int = BASE_MS,
    position: str = "0",
    gone: tuple[tuple[int, int], ...] = (),
) -> Record:
    """All fields of one time."""
    values = {name: FieldValue(at, position, value) for name, value in fields.items()}
    claims = ("x", "bluesky", "mastodon", "email", "phone")
    return Record(subject, values, {name: (values[name],) for name in fields if name in claims}, gone)


def lowered(model: Model, **identity: Any) -> Model:
    """A model with other limits."""
    return replace(model, identity=replace(model.identity, **identity))


def kinds(published: Iterable[tuple[str, str, Any]]) -> list[str]:
    """The outputs, in order."""
    return [output for output, _, _ in published]


__all__ = [
    "ANN",
    "BASE_MS",
    "DAY_MS",
    "MODEL",
    "RECORD",
    "WHO",
    "Desk",
    "a_model",
    "a_record",
    "kinds",
    "lowered",
    "ms",
    "post",
]
