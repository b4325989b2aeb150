"""Overlap, continued: lines that adapt, smooth or follow a path, as in pandas-ta."""

import math

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.volatility import average_range

SHARE = (1e-9, 1.0 - 1e-9)


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


@indicator(inputs="high low close", outputs="ISA_{tenkan} ISB_{kijun} ITS_{tenkan} IKS_{kijun}")
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
def hwma(f: Formula, close: Symbol, *, na: float = 0.2, nb: float = 0.1, nc: float = 0.1) -> Symbol:
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


@indicator(inputs="close", outputs="MCGD_{length}", limits={"c": (1e-9, 1.0)})
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


@indicator(
    inputs="close", outputs="JMA_{length}_{phase}", limits={"length": (3, ops.LENGTH_BARS_MAX)}
)
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
