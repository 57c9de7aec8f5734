"""X's filtered stream, version 2, with the compliance stream beside it.

Text is HTML-escaped and entities count its code points. An edit is a new post with a longer history; what happened
to a post afterwards comes as a compliance message.
"""

import html
import re
from random import Random
from typing import Any

import orjson

from topologies.traffic import ids
from topologies.traffic.people import US, Account
from topologies.traffic.posts import Kind, Post, iso

_MARKS = re.compile(r"@(?P<mentions>\w{1,15})|(?P<urls>https?://[^\s]+)|#(?P<hashtags>\w+)")
_TYPES = {"reply": "replied_to", "quote": "quoted", "repost": "retweeted"}
_RULES = [{"id": "1849203384750432257", "tag": "acme cloud"}]
_EDIT_MS = 3_600_000


class XWire:
    """See `PlatformWire`. There are no likes in this stream."""

    def __init__(self, rnd: Random) -> None:
        """What the platform adds by chance is drawn from `rnd`."""
        self._rnd = rnd

    def compose(self, account: Account, kind: Kind, at: int, text: str, lang: str, target: Post | None) -> Post:
        """See `PlatformWire`. A reply begins with whom it answers, a repost is cut."""
        if kind == "reply" and target is not None and not text.startswith("@"):
            text = f"@{target.account.handle} {text}"
        if kind == "repost" and target is not None:
            text = f"RT @{target.account.handle}: {target.text}"
            text = text if len(text) <= 140 else f"{text[:139]}…"
        key = ids.x_id(at, self._rnd)
        # Times of posts are in whole seconds; only the id knows better.
        at = at // 1000 * 1000
        return Post(account, kind, at, text, lang, target, key, f"x:{account.name}/{key}", versions=(key,))

    def created(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        return orjson.dumps({"data": _post(post), "includes": _includes(post), "matching_rules": _RULES})

    def edited(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        post.key = ids.x_id(post.edited_at, self._rnd)
        post.versions = (*post.versions, post.key)
        return self.created(post)

    def deleted(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        gone = {"tweet": {"id": post.key, "author_id": post.account.name}, "event_at": iso(post.received_at - 900)}
        return orjson.dumps({"data": {"delete": gone}})


def _post(post: Post) -> dict[str, Any]:
    target, text = post.target, html.escape(post.text, quote=False)
    data: dict[str, Any] = {
        "author_id": post.account.name,
        "conversation_id": _conversation(post),
        "created_at": iso(post.edited_at or post.at)[:-5] + ".000Z",
        "edit_history_tweet_ids": list(post.versions),
        "entities": _entities(text),
        "id": post.key,
        "lang": post.lang,
        "public_metrics": {
            "retweet_count": 0,
            "reply_count": 0,
            "like_count": 0,
            "quote_count": 0,
            "bookmark_count": 0,
            "impression_count": 0,
        },
        "text": text,
    }
    if not data["entities"]:
        del data["entities"]
    if target is not None and post.kind in _TYPES:
        data["referenced_tweets"] = [{"type": _TYPES[post.kind], "id": target.key}]
        if post.kind == "reply":
            data["in_reply_to_user_id"] = target.account.name
    return data


def _conversation(post: Post) -> str:
    while post.kind == "reply" and post.target is not None:
        post = post.target
    return post.versions[0]


def _includes(post: Post) -> dict[str, Any]:
    people = [post.account, *([post.target.account] if post.target else [])]
    if f"@{US['x'].handle}" in post.text:
        people.append(US["x"])
    users = {account.name: _user(account) for account in people}
    return {"users": list(users.values())} | ({"tweets": [_post(post.target)]} if post.target else {})


def _user(account: Account) -> dict[str, Any]:
    return {
        "created_at": iso(account.born_at)[:-5] + ".000Z",
        "id": account.name,
        "name": account.display,
        "username": account.handle,
        "verified": account is US["x"],
    }


def _entities(text: str) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {}
    for mark in _MARKS.finditer(text):
        kind = mark.lastgroup or ""
        one: dict[str, Any] = {"start": mark.start(), "end": mark.end()}
        if kind == "urls":
            shown = mark[0].partition("://")[2]
            one |= {"url": mark[0], "expanded_url": mark[0], "display_url": shown}
        elif kind == "mentions":
            one["username"] = mark[kind]
            if mark[kind].lower() == US["x"].handle:
                one["id"] = US["x"].name
        else:
            one["tag"] = mark[kind]
        found.setdefault(kind, []).append(one)
    return found
