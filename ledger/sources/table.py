"""Any table of trades, quotes or bars: text with a delimiter, Parquet, Arrow, or a dataframe.

Prices and sizes are taken as decimals: from text as written, from floats at their shortest text.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from ledger.decimals import Fault, mantissas
from ledger.drafts import (
    NUMBERS,
    Column,
    Draft,
    Facts,
    Ints,
    Number,
    Origin,
    Parsed,
    Refusals,
    TimeUnit,
)
from ledger.listings import Listing, market_listing, named_listing
from ledger.rows import ABSENT, Kind
from ledger.sources.columns import BUYER_IS_MAKER, sides, take_times
from ledger.sources.lines import Lines
from ledger.sources.text_table import coded, read_table
from ledger.time_columns import Times, from_numbers, from_stamps, from_texts
from ledger.times import UNITS, zone

NAME: Final = "table"
TEXT, STAMP = "text", "timestamp"  # the forms of time that are no number of units


@dataclass(frozen=True)
class Table:
    """How the columns of one file are read. `columns` is our column → the file's."""

    kind: str
    names: tuple[str, ...]
    columns: Mapping[str, str]
    time_form: str
    """s, ms, us, ns, `text` or `timestamp`."""
    received_form: str = ""
    instrument: str | None = None
    market: str | None = None
    tz: str | None = None
    delimiter: str = ","
    header_lines: int = 1
    interval_ns: int = 0
    bar_time: str = "start"
    sequenced: bool = False
    trade_feed: Literal["trades", "aggregates"] = "trades"
    columnar: bool = False
    """True when a raw row is a JSON object and not a line of separated values."""

    name = NAME

    @property
    def single(self) -> bool:
        return self.instrument is not None

    @property
    def time_unit(self) -> str:
        return self.time_form

    @property
    def facts(self) -> Facts:
        kind = {"trades": Kind.TRADE, "quotes": Kind.QUOTE, "bars": Kind.BAR}[self.kind]
        fine = {"us": 1_000, "ns": 1}.get(self.time_form, 1_000_000)
        unit: TimeUnit = 1 if self.time_form in (TEXT, STAMP) else _unit(fine)
        id_column = self.columns.get("id", "")
        return Facts(NAME, kind, id_column, self.sequenced, unit, self.trade_feed)

    def describe(self) -> dict[str, Any]:
        return {"format": NAME, **asdict(self), "columns": dict(self.columns)}

    def parse(self, lines: Lines) -> Parsed:
        if self.columnar:
            return Parsed([self.draft(self._from_json(lines), lines, lines.places)], [], {})
        wanted = sorted({self.names.index(name) for name in self.columns.values()})
        table = read_table(lines, len(self.names), wanted, self.delimiter)
        if len(table.at) == 0:
            return Parsed([], table.broken, {})
        columns = {self.names[number]: column for number, column in table.columns.items()}
        return Parsed([self.draft(columns, lines, table.at)], table.broken, {})

    def draft(self, columns: Mapping[str, Column], origin: Origin, at: Ints) -> Draft:
        """The draft of columns named as in the file; all of one length."""
        found = {ours: columns[theirs] for ours, theirs in self.columns.items()}
        refusals = Refusals.none(len(at))
        facts = self.facts
        listings, which = self._listings(found, len(at))
        times = take_times(read_times(found["time"], self.time_form, self.tz), refusals)
        if facts.kind is Kind.BAR and self.bar_time == "start":
            times = np.where(times == ABSENT, ABSENT, times + self.interval_ns)
        received = None
        if "received_at" in found:
            stamps = read_times(found["received_at"], self.received_form, self.tz)
            received = take_times(stamps, refusals, "receive time: ")
        return Draft(
            facts=facts,
            listings=listings,
            which=which,
            event_time=times,
            received_at=received,
            numbers={n: Number(found[n]) for n in NUMBERS[facts.kind] if n in found},
            ids=found.get("id"),
            venue_seq=_sequence(found.get("sequence"), refusals),
            aggressor=_aggressor(found, refusals),
            interval_ns=self.interval_ns,
            origin=origin,
            at=at,
            refusals=refusals,
        )

    def _listings(
        self, found: Mapping[str, Column], count: int
    ) -> tuple[tuple[Listing, ...], np.ndarray[Any, np.dtype[np.int32]]]:
        if self.instrument is not None:
            return (named_listing(self.instrument),), np.zeros(count, np.int32)
        if "instrument" in found:
            which, names = coded((as_text(found["instrument"]),))
            return tuple(named_listing(name) for (name,) in names), which
        market = self.market or ""
        if "market" in found:
            which, pairs = coded((as_text(found["market"]), as_text(found["symbol"])))
            return tuple(market_listing(symbol, place) for place, symbol in pairs), which
        which, symbols = coded((as_text(found["symbol"]),))
        return tuple(market_listing(symbol, market) for (symbol,) in symbols), which

    def _from_json(self, lines: Lines) -> dict[str, Column]:
        import pyarrow as pa

        rows = [json.loads(lines.raw(place)) for place in range(len(lines))]
        return {
            name: pa.array([_text(row.get(name)) for row in rows], pa.string())
            for name in self.columns.values()
        }


def read_times(column: Column, form: str, tz: str | None) -> Times:
    """A time column of a known form to nanoseconds UTC."""
    import pyarrow as pa

    local = zone(tz) if tz else None
    if pa.types.is_temporal(column.type):
        return from_stamps(column, local)
    if form in UNITS:
        return from_numbers(column, form)
    return from_texts(as_text(column), local)


def as_text(column: Column) -> Column:
    """A column as text, nulls as empty text."""
    import pyarrow as pa

    return column.cast(pa.string()).fill_null("")


def _unit(size: int) -> TimeUnit:
    return 1_000_000 if size == 1_000_000 else (1_000 if size == 1_000 else 1)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _sequence(column: Column | None, refusals: Refusals) -> Ints | None:
    if column is None:
        return None
    values, faults = mantissas(column, 0)
    missing = faults == Fault.MISSING
    refusals.refuse((faults != Fault.NONE) & ~missing, "sequence is not a whole number")
    return values


def _aggressor(found: Mapping[str, Column], refusals: Refusals) -> Any:
    if "aggressor" in found:
        return sides(found["aggressor"], refusals)
    if "buyer_is_maker" in found:
        return sides(found["buyer_is_maker"], refusals, BUYER_IS_MAKER)
    return None
