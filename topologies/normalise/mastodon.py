"""Mastodon's streaming, however it was kept: events of its SSE, frames of its WebSocket, or entities alone.

    event: update\\ndata: {status}                               SSE, one event or a transcript of many
    {"stream":["public"],"event":"update","payload":"{status}"}   WebSocket: JSON within JSON
    {status}, [{status}, …], {notification}, 117024236332527350   what `data` holds, or REST answers

    status         ──► Act to its author, Authored to its post   (deletes name no author)
    our own reply  ──► ReplyTo to the post it answers            (replies name no author either)
    delete         ──► GonePost to the post

Ids are those of one server, so they carry its name; `acct` is completed by it. Every payload is parsed: texts are HTML,
which may cut a word anywhere, and the largest servers bring tens of them a second.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from config.settings import InputSettings
from schemas.events import Act, ActKind, Authored, GonePost, ReplyTo
from streams.core.address import ADDRESS_BYTES_MAX
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.acts import post_address
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.identifiers import account_address
from topologies.normalise.reading import NAME_MAX, TEXT_MAX, distinct, items, lang, mapping, text, web_link
from topologies.normalise.relevance import Relevance, relevance_of
from topologies.normalise.sse import sse_events
from topologies.normalise.text import html_parts
from topologies.normalise.times import claimed, parse_time, record_time
from topologies.normalise.wire import id_text, read_json, want_object

_STATUS_EVENTS = frozenset({"update", "status.update"})
_COUNTED_EVENTS = frozenset({
    "announcement", "announcement.reaction", "announcement.delete", "filters_changed", "notifications_merged",
    "encrypted_message",
})  # fmt: skip
_ABOUT_A_STATUS = frozenset({"mention", "status", "update", "quote"})
_COUNTED_NOTIFICATIONS = frozenset({
    "reblog", "follow_request", "poll", "quoted_update", "admin.sign_up", "admin.report", "severed_relationships",
    "moderation_warning", "annual_report", "added_to_collection", "collection_update",
})  # fmt: skip
"""A boost comes as a status of its own: counted here, it would be counted twice."""

_OBJECTS = (
    ("error", "error"),
    ("acct", "account"),
    ("ancestors", "context"),
    ("notification_groups", "grouped notifications"),
    ("statuses", "search results"),
    ("quoted_status", "quote"),
    ("content", "status edit"),
)
"""Objects that are no act, by a field of theirs."""

_BARE_ID = re.compile(rb"[0-9]{15,20}")
"""A number alone is a deleted status when it can be an id of Mastodon's: they hold the time, and have 15 digits."""
_VERSION_DIGITS = 15


def build(settings: InputSettings, model: Model) -> Normaliser:
    """The normaliser of one server's stream."""
    return EachRecord(Streaming(settings.server, relevance_of(model.relevance)))


