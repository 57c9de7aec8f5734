"""Times as sources write them."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.ports import LogRecord
from topologies.normalise.times import BELIEVED_FROM, believable, parse_time, record_time

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "bluesky"
NOON = 1_783_166_400_000
"""2026-07-04T12:00:00Z"""


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-04T12:00:00Z",
        "2026-07-04T12:00:00.000Z",
        "2026-07-04T12:00:00.0009999999999999Z",
        "2026-07-04T12:00:00",
        "2026-07-04 12:00:00",
        "2026-07-04t12:00:00z",
        "2026-07-04T12:00:00+00:00",
        "2026-07-04T12:00:00-0000",
        "2026-07-04T14:00:00.000+0200",
        "2026-07-04T05:00:00,0-07:00",
        "2026-07-05T11:59:00+23:59",
        "2026-07-04T11:59:60Z",
    ],
)
def test_one_moment_in_many_spellings(text: str) -> None:
    assert parse_time(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-07-04",
        "2026-07-04T12:00Z",
        "0000-01-01T00:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-07-04T24:00:00Z",
        "2026-07-04T12:60:00Z",
        "2026-07-04T12:00:61Z",
        "2026-07-04T12:00:00+24:00",
        "2026-07-04T12:00:00+00:60",
        "2026-07-04T12:00:00.Z",
        "2026-W27-6T12:00:00Z",
        " 2026-07-04T12:00:00Z",
        "2026-07-04T12:00:00Z\n",
        "٢٠٢٦-07-04T12:00:00Z",
        "Wed Oct 10 20:19:24 +0000 2018",
        "9" * 5000,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|zone|year|day|month|isoformat"):
        parse_time(text)


def test_far_years_are_only_numbers() -> None:
    assert parse_time("0001-01-01T00:00:00+23:59") < 0
    assert parse_time("9999-12-31T23:59:59.999-23:59") > NOON


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30)),  # noqa: DTZ001  the zone comes from the next one
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_agrees_with_the_calendar(moment: datetime, east_minutes: int, precision: str) -> None:
    zone = timezone(timedelta(minutes=east_minutes))
    there = moment.replace(tzinfo=zone)
    text = there.isoformat(timespec=precision)
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_time(text) == since // timedelta(milliseconds=1)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse_time(text), int)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/samples is not there")
def test_reads_what_the_network_calls_valid() -> None:
    lines = (SAMPLES / "interop_datetime_syntax_valid.txt").read_text().splitlines()
    texts = [line for line in lines if line and not line.startswith("#")]
    assert len(texts) == 33
    for text in texts:
        parse_time(text)
    for line in (SAMPLES / "interop_datetime_parse_invalid.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            with pytest.raises(ValueError, match=r"time|year|month|day"):
                parse_time(line)


@pytest.mark.parametrize(
    ("at", "received_at", "expected"),
    [
        (NOON, NOON, (NOON, "")),
        (NOON - 9_000_000, NOON, (NOON - 9_000_000, "")),
        (NOON + 60_000, NOON, (NOON + 60_000, "")),
        (NOON + 60_001, NOON, (NOON, "clamped")),
        (BELIEVED_FROM, NOON, (BELIEVED_FROM, "")),
        (BELIEVED_FROM - 1, NOON, (NOON, "clamped")),
        (-(10**30), NOON, (NOON, "clamped")),
        (None, NOON, (NOON, "")),
    ],
)
def test_a_claim_is_believed_within_bounds(at: int | None, received_at: int, expected: tuple[int, str]) -> None:
    assert believable(at, received_at) == expected


def test_the_year_2006_begins_where_it_should() -> None:
    assert parse_time("2006-01-01T00:00:00Z") == BELIEVED_FROM


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (None, NOON),
        ([], NOON),
        ([("received_at", b"1783166400001")], NOON + 1),
        ([("other", b"5"), ("received_at", b"7")], 7),
        ([("received_at", b"soon")], NOON),
        ([("received_at", b"-5")], NOON),
        ([("received_at", b"")], NOON),
        ([("received_at", b"9" * 15)], 253_402_300_799_999),
        ([("received_at", b"9" * 5000)], NOON),
    ],
)
def test_a_gateway_knows_better_than_the_log(headers: list[tuple[str, bytes]] | None, expected: int) -> None:
    assert record_time(LogRecord("raw.x", 0, 0, None, b"{}", NOON, headers)) == expected


def test_a_log_without_times_gives_zero() -> None:
    assert record_time(LogRecord("raw.x", 0, 0, None, b"{}", -1)) == 0
