"""id16 of rows whose venue names them.

The namespace is the venue and what is counted: `BINANCE/trade`, `BINANCE/quote`, …; the instrument
is part of the identity anyway. A whole number of at most 18 digits, written without leading
zeros, is an integer id and the venue's sequence; anything else is text. A bar is named by its
interval: one instrument has one bar of a length at a time.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from ledger.drafts import Bools, Draft, Ints
from ledger.identity import from_integers, from_strings
from ledger.rows import ABSENT, Kind, Rows

_INTEGER: Final = "^(0|[1-9][0-9]{0,17})$"
_INTEGER_END: Final = 10**18
_WORDS: Final = {Kind.TRADE: "trade", Kind.QUOTE: "quote", Kind.BAR: "bar"}


class VenueIds(NamedTuple):
    """id16 and the venue's sequence per row, and the rows without an id; shape (n,) each."""

    ids: Rows
    sequences: Ints | None
    missing: Bools


def namespace(venue: str, kind: Kind, trade_feed: str = "trades") -> str:
    """What ids of this venue count: `BINANCE/trade`."""
    word = "aggregate" if kind is Kind.TRADE and trade_feed == "aggregates" else _WORDS[kind]
    return f"{venue}/{word}"


def venue_ids(draft: Draft, venues: tuple[str, ...]) -> VenueIds:
    """The ids of a draft that has an id column, or that holds bars; `venues` per listing."""
    spaces = [namespace(venue, draft.kind, draft.facts.trade_feed) for venue in venues]
    rows_of = {
        space: np.isin(draft.which, [n for n, other in enumerate(spaces) if other == space])
        for space in dict.fromkeys(spaces)
    }
    out = np.zeros(len(draft), "V16")
    if draft.ids is None:
        intervals = np.full(len(draft), draft.interval_ns, np.int64)
        for space, rows in rows_of.items():
            out[rows] = from_integers(space, intervals[rows])
        return VenueIds(out, None, np.zeros(len(draft), bool))
    integers, texts, missing = _split(draft.ids)
    for space, rows in rows_of.items():
        whole = integers != ABSENT
        if len(rows_of) == 1 and whole.all():
            return VenueIds(from_integers(space, integers), integers, missing)
        out[rows & whole] = from_integers(space, integers[rows & whole])
        written = np.flatnonzero(rows & ~whole & ~missing)
        if len(written):
            out[written] = from_strings(space, (str(texts[int(row)]) for row in written))
    return VenueIds(out, integers, missing)


def _split(column: Any) -> tuple[Ints, Any, Bools]:
    """Integers (ABSENT where an id is none), the column as text, and where it is empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type):
        whole = np.asarray(column.cast(pa.int64(), safe=False).fill_null(ABSENT))
        outside = (whole < 0) | (whole >= _INTEGER_END)
        if not outside.any():
            return whole, column, np.zeros(len(column), bool)
    texts = column.cast(pa.string()).fill_null("")
    missing = np.asarray(pc.equal(pc.binary_length(texts), 0))
    try:
        numbers = texts.cast(pa.int64())
        canonical = pc.all(pc.equal(numbers.cast(pa.string()), texts)).as_py()
    except pa.ArrowInvalid:
        canonical = False
    if not canonical:
        matched = pc.match_substring_regex(texts, _INTEGER)
        numbers = pc.if_else(matched, texts, pa.scalar(None, pa.string())).cast(pa.int64())
    whole = np.array(numbers.fill_null(ABSENT))
    whole[(whole < 0) | (whole >= _INTEGER_END)] = ABSENT
    return whole, texts, missing
