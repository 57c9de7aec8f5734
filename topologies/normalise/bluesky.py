"""Bluesky's Jetstream, v1 (`/subscribe`) and v2 (`subscribeEvents`): one frame, one event.

    v1  {"did","time_us","kind":"commit","commit":{"rev","operation","collection","rkey","record"?}}
    v2  {"$type":"message","payload":{"$type":"…#commit","did","time","rev","operation","collection","rkey","record"?}}

    create, update ──► Act         identity with a handle ──► Sighting
    delete         ──► Gone        account                ──► AccountStatus

Records are written by people's programs and checked by nobody: any field may be missing or of another type.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from config.settings import InputSettings
from schemas.events import AccountStatus, Act, ActKind, Gone, Sighting
from streams.core.address import ADDRESS_BYTES_MAX
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.acts import answer, gone
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.identifiers import account_address, handle_address
from topologies.normalise.needles import patterns
from topologies.normalise.reading import TEXT_MAX, decode, distinct, items, lang, mapping, text
from topologies.normalise.relevance import Relevance, relevance_of
from topologies.normalise.scan import Scanned, engine
from topologies.normalise.times import TIME_MAX, claimed, parse_time, record_time
from topologies.normalise.wire import shape

POST = "app.bsky.feed.post"
_KINDS: dict[str, ActKind] = {
    POST: "post",
    "app.bsky.feed.like": "like",
    "app.bsky.feed.repost": "repost",
    "app.bsky.graph.follow": "follow",
    "app.bsky.graph.block": "block",
}
_OTHER_COLLECTIONS = frozenset({
    "app.bsky.actor.profile", "app.bsky.actor.status", "app.bsky.feed.generator", "app.bsky.feed.postgate",
    "app.bsky.feed.threadgate", "app.bsky.graph.list", "app.bsky.graph.listblock", "app.bsky.graph.listitem",
    "app.bsky.graph.starterpack", "app.bsky.graph.verification", "app.bsky.labeler.service",
    "app.bsky.notification.declaration", "chat.bsky.actor.declaration",
})  # fmt: skip
"""Counted by name. People can invent collections: those are counted as one."""

TELL_TALES = ('"delete"', '"identity"', '"account"', '"heartbeat"', '#sync"', '#info"', '"error"')
"""Stand in frames that pass whatever they are about, or are counted by name."""

_RKEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")
_REV = re.compile(r"[ -}]{1,64}")
"""Below `~`, which is above all versions."""
_AT_URI = re.compile(r"at://(did:[^/?#]+)/([A-Za-z0-9.-]{1,320})/([A-Za-z0-9._:~-]{1,512})")


class _Commit(msgspec.Struct):
    rev: str
    operation: str
    collection: str
    rkey: str
    record: Any = None


class _Message(msgspec.Struct, rename={"type": "$type"}):
    """A v2 payload of any kind."""

    type: str
    did: str = ""
    time: Any = None
    rev: str = ""
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    record: Any = None
    identity: Any = None
    account: Any = None


class _Frame(msgspec.Struct, rename={"type": "$type"}):
    """A frame of either version."""

    kind: str = ""
    type: str = ""
    did: str = ""
    time_us: Any = None
    commit: _Commit | None = None
    identity: Any = None
    account: Any = None
    payload: _Message | str | None = None


class _Times(msgspec.Struct):
    """Only what says when."""

    time_us: Any = None
    payload: Any = None


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_times = msgspec.json.Decoder(_Times).decode


def build(settings: InputSettings, model: Model) -> Normaliser:  # noqa: ARG001  all formats are built alike
    """The normaliser of a Jetstream."""
    relevance = relevance_of(model.relevance)
    form = Jetstream(relevance)
    if relevance.everything:
        return EachRecord(form)
    return Scanned(form, engine(patterns(relevance, "bluesky", TELL_TALES, entities=False)))


class _Made(msgspec.Struct, frozen=True, gc=False):
    """A record that an account made or changed."""

    did: str
    author: str
    is_own: bool
    act_id: str
    rev: str
    rkey: str
    record: Mapping[str, Any]


class Jetstream:
    """See `Format`."""

    def __init__(self, relevance: Relevance) -> None:
        """`relevance` says which acts matter."""
        self._relevance = relevance

    def received_at(self, record: Record) -> int:
        """When Jetstream had it; the log's time for frames without one."""
        try:
            times = _decode_times(record.value() or b"")
        except (ValueError, RecursionError):
            return record_time(record)
        return _server_time(times.time_us, mapping(times.payload).get("time"), record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        frame: _Frame = decode(_decode_frame, record.value())
        if frame.type:
            return self._v2(frame, record)
        out = Parsed(_server_time(frame.time_us, None, record))
        match frame.kind:
            case "commit":
                if frame.commit is None:
                    raise Poison("is missing", "$.commit")
                self._commit(out, frame.did, frame.commit, "$.did", "$.commit")
            case "identity":
                self._identity(out, frame.did, mapping(frame.identity), "$.did")
            case "account":
                self._account(out, frame.did, mapping(frame.account), "$.did", "$.account")
            case "":
                raise Poison("is missing", "$.kind")
            case "heartbeat":
                out.unknown.append("heartbeat")
            case _:
                out.unknown.append("another kind of frame")
        return out

    def _v2(self, frame: _Frame, record: Record) -> Parsed:
        message = frame.payload
        if not isinstance(message, _Message):
            # `{"$type":"error","error":"ConsumerTooSlow"}` ends a connection; what comes next is another connection's.
            kind = "error" if frame.type == "error" else "another kind of frame"
            return Parsed(record_time(record), unknown=[kind])
        out = Parsed(_server_time(None, message.time, record))
        match message.type.rpartition("#")[2]:
            case "commit":
                for field in ("rev", "operation", "collection", "rkey"):
                    if not getattr(message, field):
                        raise Poison("is missing", f"$.payload.{field}")
                self._commit(out, message.did, message, "$.payload.did", "$.payload")
            case "identity":
                self._identity(out, message.did, mapping(message.identity), "$.payload.did")
            case "account":
                path = "$.payload.account"
                self._account(out, message.did, mapping(message.account), "$.payload.did", path)
            case "sync" | "info" as kind:
                out.unknown.append(kind)
            case _:
                out.unknown.append("another kind of frame")
        return out

    def _commit(self, out: Parsed, did: str, commit: _Commit | _Message, did_path: str, path: str) -> None:
        collection, at = commit.collection, out.received_at
        kind = _KINDS.get(collection)
        if kind is None:
            out.unknown.append(collection if collection in _OTHER_COLLECTIONS else "another collection")
            return
        author = _author(did, did_path)
        if not _RKEY.fullmatch(commit.rkey):
            raise Poison("want a record key of at most 512 letters", f"{path}.rkey")
        if not _REV.fullmatch(commit.rev):
            raise Poison("want a revision of at most 64 letters", f"{path}.rev")
        act_id = f"bluesky:{did}/{collection}/{commit.rkey}"
        is_own = self._relevance.is_own(f"bluesky:{did}")
        if commit.operation == "delete":
            out.events += gone(author, Gone(act_id, commit.rev, at, at), is_own=is_own)
        elif commit.operation not in {"create", "update"}:
            out.unknown.append("another operation")
        elif not isinstance(commit.record, dict):
            raise Poison(f"want an object, got {shape(commit.record)}", f"{path}.record")
        else:
            made = _Made(did, author, is_own, act_id, commit.rev, commit.rkey, commit.record)
            if kind == "post":
                self._post(out, made)
            else:
                self._toward(out, made, kind)

    def _post(self, out: Parsed, made: _Made) -> None:
        record, written = made.record, text(made.record.get("text"))
        parent = root = quoted = None
        mentions: list[str] = []
        links: list[str] = []
        # Most posts have none of these: asking first saves a third of the time.
        if reply := mapping(record.get("reply")):
            parent, root = _refer(reply.get("parent")), _refer(reply.get("root"))
        if facets := items(record.get("facets")):
            _read_facets(facets, mentions, links)
        if embed := mapping(record.get("embed")):
            quoted = _read_embed(embed, links)
        targets = distinct([_of(parent), _of(quoted), *mentions]) if parent or quoted or mentions else ()
        answers = made.is_own and parent is not None and not self._relevance.is_own(_of(parent))
        tags = items(record.get("tags"))
        searched = "\0".join([written, *map(text, tags)]) if tags else written
        topics = self._relevance.judge(searched, links, (*targets, _of(root)) if root else targets)
        if not answers and (made.is_own or topics is None):
            out.irrelevant += 1
            return
        kind: ActKind = "reply" if parent else "quote" if quoted and f"/{POST}/" in quoted else "post"
        langs = items(record.get("langs"))
        at, flag = claimed(record.get("createdAt"), out.received_at)
        act = Act(
            made.act_id,
            made.rev,
            at,
            out.received_at,
            "bluesky",
            kind,
            uri=f"https://bsky.app/profile/{made.did}/post/{made.rkey}",
            text=written[:TEXT_MAX],
            lang=lang(langs[0]) if langs else "",
            in_reply_to=parent or "",
            targets=targets,
            role="reply" if answers else "",
            flag=flag,
            topics=topics or (),
        )
        out.events += answer(act, f"account:{_of(parent)}") if answers else [(made.author, act)]

    def _toward(self, out: Parsed, made: _Made, kind: ActKind) -> None:
        """An act without words: a like or repost of a record, a follow or block of an account."""
        subject = made.record.get("subject")
        target = _of(_refer(subject)) or _identifier(text(subject))
        targets = (target,) if target else ()
        topics = self._relevance.judge("", (), targets)
        if topics is None or made.is_own:
            out.irrelevant += 1
            return
        at, flag = claimed(made.record.get("createdAt"), out.received_at)
        act = Act(made.act_id, made.rev, at, out.received_at, "bluesky", kind, targets=targets, flag=flag)
        out.events.append((made.author, act))

    def _identity(self, out: Parsed, did: str, identity: Mapping[str, Any], did_path: str) -> None:
        author = _author(did, did_path)
        # Also None for `handle.invalid`, which is everybody's.
        handle = handle_address("bluesky", text(identity.get("handle")))
        if handle is None:
            out.irrelevant += 1
            return
        at, _ = claimed(identity.get("time"), out.received_at)
        out.events.append((author, Sighting(handle, at, out.received_at)))

    def _account(self, out: Parsed, did: str, account: Mapping[str, Any], did_path: str, path: str) -> None:
        author, active = _author(did, did_path), account.get("active")
        if not isinstance(active, bool):
            raise Poison(f"want true or false, got {shape(active)}", f"{path}.active")
        at, _ = claimed(account.get("time"), out.received_at)
        status = text(account.get("status"))[:32] or ("active" if active else "inactive")
        out.events.append((author, AccountStatus(not active, status, at, out.received_at)))


def _server_time(time_us: Any, time: Any, record: Record) -> int:
    """Jetstream's own time in milliseconds, from either version; the log's when there is none."""
    if isinstance(time_us, int) and 1_000 <= time_us <= TIME_MAX * 1000:
        return time_us // 1000
    if isinstance(time, str):
        try:
            return min(max(parse_time(time), 0), TIME_MAX)
        except ValueError:
            pass
    return record_time(record)


def _author(did: str, path: str) -> str:
    author = _address(did)
    if author is None:
        raise Poison(f"want a DID, got {did[:40]!r}" if did else "is missing", path)
    return author


def _read_facets(facets: Sequence[Any], mentions: list[str], links: list[str]) -> None:
    """Whom and what a text names. Where in the text does not matter, so wrong offsets do no harm."""
    for facet in facets:
        for feature in map(mapping, items(mapping(facet).get("features"))):
            mentions.append(_identifier(text(feature.get("did"))))
            links.append(text(feature.get("uri")))


def _read_embed(embed: Mapping[str, Any], links: list[str]) -> str | None:
    """The act id of what is quoted, if something is: the record itself, or with media an object that holds it."""
    outside = embed.get("external") or mapping(embed.get("media")).get("external")
    links.append(text(mapping(outside).get("uri")))
    inner = mapping(embed.get("record"))
    return _refer(inner) or _refer(inner.get("record"))


def _address(did: str) -> str | None:
    return _short_address(did) if len(did) <= ADDRESS_BYTES_MAX else None


@lru_cache(maxsize=16_384)
def _short_address(did: str) -> str | None:
    return account_address("bluesky", did)


def _identifier(did: str) -> str:
    """`bluesky:did:…`; empty when the text is no DID."""
    address = _address(did) if did else None
    return "" if address is None else address.removeprefix("account:")


def _refer(reference: Any) -> str | None:
    """The act id of a record that another one refers to by `{"uri","cid"}`; None when it does not."""
    found = _AT_URI.fullmatch(text(mapping(reference).get("uri")))
    if found is None or _address(found[1]) is None:
        return None
    return f"bluesky:{found[1]}/{found[2]}/{found[3]}"


def _of(act_id: str | None) -> str:
    """Whose act it is; empty for none."""
    return act_id.partition("/")[0] if act_id else ""
