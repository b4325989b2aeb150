"""Times of one moment: parsing, refusing what names none, formatting."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NaiveTime, UsageError
from ledger.times import (
    DAY_NS,
    day_end,
    fixed_offset_ns,
    format_interval,
    format_time,
    parse_interval,
    parse_time,
    zone,
)

NS = st.integers(631_152_000 * 10**9, 4_102_444_799 * 10**9)


@given(NS)
def test_a_formatted_time_reads_back(ns: int) -> None:
    """To the nanosecond."""
    assert parse_time(format_time(ns)) == ns


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_offsets_are_taken_away(moment: datetime, minutes: int) -> None:
    """As the standard library does."""
    sign, size = ("-" if minutes < 0 else "+"), abs(minutes)
    text = f"{moment.isoformat(sep=' ')}{sign}{size // 60:02d}:{size % 60:02d}"
    utc = moment.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    since = utc - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_time(text) == (since // timedelta(microseconds=1)) * 1000


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:00Z", "20260301 12:00Z", "2026-03-01 12:00:00.000 UTC"]
)
def test_ways_to_write_a_time(text: str) -> None:
    """ISO 8601 and its looser relatives."""
    assert parse_time(text) == 1_772_366_400 * 10**9


def test_a_time_without_zone_names_no_moment() -> None:
    """The error shows the fix."""
    with pytest.raises(NaiveTime, match="2026-03-01T12:00Z"):
        parse_time("2026-03-01T12:00")


@pytest.mark.parametrize("text", ["", "noon", "2026-02-30T00:00Z", "2026-03-01T25:00Z", "12:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """By name, with the way to write it."""
    with pytest.raises(UsageError):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "ns"),
    [("250ms", 250 * 10**6), ("1s", 10**9), ("5m", 300 * 10**9), ("4h", 14_400 * 10**9)],
)
def test_intervals_read_and_write(text: str, ns: int) -> None:
    """Both ways."""
    assert parse_interval(text) == ns
    assert format_interval(ns) == text


@pytest.mark.parametrize("text", ["", "m", "0m", "1 month", "-1m", "1.5h"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """With the way to write it."""
    with pytest.raises(UsageError, match="1m"):
        parse_interval(text)


def test_zones_by_name_and_by_offset() -> None:
    """IANA names, and offsets as LEAN writes them; anything else is refused."""
    moment = datetime(2024, 7, 1)
    assert moment.replace(tzinfo=zone("America/New_York")).utcoffset() == timedelta(hours=-4)
    assert moment.replace(tzinfo=zone("UTC-05")).utcoffset() == timedelta(hours=-5)
    assert fixed_offset_ns("+02:30") == 9_000 * 10**9
    for bad in ("Atlantis", "../etc/passwd", "UTC-5x"):
        with pytest.raises(UsageError, match="time zone"):
            zone(bad)


def test_a_day_ends_at_the_next_midnight() -> None:
    """Also when the moment is midnight itself."""
    assert day_end(0) == DAY_NS
    assert day_end(DAY_NS - 1) == DAY_NS
    assert day_end(DAY_NS) == 2 * DAY_NS
