"""Which format a file is in, decided from its first rows before anything is appended."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple

from ledger.drafts import Column, Parsed
from ledger.errors import FormatError
from ledger.listings import BINANCE_MARKETS
from ledger.rows import Kind
from ledger.sources import binance_csv, lean
from ledger.sources.binance_csv import BinanceCsv
from ledger.sources.binance_json import LINE
from ledger.sources.binance_messages import BinanceMessages
from ledger.sources.columnar import TableRows, column_names, first_rows, is_columnar
from ledger.sources.format import Format
from ledger.sources.lines import Lines, read_lines
from ledger.sources.mapping import KINDS, ReadOptions, find_columns, kind_of
from ledger.sources.parts import Damaged, Part
from ledger.sources.table import STAMP, TEXT, Table
from ledger.sources.text_table import read_table
from ledger.time_columns import has_zone, need_zone, unit_of
from ledger.times import UNITS

SAMPLE_ROWS: Final = 256
SAMPLE_BYTES: Final = 64 * 1024
DELIMITERS: Final = ",;\t|"
_VENUE_TIME: Final = re.compile(rb'"T": ?(\d+)')


class Nothing(NamedTuple):
    """The format of a file without a single line."""

    name: str = "empty"
    header_lines: int = 0
    time_unit: str = ""
    single: bool = False

    def parse(self, lines: Lines) -> Parsed:
        raise AssertionError(f"{len(lines)} lines in a file that had none")

    def describe(self) -> dict[str, Any]:
        return {"format": "empty"}


def detect(part: Part, options: ReadOptions) -> Format:
    """The format of a part. Raises FormatError or NaiveTime, with the way out."""
    if options.time_unit and options.time_unit not in UNITS:
        raise FormatError(
            f"{options.time_unit!r} is no unit of time", remedy=f"--time-unit {'|'.join(UNITS)}"
        )
    if is_columnar(part):
        return _columnar(part, options)
    sample = _sample(part)
    if sample is None:
        return Nothing()
    known = _of_its_own(part, sample, options)
    if known is None:
        return _text(part, sample, options)
    if options.instrument:
        raise FormatError(
            f"{part.label} names its instruments itself", remedy="leave --instrument out"
        )
    return known


def _of_its_own(part: Part, sample: Lines, options: ReadOptions) -> Format | None:
    """The format of a file that needs no mapping, or None."""
    named = lean.read_name(part.name)
    if named and not options.mapping and not options.columns:
        width = sample.raw(0).count(",") + 1
        market = lean.market_of(part.path, width, options.market)
        return lean.Lean.of(named, width, market, options.tz)
    if any(LINE.fullmatch(sample.raw(n).encode()) for n in range(min(5, len(sample)))):
        unit = options.time_unit or _messages_unit(sample)
        return BinanceMessages(_binance_market(options.market), unit)
    header = tuple(name.strip() for name in sample.raw(0).split(","))
    plain = not (options.mapping or options.columns)
    if plain and set(binance_csv.NEEDED) <= set(header):
        return BinanceCsv(header)
    return None


def _binance_market(given: str | None) -> str | None:
    if given is not None and given.lower() not in BINANCE_MARKETS:
        known = ", ".join(sorted(set(BINANCE_MARKETS.values())))
        raise FormatError(f"Binance has no market {given!r}", remedy=f"--market {known}")
    return BINANCE_MARKETS[given.lower()] if given else None


def _sample(part: Part) -> Lines | None:
    """The first rows; None where there are none."""
    try:
        for lines in read_lines(part, chunk_bytes=SAMPLE_BYTES):
            return lines.first(SAMPLE_ROWS + 1)
    except Damaged:
        return None  # reading it will say so, with the line
    return None


def _messages_unit(sample: Lines) -> str:
    import pyarrow as pa

    times = _VENUE_TIME.findall(sample.text)[:SAMPLE_ROWS]
    return unit_of(pa.array([int(one) for one in times], pa.int64())) or "ms"


def _text(part: Part, sample: Lines, options: ReadOptions) -> Format:
    first = sample.raw(0)
    if "\0" in first or (not first.isprintable() and "\t" not in first):
        raise FormatError(
            f"{part.label} is neither text nor a format we know",
            remedy="load CSV, Parquet, Arrow, Binance messages or LEAN ticks; .gz, .zip too",
        )
    delimiter = options.delimiter or max(DELIMITERS, key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    names = options.columns or tuple(name.strip() for name in header)
    headed = 0 if options.columns else 1
    rows = sample.after(headed)
    table = read_table(rows, len(names), range(len(names)), delimiter)
    columns = {name: table.columns[number] for number, name in enumerate(names)}
    found = find_columns(names, options, part.label)
    return table_format(names, found, columns, options, part.label, delimiter, headed)


def _columnar(part: Part, options: ReadOptions) -> Format:
    names = column_names(part)
    rows: TableRows = first_rows(part, SAMPLE_ROWS)
    found = find_columns(names, options, part.label)
    form = table_format(names, found, rows.columns, options, part.label, "", 0)
    return replace(form, columnar=True)


def table_format(
    names: Sequence[str],
    found: dict[str, str],
    columns: dict[str, Column],
    options: ReadOptions,
    where: str,
    delimiter: str,
    header_lines: int,
) -> Table:
    """How a table of these columns (the first rows of each) is read.

    Raises FormatError or NaiveTime, with the way out.
    """
    kind = kind_of(found, options, names, where)
    _check_instrument(found, options, names, where)
    if kind is Kind.BAR and not options.interval_ns:
        raise FormatError(f"{where}: bars of which length?", remedy="--interval 1m")
    if options.bar_time not in ("start", "end"):
        raise FormatError(f"a bar has no time {options.bar_time!r}", remedy="--bar-time start|end")
    aggregates: Literal["trades", "aggregates"] = (
        "aggregates" if options.trade_feed == "aggregates" else "trades"
    )
    received = found.get("received_at")
    return Table(
        kind=next(word for word, known in KINDS.items() if known is kind),
        names=tuple(names),
        columns=found,
        time_form=_form(columns.get(found["time"]), options, where),
        received_form=_form(columns.get(received), options, where) if received else "",
        instrument=options.instrument,
        market=options.market,
        tz=options.tz,
        delimiter=delimiter,
        header_lines=header_lines,
        interval_ns=options.interval_ns or 0,
        bar_time=options.bar_time,
        sequenced=options.sequenced,
        trade_feed=aggregates,
    )


def _check_instrument(
    found: dict[str, str], options: ReadOptions, names: Sequence[str], where: str
) -> None:
    if options.instrument or "instrument" in found:
        return
    if "symbol" not in found:
        raise FormatError(
            f"{where}: nothing says which instrument these are\n"
            f"  columns found: {', '.join(names)}",
            remedy="--instrument NAME.VENUE; or --map symbol=COLUMN --market VENUE",
        )
    if not options.market and "market" not in found:
        raise FormatError(
            f"{where}: a symbol alone is no instrument; in which market?",
            remedy="--market VENUE (binance-spot, binance-usdm, …), or --map market=COLUMN",
        )


def _form(column: Column | None, options: ReadOptions, where: str) -> str:
    """How a column of times is written, from its first rows."""
    import pyarrow as pa

    if column is None or len(column) == 0:
        return options.time_unit or TEXT
    if pa.types.is_temporal(column.type):
        local = not (pa.types.is_timestamp(column.type) and column.type.tz)
        if local and not options.tz:
            raise need_zone(str(column[0]), where)
        return STAMP
    if options.time_unit:
        return options.time_unit
    unit = unit_of(column)
    if unit or (not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type)):
        return unit or "ns"
    texts = [text for text in column.to_pylist() if text]
    if has_zone(texts) is False and not options.tz:
        raise need_zone(texts[0], where)
    return TEXT
