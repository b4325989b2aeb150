"""Whole columns of times to int64 nanoseconds UTC.

Numbers: the unit follows from the magnitude, because between 1990 and 2100 no number of seconds
is also a plausible number of milliseconds, microseconds or nanoseconds. One unit per file; a row
of another unit is refused, not converted (Binance went from ms to µs on 2025-01-01).
Texts: ISO 8601, with a zone or in the zone the caller names.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.decimal_spread import spread
from ledger.decimals import NUMBER, Fault, by_halves, mantissas
from ledger.errors import LedgerError, NaiveTime
from ledger.rows import ABSENT
from ledger.times import (
    DAY_NS,
    MINUTE_NS,
    TIME_END_NS,
    TIME_MIN_NS,
    UNITS,
    fixed_offset_ns,
    split_time,
)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOT_A_TIME: Final = "not a time"
NO_ZONE: Final = "a time without a zone in a file whose other times have one"
WRONG_UNIT: Final = "time in another unit than the file's, or outside 1990 to 2100"
BARE_NUMBER: Final = (
    "a number as time: outside 1990 to 2100 in s, ms, us and ns, or in a file whose times are texts"
)
OUTSIDE: Final = "time outside 1990 to 2100"
SHIFTED_HOUR: Final = "a local time that a change of the clocks skipped or repeated"
_DIGITS: Final = {"s": 9, "ms": 6, "us": 3, "ns": 0}
_NAIVE, _ZONED, _NEITHER, _NUMBER = 0, 1, 2, 3


class Times(NamedTuple):
    """Nanoseconds UTC, shape (n,), ABSENT where there is none; and who is refused, by reason."""

    values: Ints
    refused: dict[str, Bools]


def unit_of(column: Any) -> str | None:
    """The unit most numbers of a sample are in, or None when it holds none of a plausible size."""
    sizes = spread(column).size  # the magnitude is enough, so floats are
    found: Counter[str] = Counter()
    for unit, size in UNITS.items():
        inside = (sizes >= TIME_MIN_NS // size) & (sizes < TIME_END_NS // size)
        found[unit] = int(inside.sum())
    unit, count = found.most_common(1)[0]
    return unit if count else None


def from_numbers(column: Any, unit: str) -> Times:
    """Numbers (text or numeric column) of one unit; empty ones ABSENT."""
    values, faults = mantissas(column, -_DIGITS[unit])
    missing = faults == Fault.MISSING
    unreadable = (faults != Fault.NONE) & ~missing & (faults != Fault.TOO_LARGE)
    outside = (values < TIME_MIN_NS) | (values >= TIME_END_NS) | (faults == Fault.TOO_LARGE)
    values[missing | unreadable | outside] = ABSENT
    return Times(values, {NOT_A_TIME: unreadable, WRONG_UNIT: outside & ~missing & ~unreadable})


def from_texts(column: Any, local_zone: tzinfo | None) -> Times:
    """ISO texts; those without a zone are in `local_zone`; empty ones ABSENT."""
    import pyarrow as pa

    written = np.full(len(column), ABSENT, np.int64)
    form = np.full(len(column), _NEITHER, np.int8)
    by_halves(
        column,
        lambda part, at: _cast_texts(pa, part, at, written, form),
        lambda texts, at: _read_texts(texts, at, written, form),
    )
    missing = _empty(column)
    naive = form == _NAIVE
    refused = {NOT_A_TIME: (form == _NEITHER) & ~missing, BARE_NUMBER: form == _NUMBER}
    if local_zone is None:
        refused[NO_ZONE] = naive
    else:
        written[naive], shifted = to_utc(written[naive], local_zone)
        refused[SHIFTED_HOUR] = np.zeros(len(column), bool)
        refused[SHIFTED_HOUR][np.flatnonzero(naive)[shifted]] = True
    readable = (form == _NAIVE) | (form == _ZONED)
    refused[OUTSIDE] = readable & ((written < TIME_MIN_NS) | (written >= TIME_END_NS))
    return Times(written, refused)


def has_zone(texts: list[str]) -> bool | None:
    """Whether the times of a sample carry a zone; None when none of them is a time."""
    for text in texts:
        try:
            return bool(split_time(text)[1])
        except LedgerError:
            continue
    return None


def need_zone(example: str, where: str) -> NaiveTime:
    """The error for local times without a zone; nothing was appended."""
    return NaiveTime(
        f"{where}: times such as {example!r} have no zone",
        remedy="--tz UTC, or the zone of the place that wrote them, such as --tz America/New_York",
    )


def to_utc(local: Ints, zone: tzinfo) -> tuple[Ints, Bools]:
    """Local nanoseconds to UTC, shape (n,), and which of them the clocks skipped or repeated.

    Clocks change at whole minutes, so each day is judged once, and only days with a change minute
    by minute.
    """
    utc = local.copy()
    shifted = np.zeros(len(local), bool)
    days, which = np.unique(local // DAY_NS, return_inverse=True)
    for number, day in enumerate(days):
        rows = which == number if len(days) > 1 else slice(None)
        start = int(day) * DAY_NS
        offsets = _offsets_around(zone, start)
        if len(offsets) == 1:
            utc[rows] -= offsets.pop()
        else:
            utc[rows], shifted[rows] = _minute_by_minute(local[rows], zone)
    return utc, shifted


def _offsets_around(zone: tzinfo, day_start: int) -> set[int]:
    # Clocks change once a day at most, so three looks tell whether this day has a change.
    hours = [day_start + hour * 60 * MINUTE_NS for hour in (-1, 12, 25)]
    return {_offset(zone, at, fold) for at in hours for fold in (0, 1)}


def _minute_by_minute(local: Ints, zone: tzinfo) -> tuple[Ints, Bools]:
    minutes, which = np.unique(local // MINUTE_NS, return_inverse=True)
    starts = [int(minute) * MINUTE_NS for minute in minutes]
    # Both readings of a local time agree unless the clocks skipped or repeated it.
    first = np.array([_offset(zone, at, 0) for at in starts], np.int64)
    second = np.array([_offset(zone, at, 1) for at in starts], np.int64)
    return local - first[which], (first != second)[which]


def _offset(zone: tzinfo, local_ns: int, fold: int) -> int:
    moment = datetime(1970, 1, 1) + timedelta(seconds=local_ns // 1_000_000_000)
    offset = moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0)
    return (offset.days * 86_400 + offset.seconds) * 1_000_000_000


def _cast_texts(pa: Any, part: Any, at: int, written: Ints, form: NDArray[np.int8]) -> None:
    import pyarrow.compute as pc

    part = pc.if_else(pc.equal(pc.binary_length(part), 0), pa.scalar(None, part.type), part)
    try:
        stamps, kind = part.cast(pa.timestamp("ns", "UTC")), _ZONED
    except pa.ArrowInvalid:
        stamps, kind = part.cast(pa.timestamp("ns")), _NAIVE  # raises again: then by halves
    present = np.asarray(stamps.is_valid())
    values = np.asarray(stamps.cast(pa.int64()).fill_null(ABSENT))
    span = slice(at, at + len(part))
    written[span] = values
    form[span] = np.where(present, kind, _NEITHER)


def _read_texts(texts: list[str | None], at: int, written: Ints, form: NDArray[np.int8]) -> None:
    for place, text in enumerate(texts, at):
        try:
            local, zone_text = split_time(text or "")
        except LedgerError:
            if NUMBER.fullmatch((text or "").strip()):
                form[place] = _NUMBER
            continue
        utc = local - (fixed_offset_ns(zone_text) if zone_text else 0)
        written[place] = max(-(2**62), min(utc, 2**62))  # what is out of reach stays outside
        form[place] = _ZONED if zone_text else _NAIVE


def _empty(column: Any) -> Bools:
    import pyarrow.compute as pc

    lengths: NDArray[np.int32] = np.asarray(pc.fill_null(pc.binary_length(column), 0))
    empty: Bools = lengths == 0
    return empty


def from_stamps(column: Any, local_zone: tzinfo | None) -> Times:
    """A timestamp or date column, of any unit, aware or local; nulls ABSENT.

    A local column without `local_zone` is the caller's to refuse (see `need_zone`).
    """
    import pyarrow as pa

    aware = pa.types.is_timestamp(column.type) and column.type.tz is not None
    missing: Bools = np.asarray(column.is_null())
    try:
        values = column.cast(pa.timestamp("ns", "UTC" if aware else None)).cast(pa.int64())
    except pa.ArrowInvalid:  # beyond what nanoseconds can say; find out which row by row
        values = pa.array([_stamp_ns(pa, one) for one in column], pa.int64())
    written: Ints = np.array(values.fill_null(ABSENT))
    shifted: Bools = np.zeros(len(written), bool)
    if not aware:
        written[~missing], shifted[~missing] = to_utc(written[~missing], local_zone or UTC)
    refused = {SHIFTED_HOUR: shifted}
    refused[OUTSIDE] = ~missing & ((written < TIME_MIN_NS) | (written >= TIME_END_NS))
    return Times(written, refused)


def _stamp_ns(pa: Any, one: Any) -> int | None:
    try:
        stamp: int | None = one.cast(pa.timestamp("ns")).cast(pa.int64()).as_py()
    except pa.ArrowInvalid:
        return 0  # outside 1990 to 2100, whatever it is
    return stamp
