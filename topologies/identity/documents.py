"""Values of the outputs that identity writes, and how times and identifiers look in them.

An id is a hash of what caused the value: the same in every run over the same log.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from schemas.events import FOREVER, Act
from schemas.outputs import ActOut, AuthorOut, EvidenceOut, Late, LinkEvent, Method, Unmatched

EVIDENCE_MAX = 8
"""Pieces of evidence in one document; the rest is left out."""

_MS_MIN, _MS_MAX = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999: RFC 3339 knows no others."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()


def document_id(*parts: object) -> str:
    """Thirty-two hexadecimal digits that are equal iff the parts are."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=1 << 10)
def time_text(at: int) -> str:
    """RFC 3339 in UTC with milliseconds. Times outside the years 1 to 9999 become the first or last of them."""
    if not _MS_MIN <= at <= _MS_MAX:
        at = min(max(at, _MS_MIN), _MS_MAX)
    day, ms = divmod(at, 86_400_000)
    second, ms = divmod(ms, 1000)
    minute, second = divmod(second, 60)
    # From tables, and remembered: an act is written with up to four times, of which most are the same, and formatting
    # numbers costs a microsecond each time.
    return f"{_day_text(day)}T{_MINUTES[minute]}:{_NUMBERS[second]}.{_THOUSANDTHS[ms]}Z"


_NUMBERS = tuple(f"{n:02d}" for n in range(60))
_THOUSANDTHS = tuple(f"{n:03d}" for n in range(1000))
_MINUTES = tuple(f"{hour}:{minute}" for hour in _NUMBERS[:24] for minute in _NUMBERS)


@lru_cache(maxsize=1 << 12)
def _day_text(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def start_text(at: int) -> str | None:
    """The beginning of an interval; null: since ever."""
    return time_text(at) if at > 0 else None


def end_text(at: int) -> str | None:
    """The end of an interval; null: it still holds."""
    return time_text(at) if at < FOREVER else None


def identifier_text(address: str) -> str:
    """An identifier as subscribers read it: accounts without their type, the others as they are."""
    return address.removeprefix("account:")


def handle_text(address: str) -> str:
    """What people call it: `ann.example` of `handle:bluesky:ann.example`. Anything else stays as it is."""
    parts = address.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "handle" else address


def act_out(act: Act, late_after_ms: int) -> ActOut:
    """What was done. `late`: received more than `late_after_ms` after its time."""
    return ActOut(
        id=act.id,
        source=act.source,
        kind=act.kind,
        uri=act.uri,
        at=time_text(act.at),
        received_at=time_text(act.received_at),
        text=act.text,
        lang=act.lang or None,
        in_reply_to=act.in_reply_to or None,
        targets=tuple(map(identifier_text, act.targets)),
        late=is_late(act, late_after_ms),
    )


def is_late(act: Act, late_after_ms: int) -> bool:
    """Whether an act counts as late: a property of the act, not of its neighbours."""
    return act.received_at - act.at > late_after_ms


def author_out(account: str, handle: str, name: str) -> AuthorOut:
    """By whom. `handle` is an address or empty."""
    return AuthorOut(identifier=identifier_text(account), handle=handle_text(handle) or None, name=name or None)


def unmatched(account: str, act: Act, *, conflict: bool, late_after_ms: int, model: str) -> Unmatched:
    """An act whose join is final, and nobody's customer's."""
    return Unmatched(
        id=document_id("unmatched", account, act.id, act.version),
        act=act_out(act, late_after_ms),
        author=author_out(account, act.handle, act.name),
        reason="conflict" if conflict else "unclaimed",
        model=model,
    )


def late(address: str, act: Act, reason: str) -> Late:
    """An act that came too late, or was cut from memory early."""
    return Late(
        id=document_id("late", address, act.id, act.version, reason),
        reason=reason,
        address=address,
        act=act.id,
        at=time_text(act.at),
        received_at=time_text(act.received_at),
    )


def evidence_out(evidence: Sequence[str]) -> tuple[EvidenceOut, ...]:
    """Evidence as claims carry it: `kind=value` each."""
    parts = (text.partition("=") for text in evidence[:EVIDENCE_MAX])
    return tuple(EvidenceOut(kind=kind, value=value) for kind, _, value in parts)


def link_event(
    status: str,
    identifier: str,
    customer: str | None,
    cause: str,
    *,
    position: int,
    start: int = 0,
    end: int = FOREVER,
    confidence: float | None = None,
    method: Method | None = None,
    evidence: Sequence[str] = (),
) -> LinkEvent:
    """What became known, uncertain or untrue about an identifier, by the event at `position`. Takes addresses."""
    return LinkEvent(
        id=document_id("links", status, identifier, customer or "", method or "", start, end, position, *evidence),
        status=status,  # type: ignore[arg-type]  # a word of `LinkEvent`: the callers write it out
        identifier=identifier_text(identifier),
        customer=None if customer is None else customer.removeprefix("customer:"),
        start=start_text(start),
        end=end_text(end),
        confidence=confidence,
        method=method,
        evidence=evidence_out(evidence),
        cause=cause,
    )
