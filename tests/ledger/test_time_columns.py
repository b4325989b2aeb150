"""Columns of times: units from magnitude, zones, hours that are not there or twice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rows import ABSENT
from ledger.time_columns import (
    BARE_NUMBER,
    NO_ZONE,
    NOT_A_TIME,
    OUTSIDE,
    SHIFTED_HOUR,
    WRONG_UNIT,
    Times,
    from_numbers,
    from_stamps,
    from_texts,
    has_zone,
    to_utc,
    unit_of,
)

SECOND = 10**9
ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "America/St_Johns"]
LOCAL = st.datetimes(datetime(1995, 1, 1), datetime(2030, 1, 1))


def refused(times: Times) -> dict[str, list[int]]:
    return {why: np.flatnonzero(rows).tolist() for why, rows in times.refused.items() if rows.any()}


@pytest.mark.parametrize(("unit", "size"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@given(seconds=st.integers(631_152_000, 4_102_444_799))
def test_the_unit_follows_from_the_magnitude(unit: str, size: int, seconds: int) -> None:
    """Between 1990 and 2100 no number is plausible in two units."""
    column = pa.array([str(seconds * size)])
    assert unit_of(column) == unit
    assert from_numbers(column, unit).values.tolist() == [seconds * SECOND]


def test_another_unit_than_the_files_is_refused() -> None:
    """Binance went from ms to µs: such a row is not guessed at."""
    times = from_numbers(pa.array(["1735689599999", "1735689600000000", "12", "x", ""]), "ms")
    assert refused(times) == {WRONG_UNIT: [1, 2], NOT_A_TIME: [3]}
    assert times.values.tolist() == [1735689599999 * 10**6, *[ABSENT] * 4]


def test_seconds_with_a_fraction_are_exact() -> None:
    """Down to the nanosecond, not through a float."""
    times = from_numbers(pa.array(["1618677816.843429812", "1618677816.8434298123"]), "s")
    assert times.values[0] == 1618677816_843429812
    assert refused(times) == {NOT_A_TIME: [1]}


def test_texts_with_zones() -> None:
    """Z and offsets, nanoseconds, in one column; what has no zone is refused."""
    texts = ["2024-08-08T23:54:15.123456789Z", "2024-08-09 01:54:15+02:00", "", "2024-08-08", "no"]
    times = from_texts(pa.array(texts), None)
    assert times.values[:2].tolist() == [1723161255_123456789, 1723161255 * SECOND]
    assert refused(times) == {NO_ZONE: [3], NOT_A_TIME: [4]}


def test_numbers_among_texts_are_told_from_junk() -> None:
    """1000 is no time in any unit, 1723161255 is one in a file of texts: both are named so."""
    texts = ["1000", "2024-08-08T23:54:15Z", " 1723161255 ", "-1.5e3", "", "no"]
    times = from_texts(pa.array(texts), None)
    assert refused(times) == {BARE_NUMBER: [0, 2, 3], NOT_A_TIME: [5]}
    assert "1990 to 2100" in BARE_NUMBER


def test_texts_outside_the_years_we_believe() -> None:
    """1990 to 2100, whatever Arrow could hold."""
    texts = [
        "1989-12-31T23:59:59Z",
        "1990-01-01T00:00:00Z",
        "2100-01-01T00:00Z",
        "9999-01-01T00:00Z",
    ]
    assert refused(from_texts(pa.array(texts), None)) == {OUTSIDE: [0, 2, 3]}


@pytest.mark.parametrize("name", ZONES)
@given(moments=st.lists(LOCAL, min_size=1, max_size=30))
def test_local_times_become_utc_or_are_marked(name: str, moments: list[datetime]) -> None:
    """As zoneinfo does; a moment whose two readings differ was skipped or repeated."""
    zone = ZoneInfo(name)
    epoch = datetime(1970, 1, 1)
    local = np.array([(m - epoch) // timedelta(microseconds=1) * 1000 for m in moments], np.int64)
    utc, shifted = to_utc(local, zone)
    for moment, found, marked in zip(moments, utc.tolist(), shifted.tolist(), strict=True):
        readings = {moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
        assert marked == (len(readings) == 2)
        if not marked:
            at = moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
            assert found == (at - epoch) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    ("text", "why"),
    [("2024-03-10 02:30:00", "skipped"), ("2024-11-03 01:30:00", "repeated")],
    ids=["skipped", "repeated"],
)
def test_the_hours_of_new_york_that_are_not_one(text: str, why: str) -> None:
    """The hour that is not there and the hour that is there twice are refused."""
    times = from_texts(pa.array([text, "2024-03-11 02:30:00"]), ZoneInfo("America/New_York"))
    assert refused(times) == {SHIFTED_HOUR: [0]}, why


def test_typed_stamps_of_any_unit() -> None:
    """Aware ones as they are, local ones by their zone."""
    moment = datetime(2024, 8, 8, 12, tzinfo=UTC)
    aware = pa.array([moment, None], pa.timestamp("ms", "UTC"))
    times = from_stamps(aware, None)
    assert times.values.tolist() == [int(moment.timestamp()) * SECOND, ABSENT]
    naive = pa.array([datetime(2024, 8, 8, 8)], pa.timestamp("us"))
    there = from_stamps(naive, ZoneInfo("America/New_York"))
    assert there.values.tolist() == [int(moment.timestamp()) * SECOND]


def test_a_sample_tells_whether_times_have_zones() -> None:
    """The first that is a time at all decides."""
    assert has_zone(["", "no", "2024-08-08 12:00"]) is False
    assert has_zone(["2024-08-08T12:00Z"]) is True
    assert has_zone(["no"]) is None
