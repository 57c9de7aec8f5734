"""What X asks of those who keep its posts: deletes, hidden accounts, new names. Also the lines about the connection.

{"data":{"delete":{"tweet":{"id","author_id"},"event_at"}}}      ──► Gone
{"data":{"user_suspend":{"user":{"id"},"event_at"}}}             ──► AccountStatus
{"data":{"user_profile_modification":{…"new_value"}}}            ──► Sighting, when it is the name
{"delete":{"status":{"id_str","user_id_str"},"timestamp_ms"}}    the older spelling of the same, without `data`
"""

from collections.abc import Mapping
from typing import Any

from schemas.events import FINAL, AccountStatus, Gone, Sighting
from streams.errors import Poison
from topologies.normalise.acts import gone
from topologies.normalise.base import Parsed
from topologies.normalise.identifiers import account_address, handle_address
from topologies.normalise.reading import items, mapping, text
from topologies.normalise.relevance import Relevance
from topologies.normalise.times import TIME_MAX, believable, claimed

_STATUSES = {
    "user_suspend": (True, "suspended"),
    "user_unsuspend": (False, "active"),
    "user_delete": (True, "deleted"),
    "user_undelete": (False, "active"),
    "user_protect": (True, "protected"),
    "user_unprotect": (False, "active"),
}
_DELETES = ("delete", "drop")
"""A dropped post must not be shown either. `undrop` brings it back, but without its content: that is not ours to undo."""
_RENAMED = "user_profile_modification"
_COUNTED = ("undrop", "withheld", "status_withheld", "user_withheld", "scrub_geo", "tweet_edit")
"""Withheld: in some countries only. Places are not kept. An edit comes again as a post of its own."""

COMPLIANCE = (*_DELETES, *_STATUSES, _RENAMED, *_COUNTED)


def compliance_kind(message: Mapping[str, Any]) -> str:
    """Which compliance message it is; empty for none."""
    return next((kind for kind in COMPLIANCE if kind in message), "")


def comply(out: Parsed, kind: str, body: Mapping[str, Any], path: str, relevance: Relevance) -> None:
    """Add what a compliance message means. `path` is where `body` stands. Raises `Poison` when it names nobody."""
    if kind in _COUNTED:
        out.unknown.append(kind)
    elif kind in _DELETES:
        _delete(out, kind, body, path, relevance)
    elif kind == _RENAMED:
        _rename(out, body, path)
    else:
        hidden, status = _STATUSES[kind]
        account, at = _user(body, path), _event_time(body, out.received_at)
        out.events.append((account, AccountStatus(hidden, status, at, out.received_at)))


def system_kind(message: Mapping[str, Any]) -> str:
    """The name of a line that is about the connection, or of another API; empty when it is neither."""
    if "errors" in message:
        is_end = any("disconnect_type" in mapping(error) for error in items(message["errors"]))
        return "disconnect" if is_end else "errors"
    if "error" in message:
        return "error"
    if "for_user_id" in message:
        return "account activity webhook"
    if "objectType" in message:
        return "activity stream"
    if "id_str" in message:
        return "v1 object"
    return "batch compliance" if "redacted_at" in message else ""


def number(value: Any) -> str:
    """An id of X as text, whether it came as text or as a whole number; empty when it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 64:
        return str(value)
    name = value if isinstance(value, str) and len(value) <= 20 else ""
    return name if name.isascii() and name.isdecimal() else ""


def _delete(out: Parsed, kind: str, body: Mapping[str, Any], path: str, relevance: Relevance) -> None:
    if "favorite" in body:
        out.unknown.append(f"{kind} of a like")
        return
    name = next((name for name in ("tweet", "post", "status") if name in body), "tweet")
    post, path = mapping(body.get(name)), f"{path}.{name}"
    # Numbers were rounded on the way to where `_str` stands beside them.
    post_id = number(post.get("id_str")) or number(post.get("id"))
    author_id = number(post.get("author_id")) or number(post.get("user_id_str")) or number(post.get("user_id"))
    author = account_address("x", author_id)
    if not post_id:
        raise Poison("want an id of digits", f"{path}.id")
    if author is None:
        raise Poison("want an id of digits", f"{path}.author_id")
    at = _event_time(body, out.received_at)
    event = Gone(f"x:{author_id}/{post_id}", FINAL, at, out.received_at)
    out.events += gone(author, event, is_own=relevance.is_own(f"x:{author_id}"))


def _rename(out: Parsed, body: Mapping[str, Any], path: str) -> None:
    field = text(body.get("profile_field")).rpartition(".")[2]
    handle = handle_address("x", text(body.get("new_value")))
    if field not in {"username", "screen_name"} or handle is None:
        out.unknown.append("profile modification")
        return
    at = _event_time(body, out.received_at)
    out.events.append((_user(body, path), Sighting(handle, at, out.received_at)))


def _user(body: Mapping[str, Any], path: str) -> str:
    user, path = (mapping(body["user"]), f"{path}.user") if "user" in body else (body, path)
    account = account_address("x", number(user.get("id_str")) or number(user.get("id")))
    if account is None:
        raise Poison("want an id of digits", f"{path}.id")
    return account


def _event_time(body: Mapping[str, Any], received_at: int) -> int:
    if milliseconds := number(body.get("timestamp_ms")):
        return believable(min(int(milliseconds), TIME_MAX), received_at)[0]
    return claimed(body.get("event_at"), received_at)[0]
