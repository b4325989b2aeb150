"""The definitions that the rows of a load suggest.

Exponents come from every row read: as many digits as the numbers are written with, so that the
next file of the same venue fits too, as long as a million times the largest number fits the
mantissa; never fewer than the numbers need. A definition never changes, so it is shown before it
is made.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.catalog import Catalog
from ledger.decimal_spread import spread
from ledger.draft_rows import find_listing
from ledger.drafts import COUNTS, PRICES, Draft, Ints, TimeUnit, TradeFeed
from ledger.errors import FormatError
from ledger.instruments import EXPONENT_MIN, Instrument
from ledger.listings import Listing
from ledger.rows import Kind

HEADROOM: Final = 1_000_000
_MANTISSA_MAX: Final = 2**63 - 1


@dataclass
class _Digits:
    """What the numbers of one instrument need so far."""

    written: int = 0
    needed: int = 0
    largest: float = 0.0

    def add(self, written: int, needed: int, largest: float) -> None:
        self.written = max(self.written, written)
        self.needed = max(self.needed, needed)
        self.largest = max(self.largest, largest)

    @property
    def exponent(self) -> int:
        roomy = max(self.needed, min(self.written, _room(self.largest * HEADROOM)))
        return -max(0, min(roomy, _room(self.largest), -EXPONENT_MIN))


@dataclass
class _Seen:
    listing: Listing
    unit_ns: TimeUnit
    trade_feed: TradeFeed
    price: _Digits
    size: _Digits


class Inference:
    """Looks at drafts, one after the other, and says what their instruments could be."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[str, _Seen] = {}
        self._unnamed = ""
        self._some_known = False

    def look(self, draft: Draft) -> None:
        """Take the rows of instruments that are not defined into account."""
        good = draft.refusals.good
        for number, listing in enumerate(draft.listings):
            rows = np.flatnonzero((draft.which == number) & good)
            if not len(rows):
                continue
            if find_listing(draft, number, self._catalog) is not None:
                self._some_known = True
            elif listing.symbol:
                self._add(draft, self._entry(draft, listing), rows)
            else:
                self._unnamed = listing.written  # its rows will be refused

    def definitions(self) -> list[Instrument]:
        """The instruments, by symbol; aliases that mean another one already are left out.

        Raises FormatError when there are rows and none of their names can be an instrument's.
        """
        if self._unnamed and not self._seen and not self._some_known:
            raise FormatError(
                f"{self._unnamed!r} cannot name an instrument",
                remedy="--instrument NAME.VENUE in capitals, or --map and --market",
            )
        found, taken = [], set(self._seen)
        for symbol, seen in sorted(self._seen.items()):
            free = [a for a in seen.listing.aliases if a not in taken]
            aliases = tuple(a for a in free if self._catalog.find(a) is None)
            taken.update(aliases)
            found.append(_instrument(symbol, aliases, seen))
        return found

    def _entry(self, draft: Draft, listing: Listing) -> _Seen:
        facts = draft.facts
        entry = self._seen.get(listing.symbol)
        if entry is None:
            feed: TradeFeed = facts.trade_feed if draft.kind is Kind.TRADE else "trades"
            entry = _Seen(listing, facts.time_unit_ns, feed, _Digits(), _Digits())
            self._seen[listing.symbol] = entry
        entry.unit_ns = min(entry.unit_ns, facts.time_unit_ns)
        return entry

    @staticmethod
    def _add(draft: Draft, entry: _Seen, rows: Ints) -> None:
        for name, (column, shift) in draft.numbers.items():
            if name in COUNTS:
                continue
            part = column if len(rows) == len(column) else column.take(rows)
            found = spread(part)
            digits = entry.price if name in PRICES else entry.size
            written, needed = int(found.written.max()), int(found.needed.max())
            largest = float(found.size.max()) * 10.0**shift
            digits.add(max(0, written - shift), max(0, needed - shift), largest)


def _instrument(symbol: str, aliases: tuple[str, ...], seen: _Seen) -> Instrument:
    return Instrument(
        symbol=symbol,
        aliases=aliases,
        price_exponent=seen.price.exponent,
        size_exponent=seen.size.exponent,
        time_unit_ns=seen.unit_ns,
        trade_feed=seen.trade_feed,
    )


def infer(drafts: Iterator[Draft] | Sequence[Draft], catalog: Catalog) -> list[Instrument]:
    """The definitions of all instruments in these drafts that `catalog` does not have."""
    inference = Inference(catalog)
    for draft in drafts:
        inference.look(draft)
    return inference.definitions()


def _room(largest: float) -> int:
    """How many digits after the point the mantissa of such a number has room for."""
    if largest <= 0 or not math.isfinite(largest):
        return -EXPONENT_MIN
    return math.floor(math.log10(_MANTISSA_MAX / largest))
