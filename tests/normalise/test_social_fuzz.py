"""Whatever bytes arrive: events that can be written down, or a refusal with a path. Never another exception."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Envelope, decode_envelope, encode_envelope
from streams.core.address import ADDRESS_BYTES_MAX
from streams.errors import Poison
from streams.runtime.ports import LogRecord
from tests.normalise.social import ALL, BRAND, NOW, normaliser, post, records, status, tweet, v1
from topologies.normalise import bluesky, mastodon, x
from topologies.normalise.base import PAYLOAD_BYTES_MAX, Format, Parsed
from topologies.normalise.relevance import relevance_of

FORMS: dict[str, Format] = {
    "bluesky": bluesky.Jetstream(relevance_of(ALL)),
    "mastodon": mastodon.Streaming("social.example", relevance_of(ALL)),
    "x": x.Stream(relevance_of(ALL)),
}
LIKE = v1({"subject": {"uri": "at://did:plc:bob/app.bsky.feed.post/3k"}}, collection="app.bsky.feed.like")
RICH = post(
    "Acme",
    reply={"parent": {"uri": "at://did:plc:bob/app.bsky.feed.post/3k"}, "root": {"uri": "at://did:plc:us/a.b/c"}},
    embed={
        "record": {"record": {"uri": "at://did:plc:us/a.b/c"}},
        "media": {"external": {"uri": "https://acme.example"}},
    },
    facets=[
        {"index": {"byteStart": 0, "byteEnd": 4}, "features": [{"did": "did:plc:bob"}, {"uri": "https://acme.example"}]}
    ],
    langs=["en"],
    tags=["t"],
)
V2 = {"$type": "message", "payload": {"$type": "a#commit", "did": "did:plc:a", "time": "2026-07-04T12:00:00.000999Z"}}
GOOD: dict[str, list[Any]] = {
    "bluesky": [
        v1(RICH),
        v1(),
        LIKE,
        V2 | {"payload": V2["payload"] | v1(RICH)["commit"]},
        {"did": "did:plc:a", "time_us": NOW, "kind": "account", "account": {"active": False, "time": "x"}},
        {"did": "did:plc:a", "time_us": NOW, "kind": "identity", "identity": {"handle": "a.example"}},
    ],
    "mastodon": [
        status(
            quote={"state": "accepted", "quoted_status": status()}, mentions=[{"id": "1", "acct": "us"}], edited_at="x"
        ),
        status("", reblog=status()),
        [status(), status()],
        {"stream": ["user"], "event": "update", "payload": json.dumps(status())},
        {"id": "1", "type": "favourite", "account": status()["account"], "status": status(), "created_at": "x"},
        {"last_status": status(), "accounts": []},
    ],
    "x": [
        tweet(
            "a &amp; b",
            note_tweet={"text": "n", "entities": {"urls": [{"expanded_url": "https://acme.example"}]}},
            entities={"mentions": [{"username": "us", "id": "99"}]},
            referenced_tweets=[{"type": "replied_to", "id": "5"}, {"type": "quoted", "id": "6"}],
            in_reply_to_user_id="8",
            tweets=[{"id": "5", "author_id": "8", "text": "t"}],
        ),
        {"data": [tweet()["data"]]},
        {"data": {"delete": {"tweet": {"id": "1", "author_id": "7"}, "event_at": "x"}}},
        {"data": {"user_suspend": {"user": {"id": "7"}, "timestamp_ms": "1"}}},
        {"data": {"user_profile_modification": {"user": {"id": "7"}, "profile_field": "username", "new_value": "n"}}},
        {
            "data": {
                "event_type": "post.create",
                "payload": tweet()["data"],
                "includes": {"users": [{"data": {"id": "7"}}]},
            }
        },
    ],
}
TRICKY: list[Any] = [
    None, True, False, 0, -1, 1 << 63, 1 << 64, -(1 << 200), 1.5, -0.0, 1e300, "", " ", "\0", "\ud7ff", "😀" * 300,
    "did:plc:x", "did:" + "a" * 3_000, "at://did:plc:x/a/b", "at://", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z",
    "https://[", "http://xn--a", "acct:a@b", "a@b.example", "1", "²", "-1", [], {}, [[]], [None], {"": None}, {"uri": {}},
]  # fmt: skip

KEYS = st.sampled_from(
    ["id", "account", "acct", "data", "kind", "commit", "did", "event", "payload", "type", "$type", "text"]
)
VALUES = st.recursive(
    st.one_of(
        st.sampled_from(TRICKY), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=9)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(KEYS, st.text(max_size=3)), inner, max_size=5)
    ),
    max_leaves=12,
)
SEEDS = st.integers(0, 1 << 32).map(random.Random)


def mutated(value: Any, rnd: random.Random) -> Any:
    """The value with one thing in it replaced, left out or doubled."""
    if rnd.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return rnd.choice(TRICKY)
    if isinstance(value, list):
        place = rnd.randrange(len(value))
        return [*value[:place], mutated(value[place], rnd), *value[place:]]
    name = rnd.choice(list(value))
    rest = {key: each for key, each in value.items() if key != name}
    return rest if rnd.random() < 0.2 else rest | {name: mutated(value[name], rnd)}


def torn(data: bytes, rnd: random.Random) -> bytes:
    """The bytes with a letter changed, a part cut out, or something put in."""
    place, end = sorted((rnd.randrange(len(data) + 1), rnd.randrange(len(data) + 1)))
    middle = rnd.choice((b"", b"\xff", b"\0", b"\\u", b"\\ud800", b"[" * 5_000, b"9" * 5_000, b'"', data[place:end]))
    return data[:place] + middle + data[rnd.choice((place, end)) :]


def attempt(form: Format, record: LogRecord) -> Parsed:
    """What becomes of it; of one that cannot be read as a whole, the refusal."""
    try:
        return form.parse(record)
    except Poison as problem:
        return Parsed(NOW, refused=[(problem.path, problem.cause)])


def check(source: str, payload: bytes | None) -> None:
    """Read it twice, and write down what came of it."""
    form, record = FORMS[source], LogRecord("raw.a", 0, 0, None, payload, NOW)
    assert 0 <= form.received_at(record) < 1 << 53
    parsed = attempt(form, record)
    assert attempt(form, record) == parsed
    for path, cause in parsed.refused:
        assert path.startswith("$")
        assert 0 < len(cause) < 300
    assert parsed.events or parsed.irrelevant or parsed.unknown or parsed.refused, "it vanished"
    for address, event in parsed.events:
        data = encode_envelope(Envelope(parsed.received_at, event))
        assert decode_envelope(data).event == event
        assert len(data) < 200_000
        assert address.startswith(("account:", "post:"))
        assert len(address.encode()) <= ADDRESS_BYTES_MAX or address.startswith("post:")


@pytest.mark.parametrize("source", FORMS)
@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=60), VALUES.map(lambda value: json.dumps(value).encode()), st.none()))
def test_any_payload(source: str, payload: bytes | None) -> None:
    check(source, payload)


@pytest.mark.parametrize("source", FORMS)
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), SEEDS)
def test_nearly_right_values(source: str, which: int, rnd: random.Random) -> None:
    value = GOOD[source][which]
    for _ in range(rnd.randint(1, 3)):
        value = mutated(value, rnd)
    check(source, json.dumps(value, ensure_ascii=rnd.random() < 0.5).encode())


@pytest.mark.parametrize("source", FORMS)
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), SEEDS)
def test_nearly_right_bytes(source: str, which: int, rnd: random.Random) -> None:
    check(source, torn(json.dumps(GOOD[source][which]).encode(), rnd))


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("depth", [100, 900, 5_000, 100_000])
def test_depth_has_no_end(source: str, depth: int) -> None:
    for start, end in (
        (b"[", b"]"),
        (b'{"a":', b"}"),
        (b'{"data":', b"}"),
        (b'{"payload":', b"}"),
        (b'{"account":', b"}"),
    ):
        check(source, start * depth + b"1" + end * depth)
        check(source, start * depth)
    nested = json.dumps(GOOD[source][0]).encode().replace(b'"Acme"', b"[" * depth + b"]" * depth)
    check(source, nested)
    check(source, json.dumps(status("<b>" * depth)).encode())


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("relevance", [ALL, BRAND])
def test_a_huge_payload_is_refused_unread_and_its_neighbours_are_not(source: str, relevance: Any) -> None:
    good = {"bluesky": v1(post("Acme")), "mastodon": status("<p>Acme</p>"), "x": tweet("Acme")}[source]
    data = json.dumps(good).encode()
    huge = b'{"text":"' + b"acme " * (4 << 20) + b'"}'
    found = normaliser(source, relevance)(records([data, huge, data]))
    assert {arrival.index for arrival in found.arrivals} == {0, 2}
    (refused,) = found.refusals
    assert (refused.index, refused.path) == (1, "$")
    assert str(PAYLOAD_BYTES_MAX) in refused.cause


@pytest.mark.parametrize("source", FORMS)
def test_many_of_the_largest_payloads_are_read(source: str) -> None:
    data = json.dumps({"text": "x" * (PAYLOAD_BYTES_MAX - 12)}).encode()
    assert len(data) == PAYLOAD_BYTES_MAX
    found = normaliser(source, BRAND)(records([data] * 3))
    assert found.irrelevant + sum(found.unknown.values()) + len(found.refusals) == 3
