"""Generated payloads have the fields of real ones, and no others."""

from collections import defaultdict
from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from tests.traffic.shapes import fields, sample_lines
from topologies.traffic.stage import Options
from topologies.traffic.world import World


@lru_cache(maxsize=1)
def payloads() -> dict[str, list[Any]]:
    """Some thousand payloads, by input."""
    found: dict[str, list[Any]] = defaultdict(list)
    for one in islice(World(Options(start_ms=1_764_000_000_000, customers=80)), 6_000):
        if one.payload is not None:
            found[one.input].append(orjson.loads(one.payload))
    return found


def commits(frames: list[Any]) -> dict[tuple[str, str], list[Any]]:
    """Frames by operation and collection; others by their kind."""
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for frame in frames:
        commit = frame.get("commit", {})
        found[commit.get("operation", frame["kind"]), commit.get("collection", "")].append(frame)
    return found


# Not in the capture; their shapes are from the lexicons.
_LEXICON = (".commit.record.embed.images", ".commit.record.embed.record", ".commit.record.facets.features.did")


def test_bluesky_commits() -> None:
    real = commits(sample_lines("bluesky/jetstream_v1_capture_20260704.jsonl"))
    gone = real["delete", "app.bsky.graph.follow"]
    ours = commits([one for one in payloads()["bluesky"] if one["kind"] == "commit"])
    for operation, collection in ours:
        twins = gone if operation == "delete" else real.get((operation, collection)) or real["create", collection]
        unknown = fields(ours[operation, collection]) - fields(twins)
        assert not {path for path in unknown if not path.startswith(_LEXICON)}, (operation, collection)


def test_bluesky_account_and_identity_changes() -> None:
    real = [one["payload"] for one in sample_lines("bluesky/jetstream_v2_frames.jsonl") if "payload" in one]
    ours = [one for one in payloads()["bluesky"] if one["kind"] != "commit"]
    assert {one["kind"] for one in ours} == {"account", "identity"}
    for one in ours:
        assert list(one) == ["did", "time_us", "kind", one["kind"]]
        assert not fields([one[one["kind"]]]) - fields([twin[one["kind"]] for twin in real if one["kind"] in twin])


def test_mastodon_statuses() -> None:
    real = sample_lines("mastodon/mastodonpy_sse_update.jsonl")
    frames = payloads()["mastodon"]
    assert {tuple(frame) for frame in frames} == {("stream", "event", "payload")}
    statuses = [orjson.loads(one["payload"]) for one in frames if one["event"] != "delete"]
    assert {frozenset(one) for one in statuses} == {frozenset(real[0])}
    assert {frozenset(one["account"]) for one in statuses} == {frozenset(real[0]["account"])}
    mentions = {frozenset(mention) for one in statuses for mention in one["mentions"]}
    assert mentions == {frozenset(("id", "username", "url", "acct"))}


def test_mastodon_deletes_carry_a_bare_id() -> None:
    gone = [one["payload"] for one in payloads()["mastodon"] if one["event"] == "delete"]
    assert gone
    assert all(one.isdigit() for one in gone)


def test_x_posts() -> None:
    lines = [*sample_lines("x/v2_fundamentals.jsonl"), *sample_lines("x/v2_data_dictionary.jsonl")]
    messages = [one["data"] if isinstance(one, dict) and "data" in one else one for one in lines]
    real = [post for one in messages for post in (one if isinstance(one, list) else [one])]
    ours = payloads()["x"]
    posts = [one["data"] for one in ours if "matching_rules" in one]
    assert {tuple(one) for one in ours} == {("data", "includes", "matching_rules"), ("data",)}
    assert not fields(posts) - fields(real) - {".entities.mentions.id", ".entities.hashtags.tag"}


def test_hubspot_events() -> None:
    real = {
        frozenset(event) | {"appId"}
        for name in ("hubspot/generic_object_batches_real.jsonl",)
        for batch in sample_lines(name)
        for event in batch
    }
    ours = [event for batch in payloads()["hubspot"] for event in batch]
    for event in ours:
        # Contacts have event names of their own, where custom objects have a type.
        assert frozenset(event) | {"objectTypeId"} in real, event


def test_salesforce_changes() -> None:
    real = sample_lines("salesforce/abrarsheikhsony_readme.jsonl")[0]
    for one in payloads()["salesforce"]:
        assert set(one) == set(real)
        assert set(one["data"]) == set(real["data"])
        header = set(one["data"]["payload"]["ChangeEventHeader"])
        assert header - {"changedFields"} == set(real["data"]["payload"]["ChangeEventHeader"])


def test_debezium_rows() -> None:
    real = sample_lines("debezium/docs_postgresql.jsonl")[0]["payload"]
    for one in payloads()["crm"]:
        assert set(one) - {"transaction"} == set(real)
        assert set(one["source"]) == set(real["source"])
