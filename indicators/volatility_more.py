"""Volatility, continued: stops, channels round Holt-Winters, indices of ranges."""

import math

from indicators import ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.volatility import average_range


@indicator(
    inputs="high low close",
    outputs="ABER_ZG_{length}_{atr_length} ABER_SG_{length}_{atr_length} "
    "ABER_XG_{length}_{atr_length} ABER_ATR_{length}_{atr_length}",
)
def aberration(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 5, atr_length: int = 15
) -> tuple[Symbol, ...]:
    """SMA of the typical price, plus and minus the average true range."""
    middle = f.sma((high + low + close) / 3.0, length)
    reach = average_range(f, high, low, close, atr_length, "rma")
    return middle, middle + reach, middle - reach, reach


@indicator(
    inputs="high low close",
    outputs="ACCBL_{length} ACCBM_{length} ACCBU_{length}",
    limits={"c": (1e-9, 1e9)},
)
def accbands(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 20,
    c: float = 4,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Acceleration bands: averages of l·(1 − 4r), c, h·(1 + 4r), r = (h − l) / (h + l)."""
    ratio = f.nonzero(high, low) / (high + low) * c
    return (
        average(f, mamode, low * (1.0 - ratio), length),
        average(f, mamode, close, length),
        average(f, mamode, high * (1.0 + ratio), length),
    )


@indicator(
    inputs="high low close",
    outputs="ATRTS{mamode[0]}_{length}_{ma_length}_{k}",
    limits={"k": (1e-9, 1e9)},
)
def atrts(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    ma_length: int = 20,
    k: float = 3.0,
    mamode: str = "ema",
    drift: int = 1,
) -> Symbol:
    """Trailing stop: k average ranges below while the close is above its average, else above."""
    reach = average_range(f, high, low, close, length, mamode, drift=drift) * k
    begun = f.count(close) >= float(max(length, ma_length))
    return f.emit(
        ops.RATCHET,
        close > average(f, mamode, close, ma_length),
        f.where(begun, close - reach, math.nan),
        f.where(begun, close + reach, math.nan),
    )


@indicator(
    inputs="high low close",
    outputs="CHDLREXTl{use_close}_{high_length}_{low_length}_{atr_length}_{multiplier} "
    "CHDLREXTs{use_close}_{high_length}_{low_length}_{atr_length}_{multiplier} "
    "CHDLREXTd{use_close}_{high_length}_{low_length}_{atr_length}_{multiplier}",
    shown={"use_close": lambda given: "_CLOSE_" if given else ""},
    limits={"multiplier": (1e-9, 1e9)},
)
def chandelier_exit(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    high_length: int = 22,
    low_length: int = 22,
    atr_length: int = 14,
    multiplier: float = 2.0,
    mamode: str = "rma",
    use_close: bool = False,
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Highest high less k average ranges, lowest low plus k, and the side last broken out to."""
    reach = average_range(f, high, low, close, atr_length, mamode, drift=drift) * multiplier
    longest = max(high_length, low_length)
    tops, n = (close, longest) if use_close else (high, high_length)
    bottoms, m = (close, longest) if use_close else (low, low_length)
    long = f.highest(tops, n, partial=True) - reach
    short = f.lowest(bottoms, m, partial=True) + reach
    side = (close > f.lag(long, drift)) - (close < f.lag(short, drift))
    begin = f.where(f.equal(f.count(close), 0.0), 1.0, side)
    side = f.where(f.equal(side, 0.0), begin, side)
    return long, short, f.hold(side, side)


@indicator(
    inputs="close",
    outputs="HWM_{scalar} HWL_{scalar} HWU_{scalar} HWW_{scalar} HWPCT_{scalar}",
    limits=dict.fromkeys(("scalar", "na", "nb", "nc", "nd"), (1e-09, 1000000000.0)),
)
def hwc(
    f: Formula,
    close: Symbol,
    *,
    scalar: float = 1,
    na: float = 0.2,
    nb: float = 0.1,
    nc: float = 0.1,
    nd: float = 0.1,
) -> tuple[Symbol, ...]:
    """Holt-Winters' channel: the moving average ± k deviations of the price from it, the bar
    before; width; where the close lies."""
    middle = f.emit(ops.HOLT_WINTERS, close, na, nb, nc)
    miss = f.fill(f.lag(close) - f.lag(middle), 0.0)
    variance = f.emit(ops.FADE, nd * miss * miss, 1.0 - nd)
    deviation = f.sqrt(f.fill(f.lag(variance), 0.0))
    upper, lower = middle + scalar * deviation, middle - scalar * deviation
    width = upper - lower
    return middle, lower, upper, width, (close - lower) / (width + ops.EPSILON)


@indicator(inputs="high low", outputs="MASSI_{fast}_{slow}", ordered="fast slow")
def massi(f: Formula, high: Symbol, low: Symbol, *, fast: int = 9, slow: int = 25) -> Symbol:
    """Mass index: Σ EMA(h − l) / EMA(EMA(h − l))."""
    once = f.ema(f.nonzero(high, low), fast)
    return f.sum(once / f.ema(once, fast), slow)


@indicator(inputs="open high low close", outputs="PDIST")
def pdist(
    f: Formula, open_: Symbol, high: Symbol, low: Symbol, close: Symbol, *, drift: int = 1
) -> Symbol:
    """Price distance: 2(h − l) + |o − c₋₁| − |c − o|."""
    gap = f.abs(f.nonzero(open_, f.lag(close, drift)))
    return 2.0 * f.nonzero(high, low) + gap - f.abs(f.nonzero(close, open_))


def relative_volatility(
    f: Formula, x: Symbol, length: int, scalar: float, mamode: str, drift: int
) -> Symbol:
    """The share of rising bars in the deviation, averaged."""
    change = f.fill(f.diff(x, drift), 0.0)
    deviation = f.stdev(x, length)
    up = average(f, mamode, (change > 0.0) * deviation, length)
    down = average(f, mamode, (change < 0.0) * deviation, length)
    return scalar * up / (up + down)


@indicator(
    inputs="close high low",
    outputs="RVI{refined}{thirds}_{length}",
    shown={
        "refined": lambda given: "r" if given else "",
        "thirds": lambda given: "t" if given else "",
    },
)
def rvi(
    f: Formula,
    close: Symbol,
    high: Symbol,
    low: Symbol,
    *,
    length: int = 14,
    scalar: float = 100.0,
    refined: bool = False,
    thirds: bool = False,
    mamode: str = "ema",
    drift: int = 1,
) -> Symbol:
    """Relative volatility index of the close, of high and low (`refined`), or of all (`thirds`)."""

    def of(x: Symbol) -> Symbol:
        return relative_volatility(f, x, length, scalar, mamode, drift)

    if refined:
        return 0.5 * (of(high) + of(low))
    return (of(high) + of(low) + of(close)) / 3.0 if thirds else of(close)


@indicator(
    inputs="high low",
    outputs="THERMO_{length}_{long}_{short} THERMOma_{length}_{long}_{short} "
    "THERMOl_{length}_{long}_{short} THERMOs_{length}_{long}_{short}",
    limits={"long": (1e-9, 1e9), "short": (1e-9, 1e9)},
)
def thermo(
    f: Formula,
    high: Symbol,
    low: Symbol,
    *,
    length: int = 20,
    long: float = 2,
    short: float = 0.5,
    mamode: str = "ema",
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Elder's thermometer: the greater of |Δh| and |Δl|, its average, and whether it is below k
    or above m of it."""
    down, up = f.abs(f.lag(low, drift) - low), f.abs(high - f.lag(high, drift))
    heat = f.where(up < down, down, up)
    usual = average(f, mamode, heat, length)
    return heat, usual, heat < usual * long, heat > usual * short


@indicator(inputs="close", outputs="UI_{length}")
def ui(f: Formula, close: Symbol, *, length: int = 14, scalar: float = 100.0) -> Symbol:
    """Ulcer index: root of the mean squared fall from the highest close of n."""
    top = f.highest(close, length)
    fall = scalar * (close - top) / top
    return f.sqrt(f.sum(fall * fall, length) / float(length))
