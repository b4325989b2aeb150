"""Trend, continued: stops, lines and ratios of the way walked. Names and quirks as in pandas-ta."""

import math

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.momentum import relative_strength
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.volatility import average_range, ranges


@indicator(inputs="close", outputs="HT_TL", limits={"prenan": (13, ops.LENGTH_BARS_MAX)})
def ht_trendline(f: Formula, close: Symbol, *, prenan: int = 63) -> Symbol:
    """Ehlers' instantaneous trendline: prices averaged over the dominant cycle. By the C library's
    atan."""
    line = f.emit(ops.TRENDLINE, close)
    return f.where(f.count(close) >= float(prenan), line, math.nan)


@indicator(
    inputs="high low",
    outputs="PSARl_{af0}_{max_af} PSARs_{af0}_{max_af} PSARaf_{af0}_{max_af} PSARr_{af0}_{max_af}",
    follows={"af0": "af"},
    limits={"af0": (1e-9, 1.0), "af": (1e-9, 1.0), "max_af": (1e-9, 1.0)},
)
def psar(
    f: Formula,
    high: Symbol,
    low: Symbol,
    *,
    af0: float | None = None,
    af: float = 0.02,
    max_af: float = 0.2,
) -> tuple[Symbol, ...]:
    """Wilder's parabolic stop and reverse: the stop while long, while short, its acceleration, and
    where it turned. The direction comes from the first two bars."""
    constants = f.vector([af0 or af, max_af])
    return f.machine(ops.PSAR, high, low, constants, outputs=4)


@indicator(inputs="open close", outputs="QS_{length}")
def qstick(
    f: Formula, open_: Symbol, close: Symbol, *, length: int = 10, mamode: str = "sma"
) -> Symbol:
    """The average of close − open."""
    return average(f, mamode, f.nonzero(close, open_), length)


@indicator(inputs="high low close", outputs="RWIh_{length} RWIl_{length}")
def rwi(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    mamode: str = "rma",
) -> tuple[Symbol, ...]:
    """Random walk index: the way of n bars over ATR·√n."""
    unit = average_range(f, high, low, close, length, mamode) * length**0.5
    return (high - f.lag(low, length)) / unit, (f.lag(high, length) - low) / unit


@indicator(inputs="high low close", outputs="TTM_TRND_{length}")
def ttm_trend(f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 6) -> Symbol:
    """1 where the close is above the mean of n median prices, else −1."""
    middle = 0.5 * (high + low)
    total = middle
    for back in range(1, length):
        total = total + f.lag(middle, back)
    return f.where(close > total / float(length), 1.0, -1.0)


def flex(
    f: Formula,
    close: Symbol,
    length: int,
    smooth: int,
    alpha: float,
    pi: float,
    sqrt2: float,
    *,
    slope: bool,
) -> Symbol:
    """Ehlers' flex: how far the smoothed price lies from its past (or from a line through it), in
    units of its own root mean square. Quirk: degrees in radians' place."""
    ratio = 2 * sqrt2 / smooth
    a = math.exp(-pi * ratio)
    b = 2 * a * math.cos(180 * ratio)
    c = a * a - b + 1
    line = f.emit(ops.TWO_POLES, close, 0.5 * c, b, a * a, k=1)
    tilt = (f.lag(line, length) - line) / float(length)
    total: Symbol | float = 0.0
    for back in range(1, length):
        step = line - f.lag(line, back)
        total = total + (step + float(back) * tilt if slope else step)
    mean = total / float(length)
    mean = f.where(f.count(close) >= float(length), mean, math.nan)
    power = f.emit(ops.FADE, alpha * mean * mean, 1 - alpha)
    return f.where(f.equal(power, 0.0), 0.0, mean / f.sqrt(power))


@indicator(
    inputs="close",
    outputs="TRENDFLEX_{length}_{smooth}_{alpha}",
    limits={"alpha": (1e-9, 1.0), "length": (2, 200)},
)
def trendflex(
    f: Formula,
    close: Symbol,
    *,
    length: int = 20,
    smooth: int = 20,
    alpha: float = 0.04,
    pi: float = moving.PI,
    sqrt2: float = moving.ROOT_OF_2,
) -> Symbol:
    """Ehlers' trendflex: see `flex`."""
    return flex(f, close, length, smooth, alpha, pi, sqrt2, slope=False)


@indicator(inputs="close", outputs="VHF_{length}")
def vhf(f: Formula, close: Symbol, *, length: int = 28, drift: int = 1) -> Symbol:
    """Vertical horizontal filter: range of n closes over the way walked; null where it is none."""
    reach = f.abs(f.nonzero(f.highest(close, length), f.lowest(close, length)))
    value = reach / f.sum(f.abs(f.diff(close, drift)), length)
    return f.where(f.equal(f.abs(value), math.inf), math.nan, value)


@indicator(inputs="high low close", outputs="VTXP_{length} VTXM_{length}")
def vortex(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 14, drift: int = 1
) -> tuple[Symbol, ...]:
    """Vortex: Σ|h − l₋₁| and Σ|l − h₋₁| over Σ true range."""
    path = f.sum(ranges(f, high, low, close), length)
    return (
        f.sum(f.abs(high - f.lag(low, drift)), length) / path,
        f.sum(f.abs(low - f.lag(high, drift)), length) / path,
    )


@indicator(
    inputs="open high low close",
    choices={"src": ("open", "high", "low", "close")},
    outputs="ALPHAT_{length}_{multiplier}_{threshold} "
    "ALPHATl_{length}_{multiplier}_{threshold}_{lag}",
    limits={"multiplier": (1e-9, 1e9), "threshold": (1e-9, 1e9)},
)
def alphatrend(
    f: Formula,
    open_: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    src: str = "close",
    length: int = 14,
    multiplier: float = 1,
    threshold: float = 50,
    lag: int = 2,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """AlphaTrend: a stop one range below that only rises while the RSI is high, else one above that
    only falls; and that of `lag` bars ago."""
    reach = average_range(f, high, low, close, length, mamode) * multiplier
    source = {"open": open_, "high": high, "low": low, "close": close}[src]
    strength = relative_strength(f, source, length, 100.0, mamode)
    line = f.emit(ops.RATCHET, strength >= threshold, low - reach, high + reach)
    return line, f.lag(line, lag)
