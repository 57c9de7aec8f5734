"""What people typed into the fields of a CRM, as values of ours.

    "@ann, https://x.com/bea"   in `x`      ──► "handle:x:ann handle:x:bea"
    "n/a"                       in `email`  ──► nothing, left out: blocked
    " Gold "                    in `tier`   ──► "Gold"

A value that names nobody clears the field: whatever stood there before is not true any more.
"""

import re
from typing import Any, Literal, NamedTuple

import msgspec

from config.settings import IdentitySettings
from topologies.normalise.blocked import is_blocked
from topologies.normalise.identifiers import email_address, identifier_address, named, phone_address
from topologies.normalise.wire import EXACT_MAX

IDENTIFIERS_MAX = 8
"""Identifiers of one field of one record. People have two accounts on a platform, not ten thousand.

With `CLAIM_BYTES_MAX` it bounds what a record tells its customer: 5 fields x 16 past values x 1.5 KB.
"""
CLAIM_BYTES_MAX = 1_500
TEXT_BYTES_MAX = 1_000
"""Longer texts are cut: they are shown to people beside an act, and are state."""
PARTS_MAX = 64
"""So many parts of a field are looked at; a contact list in a handle field is no handle."""

Why = Literal["blocked", "unreadable", "too long"]

_SEPARATORS = re.compile(r"[,;|\r\n\t]+")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "verified", "confirmed", "valid"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "unverified", "unconfirmed", "invalid"})


class Found(NamedTuple):
    """A value, why parts of it were left out, and how many parts were too many."""

    value: str | None
    left_out: tuple[Why, ...] = ()
    too_many: int = 0


NOTHING = Found(None)


def text_of(value: Any) -> Found:
    """Text as profiles show it. Null, blanks and empty lists are nothing."""
    text = _plain(value)
    if text is None:
        return NOTHING
    data = text.encode("utf-8", "replace")
    if len(data) > TEXT_BYTES_MAX:
        return Found(data[:TEXT_BYTES_MAX].decode("utf-8", "ignore"), ("too long",))
    return Found(data.decode())


def flag_of(value: Any) -> Found:
    """`true`, `false`, or nothing."""
    text = (_plain(value) or "").lower()
    if text in _TRUE:
        return Found("true")
    return Found("false") if text in _FALSE else Found(None, ("unreadable",) if text else ())


def identifiers_of(field: str, value: Any, identity: IdentitySettings) -> Found:
    """Identifiers in a claim-bearing field, as addresses, separated by spaces, each once, as they were written."""
    parts = _parts(field, value)
    found: dict[str, None] = {}
    left_out: list[Why] = []
    size = 0
    for index, part in enumerate(parts):
        if index == PARTS_MAX or len(found) == IDENTIFIERS_MAX:
            return Found(_joined(found), tuple(left_out), len(parts) - index)
        address = _address(field, part, identity.default_country)
        if address is None:
            left_out.append("blocked" if is_blocked(part, identity) else "unreadable")
        elif is_blocked(address, identity):
            left_out.append("blocked")
        elif address not in found:
            size += len(address.encode("utf-8", "replace")) + 1
            if size > CLAIM_BYTES_MAX:
                return Found(_joined(found), (*left_out, "too long"), len(parts) - index)
            found[address] = None
    return Found(_joined(found), tuple(left_out))


def _joined(found: dict[str, None]) -> str | None:
    return " ".join(found) or None


def _parts(field: str, value: Any) -> list[str]:
    if isinstance(value, list):
        texts = [_plain(one) for one in value[: PARTS_MAX + 1]]
        parts = [part for text in texts if text for part in _split(field, text)]
        return parts + [""] * max(0, len(value) - len(texts))
    text = _plain(value)
    return _split(field, text) if text else []


def _split(field: str, text: str) -> list[str]:
    """A text's parts. Blanks part handles and e-mails, but not the digits of a phone number."""
    parts = [part.strip() for part in _SEPARATORS.split(text)]
    parts = [part for part in parts if part]
    if field == "phone":
        return parts
    return [word for part in parts for word in _words(field, part)]


def _words(field: str, part: str) -> list[str]:
    """The words of a part that can be meant, when there are several; the part when there are none.

    Of `Ann Lee (@annlee)` only the last: in a sentence a bare word is a word, not a handle.
    """
    words = [word.strip("()[]<>\"'") for word in part.split()]
    if len(words) < 2 or (len(words) == 2 and words[0] == "@"):
        return [part]
    return [word for word in words if _is_meant(field, word)] or [part]


def _is_meant(field: str, word: str) -> bool:
    if field == "x":
        return word.startswith("@") or "/" in word or ":" in word
    return "@" in word or "." in word or ":" in word


def _address(field: str, part: str, country: str) -> str | None:
    if field == "email":
        return email_address(part)
    if field == "phone":
        return phone_address(part, country)
    if part.startswith(("account:", "handle:", f"{field}:")):
        address = identifier_address(part)
        return address if address is not None and address.partition(":")[2].startswith(f"{field}:") else None
    return named(field, part)


def _plain(value: Any) -> str | None:
    """Any JSON value as one text; nothing for null and blanks."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_MAX:
        return str(int(value))
    if isinstance(value, int | float):
        # Integers of thousands of digits are legal JSON, and no value of anything.
        return None if isinstance(value, int) and value.bit_length() > 256 else repr(value)
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return "; ".join(text for one in value[:PARTS_MAX] if (text := _plain(one))) or None
    try:
        return msgspec.json.encode(value).decode() if value else None
    except (RecursionError, OverflowError):
        return None