class Streaming:
    """See `Format`."""

    def __init__(self, server: str, relevance: Relevance) -> None:
        """`server` is the host whose stream this is; a port is a part of its name, but not of its accounts'."""
        self._server = server.strip().lower()
        self._host = self._server.partition(":")[0]
        self._relevance = relevance
        ours = [own for own in relevance.accounts if own.startswith("mastodon:") and own.endswith(f"@{self._host}")]
        self._owner = ours[0] if len(ours) == 1 else ""
        """Whose notifications these can only be."""

    def received_at(self, record: Record) -> int:
        """Mastodon says only when something was done, never when it sent it."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        out, payload = Parsed(record_time(record)), record.value()
        if payload is None:
            raise Poison("want JSON, or lines of an event stream, got a null value")
        stripped = payload.strip()
        if not stripped:
            out.unknown.append("keep-alive")
        elif stripped == b"undefined":
            out.unknown.append("undefined")
        elif _BARE_ID.fullmatch(stripped):
            self._delete(out, stripped.decode(), "$")
        elif stripped[:1] in {b"{", b"[", b'"'} or stripped[:3] == b"\xef\xbb\xbf":
            self._json(out, read_json(stripped))
        else:
            self._sse(out, payload)
        return out

    def _json(self, out: Parsed, value: Any) -> None:
        if value == []:
            out.unknown.append("empty list")
        elif isinstance(value, list):
            for index, each in enumerate(value):
                self._part(out, each, f"$[{index}]")
        elif isinstance(value, str) and _BARE_ID.fullmatch(value.encode()):
            self._delete(out, value, "$")
        elif isinstance(value, dict) and "event" in value and ("payload" in value or "stream" in value):
            self._event(out, text(value["event"]), value.get("payload"), "$.payload")
        else:
            self._entity(out, value, "$")

    def _sse(self, out: Parsed, payload: bytes) -> None:
        try:
            events = sse_events(payload.decode())
        except UnicodeDecodeError:
            raise Poison("want UTF-8") from None
        if not events:
            out.unknown.append("keep-alive")
        for name, data in events:
            try:
                self._event(out, name, data, "$.data")
            except Poison as problem:
                out.refused.append((problem.path, problem.cause))

    def _part(self, out: Parsed, value: Any, path: str) -> None:
        try:
            self._entity(out, value, path)
        except Poison as problem:
            out.refused.append((problem.path, problem.cause))

    def _event(self, out: Parsed, name: str, data: Any, path: str) -> None:
        """An event of a stream. `data` is JSON as text, or what some servers send in its place: the object itself."""
        if name == "delete" or (not name and isinstance(data, str) and _BARE_ID.fullmatch(data.strip().encode())):
            self._delete(out, data.strip().strip('"') if isinstance(data, str) else data, path)
        elif name in _COUNTED_EVENTS:
            out.unknown.append(name)
        elif name not in _STATUS_EVENTS and name not in {"", "notification", "conversation"}:
            out.unknown.append("another event")
        elif not isinstance(data, str):
            self._entity(out, data, path)
        elif data.strip() == "undefined":
            out.unknown.append("undefined")
        else:
            try:
                value = read_json(data.encode())
            except Poison as problem:
                raise Poison(problem.cause, path) from None
            self._entity(out, value, path)

    def _entity(self, out: Parsed, value: Any, path: str) -> None:
        """Whatever an object is, by its fields: no two kinds have the same."""
        given = want_object(value, path)
        if "last_status" in given:
            if given["last_status"] is None:
                out.irrelevant += 1
            else:
                self._status(out, want_object(given["last_status"], f"{path}.last_status"), f"{path}.last_status")
        elif "account" in given and "id" in given and "acct" not in given:
            if "type" in given and "content" not in given and "visibility" not in given:
                self._notification(out, given, path)
            else:
                self._status(out, given, path)
        else:
            out.unknown.append(next((kind for field, kind in _OBJECTS if field in given), "another object"))

    def _notification(self, out: Parsed, given: Mapping[str, Any], path: str) -> None:
        kind = text(given["type"])
        if kind in _ABOUT_A_STATUS:
            self._status(out, want_object(given.get("status"), f"{path}.status"), f"{path}.status")
        elif kind in {"favourite", "follow"}:
            status = mapping(given.get("status"))
            target = self._identifier(mapping(status.get("account"))) if kind == "favourite" else self._owner
            self._toward(out, given, path, "like" if kind == "favourite" else "follow", target)
        else:
            known = kind in _COUNTED_NOTIFICATIONS
            out.unknown.append(f"notification {kind}" if known else "another notification")

    def _toward(self, out: Parsed, given: Mapping[str, Any], path: str, kind: ActKind, target: str) -> None:
        """An act without words, of which only its notification tells."""
        author, act_id = self._author(given, path), f"{self._act_id(given, path)}/notification"
        targets = (target,) if target else ()
        if self._relevance.judge("", (), targets) is None or self._relevance.is_own(author):
            out.irrelevant += 1
            return
        at, flag = claimed(given.get("created_at"), out.received_at)
        received_at, name = out.received_at, _name(given)
        act = Act(act_id, _version(given), at, received_at, "mastodon", kind, targets=targets, name=name, flag=flag)
        out.events.append((f"account:{author}", act))

    def _status(self, out: Parsed, status: Mapping[str, Any], path: str) -> None:
        act_id, author = self._act_id(status, path), self._author(status, path)
        post = post_address(act_id)
        if "content" not in status and "text" in status:
            # The answer to a DELETE: the source stands in the place of the content.
            out.events.append((post, GonePost(out.received_at, out.received_at)))
            return
        shown = mapping(status.get("reblog")) or status
        written, links = _written(shown)
        answered, asked = self._answered(status, author), id_text(status.get("in_reply_to_id"))
        targets = self._targets(status, answered)
        topics = self._relevance.judge(written, links, targets)
        is_own = self._relevance.is_own(author)
        answers = is_own and asked is not None and not self._relevance.is_own(answered)
        if not answers and (is_own or topics is None):
            out.irrelevant += 1
            return
        at, flag = claimed(status.get("created_at"), out.received_at)
        act = Act(
            act_id,
            _version(status),
            at,
            out.received_at,
            "mastodon",
            _kind(status),
            uri=web_link(shown.get("url")) or web_link(shown.get("uri")),
            text=written[:TEXT_MAX],
            lang=lang(shown.get("language")),
            in_reply_to="" if asked is None else f"mastodon:{self._server}/{asked}",
            targets=targets,
            name=_name(status),
            role="reply" if answers else "",
            flag=flag,
            topics=topics or (),
        )
        if not answers:
            out.events += [(f"account:{author}", act), (post, Authored(f"account:{author}", act_id, out.received_at))]
            return
        out.events.append((post_address(act.in_reply_to), ReplyTo(act)))
        if answered:
            # So that a delete of our answer finds the one who was told of it.
            out.events.append((post, Authored(f"account:{answered}", act_id, out.received_at)))

    def _delete(self, out: Parsed, value: Any, path: str) -> None:
        name = id_text(value)
        if name is None:
            raise Poison("want the id of a status", path)
        post = post_address(f"mastodon:{self._server}/{name}")
        out.events.append((post, GonePost(out.received_at, out.received_at)))

    def _act_id(self, given: Mapping[str, Any], path: str) -> str:
        name = id_text(given.get("id"))
        if name is None:
            raise Poison("want an id", f"{path}.id")
        return f"mastodon:{self._server}/{name}"

    def _author(self, given: Mapping[str, Any], path: str) -> str:
        author = self._identifier(mapping(given.get("account")))
        if not author:
            raise Poison("want a name like user or user@host", f"{path}.account.acct")
        return author

    def _identifier(self, account: Mapping[str, Any]) -> str:
        """`mastodon:user@host` of an account or a mention; empty when it has no such name."""
        acct = text(account.get("acct"))
        return _identifier(acct, self._host) if len(acct) <= ADDRESS_BYTES_MAX else ""

    def _answered(self, status: Mapping[str, Any], author: str) -> str:
        """Whom it answers; empty when that is nobody, or somebody the text does not mention."""
        asked = status.get("in_reply_to_account_id")
        if asked is None:
            return ""
        if asked == mapping(status.get("account")).get("id"):
            return author
        mentions = map(mapping, items(status.get("mentions")))
        return next((self._identifier(mention) for mention in mentions if mention.get("id") == asked), "")

    def _targets(self, status: Mapping[str, Any], answered: str) -> tuple[str, ...]:
        quoted = _quoted(status) or {}
        others = [mapping(other.get("account")) for other in (mapping(status.get("reblog")), quoted)]
        mentions = [mapping(mention) for mention in items(status.get("mentions"))]
        return distinct([answered, *map(self._identifier, [*others, *mentions])])


@lru_cache(maxsize=16_384)
def _identifier(acct: str, host: str) -> str:
    address = account_address("mastodon", acct, host)
    return "" if address is None else address.removeprefix("account:")


def _kind(status: Mapping[str, Any]) -> ActKind:
    if mapping(status.get("reblog")):
        return "repost"
    if status.get("visibility") == "direct":
        return "dm"
    if status.get("in_reply_to_id") is not None:
        return "reply"
    return "post" if _quoted(status) is None else "quote"


def _quoted(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What it quotes, as far as it is told; None when it quotes nothing. Some servers put the status itself there."""
    quote = mapping(status.get("quote"))
    inner = mapping(quote.get("quoted_status")) or (quote if "account" in quote else {})
    if inner or quote.get("quoted_status_id") is not None or status.get("quote_id") is not None:
        return inner
    return None


def _written(status: Mapping[str, Any]) -> tuple[str, list[str]]:
    """What a reader sees, the warning first; and the links in it."""
    written, links = html_parts(text(status.get("content")))
    warning = text(status.get("spoiler_text")).strip()
    links.append(text(mapping(status.get("card")).get("url")))
    return f"{warning}\n{written}" if warning else written, links


def _name(given: Mapping[str, Any]) -> str:
    account = mapping(given.get("account"))
    return (text(account.get("display_name")).strip() or text(account.get("username")))[:NAME_MAX]


def _version(given: Mapping[str, Any]) -> str:
    """Its last edit, else its beginning, in milliseconds that sort as text."""
    for field in ("edited_at", "created_at"):
        try:
            return f"{max(parse_time(text(given.get(field))), 0):0{_VERSION_DIGITS}d}"
        except ValueError:
            continue
    return "0" * _VERSION_DIGITS
