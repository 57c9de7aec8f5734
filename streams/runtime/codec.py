"""How the engine writes down what is not a product's business: keys of the changelog, positions, dead letters.

changelog key      address \\0 item          the address holds no \\0; the item of a wake begins with one
position metadata  v1;<seq>;<u1>,<u2>,<u3>   of an inbox partition
                   v1;0;<seen_at>            of a raw partition
"""

import re
from collections.abc import Sequence

import msgspec

from schemas.log import SEPARATOR
from streams.errors import Fatal
from streams.runtime.ports import Headers, Record, TopicPartition

_METADATA = re.compile(r"v1;(\d+);(\d+(?:,\d+)*)")
_ATTEMPT = "attempt"
_CAUSE_CHARS_MAX = 1_000
_SAID_BYTES = 100
"""For the headers that say what was cut."""


class Standing(msgspec.Struct, frozen=True):
    """What is committed beside an offset: the number of the task's last commit, and its stream time."""

    seq: int
    upto: tuple[int, ...]


def write_standing(standing: Standing) -> str:
    """As metadata of a committed position."""
    return f"v1;{standing.seq};{','.join(map(str, standing.upto))}"


def read_standing(metadata: str, where: TopicPartition) -> Standing:
    """From metadata of a committed position. Raises `Fatal` when it is not ours."""
    found = _METADATA.fullmatch(metadata)
    if found is None:
        raise Fatal(
            f"{where.topic}[{where.partition}]: want position metadata like 'v1;<seq>;<times>', found {metadata!r}; "
            "somebody else committed in this group, or a newer release did: use that release, or another application id"
        )
    return Standing(int(found[1]), tuple(int(part) for part in found[2].split(",")))


def split_key(key: bytes) -> tuple[str, str]:
    """Address and item of a changelog key."""
    address, _, item = key.partition(SEPARATOR)
    return address.decode(), item.decode()


def raw_task(topic: str, partition: int) -> str:
    """Name of a raw task, as it stands in the progress topic."""
    return f"raw:{topic}/{partition}"


def inbox_task(partition: int) -> str:
    """Name of an inbox task, as it stands in the progress topic."""
    return f"inbox/{partition}"


def letter_headers(
    record: Record, *, cause: str, path: str, fold: str, code_version: str, number: int | None = None
) -> list[tuple[str, bytes]]:
    """Headers of a dead letter. The record's own follow as `header.<name>`. `number`: which part of the record."""
    # A broker's headers may be null.
    own = [(name, value or b"") for name, value in record.headers() or ()]
    attempt = 1
    for name, value in own:
        if name == _ATTEMPT and value.isdigit():
            attempt = int(value) + 1
    headers = [
        ("cause", cause[:_CAUSE_CHARS_MAX].encode(errors="replace")),
        ("path", path[:_CAUSE_CHARS_MAX].encode(errors="replace")),
        ("fold", fold.encode()),
        ("topic", record.topic().encode()),
        ("partition", b"%d" % record.partition()),
        ("offset", b"%d" % record.offset()),
        ("code_version", code_version.encode()),
        (_ATTEMPT, b"%d" % attempt),
    ]
    if number is not None:
        headers.append(("number", b"%d" % number))
    headers += [(f"header.{name}", value) for name, value in own if name != _ATTEMPT]
    return headers


def fit_letter(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]], bytes_max: int
) -> tuple[bytes | None, bytes | None, Headers]:
    """Make a dead letter small enough for the log: first without the record's own headers, then cut, and it says so."""
    size = len(key or b"") + len(value or b"")
    if size + _size(headers) <= bytes_max:
        return key, value, headers
    short = [header for header in headers if not header[0].startswith("header.")]
    room = max(0, bytes_max - _size(short) - _SAID_BYTES)
    if size <= room:
        return key, value, [*short, ("headers_dropped", b"1")]
    # A key gives way only to a value that takes no more than its half.
    room_for_key = max(room // 2, room - len(value or b""))
    if key is not None and len(key) > room_for_key:
        short.append(("key_cut_from_bytes", b"%d" % len(key)))
        key = key[:room_for_key]
    room -= len(key or b"")
    if value is not None and len(value) > room:
        short.append(("cut_from_bytes", b"%d" % len(value)))
        value = value[:room]
    return key, value, short


def _size(headers: Sequence[tuple[str, bytes]]) -> int:
    return sum(len(name) + len(value) + 8 for name, value in headers)
