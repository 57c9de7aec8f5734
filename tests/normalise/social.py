"""Payloads of social sources, and what becomes of them. Everything here is made up; samples are read in place."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.settings import InputSettings, RelevanceSettings
from streams.runtime.ports import LogRecord
from streams.runtime.topology import Normalised, Normaliser
from tests.model.cast import model
from topologies.normalise import bluesky, mastodon, x

NOW = 1_783_166_400_000
"""2026-07-04T12:00:00Z: when the log had everything."""
SERVER = "social.example"
ALL = RelevanceSettings(relevance="all")
BRAND = RelevanceSettings(
    terms=("Acme",),
    accounts=("bluesky:did:plc:us", "x:99", "mastodon:us@social.example"),
    domains=("acme.example",),
)
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/samples is not there")

_BUILD: dict[str, Callable[[InputSettings, Any], Normaliser]] = {
    "bluesky": bluesky.build,
    "mastodon": mastodon.build,
    "x": x.build,
}


def normaliser(source: str, relevance: RelevanceSettings = ALL) -> Normaliser:
    """The product's own, with these settings."""
    settings = InputSettings(name=source, format=source, server=SERVER if source == "mastodon" else "")
    return _BUILD[source](settings, msgspec.structs.replace(model(), relevance=relevance))


def records(payloads: Iterable[bytes | None]) -> list[LogRecord]:
    """One record a payload."""
    return [LogRecord("raw.a", 0, offset, None, payload, NOW) for offset, payload in enumerate(payloads)]


def read(source: str, *payloads: Any, relevance: RelevanceSettings = ALL) -> Normalised:
    """What a batch becomes. Payloads that are not bytes are written as JSON."""
    return normaliser(source, relevance)(records([_bytes(payload) for payload in payloads]))


def events(source: str, *payloads: Any, relevance: RelevanceSettings = ALL) -> list[tuple[str, Any]]:
    """(address, event) of all that arrives; nothing of it may be refused."""
    found = read(source, *payloads, relevance=relevance)
    assert found.refusals == []
    return [(arrival.address, arrival.event) for arrival in found.arrivals]


def only(source: str, payload: Any, relevance: RelevanceSettings = ALL) -> Any:
    """The one event of a payload."""
    ((_, event),) = events(source, payload, relevance=relevance)
    return event


def refusal(source: str, payload: Any) -> tuple[str, str]:
    """(path, cause) of the one refusal."""
    found = read(source, payload)
    assert found.arrivals == []
    (refused,) = found.refusals
    return refused.path, refused.cause


def v1(record: dict[str, Any] | None = None, did: str = "did:plc:ann", **commit: Any) -> dict[str, Any]:
    """A Jetstream commit. Without a record: a delete."""
    given = {
        "rev": "3kb",
        "operation": "delete" if record is None else "create",
        "collection": "app.bsky.feed.post",
        "rkey": "3ka",
    }
    frame = {"did": did, "time_us": NOW * 1000 + 123, "kind": "commit", "commit": given | commit}
    if record is not None:
        frame["commit"]["record"] = record  # type: ignore[index]
    return frame


def post(text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A Bluesky post's record."""
    return {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-07-04T11:59:00.000Z"} | fields


def status(content: str = "<p>hello</p>", acct: str = "ann", **fields: Any) -> dict[str, Any]:
    """A Mastodon status."""
    return {
        "id": "117024236332527350",
        "uri": "https://social.example/users/ann/statuses/117024236332527350",
        "url": "https://social.example/@ann/117024236332527350",
        "created_at": "2026-07-04T11:59:00.000Z",
        "content": content,
        "visibility": "public",
        "account": {"id": "7", "acct": acct, "username": acct.partition("@")[0], "display_name": "Ann"},
        "mentions": [],
    } | fields


def tweet(text: str = "hello", users: Sequence[dict[str, Any]] = (), tweets: Any = (), **fields: Any) -> dict[str, Any]:
    """A message of X's v2 stream."""
    data = {
        "id": "2080761390344937796",
        "author_id": "7",
        "text": text,
        "created_at": "2026-07-04T11:59:00.000Z",
        "edit_history_tweet_ids": ["2080761390344937796"],
    }
    named = {"id": "7", "username": "Ann", "name": "Ann Lee"}
    return {"data": data | fields, "includes": {"users": [named, *users], "tweets": list(tweets)}}


def spelled(value: Any, rnd: random.Random) -> bytes:
    """JSON as some encoder might write it: other escapes, blanks, order of keys; always the same value."""
    return _spell(value, rnd).encode()


def _spell(value: Any, rnd: random.Random) -> str:
    gap = rnd.choice(("", "", "", " ", "\n", "\t "))
    if isinstance(value, dict):
        pairs = [f"{_spell(key, rnd)}{gap}:{gap}{_spell(each, rnd)}" for key, each in value.items()]
        rnd.shuffle(pairs)
        return "{" + gap + f",{gap}".join(pairs) + gap + "}"
    if isinstance(value, list | tuple):
        return "[" + gap + f"{gap},".join(_spell(each, rnd) for each in value) + gap + "]"
    if isinstance(value, str):
        rate = rnd.choice((0.0, 0.0, 0.1, 1.0))
        return '"' + "".join(_letter(letter, rnd, rate) for letter in value) + '"'
    return json.dumps(value)


def _letter(letter: str, rnd: random.Random, rate: float) -> str:
    if letter in '"\\' or letter < " ":
        return json.dumps(letter)[1:-1] if rnd.random() >= rate else f"\\u{ord(letter):04x}"
    if letter == "/" and rnd.random() < 0.5:
        return "\\/"
    if rnd.random() >= rate:
        return letter
    units = letter.encode("utf-16-be").hex()
    units = units.upper() if rnd.random() < 0.5 else units
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _bytes(payload: Any) -> bytes | None:
    return (
        payload if payload is None or isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    )
