"""Raw Binance messages, one a line: `<receive time in ns> {json}`.

Trades and best quotes (bookTicker) are read; every other line is skipped with its reason. Spot
best quotes carry no venue time, so the receive time stands in, flagged. The market follows from
the shape of the messages (spot trades end in `M`, spot quotes have no event name) and from the
symbol (coin-margined ones are quoted in USD), unless it is given.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ledger.drafts import Column, Draft, Facts, Number, Parsed, Refusals, RefusedRow
from ledger.listings import binance_listing
from ledger.rows import ABSENT, Flag, Kind
from ledger.sources.binance_json import (
    NO_MESSAGE,
    QUOTE,
    TRADE,
    Messages,
    read,
    skipped,
    sort_lines,
)
from ledger.sources.columns import BUYER_IS_MAKER, order_types, sides, take_times
from ledger.sources.format import BINANCE_QUOTES, BINANCE_TRADES
from ledger.sources.lines import Lines
from ledger.sources.text_table import coded
from ledger.time_columns import from_numbers

NAME: Final = "binance-messages"
_COIN_MARGINED: Final = r"^[A-Z0-9]+USD_(PERP|[0-9]{6})$"
_NUMBERS: Final = {
    Kind.TRADE: {"price": "p", "size": "q"},
    Kind.QUOTE: {"bid": "b", "ask": "a", "bid_size": "B", "ask_size": "A"},
}


@dataclass(frozen=True)
class BinanceMessages:
    """`market` None: as the messages say. `time_unit` is that of the venue's times."""

    market: str | None
    time_unit: str = "ms"

    name = NAME
    single = False
    header_lines = 0

    def describe(self) -> dict[str, Any]:
        return {"format": NAME, "market": self.market, "time_unit": self.time_unit}

    def parse(self, lines: Lines) -> Parsed:
        sorts = sort_lines(lines)
        drafts: list[Draft] = []
        broken = [
            RefusedRow(int(lines.numbers[place]), lines.raw(place), NO_MESSAGE)
            for place in np.flatnonzero(sorts.broken).tolist()
        ]
        kinds = ((BINANCE_TRADES, sorts.trade, TRADE), (BINANCE_QUOTES, sorts.quote, QUOTE))
        for facts, chosen, schema in kinds:
            if chosen.any():
                found, odd = read(lines, np.flatnonzero(chosen), schema)
                broken += odd
                if len(found.at):
                    drafts.append(self._draft(facts, found, lines))
        return Parsed(drafts, broken, skipped(lines, sorts.other))

    def _draft(self, facts: Facts, found: Messages, lines: Lines) -> Draft:
        fields, is_quote = found.fields, facts.kind is Kind.QUOTE
        refusals = Refusals.none(len(found.at))
        received = take_times(from_numbers(found.received, "ns"), refusals, "receive time: ")
        times = take_times(from_numbers(fields["T"], self.time_unit), refusals)
        which, pairs = coded((fields["s"].fill_null(""), self._markets(fields, is_quote)))
        listings = tuple(binance_listing(symbol, market) for symbol, market in pairs)
        flags = None
        if is_quote:
            spot = np.array([market == "spot" for _, market in pairs])[which]
            untimed = spot & (times == ABSENT) & refusals.good
            flags = np.where(untimed, np.uint32(Flag.TIME_FROM_RECEIPT), np.uint32(0))
            times = np.where(untimed, received, times)
            _drop_empty_sides(fields)
        return Draft(
            facts=facts,
            listings=listings,
            which=which,
            event_time=times,
            received_at=received,
            numbers={n: Number(fields[key]) for n, key in _NUMBERS[facts.kind].items()},
            ids=fields[facts.id_column],
            aggressor=None if is_quote else _aggressor(fields["m"], refusals),
            conditions=None if is_quote else order_types(fields["X"]),
            flags=flags,
            origin=lines,
            at=found.at,
            refusals=refusals,
        )

    def _markets(self, fields: dict[str, Column], is_quote: bool) -> Column:
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.market:
            return pa.array([self.market] * len(fields["s"]), pa.string())
        spot = pc.is_null(fields["e"]) if is_quote else pc.is_valid(fields["M"])
        coin = pc.match_substring_regex(fields["s"].fill_null(""), _COIN_MARGINED)
        return pc.if_else(spot, "spot", pc.if_else(coin, "coinm", "usdm"))


def _drop_empty_sides(fields: dict[str, Column]) -> None:
    """An empty side of the book is a price and a size of 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for price, size in (("b", "B"), ("a", "A")):
        zeros = [pc.match_substring_regex(fields[key], "^0+[.]?0*$") for key in (price, size)]
        empty = pc.fill_null(pc.and_(*zeros), False)
        none = pa.scalar(None, pa.string())
        for key in (price, size):
            fields[key] = pc.if_else(empty, none, fields[key])


def _aggressor(maker: Column, refusals: Refusals) -> Any:
    import pyarrow as pa

    words = maker.cast(pa.string())
    return sides(words, refusals, BUYER_IS_MAKER)
