"""Mastodon's streaming WebSocket: a frame whose payload is JSON in a string; a delete carries a bare id.

The stream is that of one server: local accounts have no host in `acct`, and ids are this server's own.
"""

import html
import re
from random import Random
from typing import Any

import orjson

from topologies.traffic import ids
from topologies.traffic.names import SERVERS
from topologies.traffic.people import US, Account
from topologies.traffic.posts import Kind, Post, iso

SERVER = SERVERS[0]
_MARKS = re.compile(r"(?P<mention>@acme@social\.example|@acme\b)|(?P<link>https?://[^\s]+)|#(?P<tag>\w+)")


class MastodonWire:
    """See `PlatformWire`."""

    def __init__(self, rnd: Random) -> None:
        """What the platform adds by chance is drawn from `rnd`."""
        self._rnd = rnd

    def compose(self, account: Account, kind: Kind, at: int, text: str, lang: str, target: Post | None) -> Post:
        """See `PlatformWire`. There are no likes of others' posts in a public stream."""
        key = ids.mastodon_id(at, self._rnd)
        if _host(account) != SERVER:
            # Other servers send whole seconds.
            at = at // 1000 * 1000
        return Post(account, kind, at, text, lang, target, key, f"mastodon:{SERVER}/{key}")

    def created(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        return _frame("update", orjson.dumps(_status(post)).decode())

    def edited(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        return _frame("status.update", orjson.dumps(_status(post)).decode())

    def deleted(self, post: Post) -> bytes:
        """See `PlatformWire`."""
        return _frame("delete", post.key)


def _frame(event: str, payload: str) -> bytes:
    return orjson.dumps({"stream": ["public"], "event": event, "payload": payload})


def _host(account: Account) -> str:
    return account.name.partition("@")[2]


def _home(account: Account) -> str:
    return f"https://{_host(account)}/@{account.name.partition('@')[0]}"


def _uri(account: Account) -> str:
    if _host(account) == SERVER:
        return f"https://{SERVER}/ap/users/{account.local_id}"
    return f"https://{_host(account)}/users/{account.name.partition('@')[0]}"


def _status(post: Post) -> dict[str, Any]:
    account, target = post.account, post.target
    is_boost, is_reply = post.kind == "repost", post.kind == "reply" and target is not None
    uri, url = f"{_uri(account)}/statuses/{post.key}", f"{_home(account)}/{post.key}"
    if is_boost:
        uri, url = f"{uri}/activity", f"{uri}/activity"
    mentions = _mentions(post)
    return {
        "id": post.key,
        "created_at": iso(post.at),
        "in_reply_to_id": target.key if is_reply and target else None,
        "in_reply_to_account_id": target.account.local_id if is_reply and target else None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": None if is_boost else post.lang,
        "uri": uri,
        "url": url,
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "quotes_count": 0,
        "edited_at": iso(post.edited_at) if post.edited_at else None,
        "content": "" if is_boost else _content(post, mentions),
        "reblog": _status(target) if is_boost and target else None,
        "application": {"name": "Web", "website": None} if _host(account) == SERVER and not is_boost else None,
        "account": _account(account, post.at),
        "media_attachments": [],
        "mentions": [] if is_boost else [_mention(one) for one in mentions],
        "tags": [_tag(mark["tag"]) for mark in _MARKS.finditer(post.text) if mark["tag"]],
        "emojis": [],
        "tagged_collections": [],
        "quote": _quote(post),
        "card": None,
        "poll": None,
        "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"},
        "favourited": False,
        "reblogged": False,
        "muted": False,
        "bookmarked": False,
        "pinned": False,
        "filtered": [],
    }


def _quote(post: Post) -> dict[str, Any] | None:
    if post.kind != "quote" or post.target is None:
        return None
    return {"state": "accepted", "quoted_status": _status(post.target)}


def _account(account: Account, now: int) -> dict[str, Any]:
    name, host = account.name.partition("@")[0], _host(account)
    number = int(account.local_id)
    picture = f"https://{host}/avatars/original/missing.png"
    header = f"https://{host}/headers/original/missing.png"
    return {
        "id": account.local_id,
        "username": name,
        "acct": account.handle,
        "display_name": account.display,
        "locked": number % 7 == 0,
        "bot": False,
        "discoverable": True,
        "indexable": number % 2 == 0,
        "group": False,
        "created_at": iso(account.born_at)[:10] + "T00:00:00.000Z",
        "note": "",
        "url": _home(account),
        "uri": _uri(account),
        "avatar": picture,
        "avatar_static": picture,
        "avatar_description": "",
        "header": header,
        "header_static": header,
        "header_description": "",
        "followers_count": number % 991,
        "following_count": number % 613,
        "statuses_count": number % 7919,
        "last_status_at": iso(now)[:10],
        "hide_collections": None,
        "show_media": True,
        "show_media_replies": True,
        "show_featured": True,
        "noindex": False,
        "feature_approval": {"automatic": [], "manual": [], "current_user": "denied"},
        "emojis": [],
        "roles": [],
        "fields": [],
    }


def _mentions(post: Post) -> list[Account]:
    """Whom it names: in the text, or by answering."""
    us = US["mastodon"]
    named = [us] if any(mark["mention"] for mark in _MARKS.finditer(post.text)) else []
    if post.kind == "reply" and post.target is not None and post.target.account is not post.account:
        answered = post.target.account
        named += [answered] if answered not in named else []
    return named


def _mention(account: Account) -> dict[str, str]:
    name = account.name.partition("@")[0]
    return {"id": account.local_id, "username": name, "url": _home(account), "acct": account.handle}


def _tag(tag: str) -> dict[str, str]:
    return {"name": tag.lower(), "url": f"https://{SERVER}/tags/{tag.lower()}"}


def _content(post: Post, mentions: list[Account]) -> str:
    """The text as HTML, as Mastodon writes it."""
    parts, at, text = [], 0, post.text
    for mark in _MARKS.finditer(text):
        parts += [html.escape(text[at : mark.start()]).replace("&#x27;", "&#39;"), _link(mark)]
        at = mark.end()
    body = "".join(parts) + html.escape(text[at:]).replace("&#x27;", "&#39;")
    in_text = [mark["mention"] for mark in _MARKS.finditer(text) if mark["mention"]]
    ahead = [one for one in mentions if not (in_text and one is US["mastodon"])]
    prefix = "".join(f"{_card(one)} " for one in ahead)
    quoted = ""
    if post.kind == "quote" and post.target is not None:
        where = f"{_home(post.target.account)}/{post.target.key}"
        quoted = f'<p class="quote-inline">RE: {_anchor(where)}</p>'
    return f"{quoted}<p>{prefix}{body}</p>"


def _link(mark: re.Match[str]) -> str:
    if mark["mention"]:
        return _card(US["mastodon"])
    if mark["tag"]:
        where = _tag(mark["tag"])["url"]
        return f'<a href="{where}" class="mention hashtag" rel="tag">#<span>{mark["tag"]}</span></a>'
    return _anchor(mark["link"])


def _card(account: Account) -> str:
    name = account.name.partition("@")[0]
    anchor = f'<a href="{_home(account)}" class="u-url mention">@<span>{name}</span></a>'
    return f'<span class="h-card" translate="no">{anchor}</span>'


def _anchor(url: str) -> str:
    scheme, _, rest = url.partition("://")
    shown = f'<span class="invisible">{scheme}://</span><span class="">{rest}</span><span class="invisible"></span>'
    return f'<a href="{url}" target="_blank" rel="nofollow noopener" translate="no">{shown}</a>'
