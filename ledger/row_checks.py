"""What a decoder demands of rows, so that everything after it is total.

A frame that fails here is *undecodable*: the archive keeps it raw, folds skip it. Nothing behind
the decoder checks a range again.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from ledger.rows import ABSENT, FEEDS, NAN_BITS, TIME_MAX_NS, Action, Flag, Kind, Rows

Check = Callable[[Rows], str]  # what is wrong, or "" when nothing is


def fault(kind: Kind, rows: Rows) -> str:
    """The first thing wrong with `rows`, or ""."""
    names = rows.dtype.names or ()
    if "pad" in names and np.ascontiguousarray(rows["pad"]).view(np.uint8).any():
        return "padding is not zero"
    if "instrument" in names and (rows["instrument"] < 0).any():
        return "negative instrument id"
    if "flags" in names and kind in FEEDS and (rows["flags"] & ~np.uint32(Flag.KNOWN)).any():
        return "unknown flag"
    for name in ("event_time", "target_time", "action_time", "time", "start", "time_before"):
        if name in names and _times_outside(rows, name):
            return f"{name} outside 1970 to 2116"
    if "received_at" in names and _received_outside(rows):
        return "received_at outside 1970 to 2116"
    if "aggressor" in names and (rows["aggressor"] > 2).any():
        return "unknown aggressor"
    check = _CHECKS.get(kind)
    return check(rows) if check else ""


def _times_outside(rows: Rows, name: str) -> bool:
    times = rows[name]
    return bool(((times < 0) | (times > TIME_MAX_NS)).any())


def _received_outside(rows: Rows) -> bool:
    times = rows["received_at"]
    return bool((((times < 0) & (times != ABSENT)) | (times > TIME_MAX_NS)).any())


def _trade(rows: Rows) -> str:
    if (rows["size"] < 0).any():
        return "negative size"
    return "absent price" if (rows["price"] == ABSENT).any() else ""


def _quote(rows: Rows) -> str:
    for side in ("bid", "ask"):
        missing = rows[side] == ABSENT
        sizes = rows[f"{side}_size"]
        # A side that is there may come without a size (FX); a size without its side means nothing.
        if ((sizes < 0) & (sizes != ABSENT)).any():
            return f"negative {side} size"
        if (missing & (sizes != ABSENT)).any():
            return f"{side} size without a {side}"
    if ((rows["bid"] == ABSENT) & (rows["ask"] == ABSENT)).any():
        return "a quote with neither side"
    return ""


def _bar(rows: Rows) -> str:
    if (rows["interval"] <= 0).any() or (rows["interval"] > rows["event_time"]).any():
        return "bar interval not positive, or bar begins before 1970"
    if any((rows[name] == ABSENT).any() for name in ("open", "high", "low", "close")):
        return "absent price"
    body_high = np.maximum(rows["open"], rows["close"])
    body_low = np.minimum(rows["open"], rows["close"])
    if (rows["high"] < body_high).any() or (rows["low"] > body_low).any():
        return "high or low inside the bar's body"
    for name in ("volume", "taker_buy_volume", "trade_count"):
        if ((rows[name] < 0) & (rows[name] != ABSENT)).any():
            return f"negative {name}"
    return ""


def _amend(rows: Rows) -> str:
    if not np.isin(rows["target_kind"], FEEDS).all():
        return "unknown target kind"
    return "" if np.isin(rows["action"], list(Action)).all() else "unknown action"


def _gap(rows: Rows) -> str:
    if (rows["first_seq"] > rows["last_seq"]).any():
        return "sequence range ends before it begins"
    if (rows["time_before"] > rows["time_after"]).any() or _times_outside(rows, "time_after"):
        return "time range ends before it begins"
    if not np.isin(rows["feed"], FEEDS).all():
        return "unknown feed"
    return "" if np.isin(rows["state"], (1, 2)).all() else "unknown state"


def _clock(rows: Rows) -> str:
    if not np.isin(rows["feed"], FEEDS).all():
        return "unknown feed"
    is_bar = rows["feed"] == Kind.BAR
    return "" if (is_bar == (rows["interval"] > 0)).all() else "interval and feed disagree"


def _heartbeat(rows: Rows) -> str:
    return "" if ((rows["reason"] >= 1) & (rows["reason"] <= 6)).all() else "unknown reason"


def _feature(rows: Rows) -> str:
    if (rows["end"] <= rows["start"]).any() or _times_outside(rows, "end"):
        return "bar ends before it begins"
    bits = np.ascontiguousarray(rows["values"]).view("<u8")
    nan = np.isnan(rows["values"])
    return "a NaN of another pattern" if (bits[nan] != NAN_BITS).any() else ""


_CHECKS: Final[dict[Kind, Check]] = {
    Kind.TRADE: _trade,
    Kind.QUOTE: _quote,
    Kind.BAR: _bar,
    Kind.AMEND: _amend,
    Kind.GAP: _gap,
    Kind.CLOCK: _clock,
    Kind.HEARTBEAT: _heartbeat,
    Kind.FEATURE: _feature,
}
