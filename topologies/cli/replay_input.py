"""Files of raw payloads → records in the order in which they were received.

    bluesky.jetstream=FILE   FORMAT, or the NAME of a configured input; several files of one input are merged
    {"received_at": "2026-07-04T12:00:00Z", "headers": {…}, "body": …}     a line that is a webhook delivery
    {…}                                                                    any other line is the payload itself
    contacts=FILE            JSON lines or CSV; read before everything else

A payload that does not say when it was received counts as received when what it tells happened, and never before
those above it. Times before 2006 or after 2100 are no times.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from config.inputs import topic_of
from config.problems import Problem, did_you_mean
from config.semantics import check
from config.settings import InputSettings, Settings
from streams.runtime.ports import Headers, LogRecord
from streams.runtime.replay import Recorded, merged
from streams.runtime.topology import Normaliser
from topologies.cli.shell import ProblemsFound
from topologies.normalise.formats import FORMATS, KNOWN
from topologies.normalise.times import BELIEVED_FROM, TIME_MAX, parse_time

CONTACTS = "contacts"
BELIEVED_TO = 4_102_444_800_000
"""2100-01-01, exclusive: one broken payload must not make a century pass."""


class Source(msgspec.Struct, frozen=True):
    """A file, and the input whose payloads it holds."""

    input: InputSettings
    file: Path


class Delivery(msgspec.Struct, frozen=True):
    """A webhook delivery as a gateway records it. `received_at`: RFC 3339 or milliseconds. `body`: JSON, or its text."""

    received_at: str | int
    body: msgspec.Raw
    headers: dict[str, str] = {}
    key: str | None = None


_decode_delivery = msgspec.json.Decoder(Delivery).decode
_decode_text = msgspec.json.Decoder(str).decode


def sources_of(given: Sequence[str], settings: Settings) -> tuple[Settings, list[Source]]:
    """What is to be read, and the settings with these inputs only. Raises `ProblemsFound`: all of them."""
    problems: list[Problem] = []
    sources: list[Source] = []
    for text in given:
        name, separator, file = text.partition("=")
        if not separator or not name or not file:
            problems.append(_problem(text, "FORMAT=FILE", repr(text), "write it like contacts=people.csv"))
            continue
        if (problem := _unreadable(Path(file))) is not None:
            problems.append(_problem(text, "a file that can be read", problem, "check the path and the permissions"))
        found = _input(name, settings, problems, text)
        if found is not None:
            sources.append(Source(found, Path(file)))
    used = {source.input.name: source.input for source in sources}
    settings = msgspec.structs.replace(settings, inputs=tuple(used.values()))
    if not problems:
        problems += [_problem(one.path, one.want, one.got, one.fix) for one in check(settings, KNOWN)]
    if problems:
        raise ProblemsFound(problems)
    return settings, sources


def size_of(sources: Sequence[Source]) -> int:
    """Bytes of all files."""
    return sum(source.file.stat().st_size for source in sources)


def recorded(sources: Sequence[Source], normalisers: dict[str, Normaliser]) -> Iterator[Recorded]:
    """All payloads, in order. `normalisers` by topic: they know when a payload was received."""
    others = [_records(source, normalisers, 0) for source in sources if source.input.format != CONTACTS]
    begun = [(first, stream) for stream in others if (first := next(stream, None)) is not None]
    first_at = min((first.received_at for first, _ in begun), default=0)
    contacts = [_records(source, normalisers, first_at) for source in sources if source.input.format == CONTACTS]
    return chain(merged(contacts), merged([chain([first], stream) for first, stream in begun]))


def _records(source: Source, normalisers: dict[str, Normaliser], first_at: int) -> Iterator[Recorded]:
    """Of one file. `first_at`: when everything else begins; a snapshot of contacts was there by then."""
    topic = topic_of(source.input)
    read = _rows if source.input.format == CONTACTS else _lines
    newest = 0
    for value, key, headers, given in read(source.file):
        at = given
        if first_at:
            at = min(given or first_at, first_at)
        elif not given:
            at = _time_of(normalisers[topic], LogRecord(topic, 0, 0, key, value, TIME_MAX, headers))
        if not BELIEVED_FROM <= at < BELIEVED_TO:
            at = newest or BELIEVED_FROM
        newest = max(newest, at)
        yield Recorded(topic, at, value, key, headers)


Line = tuple[bytes | None, bytes | None, Headers | None, int]
"""(payload, key, headers, receive time; 0: not said)"""


def _lines(file: Path) -> Iterator[Line]:
    with file.open("rb") as opened:
        for line in opened:
            text = line.rstrip(b"\r\n")
            if text:
                yield _delivery(text) or (text, None, None, 0)


def _rows(file: Path) -> Iterator[Line]:
    from topologies.contact_files import rows_of_file

    for row in rows_of_file(file):
        yield _delivery(row) or (row, None, None, 0)


def _delivery(text: bytes) -> Line | None:
    """A line that is a delivery; None: it is a payload."""
    if b'"received_at"' not in text or b'"body"' not in text:
        return None
    try:
        found = _decode_delivery(text)
        at = found.received_at if isinstance(found.received_at, int) else parse_time(found.received_at)
        body = bytes(found.body)
        value = None if body == b"null" else _decode_text(body).encode() if body.startswith(b'"') else body
    except (ValueError, RecursionError):
        return None
    at = at if BELIEVED_FROM <= at < BELIEVED_TO else 0
    headers = [(name, text.encode()) for name, text in found.headers.items()]
    if at:
        headers.append(("received_at", b"%d" % at))
    return value, None if found.key is None else found.key.encode(), headers, at


def _time_of(normalise: Normaliser, record: LogRecord) -> int:
    """When a payload was received as far as it says so, else the newest time of what it tells; 0: neither."""
    found = normalise([record])
    at = found.last_received_at.get(0, TIME_MAX)
    if at != TIME_MAX:
        return at
    told = [getattr(arrival.event, "at", TIME_MAX) for arrival in found.arrivals]
    return max((one for one in told if one < BELIEVED_TO), default=0)


def _input(name: str, settings: Settings, problems: list[Problem], text: str) -> InputSettings | None:
    """The configured input of that name, else the one of that format, else one with the format's defaults."""
    by_name = [one for one in settings.inputs if one.name == name]
    by_format = [one for one in settings.inputs if one.format == name]
    if by_name or len(by_format) == 1:
        return (by_name or by_format)[0]
    if by_format:
        names = ", ".join(one.name for one in by_format)
        problems.append(_problem(text, f"one of the inputs {names}", repr(name), "name the input: it has the options"))
        return None
    if name not in FORMATS:
        fix = did_you_mean(name, [*FORMATS, *(one.name for one in settings.inputs)], "choose one")
        problems.append(_problem(text, f"one of {', '.join(FORMATS)}, or a configured input", repr(name), fix))
        return None
    return InputSettings(name=name, format=name)


def _unreadable(file: Path) -> str | None:
    try:
        with file.open("rb"):
            return None
    except OSError as problem:
        return problem.strerror or str(problem)


def _problem(path: str, want: str, got: str, fix: str) -> Problem:
    return Problem("--in", 0, 0, path, want, got, fix)
