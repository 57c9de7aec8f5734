r"""The cheap look at raw payloads: one scan over a whole batch says which of them are worth parsing.

    \0 {…payload…} \0 {…payload…} \0 …   ──Hyperscan──► ends of matches ──► indexes of payloads ──► parsed, decided

A payload is passed over only when no needle is in it and it begins and ends like an object. Whatever looks different
(blank lines, broken JSON, other formats) is parsed as well, and refused or counted by those who know what it is.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, Protocol

import re2

from streams.runtime.ports import Record
from streams.runtime.topology import Normalised
from topologies.normalise.base import PAYLOAD_BYTES_MAX, EachRecord, Format, note_last, parse_into

try:
    import hyperscan
except ImportError:  # pragma: no cover  there are no wheels of it for some platforms
    hyperscan = None  # type: ignore[assignment]

_NO_OBJECT = (rb"\x00\s*[^{\s]", rb"[^}\s]\s*\x00")
"""A payload whose first letter is no `{`, or whose last is no `}`. The match ends in it."""
_RE2_BYTES_MAX = 512 << 20


class Engine(Protocol):
    """Finds payloads that match one pattern at least. Not for several threads at once: one per normaliser."""

    def candidates(self, payloads: Sequence[bytes]) -> list[int]:
        """Their indexes, rising."""
        ...


class HyperscanEngine:
    """One call for all payloads. The compiled patterns are shared, the scratch space is not."""

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        """The first one of equal patterns compiles them: 20 ms, a second for thousands."""
        self._database = _database((*patterns, *_NO_OBJECT))
        self._scratch = hyperscan.Scratch(self._database)

    def candidates(self, payloads: Sequence[bytes]) -> list[int]:
        """See `Engine`."""
        ends: list[int] = []
        joined = b"\0".join((b"", *payloads, b""))
        self._database.scan(joined, match_event_handler=_note, context=ends, scratch=self._scratch)
        if not ends:
            return []
        borders = list(accumulate((len(payload) + 1 for payload in payloads), initial=1))
        return sorted({bisect_right(borders, end - 1) - 1 for end in ends})


class Re2Engine:
    """One search per payload, for platforms without Hyperscan: the same answer, several times slower."""

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        """Compiles the patterns, shared by all with equal ones."""
        self._search = _alternation(patterns).search

    def candidates(self, payloads: Sequence[bytes]) -> list[int]:
        """See `Engine`."""
        search = self._search
        return [index for index, payload in enumerate(payloads) if not _is_object(payload) or search(payload)]


def engine_name() -> str:
    """Which engine scans on this machine: `hyperscan`, or `re2` where there is none."""
    return "re2" if hyperscan is None else "hyperscan"


def engine(patterns: tuple[bytes, ...]) -> Engine:
    """The fastest engine there is on this machine."""
    return Re2Engine(patterns) if hyperscan is None else HyperscanEngine(patterns)


class Scanned:
    """The normaliser of firehoses: only what may matter is parsed."""

    def __init__(self, form: Format, scanner: Engine) -> None:
        """`scanner` must find every payload of which `form` makes events."""
        self._form, self._scanner = form, scanner
        self._every = EachRecord(form)

    def __call__(self, records: Sequence[Record], /) -> Normalised:
        """See `Normaliser`."""
        # A null is one letter that is no object, so that it is looked at.
        payloads = [record.value() or b"0" for record in records]
        if sum(map(len, payloads)) > PAYLOAD_BYTES_MAX and max(map(len, payloads)) > PAYLOAD_BYTES_MAX:
            return self._every(records)
        out = Normalised()
        found = self._scanner.candidates(payloads)
        for index in found:
            parse_into(out, self._form, records[index], index)
        out.irrelevant += len(records) - len(found)
        note_last(out, self._form, records)
        return out


def _note(_id: int, _start: int, end: int, _flags: int, ends: list[int]) -> None:
    ends.append(end)


def _is_object(payload: bytes) -> bool:
    payload = payload.strip()
    return payload[:1] == b"{" and payload[-1:] == b"}"


@lru_cache(maxsize=16)
def _database(patterns: tuple[bytes, ...]) -> Any:
    found = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    found.compile(expressions=list(patterns), elements=len(patterns), flags=0)
    return found


@lru_cache(maxsize=16)
def _alternation(patterns: tuple[bytes, ...]) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _RE2_BYTES_MAX
    return re2.compile(b"|".join(b"(?:" + pattern + b")" for pattern in patterns), options)
