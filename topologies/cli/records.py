"""Topics by the names people use, and their records as something that can be read.

alerts · social.enriched · enriched · inbox · rapport.dlq · bluesky (an input) · raw.bluesky
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import orjson

from config.inputs import topic_of
from config.problems import did_you_mean
from config.settings import Settings
from schemas.events import decode_envelope
from schemas.log import MARKER_KEY, decode_marker, decode_progress
from schemas.state import decode_item
from schemas.topics import OUTPUTS, topics
from streams.runtime.codec import split_key
from streams.runtime.ports import Log, Record
from topologies.cli.shell import usage
from topologies.identity.documents import time_text

FOLLOW_NAP_S = 0.05
_READ_MAX = 1_000


class Named(msgspec.Struct, frozen=True):
    """A topic. `kind`: the name the engine uses, `raw` for an input's."""

    topic: str
    kind: str


def find_topic(name: str, settings: Settings) -> Named:
    """The topic of that name. Raises a usage error that names those there are."""
    table = topics(settings.engine.app)
    known = {kind: Named(spec.name, kind) for kind, spec in table.items()}
    known |= {spec.name: Named(spec.name, kind) for kind, spec in table.items()}
    for one in settings.inputs:
        known |= {one.name: Named(topic_of(one), "raw"), topic_of(one): Named(topic_of(one), "raw")}
    if name not in known:
        names = ", ".join(sorted({named.topic for named in known.values()}))
        raise usage("TOPIC", want=f"one of {names}", got=repr(name), fix=did_you_mean(name, known, "choose one"))
    return known[name]


def last_records(log: Log, topic: str, count: int) -> tuple[list[Record], dict[int, int]]:
    """The last records of all partitions together, by time; and from which offset each partition goes on."""
    found: list[Record] = []
    ends: dict[int, int] = {}
    for partition in range(log.partitions(topic)):
        start, end = log.start_offset(topic, partition), log.end_offset(topic, partition)
        # Twice as many: some offsets may be nobody's.
        found += _from(log, topic, partition, max(start, end - 2 * count), end) if count else []
        ends[partition] = end
    found.sort(key=lambda record: (record.timestamp()[1], record.partition(), record.offset()))
    return found[max(0, len(found) - count) :], ends


def following(log: Log, topic: str, offsets: dict[int, int]) -> Iterator[Record]:
    """Records as they come, for ever."""
    readers = [log.reader(topic, partition, offset) for partition, offset in sorted(offsets.items())]
    try:
        while True:
            found = [record for reader in readers for record in reader.poll(_READ_MAX, 0)]
            yield from sorted(found, key=lambda record: record.timestamp()[1])
            if not found:
                time.sleep(FOLLOW_NAP_S)
    finally:
        for reader in readers:
            reader.close()


def as_document(record: Record, kind: str) -> dict[str, Any]:
    """A record as JSON: what the engine writes in its own form is decoded."""
    return {
        "topic": record.topic(),
        "partition": record.partition(),
        "offset": record.offset(),
        "time": time_text(record.timestamp()[1]),
        "key": _key(record.key(), kind),
        "headers": {name: readable(value) for name, value in record.headers() or ()},
        "value": _value(record, kind),
    }


def readable(data: bytes | None) -> Any:
    """Text; what is none, as its bytes in hexadecimal."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def plain(value: Any) -> Any:
    """Events and items as named fields with their type."""
    if isinstance(value, msgspec.Struct):
        fields = {name: plain(one) for name, one in msgspec.structs.asdict(value).items()}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _from(log: Log, topic: str, partition: int, offset: int, end: int) -> Sequence[Record]:
    reader = log.reader(topic, partition, offset)
    found: list[Record] = []
    try:
        while records := reader.poll(_READ_MAX, 0):
            found += [record for record in records if record.offset() < end]
            if records[-1].offset() >= end - 1:
                break
    finally:
        reader.close()
    return found


def _key(key: bytes | None, kind: str) -> Any:
    if key is None or kind != "changelog":
        return readable(key)
    if key == MARKER_KEY:
        return "(end of a commit)"
    address, item = split_key(key)
    return f"{address} {item.replace(chr(0), chr(92) + '0')}"


def _value(record: Record, kind: str) -> Any:
    value = record.value()
    if value is None:
        return None
    try:
        if kind == "inbox":
            envelope = decode_envelope(value)
            return {"seen_at": time_text(envelope.seen_at), "event": plain(envelope.event)}
        if kind == "changelog":
            return plain(decode_marker(value) if record.key() == MARKER_KEY else decode_item(value))
        if kind == "progress":
            return plain(decode_progress(value))
        if kind in OUTPUTS or kind in {"raw", "dlq"}:
            return orjson.loads(value)
    except (ValueError, msgspec.MsgspecError):
        pass  # Somebody else's bytes, or broken ones: shown as they are.
    return readable(value)
