"""Times as sources write them, in integers of milliseconds since 1970; and which of them are believed.

    2006 …─────────────────────────────┬──────────┬─────────…
         believed                  received_at  + 1 min      not believed: received_at takes its place, flagged

Nobody has checked a time that a client claims: it may lie in the year 10, or tomorrow.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Any, Literal

from streams.runtime.ports import Record

AHEAD_MS_MAX = 60_000
"""A claimed time may be so far ahead of its receive time (inclusive): clocks differ by that much."""

BELIEVED_FROM = 1_136_073_600_000
"""2006-01-01, inclusive. No source is older; what claims to be comes from an unset clock."""

TIME_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999: larger receive times are not times."""

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:[Zz]|([+-][0-9]{2}):?([0-9]{2}))?"
)
_DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def parse_time(text: str) -> int:
    """Milliseconds of a time like `2026-07-04T12:00:00.123456Z`. Raises `ValueError`, also for the year 0.

    The fraction may have any length and is cut to milliseconds. The zone may be `Z`, `+02:00` or `+0200`; without one
    it is UTC. A blank may stand for the `T`. A leap second is the first second of the next minute.
    """
    # The usual form, told apart by its length. The many acts of one second share the work on it.
    if len(text) == 24 and text[23] == "Z" and text[19] == "." and text[20:23].isdecimal() and text.isascii():
        return _second_ms(text[:19]) + int(text[20:23])
    return _moment_ms(text)


def _moment_ms(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"want a time like 2026-07-04T12:00:00.123Z, got {text[:40]!r}")
    day, hour, minute, second, fraction, zone_hours, zone_minutes = found.groups()
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if hours > 23 or minutes > 59 or seconds > 60:
        raise ValueError(f"there is no such time of day: {text[:40]!r}")
    at = _day_ms(day) + ((hours * 60 + minutes) * 60 + seconds) * 1000
    if fraction is not None:
        at += int(fraction[:3].ljust(3, "0"))
    if zone_hours is not None:
        if int(zone_hours[1:]) > 23 or int(zone_minutes) > 59:
            raise ValueError(f"there is no such zone: {text[:40]!r}")
        east_ms = (int(zone_hours[1:]) * 60 + int(zone_minutes)) * 60_000
        at += east_ms if zone_hours[0] == "-" else -east_ms
    return at


def believable(at: int | None, received_at: int) -> tuple[int, Literal["", "clamped"]]:
    """The time to go on with, and whether it is another one than was claimed. None: nothing was claimed."""
    if at is None:
        return received_at, ""
    if at > received_at + AHEAD_MS_MAX or at < BELIEVED_FROM:
        return received_at, "clamped"
    return at, ""


def claimed(value: Any, received_at: int) -> tuple[int, Literal["", "clamped"]]:
    """The same for what stands in a payload: null is no claim, and what cannot be read is not believed."""
    if isinstance(value, str):
        try:
            return believable(parse_time(value), received_at)
        except ValueError:
            return received_at, "clamped"
    return received_at, "" if value is None else "clamped"


def record_time(record: Record) -> int:
    """When the gateway had it (header `received_at`, digits of milliseconds), else when the log had it; never raises."""
    for name, value in record.headers() or ():
        # Kafka clients hand out null header values as well.
        if name == "received_at" and value and len(value) <= len(str(TIME_MAX)) and value.isdigit():
            return min(int(value), TIME_MAX)
    return max(record.timestamp()[1], 0)


@lru_cache(maxsize=4096)
def _second_ms(text: str) -> int:
    return _moment_ms(text)


@lru_cache(maxsize=4096)
def _day_ms(day: str) -> int:
    """Nearly all acts of a stream are of the same few days."""
    return (date.fromisoformat(day).toordinal() - _EPOCH_DAY) * _DAY_MS
