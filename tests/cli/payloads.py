"""Payloads that tests write by hand."""

import json

from topologies.identity.documents import time_text

AT = "2026-03-01T12:00:00.000Z"
AT_US = 1_772_366_400_000_000


def post(did: str, rkey: str, text: str, second: float = 0, begin_us: int = AT_US) -> str:
    """A post in Jetstream's form, so many seconds after `begin_us`."""
    time_us = begin_us + int(second * 1_000_000)
    created_at = time_text(time_us // 1000)
    commit = {
        "rev": f"3k{rkey}", "operation": "create", "collection": "app.bsky.feed.post", "rkey": rkey,
        "record": {"$type": "app.bsky.feed.post", "text": text, "createdAt": created_at, "langs": ["en"]}, "cid": "c",
    }  # fmt: skip
    return json.dumps({"did": did, "time_us": time_us, "kind": "commit", "commit": commit})
