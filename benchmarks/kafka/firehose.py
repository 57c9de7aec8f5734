"""A seeded firehose of Jetstream posts, the customers behind it, and what must come of them.

    templates (wire formats of `topologies.traffic`) + author, time, ids ──► payload, and what is known of it

Posts and answers of 560 bytes on average, as other engines were measured on. A share concerns the brand; of those
60 % are by customers, who have records in a CRM, the rest by strangers. A few name `ALARM`, which one rule waits for:
once a customer in 24 hours.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import msgspec
import orjson

from config.inputs import topic_of
from config.settings import InputSettings
from topologies.traffic import ids, names, wire_debezium
from topologies.traffic.people import BRAND, TIERS, Account, Customer, Person
from topologies.traffic.posts import Post, iso
from topologies.traffic.records import first_names, first_values, typed
from topologies.traffic.texts import chat, say
from topologies.traffic.wire_bluesky import BlueskyWire
from topologies.traffic.wire_debezium import DebeziumWire

ALARM = "xylophone"
"""No generated sentence has it."""
ALARM_RULE = "bench-alarm"
NOBODY, STRANGER = -2, -1
"""Authors who are no customers: of what does not matter, and of what does."""

CRM = InputSettings(
    name="crm", format="debezium", source="crm", tables=wire_debezium.TABLES,
    fields=wire_debezium.FIELDS | {"contact": wire_debezium.CONTACT},
)  # fmt: skip
CRM_TOPIC = topic_of(CRM)

_TEMPLATES = 400
"""Of each kind."""
_ANSWERS = 0.35
"""Share of answers: they name whom they answer, so they are longer."""
_BY_CUSTOMERS = 0.6
_GAP_US = 100
"""Between two posts that are written all at once."""
_MOODS = ("praise", "praise", "neutral", "neutral", "neutral", "complaint", "complaint", "angry")
_DAY_MS = 86_400_000
_CHUNKS = [a + b for a in "234567abcdefghijklmnopqrstuvwxyz" for b in "234567abcdefghijklmnopqrstuvwxyz"]
_NUMBER = {letter: number for number, letter in enumerate("234567abcdefghijklmnopqrstuvwxyz")}


class Mix(msgspec.Struct, frozen=True):
    """What a firehose is made of. `relevant` is a share of 1; `authors` are those who are no customers."""

    relevant: float
    customers: int = 15_000
    authors: int = 200_000
    seed: int = 7
    alarms: float = 0.05
    """Of what customers say, that which names the word."""


class Item(NamedTuple):
    """One payload. `owner`: the number of the customer, `STRANGER` or `NOBODY`. `at_us`: what it was written at."""

    key: bytes
    payload: bytes
    owner: int
    is_alarm: bool
    at_us: int


class Firehose:
    """Makes payloads one after the other. The same for the same mix and times."""

    def __init__(self, mix: Mix) -> None:
        """Templates are made here, so that payloads cost little."""
        self.mix = mix
        self._rnd = Random(mix.seed)
        wire = BlueskyWire(self._rnd)
        self._noise = [_template(self._rnd, wire, *chat(self._rnd, "en")) for _ in range(_TEMPLATES)]
        texts = [say(self._rnd, self._rnd.choice(_MOODS), "en", BRAND) for _ in range(_TEMPLATES)]  # type: ignore[arg-type]
        self._wanted = [_template(self._rnd, wire, *text) for text in texts]
        self._alarms = [_template(self._rnd, wire, f"{text} {ALARM}", lang) for text, lang in texts]
        halves = ["".join(self._rnd.choices("abcdefghijklmnopqrstuvwxyz234567", k=26)).encode() for _ in range(4_096)]
        self._halves = halves
        self._customers = [did_of(number).encode() for number in range(mix.customers)]

    def stored(self, count: int, end_us: int) -> Iterator[Item]:
        """So many, the last of them written at `end_us`."""
        for number in range(count):
            yield self.next(end_us - (count - number) * _GAP_US)

    def next(self, at_us: int) -> Item:
        """One that is written now. Times must rise: they are the names of posts."""
        rnd = self._rnd.random
        luck = rnd()
        is_alarm = False
        if luck >= self.mix.relevant:
            owner, template = NOBODY, self._noise[int(rnd() * _TEMPLATES)]
        elif luck < self.mix.relevant * _BY_CUSTOMERS:
            owner = int(rnd() * self.mix.customers)
            is_alarm = rnd() < self.mix.alarms
            template = (self._alarms if is_alarm else self._wanted)[int(rnd() * _TEMPLATES)]
        else:
            owner, template = STRANGER, self._wanted[int(rnd() * _TEMPLATES)]
        did = self._customers[owner] if owner >= 0 else b"did:plc:%024d" % int(rnd() * self.mix.authors)
        key = _tid(at_us)
        halves = self._halves
        cid = halves[int(rnd() * 4_096)] + halves[int(rnd() * 4_096)]
        return Item(
            did, template % (did, at_us, key, key, iso(at_us // 1_000).encode(), cid), owner, is_alarm, at_us
        )  # fmt: skip


def records(customers: int, at_ms: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and payload of the record of each customer, as Debezium's snapshot brings it. Made a day ago."""
    rnd = Random(1)
    wire = DebeziumWire(rnd, at_ms)
    for number in range(customers):
        first, last = rnd.choice(names.FIRST), rnd.choice(names.LAST)
        account = Account("bluesky", did_of(number), f"c{number}.bsky.example", first, "en", at_ms - 90 * _DAY_MS, 1)
        customer = Customer(
            Person(first, last, "en", "calm", (account,)), "crm", number, record_of(number), None, rnd.choice(TIERS),
            rnd.choice(names.OWNER), f"{first}.{last}{number}@mail.example".lower().replace(" ", ""),
            f"+4930{number:08d}", ("account",),
        )  # fmt: skip
        values = {**first_values(customer), **typed(customer, first_names(customer))}
        for raw in wire.contact(customer, values, at_ms - _DAY_MS):
            yield raw.key, raw.payload or b""


