"""Trades of many Binance markets in one table with a header, as in the six-instrument sample.

market (spot, usdm, cm), symbol, trade_id, price, size, aggressor (B, S), ts_event_ns and, where
there, ts_recv_ns and order_type.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ledger.drafts import Draft, Number, Parsed, Refusals
from ledger.listings import market_listing
from ledger.sources.columns import order_types, sides, take_times
from ledger.sources.format import BINANCE_CSV
from ledger.sources.lines import Lines
from ledger.sources.text_table import coded, read_table
from ledger.time_columns import from_numbers

NAME: Final = "binance-trades-csv"
NEEDED: Final = ("market", "symbol", "trade_id", "price", "size", "aggressor", "ts_event_ns")
OPTIONAL: Final = ("ts_recv_ns", "order_type")


@dataclass(frozen=True)
class BinanceCsv:
    """`header` names all columns of the file, in order."""

    header: tuple[str, ...]

    name = NAME
    single = False
    header_lines = 1
    time_unit = "ns"

    def describe(self) -> dict[str, Any]:
        return {"format": NAME, "header": list(self.header)}

    def parse(self, lines: Lines) -> Parsed:
        columns = [name for name in (*NEEDED, *OPTIONAL) if name in self.header]
        numbers = [self.header.index(name) for name in columns]
        table = read_table(lines, len(self.header), numbers, ",")
        if len(table.at) == 0:
            return Parsed([], table.broken, {})
        by_name = dict(zip(columns, (table.columns[n] for n in numbers), strict=True))
        return Parsed([_draft(by_name, lines, table.at)], table.broken, {})


def _draft(columns: dict[str, Any], lines: Lines, at: Any) -> Draft:
    refusals = Refusals.none(len(at))
    which, pairs = coded((columns["market"], columns["symbol"]))
    received = conditions = None
    if "ts_recv_ns" in columns:
        times = from_numbers(columns["ts_recv_ns"], "ns")
        received = take_times(times, refusals, "receive time: ")
    if "order_type" in columns:
        conditions = order_types(columns["order_type"])
    return Draft(
        facts=BINANCE_CSV,
        listings=tuple(market_listing(symbol, market) for market, symbol in pairs),
        which=which.astype(np.int32),
        event_time=take_times(from_numbers(columns["ts_event_ns"], "ns"), refusals),
        received_at=received,
        numbers={name: Number(columns[name]) for name in ("price", "size")},
        ids=columns["trade_id"],
        aggressor=sides(columns["aggressor"], refusals),
        conditions=conditions,
        origin=lines,
        at=at,
        refusals=refusals,
    )
