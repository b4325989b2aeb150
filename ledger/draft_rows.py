"""Drafts to rows: instruments looked up, decimals made mantissas, every value judged.

What a decoder would refuse is refused here first, row by row and with the reason; `row_checks`
holds the same line for whoever builds rows by hand.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.catalog import Catalog
from ledger.content import identify
from ledger.decimals import FAULT_TEXT, Fault, Mantissas, mantissas_at
from ledger.drafts import (
    COUNTS,
    NUMBERS,
    PRICES,
    REQUIRED,
    Bools,
    Draft,
    Ints,
    Refusals,
    RefusedRow,
)
from ledger.errors import Refused
from ledger.instruments import Instrument
from ledger.rows import ABSENT, Flag, Kind, Rows, empty
from ledger.venue_ids import venue_ids


class Converted(NamedTuple):
    """The rows that are fine (shape (m,)), their places in the draft, and who is refused."""

    rows: Rows
    at: Ints
    refusals: Refusals
    by_content: bool
    """True when ids are still to be made from the content (see `ledger.content`)."""


class _Known(NamedTuple):
    """The instruments of a draft's rows: ids of shape (n,), -1 where undefined, and facts."""

    ids: NDArray[np.int32]
    price_exponent: Ints
    size_exponent: Ints
    unit: Ints
    allow_negative: Bools
    venues: tuple[str, ...]
    """Per listing."""


def to_rows(draft: Draft, catalog: Catalog) -> tuple[Rows, list[RefusedRow]]:
    """The facts of a draft, identity filled in, and the rows that are none.

    The draft is one source of its own here: ordinals among equal rows count inside it. Raises
    Refused when the instrument takes the venue's other trade feed.
    """
    found = convert(draft, catalog)
    rows = found.rows
    if found.by_content and len(rows):
        rows = identify(rows, time_units(catalog, rows["instrument"]))
    return rows, refused_rows(draft, found.refusals)


def convert(draft: Draft, catalog: Catalog) -> Converted:
    """As `to_rows`, leaving ids that come from the content to who knows the whole source."""
    refusals = draft.refusals.copy()
    known = _look_up(draft, catalog, refusals)
    refusals.refuse(draft.event_time == ABSENT, "no time")
    rows = empty(draft.kind, len(draft))
    rows["instrument"] = known.ids
    rows["event_time"] = draft.event_time
    for name in ("received_at", "venue_seq", "source_seq", "aggressor", "conditions", "flags"):
        values = getattr(draft, name)
        if values is not None and name in (rows.dtype.names or ()):
            rows[name] = values
    _fill_numbers(draft, known, rows, refusals)
    _CHECKS[draft.kind](rows, known, refusals)
    if draft.kind is Kind.BAR:
        rows["interval"] = draft.interval_ns
    by_content = draft.ids is None and draft.kind is not Kind.BAR
    if not by_content:
        _fill_ids(draft, known, rows, refusals)
    at = np.flatnonzero(refusals.good)
    chosen = rows if len(at) == len(rows) else rows[at]
    return Converted(chosen, at, refusals, by_content)


def refused_rows(draft: Draft, refusals: Refusals) -> list[RefusedRow]:
    """The refused rows of a draft with line, raw text and reason."""
    return [
        RefusedRow(draft.line(row), draft.raw(row), refusals.reason(row))
        for row in np.flatnonzero(~refusals.good).tolist()
    ]


def time_units(catalog: Catalog, instruments: NDArray[np.int32]) -> Ints:
    """The coarsest time unit of each row's instrument, shape (n,), nanoseconds."""
    ids, which = np.unique(instruments, return_inverse=True)
    units = [catalog.instruments[int(one)].time_unit_ns for one in ids]
    return np.array(units, np.int64)[which]


def find_listing(draft: Draft, number: int, catalog: Catalog) -> int | None:
    """The instrument of a listing: by our symbol first, then by the venue's own name."""
    listing = draft.listings[number]
    for name in (listing.symbol, listing.native):
        found = catalog.find(name) if name else None
        if found is not None:
            return found
    return None


