"""Identifiers: how accounts, handles, e-mails and phones become addresses, whoever wrote them and however.

    " @Ann.BSKY.social "                ──► handle:bluesky:ann.bsky.social
    "https://x.com/ann?s=20"            ──► handle:x:ann
    "https://m.example/@Ann"            ──► account:mastodon:ann@m.example    (host in it: as good as an account)
    "Ann Lee <Ann+news@A.example>"      ──► email:ann+news@a.example
    "(030) 90 18 20", country DE        ──► phone:+4930901820

Same person, same address: letters are folded, because no platform tells `@Ann` from `@ann`. A text that is none of
these becomes None, never a guess. Which of them identify nobody is in `blocked.py`.
"""

import re
from urllib.parse import parse_qs, urlsplit

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from streams.core.address import ADDRESS_BYTES_MAX
from topologies.normalise.blocked import is_blocked

__all__ = [
    "SOURCES", "account_address", "email_address", "handle_address", "identifier_address", "is_blocked", "named",
    "phone_address",
]  # fmt: skip

SOURCES = ("bluesky", "x", "mastodon")
TEXT_MAX = 2_048
"""Longer texts are no identifiers; a parser should not have to find out."""

_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")
_X_NAME = re.compile(r"[a-z0-9_]{1,20}")
"""15 letters by today's rule; some of the first accounts have up to 20."""
_X_NUMBER = re.compile(r"[1-9][0-9]{0,19}")
_MASTODON_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}")
_DISPLAY_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_URL = re.compile(r"(https?|at|acct|mailto|tel):(//)?", re.IGNORECASE)

_BLUESKY_HOSTS = {"bsky.app", "main.bsky.app", "staging.bsky.app"}
_X_HOSTS = {"x.com", "twitter.com", "mobile.x.com", "mobile.twitter.com", "m.twitter.com"}
_X_PAGES = {
    "compose", "download", "explore", "hashtag", "home", "i", "intent", "jobs", "login", "logout", "messages",
    "notifications", "oauth", "privacy", "search", "settings", "share", "signup", "tos",
}  # fmt: skip
"""First parts of paths on x.com that are no user names."""


def handle_address(source: str, text: str) -> str | None:
    """The address of a handle; None when it is none. Mastodon: `user@host`, which is the account itself."""
    if source == "mastodon":
        return account_address(source, text)
    if source == "x" and text.strip().isdecimal():
        text = f"@{text.strip()}"
    found = named(source, text)
    return found if found is not None and found.startswith("handle:") else None


def account_address(source: str, name: str, server: str = "") -> str | None:
    """The address of an account by its immutable name; None when it is none.

    Mastodon: `user` alone is completed by `server`. X: the account's number. Bluesky: the DID.
    """
    name = name.strip()
    if len(name) > TEXT_MAX:
        return None
    if source == "mastodon":
        return _mastodon(name, server)
    if source == "x":
        return f"account:x:{name}" if _X_NUMBER.fullmatch(name) else None
    if source == "bluesky":
        return _sized(f"account:bluesky:{name}") if _DID.fullmatch(name) else None
    return None


def named(source: str, text: str) -> str | None:
    """What a person meant who wrote `text` where an account or a handle of `source` belongs.

    An account where the text names one for ever (a DID, a number without @, `user@host`), else a handle. Takes
    profile URLs, `@`, blanks and capital letters. None when it names nobody.
    """
    text = text.strip().strip("\u200b\u200e\u200f\u2066\u2069\ufeff")
    if not text or len(text) > TEXT_MAX:
        return None
    if source == "bluesky":
        return _bluesky(text)
    if source == "x":
        return _x(text)
    return _mastodon(text) if source == "mastodon" else None


def email_address(text: str) -> str | None:
    """`email:…` in small letters; plus tags stay, a host in other letters becomes its ASCII form. None: no e-mail.

    Takes `mailto:` and `Ann <ann@a.example>`. Hosts without a dot are refused: nobody can write from there.
    """
    text = text.strip()
    if len(text) > TEXT_MAX:
        return None
    if match := _DISPLAY_NAME.fullmatch(text):
        text = match[1].strip()
    text = text[7:].partition("?")[0] if text[:7].lower() == "mailto:" else text
    local, at, host = text.rpartition("@")
    local, ascii_host = local.lower(), _host(host)
    if not at or ascii_host is None or not _LOCAL_PART.fullmatch(local):
        return None
    if local[0] == "." or local[-1] == "." or ".." in local or len(local.encode("utf-8", "replace")) > 64:
        return None
    return _sized(f"email:{local}@{ascii_host}")


