"""What every format shares: one payload becomes addressed events, or is refused with a path.

records ──► Format.parse(record) ──► Parsed ──► Normalised (one batch)
                 └─ raises Poison(cause, path) ─► refusal
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from streams.core.address import ADDRESS_BYTES_MAX
from streams.core.facts import Fact
from streams.errors import Poison
from streams.runtime.ports import Record
from streams.runtime.topology import Arrival, Normalised, Refusal

PAYLOAD_BYTES_MAX = 1 << 20
"""Larger payloads are refused: no source sends one, and a parser should not have to find out."""


class Parsed(msgspec.Struct):
    """What one payload became. `unknown` names kinds that are not ours; `refused` are parts that cannot be read."""

    received_at: int
    events: list[tuple[str, Any]] = msgspec.field(default_factory=list)
    irrelevant: int = 0
    unknown: list[str] = msgspec.field(default_factory=list)
    refused: list[tuple[str, str]] = msgspec.field(default_factory=list)
    notes: list[Fact] = msgspec.field(default_factory=list)


class Format(Protocol):
    """One wire format. Stateless and pure: what it needs to know it was built with."""

    def parse(self, record: Record) -> Parsed:
        """Read one payload. Raises `Poison` when nothing of it can be read."""
        ...

    def received_at(self, record: Record) -> int:
        """When the source, the gateway or the log had it; never raises. Cheap: asked for records nobody parses."""
        ...


class EachRecord:
    """The normaliser of formats where every payload is parsed."""

    def __init__(self, form: Format) -> None:
        """`form` does the reading."""
        self._form = form

    def __call__(self, records: Sequence[Record], /) -> Normalised:
        """See `Normaliser`."""
        out = Normalised()
        for index, record in enumerate(records):
            parse_into(out, self._form, record, index)
        note_last(out, self._form, records)
        return out


def parse_into(out: Normalised, form: Format, record: Record, index: int) -> None:
    """Parse one record and add what became of it. No payload can make this raise."""
    value = record.value()
    if value is not None and len(value) > PAYLOAD_BYTES_MAX:
        out.refusals.append(Refusal(index, "$", f"payload has {len(value)} bytes, more than {PAYLOAD_BYTES_MAX}"))
        return
    try:
        parsed = form.parse(record)
    except Poison as problem:
        out.refusals.append(Refusal(index, problem.path, problem.cause))
        return
    except (RecursionError, ValueError, OverflowError) as problem:
        out.refusals.append(Refusal(index, "$", f"unreadable: {type(problem).__name__}: {problem}"[:300]))
        return
    for address, event in parsed.events:
        if len(address) > ADDRESS_BYTES_MAX or "\0" in address:
            out.refusals.append(Refusal(index, "$", f"identifier too long or not text: {address[:60]!r}…"))
            continue
        out.arrivals.append(Arrival(index, parsed.received_at, address, event))
    out.irrelevant += parsed.irrelevant
    for kind in parsed.unknown:
        out.unknown[kind] = out.unknown.get(kind, 0) + 1
    if parsed.refused:
        out.refusals.extend(Refusal(index, path, cause) for path, cause in parsed.refused)
    out.notes += parsed.notes


def note_last(out: Normalised, form: Format, records: Sequence[Record]) -> None:
    """Remember the receive time of the last record of each partition: it is the progress of the raw task."""
    for record in reversed(records):
        partition = record.partition()
        if partition not in out.last_received_at:
            out.last_received_at[partition] = form.received_at(record)