def _look_up(draft: Draft, catalog: Catalog, refusals: Refusals) -> _Known:
    found = [find_listing(draft, number, catalog) for number in range(len(draft.listings))]
    for number, instrument in enumerate(found):
        if instrument is None:
            name = draft.listings[number].symbol or draft.listings[number].written
            refusals.refuse(draft.which == number, f"no instrument {name!r} is defined")
        else:
            _check_feed(draft, catalog.instruments[instrument])
    defined = [catalog.instruments[one] if one is not None else _UNDEFINED for one in found]

    def per_row(values: list[int]) -> Ints:
        return np.array(values, np.int64)[draft.which] if values else np.zeros(0, np.int64)

    return _Known(
        per_row([-1 if one is None else one for one in found]).astype(np.int32),
        per_row([one.price_exponent for one in defined]),
        per_row([one.size_exponent for one in defined]),
        per_row([one.time_unit_ns for one in defined]),
        per_row([one.allow_negative for one in defined]).astype(bool),
        tuple(one.venue for one in defined),
    )


_UNDEFINED = Instrument(symbol="UNDEFINED.NONE", price_exponent=0, size_exponent=0)


def _check_feed(draft: Draft, instrument: Instrument) -> None:
    if draft.kind is Kind.TRADE and draft.facts.trade_feed != instrument.trade_feed:
        raise Refused(
            f"{instrument.symbol} takes {instrument.trade_feed}; these are "
            f"{draft.facts.trade_feed}: the same volume counted another way",
            remedy="define another instrument for them (fledger instruments add)",
        )


def _fill_numbers(draft: Draft, known: _Known, rows: Rows, refusals: Refusals) -> None:
    for name in NUMBERS[draft.kind]:
        if name not in draft.numbers:
            rows[name] = ABSENT
            continue
        column, shift = draft.numbers[name]
        exponents = known.price_exponent if name in PRICES else known.size_exponent
        if name in COUNTS:
            exponents = np.zeros(len(draft), np.int64)
        found = mantissas_at(column, exponents - shift)
        rows[name] = found.values
        _refuse_faults(name, found, refusals)


def _refuse_faults(name: str, found: Mantissas, refusals: Refusals) -> None:
    if not found.faults.any():
        return
    for fault, text in FAULT_TEXT.items():
        if fault is not Fault.MISSING or name in REQUIRED:
            refusals.refuse(found.faults == fault, f"{name.replace('_', ' ')} {text}")


def _check_trades(rows: Rows, known: _Known, refusals: Refusals) -> None:
    refusals.refuse((rows["price"] <= 0) & ~known.allow_negative, "price is not above 0")
    refusals.refuse(rows["size"] < 0, "size is below 0")
    rows["flags"] |= np.where(rows["size"] == 0, np.uint32(Flag.NO_BAR), np.uint32(0))


def _check_quotes(rows: Rows, known: _Known, refusals: Refusals) -> None:
    for side in ("bid", "ask"):
        missing, sizes = rows[side] == ABSENT, rows[f"{side}_size"]
        low = (rows[side] <= 0) & ~missing & ~known.allow_negative
        refusals.refuse(low, f"{side} is not above 0")
        refusals.refuse((sizes < 0) & (sizes != ABSENT), f"{side} size is below 0")
        refusals.refuse(missing & (sizes > 0), f"{side} size without a {side}")
        rows[f"{side}_size"] = np.where(missing, ABSENT, sizes)
    sides = (rows["bid"] != ABSENT).astype(np.int8) + (rows["ask"] != ABSENT)
    refusals.refuse(sides == 0, "neither bid nor ask")
    crossed = (sides == 2) & (rows["bid"] > rows["ask"])
    rows["flags"] |= np.where(crossed, np.uint32(Flag.CROSSED), np.uint32(0))


def _check_bars(rows: Rows, known: _Known, refusals: Refusals) -> None:
    for name in ("open", "high", "low", "close"):
        refusals.refuse((rows[name] <= 0) & ~known.allow_negative, f"{name} is not above 0")
    top, bottom = np.maximum(rows["open"], rows["close"]), np.minimum(rows["open"], rows["close"])
    refusals.refuse(rows["high"] < top, "high is below open or close")
    refusals.refuse(rows["low"] > bottom, "low is above open or close")
    for name in ("volume", "taker_buy_volume", "trade_count"):
        below = (rows[name] < 0) & (rows[name] != ABSENT)
        refusals.refuse(below, f"{name.replace('_', ' ')} is below 0")


_CHECKS = {Kind.TRADE: _check_trades, Kind.QUOTE: _check_quotes, Kind.BAR: _check_bars}


def _fill_ids(draft: Draft, known: _Known, rows: Rows, refusals: Refusals) -> None:
    ids, sequences, missing = venue_ids(draft, known.venues)
    refusals.refuse(missing, "no id, in a source that has ids")
    rows["id"] = ids
    if draft.venue_seq is None and sequences is not None:
        rows["venue_seq"] = sequences
