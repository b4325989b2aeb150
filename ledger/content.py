"""id16 of rows whose venue does not name them: content, and number among equals.

The content of a row is its event time, floored to the venue's coarsest unit, and everything it
says about the market; not its flags, its receive time or its source. It is the same for every
reader, so the same facts from two formats meet.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.drafts import Ints
from ledger.identity import from_content
from ledger.rows import Kind, Rows

FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.TRADE: ("price", "size", "conditions", "aggressor"),
    Kind.QUOTE: ("bid", "ask", "bid_size", "ask_size", "conditions"),
}
_BY_NAMES: Final = {names[0]: names for names in FIELDS.values()}


def floored(times: Ints, units: Ints | int) -> Ints:
    """Event times, shape (n,), floored to the venue's coarsest unit."""
    return times - times % units


def identify(rows: Rows, units: Ints | int) -> Rows:
    """A copy of `rows` with ids from content and ordinal; all equals of a source must be in it, in
    the source's order."""
    named = rows.copy()
    if len(rows):
        contents = _contents(rows, units)
        named["id"] = from_content(contents, ordinals(rows, units))
    return named


def identify_at(rows: Rows, units: Ints | int, numbers: Ints) -> Rows:
    """As `identify`, with the ordinals given."""
    named = rows.copy()
    if len(rows):
        named["id"] = from_content(_contents(rows, units), numbers)
    return named


def ordinals(rows: Rows, units: Ints | int) -> Ints:
    """Each row's number among the rows before it that have the same content, from 0."""
    keys: list[NDArray[np.generic]] = [rows[name] for name in reversed(_fields(rows))]
    keys += [floored(rows["event_time"], units), rows["instrument"]]
    order = np.lexsort(keys)
    fresh = np.ones(len(rows), bool)
    fresh[1:] = False
    for key in keys:
        ranked = key[order]
        fresh[1:] |= ranked[1:] != ranked[:-1]
    index = np.arange(len(rows))
    first = np.maximum.accumulate(np.where(fresh, index, 0))
    numbers = np.empty(len(rows), np.int64)
    numbers[order] = index - first
    return numbers


def _contents(rows: Rows, units: Ints | int) -> Rows:
    names = _fields(rows)
    packed = [("event_time", "<i8")] + [(name, rows.dtype[name].str) for name in names]
    contents = np.empty(len(rows), packed)
    contents["event_time"] = floored(rows["event_time"], units)
    for name in names:
        contents[name] = rows[name]
    return contents


def _fields(rows: Rows) -> tuple[str, ...]:
    """The content fields of trades or quotes, told apart by their layout."""
    names = rows.dtype.names or ()
    return next(fields for first, fields in _BY_NAMES.items() if first in names)
