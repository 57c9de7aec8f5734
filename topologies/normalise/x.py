"""X's API v2: posts of its streams in both spellings (`tweet`, `post`), activity events, compliance, system lines.

    {"data":{post},"includes":{"users","tweets"}}       ──► Act, when its author is known
    {"data":{"event_type":"post.create","payload":{post}}}   the same, wrapped by the activity API
    {"data":{"delete":{…}}}, {"data":{"user_suspend":{…}}}   see `x_compliance.py`
    blank lines, {"errors":[…]}, other APIs                   counted by name

An edit is a new post with an id of its own. Ours is named by the first id of its history, and its place in the history
is the version. Texts come escaped for HTML; nothing of them is cut out by offset, so they are read as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from config.settings import InputSettings
from schemas.events import Act, ActKind
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Normaliser
from topologies.model import Model
from topologies.normalise.acts import answer
from topologies.normalise.base import EachRecord, Parsed
from topologies.normalise.identifiers import account_address, handle_address
from topologies.normalise.needles import patterns
from topologies.normalise.reading import NAME_MAX, TEXT_MAX, distinct, items, lang, mapping, text
from topologies.normalise.relevance import Relevance, relevance_of
from topologies.normalise.scan import Scanned, engine
from topologies.normalise.times import claimed, record_time
from topologies.normalise.wire import kind_name, read_json, want_object
from topologies.normalise.x_compliance import COMPLIANCE, compliance_kind, comply, number, system_kind

TELL_TALES = (*(f'"{kind}"' for kind in COMPLIANCE), '"post.delete"', '"disconnect_type"', '"error"')
"""Stand in messages that pass whatever they are about, or are counted by name."""

_POSTED = frozenset({
    "post.create", "post.mention.create", "post.reply.create", "post.quote.create", "post.repost.create",
})  # fmt: skip
_LINK_FIELDS = ("expanded_url", "unwound_url", "url")
_KINDS: tuple[tuple[str, ActKind], ...] = (("retweeted", "repost"), ("replied_to", "reply"), ("quoted", "quote"))
"""A post can be several of them; the first one counts."""


class _Includes(NamedTuple):
    """What comes beside posts, by id; users also by name in small letters."""

    users: Mapping[str, Mapping[str, Any]]
    names: Mapping[str, str]
    posts: Mapping[str, Mapping[str, Any]]


class _Words(NamedTuple):
    """What a post says: its whole text, where its links lead, and the identifiers it mentions."""

    text: str
    links: Sequence[str]
    mentions: Sequence[str]


_NO_WORDS = _Words("", (), ())


class _Reference(NamedTuple):
    """Another post that a post is about. Author and act id are empty when they are not known."""

    author_id: str
    act_id: str
    post: Mapping[str, Any]


def build(settings: InputSettings, model: Model) -> Normaliser:  # noqa: ARG001  all formats are built alike
    """The normaliser of X's streams."""
    relevance = relevance_of(model.relevance)
    form = Stream(relevance)
    if relevance.everything:
        return EachRecord(form)
    return Scanned(form, engine(patterns(relevance, "x", TELL_TALES, entities=True)))


class Stream:
    """See `Format`."""

    def __init__(self, relevance: Relevance) -> None:
        """`relevance` says which acts matter."""
        self._relevance = relevance

    def received_at(self, record: Record) -> int:
        """X says only when something was done, never when it sent it."""
        return record_time(record)

    def parse(self, record: Record) -> Parsed:
        """See `Format`."""
        out, payload = Parsed(record_time(record)), record.value()
        if payload is not None and not payload.strip():
            out.unknown.append("keep-alive")
            return out
        message = read_json(payload)
        if isinstance(message, list):
            out.unknown.append("list")
            return out
        data = want_object(message, "$").get("data")
        if isinstance(data, list):
            self._several(out, data, _includes(message))
        elif data is None:
            self._without_data(out, message)
        else:
            self._one(out, want_object(data, "$.data"), message)
        return out

    def _without_data(self, out: Parsed, message: Mapping[str, Any]) -> None:
        if kind := compliance_kind(message):
            comply(out, kind, want_object(message[kind], f"$.{kind}"), f"$.{kind}", self._relevance)
        else:
            out.unknown.append(system_kind(message) or "another message")

    def _one(self, out: Parsed, data: dict[str, Any], message: Mapping[str, Any]) -> None:
        if _is_post(data):
            self._post(out, data, "$.data", _includes(message))
        elif kind := compliance_kind(data):
            comply(out, kind, want_object(data[kind], f"$.data.{kind}"), f"$.data.{kind}", self._relevance)
        elif "event_type" in data:
            self._activity(out, data)
        else:
            out.unknown.append("another object")

    def _several(self, out: Parsed, data: list[Any], includes: _Includes) -> None:
        """Answers of searches and lookups, as they are when a gap is filled."""
        if not data:
            out.unknown.append("empty list")
        for index, each in enumerate(data):
            post = mapping(each)
            if not _is_post(post):
                out.unknown.append("another object")
                continue
            try:
                self._post(out, post, f"$.data[{index}]", includes)
            except Poison as problem:
                out.refused.append((problem.path, problem.cause))

    def _activity(self, out: Parsed, data: Mapping[str, Any]) -> None:
        kind, payload = text(data["event_type"]), mapping(data.get("payload"))
        if kind in _POSTED:
            self._post(out, payload, "$.data.payload", _includes(data))
        elif kind == "post.delete":
            comply(out, "delete", {"tweet": payload}, "$.data.payload", self._relevance)
        else:
            out.unknown.append(kind_name("activity", kind))

    def _post(self, out: Parsed, post: Mapping[str, Any], path: str, includes: _Includes) -> None:
        post_id, author_id = number(post.get("id")), number(post.get("author_id"))
        if not post_id:
            raise Poison("want an id of digits", f"{path}.id")
        if post.get("author_id") is None:
            # It is asked for with `expansions=author_id`; without it there is nobody to join.
            out.unknown.append("post without author")
            return
        author = account_address("x", author_id)
        if author is None:
            raise Poison("want an id of digits", f"{path}.author_id")
        references = _references(post, includes)
        replied, retweeted = references.get("replied_to"), references.get("retweeted")
        answered = (replied and replied.author_id) or number(post.get("in_reply_to_user_id"))
        # A retweet repeats the beginning of what it shares; all of it is beside it.
        words = _words(post, includes)
        shared = _words(retweeted.post, includes) if retweeted else _NO_WORDS
        written = shared.text or words.text
        authors = [f"x:{other.author_id}" for other in references.values() if other.author_id]
        targets = distinct([f"x:{answered}" if answered else "", *authors, *words.mentions])
        is_own = self._relevance.is_own(f"x:{author_id}")
        answers = is_own and bool(answered) and not self._relevance.is_own(f"x:{answered}")
        topics = self._relevance.judge(written, [*words.links, *shared.links], (*targets, *shared.mentions))
        if not answers and (is_own or topics is None):
            out.irrelevant += 1
            return
        user = includes.users.get(author_id, {})
        handle = handle_address("x", text(user.get("username"))) or ""
        act_id, version = _identity(post, post_id, author_id)
        at, flag = claimed(post.get("created_at"), out.received_at)
        act = Act(
            act_id,
            version,
            at,
            out.received_at,
            "x",
            next((kind for name, kind in _KINDS if name in references), "reply" if answered else "post"),
            uri=f"https://x.com/{handle.removeprefix('handle:x:') or 'i'}/status/{post_id}",
            text=written[:TEXT_MAX],
            lang=lang(post.get("lang")),
            in_reply_to=replied.act_id if replied else "",
            targets=targets,
            handle=handle,
            name=text(user.get("name"))[:NAME_MAX],
            role="reply" if answers else "",
            flag=flag,
            topics=topics or (),
        )
        out.events += answer(act, f"account:x:{answered}") if answers else [(author, act)]


