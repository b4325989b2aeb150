"""Overlap: averages and prices that lie over the chart. Names and quirks as in pandas-ta."""

import math

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.volatility import average_range

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
    """Fibonacci weighted moving average. pandas-ta sums by BLAS: its last bits are the machine's."""
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


@indicator(inputs="close", outputs="ALMA_{length}_{sigma}_{dist_offset}")
def alma(
    f: Formula, close: Symbol, *, length: int = 9, sigma: float = 6.0, dist_offset: float = 0.85
) -> Symbol:
    """Arnaud Legoux's moving average: Gaussian weights. pandas-ta's own last bit is not stable."""
    centre = math.floor(dist_offset * (length - 1))
    bell = [math.exp(-0.5 * ((sigma / length) * (i - centre)) ** 2) for i in range(length)]
    return f.dot(close, moving.shares(bell))


@indicator(inputs="close", outputs="SMMA_{length}")
def smma(f: Formula, close: Symbol, *, length: int = 7) -> Symbol:
    """Smoothed moving average: ((n−1)·s + x) / n, begun with the mean of n (summed newest first)."""
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


@indicator(
    inputs="high low close",
    outputs="HILO_{high_length}_{low_length} HILOl_{high_length}_{low_length} "
    "HILOs_{high_length}_{low_length}",
)
def hilo(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    high_length: int = 13,
    low_length: int = 21,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Gann's HiLo activator: the average of lows once the close broke the average of highs, and the
    other way round; else as before. Ties flip it: inputs must be equal to the bit."""
    top, bottom = average(f, mamode, high, high_length), average(f, mamode, low, low_length)
    up, down = close > f.lag(top), close < f.lag(bottom)
    line = f.hold(f.max(up, down), f.where(up, bottom, top))
    long = f.where(up, line, f.where(down, math.nan, line))
    return line, long, f.where(up, math.nan, line)


@indicator(
    inputs="high low close", outputs="ISA_{tenkan} ISB_{kijun} ITS_{tenkan} IKS_{kijun}"
)
def ichimoku(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    tenkan: int = 9,
    kijun: int = 26,
    senkou: int = 52,
) -> tuple[Symbol, ...]:
    """Ichimoku: spans A and B (of kijun−1 bars ago), tenkan, kijun.

    Quirk: pandas-ta's chikou (ICS) is the close kijun−1 bars ahead, so it has no value at its own
    bar; that value is this bar's close, and is left out here.
    """
    mid = [0.5 * (f.lowest(low, n) + f.highest(high, n)) for n in (tenkan, kijun, senkou)]
    first = f.lag(0.5 * (mid[0] + mid[1]), kijun - 1) if kijun > 1 else 0.5 * (mid[0] + mid[1])
    second = f.lag(mid[2], kijun - 1) if kijun > 1 else mid[2]
    return first, second, mid[0], mid[1]


@indicator(
    inputs="close",
    outputs="HWMA_{na}_{nb}_{nc}",
    limits={"na": SHARE, "nb": SHARE, "nc": SHARE},
)
def hwma(
    f: Formula, close: Symbol, *, na: float = 0.2, nb: float = 0.1, nc: float = 0.1
) -> Symbol:
    """Holt-Winters' moving average: level, velocity and acceleration."""
    return f.emit(ops.HOLT_WINTERS, close, na, nb, nc)


@indicator(inputs="close", outputs="KAMA_{length}_{fast}_{slow}")
def kama(
    f: Formula, close: Symbol, *, length: int = 10, fast: int = 2, slow: int = 30, drift: int = 1
) -> Symbol:
    """Kaufman's adaptive average: its share of the newest is the squared, scaled efficiency."""
    quick, calm = 2 / (fast + 1), 2 / (slow + 1)
    way = f.abs(f.nonzero(close, f.lag(close, length)))
    path = f.sum(f.abs(f.nonzero(close, f.lag(close, drift))), length)
    x = way / path * (quick - calm) + calm
    return f.emit(ops.BLEND, close, x * x, f.emit(ops.SMMA, close, n=length), n=length)


@indicator(inputs="close", outputs="MCGD_{length}")
def mcgd(f: Formula, close: Symbol, *, length: int = 10, c: float = 1.0) -> Symbol:
    """McGinley's dynamic: r₋₁ + (x − r₋₁) / (c·n·(x/r₋₁)⁴), by the C library's pow."""
    return f.emit(ops.MCGINLEY, close, c * length)


@indicator(
    inputs="close",
    outputs="SSF{everget}_{length}",
    shown={"everget": lambda given: "e" if given else ""},
)
def ssf(
    f: Formula,
    close: Symbol,
    *,
    length: int = 20,
    everget: bool = False,
    pi: float = moving.PI,
    sqrt2: float = moving.ROOT_OF_2,
) -> Symbol:
    """Ehlers' super smoother, two poles. Quirk: degrees in radians' place unless `everget`."""
    return moving.smooth(f, close, length, pi=pi, sqrt2=sqrt2, everget=everget)


@indicator(inputs="close", outputs="SSF3_{length}")
def ssf3(
    f: Formula, close: Symbol, *, length: int = 20, pi: float = moving.PI, sqrt3: float = 1.732
) -> Symbol:
    """Ehlers' super smoother, three poles."""
    a = math.exp(-pi / length)
    b = 2 * a * math.cos(-pi * sqrt3 / length)
    c = a * a
    return f.emit(ops.THREE_POLES, close, b + c, -c * (1 + b), c * c)


@indicator(inputs="close", outputs="VIDYA_{length}")
def vidya(f: Formula, close: Symbol, *, length: int = 14, drift: int = 1) -> Symbol:
    """Chande's variable index dynamic average. Begun with 0, which it forgets slowly."""
    return moving.vidya(f, close, length, drift=drift)


@indicator(
    inputs="close",
    outputs="ZL_{mamode}_{length}",
    shown={"mamode": lambda mode: str(mode).upper()},
    choices={"mamode": ("ema", "sma", "wma", "rma", "dema", "tema", "trima", "midpoint", "linreg")},
)
def zlma(f: Formula, close: Symbol, *, length: int = 10, mamode: str = "ema") -> Symbol:
    """Zero-lag moving average: the average of 2x − x of half a length ago."""
    back = int(0.5 * (length - 1))
    return average(f, mamode, 2.0 * close - (f.lag(close, back) if back else close), length)


@indicator(
    inputs="high low close",
    outputs="SUPERT_{length}_{multiplier} SUPERTd_{length}_{multiplier} "
    "SUPERTl_{length}_{multiplier} SUPERTs_{length}_{multiplier}",
    follows={"atr_length": "length"},
    choices={"atr_mamode": tuple(moving.AVERAGES)},
)
def supertrend(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 7,
    atr_length: int | None = None,
    multiplier: float = 3.0,
    atr_mamode: str = "rma",
) -> tuple[Symbol, ...]:
    """Supertrend: bands of k average ranges round the median price that only tighten, until the
    close crosses the other one."""
    reach = multiplier * average_range(f, high, low, close, atr_length or length, atr_mamode)
    middle = 0.5 * (high + low)
    trend, side, long, short = f.machine(
        ops.SUPERTREND, close, middle - reach, middle + reach, outputs=4
    )
    return trend, f.where(f.count(close) >= float(length), side, math.nan), long, short


@indicator(inputs="close", outputs="JMA_{length}_{phase}", limits={"length": (3, ops.LENGTH_BARS_MAX)})
def jma(f: Formula, close: Symbol, *, length: int = 7, phase: float = 0.0) -> Symbol:
    """Jurik's moving average, as published from its behaviour. By the C library's pow."""
    half = 0.5 * (length - 1)
    lead = 0.5 if phase < -100 else 2.5 if phase > 100 else 1.5 + phase * 0.01
    width = max(math.log(math.sqrt(half)) / math.log(2.0) + 2.0, 0.0)
    power = max(width - 2.0, 0.5)
    band = width * math.sqrt(half)
    beta = 0.45 * (length - 1) / (0.45 * (length - 1) + 2.0)
    constants = f.vector([lead, width ** (1 / power), power, band / (band + 1), beta])
    return f.emit(ops.JURIK, close, constants, n=length)


@indicator(
    inputs="close",
    outputs="MAMA_{fastlimit}_{slowlimit} FAMA_{fastlimit}_{slowlimit}",
    limits={"fastlimit": (1e-9, 1e9), "slowlimit": (1e-9, 1e9), "prenan": (3, 4096)},
)
def mama(
    f: Formula, close: Symbol, *, fastlimit: float = 0.5, slowlimit: float = 0.05, prenan: int = 3
) -> tuple[Symbol, ...]:
    """Ehlers' MESA adaptive average and the one that follows it. By the C library's atan.

    Quirk: the period is 360 / atan, degrees in radians' place.
    """
    lines = f.machine(ops.MAMA, close, fastlimit, slowlimit, outputs=2)
    if prenan == 3:
        return lines
    begun = f.count(close) >= float(prenan)
    return tuple(f.where(begun, line, math.nan) for line in lines)
