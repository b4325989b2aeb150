"""Trend: direction and strength. Names and quirks as in pandas-ta."""

import math

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.momentum import relative_strength
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.trend_runs import run
from indicators.volatility import average_range, ranges


@indicator(
    inputs="high low close",
    outputs="ADX_{signal_length} ADXR_{signal_length}_{adxr_length} DMP_{length} DMN_{length}",
    follows={"signal_length": "length"},
)
def adx(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    signal_length: int | None = None,
    adxr_length: int = 2,
    scalar: float = 100.0,
    mamode: str = "rma",
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Average directional index (Wilder), its mean with that of `adxr_length` bars ago, and the
    two directional indicators.

    Quirk: the true range always has drift 1 and leaves the first bar out of its seed.
    """
    k = scalar / average_range(f, high, low, close, length, "rma", prenan=True)
    up, down = f.diff(high, drift), f.lag(low, drift) - low
    plus = k * average(f, mamode, f.emit(ops.DIRECTIONAL, up, down), length)
    minus = k * average(f, mamode, f.emit(ops.DIRECTIONAL, down, up), length)
    index = scalar * f.abs(plus - minus) / (plus + minus)
    line = average(f, mamode, index, signal_length or length)
    return line, 0.5 * (line + f.lag(line, adxr_length)), plus, minus


@indicator(inputs="high low", outputs="DMP_{length} DMN_{length}")
def dm(
    f: Formula, high: Symbol, low: Symbol, *, length: int = 14, mamode: str = "rma", drift: int = 1
) -> tuple[Symbol, ...]:
    """Directional movement: averages of what highs rose and lows fell beyond the other."""
    up, down = f.diff(high, drift), f.lag(low, drift) - low
    return (
        average(f, mamode, f.emit(ops.DIRECTIONAL, up, down), length),
        average(f, mamode, f.emit(ops.DIRECTIONAL, down, up), length),
    )


@indicator(
    inputs="close",
    outputs="AMAT{mamode[0]}_LR_{fast}_{slow}_{lookback} AMAT{mamode[0]}_SR_{fast}_{slow}_{lookback}",
)
def amat(
    f: Formula,
    close: Symbol,
    *,
    fast: int = 8,
    slow: int = 21,
    lookback: int = 2,
    mamode: str = "ema",
) -> tuple[Symbol, ...]:
    """Archer's moving averages trend: long and short runs of two averages."""
    quick, calm = average(f, mamode, close, fast), average(f, mamode, close, slow)
    return run(f, quick, calm, lookback, up=True), run(f, quick, calm, lookback, up=False)


@indicator(inputs="fast slow", outputs="LR_{length}")
def long_run(f: Formula, fast: Symbol, slow: Symbol, *, length: int = 2) -> Symbol:
    """1 where the fast series rose over n bars and the slow one moved. Inputs: any two series."""
    return run(f, fast, slow, length, up=True)


@indicator(inputs="fast slow", outputs="SR_{length}")
def short_run(f: Formula, fast: Symbol, slow: Symbol, *, length: int = 2) -> Symbol:
    """1 where the fast series fell over n bars and the slow one moved. Inputs: any two series."""
    return run(f, fast, slow, length, up=False)


@indicator(inputs="high low", outputs="AROOND_{length} AROONU_{length} AROONOSC_{length}")
def aroon(
    f: Formula, high: Symbol, low: Symbol, *, length: int = 14, scalar: float = 100.0
) -> tuple[Symbol, ...]:
    """Aroon: 100·(1 − bars since the lowest low of n+1 / n), likewise up, their difference. Of
    equals the latest counts."""
    down = scalar * (1.0 - f.emit(ops.SINCE_LOWEST, low, n=length + 1) / float(length))
    up = scalar * (1.0 - f.emit(ops.SINCE_HIGHEST, high, n=length + 1) / float(length))
    return down, up, up - down


@indicator(
    inputs="high low close",
    outputs="CHOP{ln}_{length}_{atr_length}_{scalar}",
    shown={"ln": lambda given: "ln" if given else "", "scalar": lambda value: str(float(value))},
)
def chop(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    atr_length: int = 1,
    ln: bool = False,
    scalar: float = 100.0,
) -> Symbol:
    """Choppiness: 100·(log Σ ATR − log range) / log n. Decimal logarithms unless `ln`, by the C
    library."""
    path = f.sum(average_range(f, high, low, close, atr_length, "rma"), length)
    reach = f.highest(high, length) - f.lowest(low, length)
    of = math.log if ln else math.log10
    return scalar * (f.log(path, decimal=not ln) - f.log(reach, decimal=not ln)) / of(length)


@indicator(
    inputs="high low close", outputs="CKSPl_{p}_{x}_{q} CKSPs_{p}_{x}_{q}",
    limits={"x": (1e-9, 1e9)},
)
def cksp(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    p: int = 10,
    x: float = 3,
    q: int = 20,
    mamode: str = "rma",
) -> tuple[Symbol, ...]:
    """Chande and Kroll's stops. Quirk: pandas-ta ignores a whole-number q."""
    reach = x * average_range(f, high, low, close, p, mamode)
    return (
        f.highest(f.highest(high, p) - reach, q),
        f.lowest(f.lowest(low, p) + reach, q),
    )


@indicator(
    inputs="close",
    outputs="{mode}DECAY_{length}",
    choices={"mode": ("linear", "exp", "exponential")},
    shown={"mode": lambda mode: "L" if mode == "linear" else "EXP"},
)
def decay(f: Formula, close: Symbol, *, length: int = 1, mode: str = "linear") -> Symbol:
    """The greatest of 0, x, and the last value less 1/n (`exp`: times 1 − 1/n)."""
    if mode == "linear":
        return f.emit(ops.DECAY, close, 1.0 / length)
    return f.emit(ops.DECAY, close, 1.0 - 1.0 / length, k=1)


def _moves(f: Formula, close: Symbol, length: int, strict: bool, *, up: bool) -> Symbol:
    if not strict:
        change = f.diff(close, length)
        return change > 0.0 if up else change < 0.0
    step = f.diff(close)
    one = step > 0.0 if up else step < 0.0
    held = one
    for back in range(1, length - 1):
        held = held * f.fill(f.lag(one, back), 0.0)
    return held


@indicator(
    inputs="close",
    outputs="{strict}INC_{length}",
    shown={"strict": lambda given: "S" if given else ""},
)
def increasing(f: Formula, close: Symbol, *, length: int = 1, strict: bool = False) -> Symbol:
    """1 where x rose over n bars; `strict`: in each step. Quirk: strict looks at n − 1 steps."""
    return _moves(f, close, length, strict, up=True)


@indicator(
    inputs="close",
    outputs="{strict}DEC_{length}",
    shown={"strict": lambda given: "S" if given else ""},
)
def decreasing(f: Formula, close: Symbol, *, length: int = 1, strict: bool = False) -> Symbol:
    """1 where x fell over n bars; `strict`: in each step. Quirk: strict looks at n − 1 steps."""
    return _moves(f, close, length, strict, up=False)


@indicator(inputs="close", outputs="HT_TL", limits={"prenan": (12, ops.LENGTH_BARS_MAX)})
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
def ttm_trend(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 6
) -> Symbol:
    """1 where the close is above the mean of n median prices, else −1."""
    middle = 0.5 * (high + low)
    total = middle
    for back in range(1, length):
        total = total + f.lag(middle, back)
    return f.where(close > total / float(length), 1.0, -1.0)


def flex(
    f: Formula, close: Symbol, length: int, smooth: int, alpha: float, pi: float, sqrt2: float,
    *, slope: bool,
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
    power = f.fade(alpha * mean * mean, 1 - alpha)
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


def flow_index(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol, length: int
) -> Symbol:
    """Money flow: what was traded at rising typical prices in n bars, in percent. Quirk: an equal
    price counts as falling. pandas-ta sums by BLAS; here oldest first."""
    typical = (high + low + close) / 3.0
    signed = typical * volume * f.where(typical > f.lag(typical), 1.0, -1.0)
    signed = f.where(f.equal(f.count(close), 0.0), math.nan, signed)
    ones = [1.0] * length
    gain, loss = f.dot(f.max(signed, 0.0), ones), f.dot(f.max(-signed, 0.0), ones)
    return 100.0 * gain / (gain + loss + ops.EPSILON)


@indicator(
    inputs="open high low close",
    choices={"src": ("open", "high", "low", "close")},
    outputs="ALPHAT_{length}_{multiplier}_{threshold} ALPHATl_{length}_{multiplier}_{threshold}_{lag}",
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


@indicator(inputs="high low close volume", outputs="MFI_{length}")
def mfi(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol, *, length: int = 14
) -> Symbol:
    """Money flow index: see `flow_index`."""
    return flow_index(f, high, low, close, volume, length)