def firehose_input(topic: str) -> InputSettings:
    """The raw topic as an input."""
    return InputSettings(name="bluesky", format="bluesky.jetstream", topic=topic)


def did_of(number: int) -> str:
    """The account of a customer."""
    return f"did:plc:c{number:023d}"


def record_of(number: int) -> str:
    """The id of a customer's record in the CRM."""
    return str(1_000 + number)


def customer_of(number: int) -> str:
    """What outputs call a customer."""
    return f"crm:contact:{record_of(number)}"


def act_of(item: Item) -> str:
    """What outputs call the act that a payload brings."""
    return f"bluesky:{item.key.decode()}/app.bsky.feed.post/{_tid(item.at_us).decode()}"


def written_at_us(act: str) -> int:
    """When the act was written: its id holds the time."""
    number = 0
    for letter in act[-13:]:
        number = number << 5 | _NUMBER[letter]
    return number >> 10


def _tid(at_us: int) -> bytes:
    """See `ids.tid`; ten bits at a time."""
    number, chunks = at_us << 10, _CHUNKS
    return (
        f"{chunks[number >> 60][1]}{chunks[number >> 50 & 1023]}{chunks[number >> 40 & 1023]}{chunks[number >> 30 & 1023]}"
        f"{chunks[number >> 20 & 1023]}{chunks[number >> 10 & 1023]}{chunks[number & 1023]}"
    ).encode()


def _template(rnd: Random, wire: BlueskyWire, text: str, lang: str) -> bytes:
    """A payload with gaps for: author, time, revision, key, time in words, content id."""
    author = Account("bluesky", ids.did(rnd), "a.bsky.example", "A", "en", 0, 17)
    other = Account("bluesky", ids.did(rnd), "b.bsky.example", "B", "en", 0, 18)
    at_ms = 1_700_000_000_000 + rnd.randrange(10**9)
    target: Post | None = None
    if rnd.random() < _ANSWERS:
        target = wire.compose(other, "post", at_ms - 3_600_000, "…", "en", None)
    post = wire.compose(author, "reply" if target else "post", at_ms, text, lang, target)
    post.received_at = at_ms + 300
    payload = wire.created(post)
    whole = orjson.loads(payload)
    commit = whole["commit"]
    gaps: Sequence[tuple[str, bytes]] = (
        (whole["did"], b"%b"),
        (str(whole["time_us"]), b"%d"),
        (commit["rev"], b"%b"),
        (commit["rkey"], b"%b"),
        (commit["record"]["createdAt"], b"%b"),
        (commit["cid"], b"bafyrei%b"),
    )
    made, rest = b"", payload
    for value, gap in gaps:
        before, found, rest = rest.partition(value.encode())
        assert found, f"a payload without {value}"
        made += before.replace(b"%", b"%%") + gap
    return made + rest.replace(b"%", b"%%")
