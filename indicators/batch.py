"""Indicators on a table of bars, without any engine: the same fold as live, the same bits.

pandas, polars and Arrow in; the same kind out. None of them is imported unless it is what was
given.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from indicators import fold
from indicators.catalogue import indicators, named
from indicators.errors import BadBars, BadParameter
from indicators.indicator import Feature, Indicator, Value, tape
from indicators.tape import Tape

TIMES: Final = ("time", "start", "timestamp", "date", "datetime")
Floats = npt.NDArray[np.float64]


def compute(bars: Any, what: Any, *given: Value, by: str = "", **named_values: Value) -> Any:
    """Columns of `what` for every bar, in the order of the bars.

    `bars`: a pandas, polars or Arrow table (or a mapping of arrays) with float64 columns open,
    high, low, close, volume, as far as they are read, and for some a time (a DatetimeIndex, or a
    column called time or start). `what`: a name with its parameters, a feature, several, or the
    built-in `all`. `by`: the column that says whose bar it is. Rows of one entity must be in the
    order of time, each time once. Returns the outputs alone, in the kind of table given (pandas:
    with its index). Raises `BadBars`, `BadParameter`, `UnknownIndicator`.
    """
    features = _features(what, given, named_values)
    view = tape(features)
    rows, entity, entities = read(bars, view, by)
    out = fold.fold(fold.start(view, entities), rows, entity)
    return _like(bars, view.names, out)


def read(bars: Any, view: Tape, by: str = "") -> tuple[Floats, npt.NDArray[np.int64], int]:
    """Inputs of the tape as rows (rows, inputs), whose they are, and how many there are."""
    columns = [_column(bars, name) for name in view.inputs]
    rows = np.stack(columns, axis=1) if columns else np.empty((0, 0))
    wrong = ~np.isfinite(rows)
    if wrong.any():
        row, column = (int(x) for x in np.argwhere(wrong)[0])
        raise BadBars(
            f"row {row}: {view.inputs[column]} is {rows[row, column]}",
            remedy="leave the bar out: a gap in bars is a bar that is not there",
        )
    if by:
        _, first, entity = np.unique(_raw(bars, by), return_index=True, return_inverse=True)
        entities = len(first)
    else:
        entity, entities = np.zeros(len(rows), np.int64), 1
    entity = entity.astype(np.int64)
    time = _time(bars)
    if time is not None:
        order = np.argsort(entity, kind="stable") if by else np.arange(len(time))
        back = np.diff(time[order]) <= 0
        if by:
            back &= np.diff(entity[order]) == 0
        if back.any():
            row = int(order[1:][back][0])
            raise BadBars(
                f"row {row}: its time is not after the bar before",
                remedy="sort the bars by time and leave repeated times out",
            )
    return rows, entity, max(entities, 1)


def _features(
    what: Any, given: tuple[Value, ...], named_values: Mapping[str, Value]
) -> Sequence[Feature]:
    if isinstance(what, str):
        return [named(what)(*given, **named_values)]
    if isinstance(what, Indicator):
        return [what(*given, **named_values)]
    if given or named_values:
        raise BadParameter("parameters belong to one indicator, given by name")
    if what is all:
        readable = {k: v for k, v in indicators().items() if set(v.inputs) <= BAR_FIELDS}
        return [one() for name, one in readable.items() if name not in CONTAINED]
    if isinstance(what, Feature):
        return [what]
    return list(what)


# Their columns are in others' (aobv, adx, cdl_pattern), which have more.
CONTAINED: Final = frozenset(("obv", "dm", "cdl_doji", "cdl_inside"))
BAR_FIELDS: Final = frozenset(("time", "open", "high", "low", "close", "volume"))


def _column(bars: Any, name: str) -> Floats:
    if name == "time":
        time = _time(bars)
        if time is None:
            raise BadBars("no time in the bars", remedy="a DatetimeIndex, or a column called time")
        return time / 1e9
    values = _raw(bars, name)
    if values.dtype.kind not in "fiu":
        raise BadBars(f"column {name!r} holds {values.dtype}, not numbers")
    return values.astype(np.float64)


def _names(bars: Any) -> list[Any]:
    """Arrow says column_names, pandas and polars columns; a mapping iterates over its keys."""
    return list(getattr(bars, "column_names", getattr(bars, "columns", bars)))


def _raw(bars: Any, name: str) -> npt.NDArray[Any]:
    names = _names(bars)
    found = [n for n in names if str(n) == name] or [n for n in names if str(n).lower() == name]
    if not found:
        raise BadBars(f"no column {name!r}", remedy=f"the bars have {', '.join(map(str, names))}")
    held = bars[found[0]]
    return np.asarray(held.to_numpy() if hasattr(held, "to_numpy") else held)


def _time(bars: Any) -> npt.NDArray[np.int64] | None:
    """Nanoseconds UTC, or nothing where the bars have no time."""
    index = getattr(bars, "index", None)
    if index is not None and getattr(index, "dtype", None) is not None and not callable(index):
        kind = str(index.dtype)
        if kind.startswith("datetime64"):
            held = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
            return np.asarray(held.to_numpy().astype("datetime64[ns]").astype(np.int64))
    names = _names(bars)
    for name in TIMES:
        if name in names:
            values = _raw(bars, name)
            if values.dtype.kind == "O" and len(values) and hasattr(values[0], "value"):
                return np.array([stamp.value for stamp in values], np.int64)
            if values.dtype.kind == "M":
                return values.astype("datetime64[ns]").astype(np.int64)
            if values.dtype.kind in "iu":
                return values.astype(np.int64)
            raise BadBars(f"column {name!r} holds {values.dtype}, not times")
    return None


def _like(bars: Any, names: Sequence[str], out: Floats) -> Any:
    columns = {name: np.ascontiguousarray(out[:, i]) for i, name in enumerate(names)}
    kind = type(bars).__module__.partition(".")[0]
    if kind == "pandas":
        return type(bars)(columns, index=bars.index)
    if kind == "polars":
        return type(bars)(columns)
    if kind == "pyarrow":
        return type(bars).from_pydict(columns)
    return columns