def phone_address(text: str, country: str = "") -> str | None:
    """`phone:+…` in E.164, an extension as `;ext=…`; None when it is no possible number.

    `country` (two letters) reads numbers without a country code; empty: those are None.
    """
    text = text.strip()
    if len(text) > 64:
        return None
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    # Possible by length, not assigned by table: tables of ranges age, and a new range is somebody's number too.
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    extension = f";ext={number.extension}" if number.extension else ""
    return "phone:" + phonenumbers.format_number(number, PhoneNumberFormat.E164) + extension


def identifier_address(text: str, country: str = "") -> str | None:
    """The address of an identifier as outputs, people and tools write it; None when it is none.

    `bluesky:did:plc:…`, `x:123`, `x:@ann`, `mastodon:ann@m.example`, `email:…`, `phone:…`; also with `account:` or
    `handle:` before it. Of `x:123` the number is the account, `handle:x:123` is the name.
    """
    kind, _, rest = text.strip().partition(":")
    kind = kind.lower()
    if kind == "email":
        return email_address(rest)
    if kind == "phone":
        return phone_address(rest, country)
    if kind in {"account", "handle"}:
        source, _, name = rest.partition(":")
        form = account_address if kind == "account" else handle_address
        return form(source.lower(), name)
    return named(kind, rest)


def _bluesky(text: str) -> str | None:
    if _URL.match(text) or "/" in text:
        host, path, _ = _url(text)
        if text[:5].lower() == "at://":
            text = re.split(r"[/?#]", text[5:])[0]
        elif host in _BLUESKY_HOSTS and len(path) > 1 and path[0] == "profile":
            text = path[1]
        elif host.endswith(".bsky.social"):
            text = host
        else:
            return None
    name = text.lstrip("@").strip()
    if name.lower().startswith("did:"):
        return account_address("bluesky", name[:4].lower() + name[4:])
    host = name.lower().removesuffix(".")
    # `handle.invalid` is what Bluesky shows for a handle that does not lead back to its account: it is everybody's.
    if len(host) > 253 or not _HOST.fullmatch(host) or host.endswith(".invalid"):
        return None
    return f"handle:bluesky:{host}"


def _x(text: str) -> str | None:
    if _URL.match(text) or "/" in text:
        host, path, query = _url(text)
        if host not in _X_HOSTS or not path:
            return None
        page = path[0].lower()
        if page == "i" and len(path) > 2 and path[1] == "user":
            return account_address("x", path[2])
        if page == "intent":
            if "user_id" in query:
                return account_address("x", query["user_id"][0])
            page = query.get("screen_name", [""])[0]
        elif page in _X_PAGES:
            return None
        # In a URL every name is a handle, also one of digits only.
        text = "@" + page.lstrip("@")
    elif text.isascii() and text.isdecimal():
        return account_address("x", text)
    name = text.lstrip("@").strip().lower()
    return f"handle:x:{name}" if _X_NAME.fullmatch(name) else None


def _mastodon(text: str, server: str = "") -> str | None:
    if _URL.match(text) or "/" in text:
        host, path, _ = _url(text)
        if text[:5].lower() == "acct:":
            text = text[5:]
        elif path and path[0].startswith("@") and len(path[0]) > 1:
            # On its own server `/@ann`, elsewhere `/@ann@its.server`.
            name = path[0][1:]
            text = name if "@" in name else f"{name}@{host}"
        elif len(path) > 1 and path[0] == "users":
            text = f"{path[1]}@{host}"
        else:
            return None
    name, _, where = text.strip().removeprefix("@").lower().partition("@")
    host_name = _host(where or server)
    if host_name is None or len(name) > 128 or not _MASTODON_NAME.fullmatch(name):
        return None
    return _sized(f"account:mastodon:{name}@{host_name}")


def _url(text: str) -> tuple[str, list[str], dict[str, list[str]]]:
    """(host without www., parts of the path, query); empty when it is no URL."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
        query = parse_qs(parts.query, max_num_fields=32)
    except ValueError:
        return "", [], {}
    path = parts.path
    if "/#!/" in f"/{parts.path}#{parts.fragment}":
        path = parts.fragment[1:]
    return host, [part for part in path.split("/") if part], query


def _host(text: str) -> str | None:
    """A host name in small ASCII letters, with a dot in it; None when it is none."""
    host = text.strip().lower().removesuffix(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


def _sized(address: str) -> str | None:
    return address if len(address.encode("utf-8", "replace")) <= ADDRESS_BYTES_MAX else None
