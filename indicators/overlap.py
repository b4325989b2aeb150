"""Overlap: averages and prices that lie over the chart. Names and quirks as in pandas-ta."""

from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol


@indicator(inputs="close", outputs="SMA_{length}")
def sma(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Simple moving average: Σ x·(1/n), oldest first (products, not a sum divided)."""
    return f.sma(close, length)


@indicator(inputs="close", outputs="EMA_{length}")
def ema(f: Formula, close: Symbol, *, length: int = 10, presma: bool = True) -> Symbol:
    """Exponential moving average with α = 2/(n+1).

    It begins at bar n with the mean of the first n (`presma`), else at the first bar with x.
    """
    return f.ema(close, length) if presma else f.ewm(close, (length - 1) / 2.0)


@indicator(inputs="close", outputs="WMA_{length}")
def wma(f: Formula, close: Symbol, *, length: int = 10, asc: bool = True) -> Symbol:
    """Linearly weighted moving average; the newest weighs most unless `asc` is false."""
    return f.wma(close, length, asc)


@indicator(inputs="close", outputs="RMA_{length}")
def rma(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Wilder's moving average: α = 1/n, begun with the first value."""
    return f.rma(close, length)


@indicator(inputs="high low close", outputs="HLC3")
def hlc3(f: Formula, high: Symbol, low: Symbol, close: Symbol) -> Symbol:
    """Typical price: (h + l + c) / 3."""
    return (high + low + close) / 3.0
