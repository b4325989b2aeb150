"""Overlap: averages and prices that lie over the chart. Names and quirks as in pandas-ta."""

import math

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol

SHARE = (1e-9, 1.0 - 1e-9)


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


@indicator(inputs="close", outputs="DEMA_{length}")
def dema(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Double exponential moving average: 2·EMA − EMA(EMA). Quirk: see `moving.chain`."""
    return moving.dema(f, close, length)


@indicator(inputs="close", outputs="TEMA_{length}")
def tema(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Triple exponential moving average: 3·(e₁ − e₂) + e₃. Quirk: see `moving.chain`."""
    return moving.tema(f, close, length)


@indicator(inputs="close", outputs="T3_{length}_{a}", limits={"a": SHARE})
def t3(f: Formula, close: Symbol, *, length: int = 10, a: float = 0.7) -> Symbol:
    """Tillson's T3: six EMAs in a row, mixed by the volume factor a."""
    return moving.t3(f, close, length, a=a)


@indicator(inputs="close", outputs="TRIMA_{length}")
def trima(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Triangular moving average: SMA of SMA over ⌊(n+1)/2⌉. Quirk: not TA-Lib's for even n."""
    return moving.trima(f, close, length)


@indicator(
    inputs="close",
    outputs="HMA{mamode}_{length}",
    choices={"mamode": ("wma", "ema", "sma")},
    limits={"length": (4, ops.LENGTH_BARS_MAX)},
    shown={"mamode": lambda mode: "" if mode == "wma" else str(mode)[0]},
)
def hma(f: Formula, close: Symbol, *, length: int = 10, mamode: str = "wma") -> Symbol:
    """Hull's moving average: WMA√n(2·WMAₙ⸝₂ − WMAₙ)."""
    return moving.hma(f, close, length, mamode=mamode)


@indicator(inputs="close", outputs="FWMA_{length}")
def fwma(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Fibonacci weighted moving average. pandas-ta sums by BLAS: last bits differ."""
    return f.dot(close, moving.fibonacci(length))


@indicator(inputs="close", outputs="PWMA_{length}")
def pwma(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Pascal weighted moving average. pandas-ta sums by BLAS: its last bits are the machine's."""
    return f.dot(close, moving.pascal(length))


@indicator(inputs="close", outputs="SINWMA_{length}")
def sinwma(f: Formula, close: Symbol, *, length: int = 14) -> Symbol:
    """Sine weighted moving average. pandas-ta sums by BLAS: its last bits are the machine's."""
    return f.dot(close, moving.sines(length))


@indicator(inputs="close", outputs="SWMA_{length}", limits={"length": (2, ops.LENGTH_BARS_MAX)})
def swma(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Symmetric (triangle) weighted moving average. pandas-ta sums by BLAS."""
    return f.dot(close, moving.triangle(length))


@indicator(
    inputs="close",
    outputs="ALMA_{length}_{sigma}_{dist_offset}",
    limits={"dist_offset": (0.0, 1.0), "sigma": (1e-9, 1e9)},
)
def alma(
    f: Formula, close: Symbol, *, length: int = 9, sigma: float = 6.0, dist_offset: float = 0.85
) -> Symbol:
    """Arnaud Legoux's moving average: Gaussian weights. pandas-ta's own last bit is not stable."""
    centre = math.floor(dist_offset * (length - 1))
    bell = [math.exp(-0.5 * ((sigma / length) * (i - centre)) ** 2) for i in range(length)]
    return f.dot(close, moving.shares(bell))


@indicator(inputs="close", outputs="SMMA_{length}")
def smma(f: Formula, close: Symbol, *, length: int = 7) -> Symbol:
    """Smoothed moving average: ((n−1)·s + x) / n, begun with the mean of n, newest first."""
    return f.emit(ops.SMMA, close, n=length)


@indicator(
    inputs="close",
    outputs="AGj_{jaw}_{teeth}_{lips} AGt_{jaw}_{teeth}_{lips} AGl_{jaw}_{teeth}_{lips}",
)
def alligator(
    f: Formula, close: Symbol, *, jaw: int = 13, teeth: int = 8, lips: int = 5
) -> tuple[Symbol, ...]:
    """Williams' alligator: three smoothed averages."""
    return tuple(f.emit(ops.SMMA, close, n=n) for n in (jaw, teeth, lips))


@indicator(inputs="high low close", outputs="HLC3")
def hlc3(f: Formula, high: Symbol, low: Symbol, close: Symbol) -> Symbol:
    """Typical price: (h + l + c) / 3."""
    return (high + low + close) / 3.0


@indicator(inputs="high low", outputs="HL2")
def hl2(f: Formula, high: Symbol, low: Symbol) -> Symbol:
    """Median price: ½ (h + l)."""
    return 0.5 * (high + low)


@indicator(inputs="open high low close", outputs="OHLC4")
def ohlc4(f: Formula, open_: Symbol, high: Symbol, low: Symbol, close: Symbol) -> Symbol:
    """Average price: ¼ (o + h + l + c)."""
    return 0.25 * (open_ + high + low + close)


@indicator(inputs="high low close", outputs="WCP")
def wcp(f: Formula, high: Symbol, low: Symbol, close: Symbol) -> Symbol:
    """Weighted close: h + l + 2c. Quirk: not divided by 4."""
    return high + low + 2.0 * close


@indicator(inputs="close", outputs="MIDPOINT_{length}")
def midpoint(f: Formula, close: Symbol, *, length: int = 2) -> Symbol:
    """Middle of the lowest and highest close."""
    return moving.midpoint(f, close, length)


@indicator(inputs="high low", outputs="MIDPRICE_{length}")
def midprice(f: Formula, high: Symbol, low: Symbol, *, length: int = 2) -> Symbol:
    """Middle of the lowest low and the highest high."""
    return 0.5 * (f.lowest(low, length) + f.highest(high, length))


@indicator(inputs="close", outputs="LINREG_{length}")
def linreg(f: Formula, close: Symbol, *, length: int = 14) -> Symbol:
    """Endpoint of the least-squares line through n closes."""
    return f.regression(close, length)
