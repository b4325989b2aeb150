"""Tick files of LEAN: one instrument and day per file, both in the file's name.

Times are milliseconds since midnight on the clock of the market; equity prices are counted in
ten-thousandths; `conditions` is hexadecimal. A quote row may hold one side only, the other being
0. The exchange's letter goes into the top byte of `conditions`, because rows that differ only in
it are different trades.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from ledger.decimals import Fault, mantissas
from ledger.drafts import Column, Draft, Ints, Number, Parsed, Refusals
from ledger.errors import FormatError
from ledger.listings import plain_listing
from ledger.rows import ABSENT, Flag
from ledger.sources.columns import decode
from ledger.sources.format import LEAN_QUOTES, LEAN_TRADES
from ledger.sources.lines import Lines
from ledger.sources.text_table import read_table
from ledger.time_columns import SHIFTED_HOUR, to_utc
from ledger.times import DAY_NS, MINUTE_NS, zone

NAME: Final = "lean"
_MEMBER: Final = (
    re.compile(r"(\d{8})_([a-z0-9.\-]+)_(trade|quote)_tick\.csv", re.IGNORECASE),
    re.compile(r"(\d{8})_([a-z0-9.\-]+)_tick_(trade|quote)\.csv", re.IGNORECASE),
)
EQUITY_SHIFT: Final = -4
_CLOCK_NS_MAX: Final = DAY_NS + 60 * MINUTE_NS  # the day on which the clocks go back
_CONDITION_BITS: Final = 56


class Market(NamedTuple):
    """The clock and the price scale of a LEAN market's files."""

    tz: str
    shift: int


MARKETS: Final = {
    "usa": Market("America/New_York", EQUITY_SHIFT),
    "fxcm": Market("UTC-05", 0),
    "oanda": Market("UTC", 0),
}
_COLUMNS: Final = {
    ("trade", 6): ("time", "price", "size", "exchange", "conditions", "suspicious"),
    ("quote", 8): (
        *("time", "bid", "bid_size", "ask", "ask_size"),
        *("exchange", "conditions", "suspicious"),
    ),
    ("quote", 3): ("time", "bid", "ask"),
}


class Named(NamedTuple):
    """What a LEAN file's name says."""

    day: str
    symbol: str
    kind: Literal["trade", "quote"]


def read_name(name: str) -> Named | None:
    """Day (YYYY-MM-DD), symbol and kind of a file of that name; None when it is no LEAN file."""
    for pattern in _MEMBER:
        found = pattern.fullmatch(name)
        if found:
            digits, symbol, kind = found[1], found[2].upper(), found[3].lower()
            day = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
            return Named(day, symbol, "trade" if kind == "trade" else "quote")
    return None


def market_of(path: Path, width: int, given: str | None) -> str:
    """The market: as given, as the path says, or `usa` for equities. Raises FormatError."""
    if given:
        return given.lower()
    for word in reversed(re.split(r"[^a-z0-9]+", str(path).lower())):
        if word in MARKETS:
            return word
    if width > 3:
        return "usa"
    raise FormatError(
        f"{path.name}: nothing says which market these LEAN quotes are from",
        remedy=f"--market, one of {', '.join(MARKETS)} (another one needs --tz too)",
    )