def _is_post(data: Mapping[str, Any]) -> bool:
    """Direct messages have a text too, but a sender and no author."""
    return "id" in data and ("text" in data or "author_id" in data) and "sender_id" not in data


def _identity(post: Mapping[str, Any], post_id: str, author_id: str) -> tuple[str, str]:
    """The act's id and version: the first id of its edits, and its place among them, sorting as text."""
    history = [number(each) for each in items(_either(post, "edit_history_tweet_ids", "edit_history_post_ids"))]
    if post_id in history:
        return f"x:{author_id}/{history[0]}", f"{history.index(post_id):04d}"
    return f"x:{author_id}/{post_id}", "0000"


def _references(post: Mapping[str, Any], includes: _Includes) -> dict[str, _Reference]:
    """The posts it is about, by what it does with them: replied_to, quoted, retweeted."""
    found: dict[str, _Reference] = {}
    for each in map(mapping, items(_either(post, "referenced_tweets", "referenced_posts"))):
        other_id = number(each.get("id"))
        other = includes.posts.get(other_id, {})
        author_id = number(other.get("author_id"))
        if not author_id and each.get("type") == "replied_to":
            author_id = number(post.get("in_reply_to_user_id"))
        act_id = _identity(other, other_id, author_id)[0] if other_id and author_id else ""
        found.setdefault(text(each.get("type")), _Reference(author_id, act_id, other))
    return found


def _words(post: Mapping[str, Any], includes: _Includes) -> _Words:
    """What a post says. Of a long one the note has all of it, and `text` its beginning."""
    note = mapping(_either(post, "note_tweet", "note_post"))
    escaped = text(note.get("text")) or text(post.get("text"))
    if "&" in escaped:
        escaped = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    links: list[str] = []
    mentions: list[str] = []
    for holder in (post, note):
        entities = mapping(holder.get("entities"))
        for link in map(mapping, items(entities.get("urls"))):
            links.extend(text(link.get(name)) for name in _LINK_FIELDS)
        mentions += [_mentioned(each, includes) for each in map(mapping, items(entities.get("mentions")))]
    return _Words(escaped, links, mentions)


def _mentioned(mention: Mapping[str, Any], includes: _Includes) -> str:
    """The identifier of an account that is mentioned; of one whose number is not told, its handle."""
    name = text(mention.get("username"))
    user_id = number(mention.get("id")) or (includes.names.get(name.lower(), "") if name else "")
    return f"x:{user_id}" if user_id else handle_address("x", name) or ""


def _includes(message: Mapping[str, Any]) -> _Includes:
    given = mapping(message.get("includes"))
    users = _by_id(given.get("users"))
    names = {text(user.get("username")).lower(): user_id for user_id, user in users.items()}
    return _Includes(users, names, _by_id(given.get("posts")) | _by_id(given.get("tweets")))


def _by_id(value: Any) -> dict[str, Mapping[str, Any]]:
    """The objects of a list by their ids. The activity API wraps each once more in `data`."""
    found = {}
    for each in items(value):
        given = mapping(each)
        inner = mapping(given["data"]) if "data" in given else given
        found[number(inner.get("id"))] = inner
    return found


def _either(post: Mapping[str, Any], old: str, new: str) -> Any:
    """A field in the spelling X has used, or in the one it is changing to."""
    value = post.get(old)
    return post.get(new) if value is None else value
