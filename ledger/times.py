"""Times: int64 nanoseconds since 1970 UTC, and the texts people write them in.

A time without a zone names no moment, so it is refused with the fix shown; a local time that a
change of the clocks skipped or repeated is marked, never guessed.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from ledger.errors import NaiveTime, UsageError

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
DAY_NS: Final = 86_400 * SECOND_NS
TIME_MIN_NS: Final = 631_152_000 * SECOND_NS  # 1990-01-01
TIME_END_NS: Final = 4_102_444_800 * SECOND_NS  # 2100-01-01, exclusive

UNITS: Final[dict[str, int]] = {"s": SECOND_NS, "ms": 1_000_000, "us": 1_000, "ns": 1}
_INTERVALS: Final = {"ms": 10**6, "s": SECOND_NS, "m": MINUTE_NS, "h": 60 * MINUTE_NS, "d": DAY_NS}

_TEXT: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_FIXED: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1)


def parse_time(text: str) -> int:
    """Nanoseconds of an ISO 8601 time with a zone, to the nanosecond.

    Raises NaiveTime when it has none, UsageError when it is no time.
    """
    local, zone_text = split_time(text)
    if not zone_text:
        raise NaiveTime(
            f"{text!r} has no zone, so it names no moment",
            remedy=f"write {text.strip()}Z for UTC, or {text.strip()}-05:00 for another zone",
        )
    return local - fixed_offset_ns(zone_text)


def split_time(text: str) -> tuple[int, str]:
    """(nanoseconds as written, zone as written or ""). Raises UsageError when it is no time."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no time", remedy="write it as 2026-03-01T12:00:00Z")
    year, month, day, hour, minute, second, fraction, zone_text = found.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError as error:
        raise UsageError(f"{text!r} is no time: {error}", remedy="mend the time") from error
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * SECOND_NS + int((fraction or "0").ljust(9, "0")), zone_text or ""


def fixed_offset_ns(text: str) -> int:
    """Nanoseconds east of UTC of `Z`, `UTC`, `+02:00`, `UTC-05`. Raises UsageError otherwise."""
    if text in ("Z", "z", "UTC"):
        return 0
    found = _FIXED.fullmatch(text)
    if not found:
        raise UsageError(f"{text!r} is no offset from UTC", remedy="write it as +02:00")
    sign = -1 if found[1] == "-" else 1
    return sign * (int(found[2]) * 60 + int(found[3] or 0)) * MINUTE_NS


def zone(name: str) -> tzinfo:
    """A zone by IANA name, or `UTC-05`, `+02:00`. Raises UsageError when there is none."""
    if name in ("UTC", "Z") or _FIXED.fullmatch(name):
        return timezone(timedelta(microseconds=fixed_offset_ns(name) // 1_000))
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise UsageError(
            f"no time zone {name!r}", remedy="use a name such as America/New_York, or UTC-05"
        ) from error


def format_time(ns: int) -> str:
    """`2024-08-08T23:54:15.342Z`: as many digits of the fraction as there are."""
    seconds, fraction = divmod(ns, SECOND_NS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{text}{digits}Z"


def parse_interval(text: str) -> int:
    """Nanoseconds of `250ms`, `1s`, `5m`, `1h`, `1d`. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", text.strip(), re.ASCII)
    if not found or int(found[1]) == 0:
        raise UsageError(
            f"{text!r} is no interval", remedy="write a number and ms, s, m, h or d, such as 1m"
        )
    return int(found[1]) * _INTERVALS[found[2]]


def format_interval(ns: int) -> str:
    """The shortest text that `parse_interval` reads back; nanoseconds where there is none."""
    for name, size in reversed(_INTERVALS.items()):
        if ns % size == 0:
            return f"{ns // size}{name}"
    return f"{ns}ns"


def day_end(ns: int) -> int:
    """The end of the UTC day that holds this moment."""
    return (ns // DAY_NS + 1) * DAY_NS
