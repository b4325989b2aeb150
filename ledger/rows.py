"""The rows inside a frame: one fixed-width little-endian layout per kind of event.

A row is a memory layout before it is anything else: `numpy.frombuffer` reads a frame's body, the
archive writes the same columns, and the bytes of a frame can be rebuilt from its rows. So every
byte of a row is a named field or a zero that the decoder checks.

Fields stand in order of alignment (8-byte fields first), so no numpy operation copies. Prices and
sizes are int64 mantissas (value = mantissa · 10^exponent of the instrument), times int64
nanoseconds since 1970 UTC.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]

ABSENT: Final = -(2**63)  # an optional int64 that is not there: a missing side, no sequence
NAN_BITS: Final = 0x7FF8000000000000  # the one pattern for "no value" in a feature row
TIME_MAX_NS: Final = 2**62  # the year 2116: far enough, and sums of two times stay in int64


class Kind(IntEnum):
    """What a frame holds. A number is never reused."""

    TRADE = 1
    QUOTE = 2
    BAR = 3
    AMEND = 4
    GAP = 5
    CLOCK = 6
    HEARTBEAT = 7
    FEATURE = 16
    PROGRESS = 17
    CONTROL = 32


FEEDS: Final = (Kind.TRADE, Kind.QUOTE, Kind.BAR)  # the kinds that are facts of a feed


class Aggressor(IntEnum):
    """Who crossed the spread. Binance's `m` says the buyer was the maker, so the seller crossed."""

    NONE = 0
    BUY = 1
    SELL = 2


class Action(IntEnum):
    """What an `Amend` does to its target."""

    CORRECT = 1
    BUST = 2
    REINSTATE = 3


class GapState(IntEnum):
    """A gap is open until its whole range has arrived; one closing outweighs any opening."""

    OPEN = 1
    CLOSED = 2


class Beat(IntEnum):
    """Why the relay sent a `Heartbeat`."""

    STARTED = 1
    ACTIVE = 2
    QUIET = 3
    IDLE = 4
    REQUESTED = 5
    STOPPED = 6


class Flag:
    """Bits of a row's `flags`: remarks that never change what the row says."""

    NO_BAR: Final = 1  # size 0: kept, not in bars
    FAR_PRICE: Final = 2  # far from both neighbours in its file
    CROSSED: Final = 4  # bid above ask
    TIME_FROM_RECEIPT: Final = 8  # the venue gives no time: received_at stands in
    SUSPICIOUS: Final = 16  # the source itself marked it so
    KNOWN: Final = 31


_ID = ("id", "V16")
_TICK_TAIL = [("venue_seq", "<i8"), ("source_seq", "<i8"), ("conditions", "<u8")]
_WHO = [("instrument", "<i4"), ("flags", "<u4")]

TRADE = np.dtype(
    [("event_time", "<i8"), ("received_at", "<i8"), ("price", "<i8"), ("size", "<i8"), _ID]
    + _TICK_TAIL
    + _WHO
    + [("aggressor", "u1"), ("pad", "V7")]
)
QUOTE = np.dtype(
    [("event_time", "<i8"), ("received_at", "<i8"), ("bid", "<i8"), ("ask", "<i8")]
    + [("bid_size", "<i8"), ("ask_size", "<i8"), _ID]
    + _TICK_TAIL
    + _WHO
)
BAR = np.dtype(
    [("event_time", "<i8"), ("received_at", "<i8"), ("interval", "<i8")]
    + [("open", "<i8"), ("high", "<i8"), ("low", "<i8"), ("close", "<i8"), ("volume", "<i8")]
    + [("taker_buy_volume", "<i8"), ("trade_count", "<i8"), _ID]
    + _TICK_TAIL
    + _WHO
)
AMEND = np.dtype(
    [("action_time", "<i8"), ("received_at", "<i8"), ("target_time", "<i8")]
    + [("target_id", "V16"), _ID, ("fields", "<i8", (8,)), ("source_seq", "<i8")]
    + [("conditions", "<u8"), *_WHO, ("target_kind", "u1"), ("action", "u1")]
    + [("aggressor", "u1"), ("pad", "V5")]
)
GAP = np.dtype(
    [("first_seq", "<i8"), ("last_seq", "<i8"), ("time_before", "<i8"), ("time_after", "<i8")]
    + [_ID, *_WHO, ("feed", "u1"), ("state", "u1"), ("pad", "V6")]
)
CLOCK = np.dtype(
    [("time", "<i8"), ("interval", "<i8"), ("instrument", "<i4"), ("feed", "u1"), ("pad", "V3")]
)
HEARTBEAT = np.dtype(
    [("sent_at", "<i8"), ("control_through", "<i8"), ("reason", "u1"), ("pad", "V7")]
)
PROGRESS = np.dtype(
    [("restate", "<i8"), ("admitted", "<i8"), ("digest", "V32"), ("view", "<i4"), ("flags", "<u4")]
)
FEATURE_FIXED_BYTES: Final = 32


def feature_dtype(outputs: int) -> np.dtype[np.void]:
    """The row of a feature frame of a view with `outputs` columns; `end` names no new fact but
    saves every reader the bar rule."""
    return np.dtype(
        [("start", "<i8"), ("end", "<i8"), ("instrument", "<i4"), ("revision", "<u4")]
        + [("flags", "<u4"), ("pad", "V4"), ("values", "<f8", (outputs,))]
    )


LAYOUTS: Final[dict[Kind, np.dtype[np.void]]] = {
    Kind.TRADE: TRADE,
    Kind.QUOTE: QUOTE,
    Kind.BAR: BAR,
    Kind.AMEND: AMEND,
    Kind.GAP: GAP,
    Kind.CLOCK: CLOCK,
    Kind.HEARTBEAT: HEARTBEAT,
    Kind.PROGRESS: PROGRESS,
}


class TimeFields(NamedTuple):
    """The fields that hold the first and the last event time of a row."""

    first: str
    last: str


TIME_FIELDS: Final[dict[Kind, TimeFields]] = {
    Kind.TRADE: TimeFields("event_time", "event_time"),
    Kind.QUOTE: TimeFields("event_time", "event_time"),
    Kind.BAR: TimeFields("event_time", "event_time"),
    Kind.AMEND: TimeFields("target_time", "target_time"),
    Kind.GAP: TimeFields("time_before", "time_after"),
    Kind.CLOCK: TimeFields("time", "time"),
    Kind.FEATURE: TimeFields("start", "end"),
}


def empty(kind: Kind, count: int) -> Rows:
    """`count` rows of `kind`, all bytes zero, optional int64 fields ABSENT."""
    rows = np.zeros(count, LAYOUTS[kind])
    for name in ("received_at", "venue_seq", "source_seq"):
        if name in (LAYOUTS[kind].names or ()):
            rows[name] = ABSENT
    return rows


def id_words(ids: Rows) -> NDArray[np.uint64]:
    """Shape (n, 2): each 16-byte id as two big-endian words, so words sort as bytes do."""
    words = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2)
    return words.astype(np.uint64)


def clock_rows(clocks: list[tuple[int, int, int, int]]) -> Rows:
    """Clock rows, shape (n,), of (time ns, interval ns or 0, instrument id, kind of the feed)."""
    rows = empty(Kind.CLOCK, len(clocks))
    for at, name in enumerate(("time", "interval", "instrument", "feed")):
        rows[name] = [clock[at] for clock in clocks]
    return rows
