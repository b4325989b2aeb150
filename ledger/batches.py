"""Facts from memory: `trades`, `quotes` and `bars` take pandas, polars, Arrow or plain rows.

    led.append(fl.trades("BTCUSDT.BINANCE", df))

A batch is a draft like that of a file: the same columns, the same judgement, the same identities.
Without an `id` column identity comes from the content and the number among equals *in this batch*,
so equal trades of one moment belong into one batch. Pandas and polars are never imported here; a
frame of theirs brings its own library.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ledger.drafts import Draft
from ledger.errors import FormatError
from ledger.sources.columnar import TableRows
from ledger.sources.columns import plain
from ledger.sources.detect import SAMPLE_ROWS, table_format
from ledger.sources.mapping import ReadOptions, find_columns
from ledger.times import parse_interval

_INDEX: Final = "__index_level_0__"  # what pyarrow calls the unnamed index of a pandas frame
# What the places of plain tuples mean.
TUPLES: Final = {
    "trades": ("time", "price", "size", "aggressor", "id"),
    "quotes": ("time", "bid", "ask", "bid_size", "ask_size"),
    "bars": ("time", "open", "high", "low", "close", "volume"),
}


def trades(
    instrument: str | None,
    data: Any,
    *,
    columns: Mapping[str, str] | None = None,
    market: str | None = None,
    tz: str | None = None,
    time_unit: str | None = None,
    sequenced: bool = False,
) -> Draft:
    """Trades of an instrument (symbol or alias; None: a column `instrument`, or `symbol` and
    `market`). Needs `time`, `price`, `size`; takes `id`, `aggressor`, `buyer_is_maker`,
    `received_at`, `sequence`. `columns` is our name → the data's.

    Times: aware datetimes, ISO text with a zone, or numbers (unit from the magnitude). Raises
    FormatError (columns found, columns needed) or NaiveTime.
    """
    options = ReadOptions(
        kind="trades",
        mapping=columns or {},
        market=market,
        instrument=instrument,
        tz=tz,
        time_unit=time_unit,
        sequenced=sequenced,
    )
    return _draft(data, options)


def quotes(
    instrument: str | None,
    data: Any,
    *,
    columns: Mapping[str, str] | None = None,
    market: str | None = None,
    tz: str | None = None,
    time_unit: str | None = None,
) -> Draft:
    """Best quotes: as `trades`, with `bid`, `ask` (either may be null), `bid_size`, `ask_size`."""
    options = ReadOptions(
        kind="quotes",
        mapping=columns or {},
        market=market,
        instrument=instrument,
        tz=tz,
        time_unit=time_unit,
    )
    return _draft(data, options)


def bars(
    instrument: str | None,
    data: Any,
    interval: str,
    *,
    bar_time: str = "start",
    columns: Mapping[str, str] | None = None,
    market: str | None = None,
    tz: str | None = None,
    time_unit: str | None = None,
) -> Draft:
    """Whole bars of a length such as `1m`: as `trades`, with `open`, `high`, `low`, `close` and,
    where there, `volume`, `taker_buy_volume`, `trade_count`. `time` is the bar's `bar_time`."""
    options = ReadOptions(
        kind="bars",
        mapping=columns or {},
        market=market,
        instrument=instrument,
        tz=tz,
        time_unit=time_unit,
        interval_ns=parse_interval(interval),
        bar_time=bar_time,
    )
    return _draft(data, options)


def _draft(data: Any, options: ReadOptions) -> Draft:
    kind = options.kind or "trades"
    columns = _columns(data, kind)
    names = tuple(columns)
    found = find_columns(names, options, "the data")
    if "time" not in found and _INDEX in columns:
        found["time"] = _INDEX
    sample = {name: column[:SAMPLE_ROWS] for name, column in columns.items()}
    form = table_format(names, found, sample, options, "the data", "", 0)
    rows = TableRows(columns)
    return form.draft(columns, rows, rows.places)


def _columns(data: Any, kind: str) -> dict[str, Any]:
    """The columns of any kind of data as Arrow arrays, by name."""
    import pyarrow as pa

    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    elif type(data).__module__.partition(".")[0] == "pandas":
        data = pa.Table.from_pandas(data)
    elif hasattr(data, "__arrow_c_stream__") and not isinstance(data, pa.Table):
        data = pa.table(data)
    elif hasattr(data, "to_arrow"):
        data = data.to_arrow()
    if isinstance(data, pa.Table):
        return {
            str(name): plain(column)
            for name, column in zip(data.column_names, data.columns, strict=True)
        }
    return _from_rows(data, kind)


def _from_rows(data: Iterable[Any], kind: str) -> dict[str, Any]:
    try:
        rows = [_row(one, kind) for one in data]
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"{type(data).__name__} is no table: {error}",
            remedy=f"give a dataframe, an Arrow table, dicts, or tuples of {TUPLES[kind]}",
        ) from error
    names = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        names = dict.fromkeys(TUPLES[kind])
    return {name: _array([_cell(row.get(name)) for row in rows]) for name in names}


def _row(one: Any, kind: str) -> Mapping[str, Any]:
    if isinstance(one, Mapping):
        return one
    if isinstance(one, str | bytes):
        raise TypeError("a row is text")
    values = tuple(one)
    names = getattr(one, "_fields", TUPLES[kind])
    if len(values) > len(names):
        raise ValueError(f"a row of {len(values)} values where {', '.join(names)} belong")
    return dict(zip(names, values, strict=False))


def _cell(value: Any) -> Any:
    """A timestamp that knows nanoseconds goes through its text; Arrow would cut it to µs."""
    return value.isoformat() if getattr(value, "nanosecond", 0) else value


def _array(values: list[Any]) -> Any:
    """One Arrow array of Python values; of mixed kinds as text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
