"""CloudEvents 1.0 headers in Kafka binary mode: the value is the document, the headers say what it is.

    ce_specversion 1.0                      ce_id     the document's own id; where that is its subject's, a hash of it all
    ce_type        rapport.enriched.v1      ce_time   event time of what happened; left out where there is none
    ce_source      /rapport/<app>           ce_subject  the record's key
    content-type   application/json

A record without a value (an erased key of a compacted topic) is no event and has no headers. No wall clock: two runs
over the same log write the same bytes.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from schemas.outputs import Alert, Enriched, Late, LinkEvent, ProfileOut, Score, Unmatched

Header = tuple[str, bytes]

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
OUTPUT_VERSION = 1
"""Of all outputs. A change that breaks readers gets a new one, and a topic of its own."""

# Sorted, so that a map filled in another order is the same document.
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def event_type(output: str) -> str:
    """`ce_type` of an output."""
    return f"rapport.{output}.v{OUTPUT_VERSION}"


def headers(output: str, key: str, value: Any, app: str = "rapport") -> list[Header]:
    """The headers of one document. Raises `KeyError` for an unknown output."""
    return headers_of(output, app)(key, value)


@lru_cache(maxsize=64)
def headers_of(output: str, app: str = "rapport") -> Callable[[str, Any], list[Header]]:
    """The same for one output, ready to be called for each document: about a microsecond."""
    id_of, time_of = _PARTS[output]
    before = ("ce_specversion", SPEC_VERSION.encode())
    after = (
        ("ce_type", event_type(output).encode()),
        ("ce_source", f"/rapport/{app}".encode()),
        ("content-type", CONTENT_TYPE.encode()),
    )

    def build(key: str, value: Any) -> list[Header]:
        if value is None:
            return []
        subject = key.encode("utf-8", "replace")
        if time_of is None:
            return [before, ("ce_id", id_of(value)), *after, ("ce_subject", subject)]
        return [before, ("ce_id", id_of(value)), *after, ("ce_subject", subject), ("ce_time", time_of(value))]

    return build


def _own_id(value: Enriched | Unmatched | LinkEvent | Late) -> bytes:
    return value.id.encode()


def _content_id(value: Score | ProfileOut | Alert) -> bytes:
    """Of documents whose id, or key, stands for what they are about: every record is an event of its own."""
    return hashlib.blake2b(_encode(value), digest_size=16).hexdigest().encode()


def _act_time(value: Enriched | Unmatched) -> bytes:
    return value.act.at.encode()


def _time(value: Score | Alert | Late) -> bytes:
    return value.at.encode()


_PARTS: dict[str, tuple[Callable[[Any], bytes], Callable[[Any], bytes] | None]] = {
    "enriched": (_own_id, _act_time),
    "unmatched": (_own_id, _act_time),
    "scores": (_content_id, _time),
    "profiles": (_content_id, None),
    "links": (_own_id, None),
    "alerts": (_content_id, _time),
    "late": (_own_id, _time),
}
"""Where id and time of each output come from."""