@dataclass(frozen=True)
class Lean:
    """One LEAN tick file; `day` is the local date, `width` the number of columns."""

    day: str
    symbol: str
    kind: Literal["trade", "quote"]
    width: int
    market: str
    tz: str

    name = NAME
    single = True
    header_lines = 0
    time_unit = "ms since local midnight"

    @classmethod
    def of(cls, named: Named, width: int, market: str, tz: str | None) -> "Lean":
        """Raises FormatError for columns or a market it does not know."""
        if (named.kind, width) not in _COLUMNS:
            known = "; ".join(f"{k}: {', '.join(c)}" for (k, _), c in _COLUMNS.items())
            raise FormatError(
                f"a LEAN {named.kind} file with {width} columns; known are {known}",
                remedy="load it as a table: --columns and --map",
            )
        clock = tz or (MARKETS[market].tz if market in MARKETS else "")
        if not clock:
            raise FormatError(f"no time zone is known for LEAN market {market!r}", remedy="--tz")
        return cls(*named, width, market, clock)

    def describe(self) -> dict[str, Any]:
        return {"format": NAME, **asdict(self)}

    def parse(self, lines: Lines) -> Parsed:
        names = _COLUMNS[self.kind, self.width]
        table = read_table(lines, self.width, range(self.width), ",")
        if len(table.at) == 0:
            return Parsed([], table.broken, {})
        columns = {name: table.columns[number] for number, name in enumerate(names)}
        return Parsed([self._draft(columns, lines, table.at)], table.broken, {})

    def _draft(self, columns: dict[str, Column], lines: Lines, at: Ints) -> Draft:
        refusals = Refusals.none(len(at))
        shift = EQUITY_SHIFT if self.width > 3 else 0
        prices = ("price",) if self.kind == "trade" else ("bid", "ask")
        sizes = [name for name in ("size", "bid_size", "ask_size") if name in columns]
        if self.kind == "quote":
            _drop_missing_sides(columns)
        return Draft(
            facts=LEAN_TRADES if self.kind == "trade" else LEAN_QUOTES,
            listings=(plain_listing(self.symbol, self.market),),
            which=np.zeros(len(at), np.int32),
            event_time=self._times(columns["time"], refusals),
            numbers={
                **{name: Number(columns[name], shift) for name in prices},
                **{name: Number(columns[name]) for name in sizes},
            },
            conditions=_conditions(columns, refusals),
            flags=_suspicious(columns, refusals),
            origin=lines,
            at=at,
            refusals=refusals,
        )

    def _times(self, column: Column, refusals: Refusals) -> Ints:
        clock, faults = mantissas(column, -6)
        bad = (faults != Fault.NONE) | (clock < 0) | (clock >= _CLOCK_NS_MAX)
        refusals.refuse(bad, "not a time of this day")
        midnight = (date.fromisoformat(self.day) - date(1970, 1, 1)).days * DAY_NS
        times, shifted = to_utc(midnight + np.where(bad, 0, clock), zone(self.tz))
        refusals.refuse(shifted & ~bad, SHIFTED_HOUR)
        times[bad | shifted] = ABSENT
        return times


def _drop_missing_sides(columns: dict[str, Column]) -> None:
    """A price of 0 says that the side is not there; so does its size."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for side in ("bid", "ask"):
        gone = pc.equal(columns[side], "0")
        none = pa.scalar(None, pa.string())
        size = f"{side}_size"
        if size in columns:
            zero = pc.equal(columns[size], "0")
            columns[size] = pc.if_else(pc.and_(gone, zero), none, columns[size])
        columns[side] = pc.if_else(gone, none, columns[side])


def _conditions(columns: dict[str, Column], refusals: Refusals) -> np.ndarray[Any, Any] | None:
    if "conditions" not in columns:
        return None
    codes = decode(columns["conditions"], _hexadecimal)
    refusals.refuse(codes.unknown, "conditions are not hexadecimal")
    letters = decode(columns["exchange"], lambda t: ord(t) if len(t) == 1 and t.isascii() else None)
    refusals.refuse(letters.unknown, "exchange is not one letter")
    return codes.values | (letters.values << np.uint64(_CONDITION_BITS))


def _hexadecimal(text: str) -> int | None:
    is_number = re.fullmatch(r"[0-9a-fA-F]{1,14}", text)
    return int(text, 16) if is_number else (0 if not text else None)


def _suspicious(columns: dict[str, Column], refusals: Refusals) -> np.ndarray[Any, Any] | None:
    if "suspicious" not in columns:
        return None
    marks = decode(columns["suspicious"], _mark)
    refusals.refuse(marks.unknown, "suspicious is neither 0 nor 1")
    return marks.values.astype(np.uint32) * np.uint32(Flag.SUSPICIOUS)


def _mark(text: str, known: Sequence[str] = ("0", "1")) -> int | None:
    return known.index(text) if text in known else None
