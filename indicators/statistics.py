"""Statistics of a window. Names and quirks as in pandas-ta."""

import math

from indicators import ops
from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol


@indicator(inputs="close", outputs="STDEV_{length}", limits={"ddof": (0, 1)})
def stdev(f: Formula, close: Symbol, *, length: int = 30, ddof: int = 1) -> Symbol:
    """Rolling standard deviation.

    Quirk: pandas' running recurrence; it keeps the error of one bad tick for ever.
    """
    return f.stdev(close, length, ddof)


@indicator(inputs="close", outputs="VAR_{length}", limits={"ddof": (0, 1)})
def variance(f: Formula, close: Symbol, *, length: int = 30, ddof: int = 1) -> Symbol:
    """Rolling variance. Quirk: pandas' running recurrence, as `stdev`."""
    return f.variance(close, length, ddof)


@indicator(inputs="close", outputs="ZS_{length}", limits={"std": (1.0, 1e9), "length": (2, 4096)})
def zscore(f: Formula, close: Symbol, *, length: int = 30, std: float = 1.0) -> Symbol:
    """(x − SMA) / (k · deviation). Quirk: the deviation is pandas' running one, as `stdev`."""
    return (close - f.sma(close, length)) / (std * f.stdev(close, length))


@indicator(inputs="close", outputs="MAD_{length}")
def mad(f: Formula, close: Symbol, *, length: int = 30) -> Symbol:
    """Mean absolute deviation from the mean of the window."""
    return f.mean_deviation(close, length)


@indicator(inputs="close", outputs="MEDIAN_{length}")
def median(f: Formula, close: Symbol, *, length: int = 30) -> Symbol:
    """Middle value of the window."""
    return f.emit(ops.QUANTILE, close, 0.5, n=length, k=1)


@indicator(inputs="close", outputs="QTL_{length}_{q}", limits={"q": (1e-9, 1.0 - 1e-9)})
def quantile(f: Formula, close: Symbol, *, length: int = 30, q: float = 0.5) -> Symbol:
    """The value at rank q·(n−1), between its neighbours."""
    return f.emit(ops.QUANTILE, close, q, n=length)


@indicator(inputs="close", outputs="SKEW_{length}", limits={"length": (3, ops.LENGTH_BARS_MAX)})
def skew(f: Formula, close: Symbol, *, length: int = 30) -> Symbol:
    """Rolling skewness. Quirk: pandas' running moments, wrong by up to 4e-9."""
    return f.emit(ops.MOMENT, close, n=length, k=3)


@indicator(inputs="close", outputs="KURT_{length}", limits={"length": (4, ops.LENGTH_BARS_MAX)})
def kurtosis(f: Formula, close: Symbol, *, length: int = 30) -> Symbol:
    """Rolling excess kurtosis. Quirk: pandas' running moments, wrong by up to 3e-7."""
    return f.emit(ops.MOMENT, close, n=length, k=4)


@indicator(inputs="close", outputs="ENTP_{length}", limits={"base": (1.1, 1e9)})
def entropy(f: Formula, close: Symbol, *, length: int = 10, base: float = 2.0) -> Symbol:
    """Σ −p·log p of each close's share of its own window's sum. By the C library's log."""
    share = close / f.sum(close, length)
    return f.sum(-share * f.log(share) / math.log(base), length)
