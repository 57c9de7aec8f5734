"""Bluesky Jetstream, version 1: one JSON object a frame. Facets count UTF-8 bytes; only the DID names the author."""

import re
from random import Random
from typing import Any

import orjson

from topologies.traffic import ids
from topologies.traffic.people import US, Account
from topologies.traffic.posts import Kind, Post, iso

_COLLECTIONS: dict[Kind, str] = {
    "post": "app.bsky.feed.post",
    "reply": "app.bsky.feed.post",
    "quote": "app.bsky.feed.post",
    "repost": "app.bsky.feed.repost",
    "like": "app.bsky.feed.like",
    "follow": "app.bsky.graph.follow",
}
_MARKS = re.compile(r"(?P<mention>@[\w.-]+\.\w+)|(?P<link>https?://[^\s]+)|#(?P<tag>\w+)")
_DIDS = {f"@{US['bluesky'].handle}": US["bluesky"].name}
"""Handles that are mentioned in texts."""


class BlueskyWire:
    """See `PlatformWire`."""

    def __init__(self, rnd: Random) -> None:
        """What the platform adds by chance is drawn from `rnd`."""
        self._rnd = rnd

    def compose(self, account: Account, kind: Kind, at: int, text: str, lang: str, target: Post | None) -> Post:
        """See `PlatformWire`."""
        rkey = ids.tid(at * 1000 + self._rnd.randrange(1000), account.clock)
        collection = _COLLECTIONS[kind]
        post = Post(account, kind, at, text, lang, target, rkey, f"bluesky:{account.name}/{collection}/{rkey}")
        post.uri = f"at://{account.name}/{collection}/{rkey}"
        post.cid = ids.cid(orjson.dumps(_record(post)))
        return post

    def created(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        return self._commit(post, "create")

    def edited(self, post: Post) -> bytes:
        """See `PlatformWire`. The protocol can do it, hardly any client does."""
        post.cid = ids.cid(orjson.dumps(_record(post)))
        return self._commit(post, "update")

    def deleted(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        return self._commit(post, "delete")

    def account_status(self, account: Account, received_at: int, status: str) -> bytes:
        """The account is there (`status` empty), or away: deactivated, suspended, taken down."""
        about = {
            "active": not status,
            "did": account.name,
            "seq": _seq(self._rnd, received_at),
            "time": iso(received_at - 400),
        }
        return _frame(self._rnd, account.name, received_at, "account", about | ({"status": status} if status else {}))

    def identity(self, account: Account, received_at: int, handle: str = "") -> bytes:
        """Something about the account's identity changed. Hosts that still say what name the `handle`."""
        about = {"did": account.name, "seq": _seq(self._rnd, received_at), "time": iso(received_at - 400)}
        return _frame(self._rnd, account.name, received_at, "identity", about | ({"handle": handle} if handle else {}))

    def other(self, account: Account, received_at: int) -> bytes:
        """A record of somebody else's application."""
        rnd = self._rnd
        at = received_at - rnd.randint(200, 2000)
        collection = "fm.teal.alpha.actor.status"
        record = {
            "$type": collection,
            "expiry": iso(at + 600_000),
            "item": {
                "artists": [{"artistName": rnd.choice(("The Lampposts", "Ida & the Owls", "Quiet Harbour"))}],
                "duration": None,
                "playedTime": iso(at - 30_000),
                "releaseName": rnd.choice(("Sands", "Low Tide", "Third Floor")),
                "submissionClientAgent": "example-scrobbler/0.3",
                "trackName": rnd.choice(("Kites", "Evening Bus", "Left Shoe")),
            },
            "time": iso(at),
        }
        commit: dict[str, Any] = {
            "rev": _rev(self._rnd, account, received_at),
            "operation": "update",
            "collection": collection,
            "rkey": "self",
        }
        commit |= {"record": record, "cid": ids.cid(orjson.dumps(record))}
        return _frame(self._rnd, account.name, received_at, "commit", commit)

    def _commit(self, post: Post, operation: str) -> bytes:
        commit: dict[str, Any] = {
            "rev": _rev(self._rnd, post.account, post.received_at),
            "operation": operation,
            "collection": _COLLECTIONS[post.kind],
            "rkey": post.key,
        }
        if operation != "delete":
            commit |= {"record": _record(post), "cid": post.cid}
        return _frame(self._rnd, post.account.name, post.received_at, "commit", commit)


def _frame(rnd: Random, did: str, received_at: int, kind: str, about: dict[str, Any]) -> bytes:
    time_us = received_at * 1000 + rnd.randrange(1000)
    return orjson.dumps({"did": did, "time_us": time_us, "kind": kind, kind: about})


def _rev(rnd: Random, account: Account, received_at: int) -> str:
    """Of the repository: later than the record's own key, earlier than the frame."""
    return ids.tid(received_at * 1000 - rnd.randint(50_000, 99_000), account.clock)


def _seq(rnd: Random, received_at: int) -> int:
    """The relay's own count."""
    return received_at // 40 - 20_000_000_000 + rnd.randrange(3)


def _record(post: Post) -> dict[str, Any]:
    record: dict[str, Any] = {"$type": _COLLECTIONS[post.kind], "createdAt": iso(post.at)}
    target = post.target
    if post.kind == "follow":
        assert target is not None
        return record | {"subject": target.account.name}
    if post.kind in {"repost", "like"}:
        assert target is not None
        return record | {"subject": _strong(target)}
    embed = _embed(post)
    if embed:
        record["embed"] = embed
    facets = _facets(post.text)
    if facets:
        record["facets"] = facets
    record["langs"] = [post.lang]
    if post.kind == "reply" and target is not None:
        root = target
        while root.kind == "reply" and root.target is not None:
            root = root.target
        record["reply"] = {"parent": _strong(target), "root": _strong(root)}
    return record | {"text": post.text}


def _strong(post: Post) -> dict[str, str]:
    return {"cid": post.cid, "uri": post.uri}


def _embed(post: Post) -> dict[str, Any] | None:
    if post.kind == "quote" and post.target is not None:
        return {"$type": "app.bsky.embed.record", "record": _strong(post.target)}
    if "📷" in post.text:
        picture = {"alt": "", "aspectRatio": {"height": 1500, "width": 2000}, "image": _blob(post)}
        return {"$type": "app.bsky.embed.images", "images": [picture]}
    link = re.search(r"https?://[^\s]+", post.text)
    if link is None:
        return None
    card = {"description": "", "thumb": _blob(post), "title": link[0].rpartition("/")[2], "uri": link[0]}
    return {"$type": "app.bsky.embed.external", "external": card}


def _blob(post: Post) -> dict[str, Any]:
    link = ids.cid(post.key.encode()).replace("bafyrei", "bafkrei", 1)
    size = 40_000 + sum(post.key.encode()) * 97
    return {"$type": "blob", "ref": {"$link": link}, "mimeType": "image/jpeg", "size": size}


def _facets(text: str) -> list[dict[str, Any]]:
    found = []
    for mark in _MARKS.finditer(text):
        kind = mark.lastgroup or ""
        feature: dict[str, str] = {"$type": f"app.bsky.richtext.facet#{kind}"}
        if kind == "mention":
            did = _DIDS.get(mark[0])
            if did is None:
                continue
            feature["did"] = did
        else:
            feature |= {"uri": mark[0]} if kind == "link" else {"tag": mark["tag"]}
        start = len(text[: mark.start()].encode())
        end = start + len(mark[0].encode())
        found.append({"features": [feature], "index": {"byteEnd": end, "byteStart": start}})
    return found
