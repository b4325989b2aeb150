"""Momentum, concluded: squeezes and stochastics. Names and quirks as in pandas-ta."""

import math

from indicators import ops
from indicators.indicator import indicator
from indicators.momentum import relative_strength
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.volatility import ranges


def _bands(f: Formula, close: Symbol, length: int, mamode: str) -> tuple[Symbol, Symbol]:
    middle, reach = average(f, mamode, close, length), 2.0 * f.stdev(close, length)
    return middle - reach, middle + reach


@indicator(
    inputs="high low close",
    outputs="SQZ_{bb_length}_{bb_std}_{kc_length}_{kc_scalar} SQZ_ON SQZ_OFF SQZ_NO",
    limits={"kc_scalar": (1e-9, 1e9), "bb_std": (1e-9, 1e9)},
)
def squeeze(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    bb_length: int = 20,
    bb_std: float = 2.0,
    kc_length: int = 20,
    kc_scalar: float = 1.5,
    mom_length: int = 12,
    mom_smooth: int = 6,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Smoothed momentum, and whether the Bollinger bands lie inside Keltner's channel, outside, or
    neither. Quirk: `bb_std` is in the name alone; the bands are always 2 deviations wide."""
    lower, upper = _bands(f, close, bb_length, mamode)
    basis = average(f, mamode, close, kc_length)
    reach = kc_scalar * average(f, mamode, ranges(f, high, low, close), kc_length)
    bottom, top = basis - reach, basis + reach
    on = (lower > bottom) * (upper < top)
    off = (lower < bottom) * (upper > top)
    momentum = f.diff(close, mom_length)
    smoothed = f.ema(momentum, mom_smooth) if mamode == "ema" else f.sma(momentum, mom_smooth)
    return smoothed, on, off, (1.0 - on) * (1.0 - off)


@indicator(
    inputs="high low close",
    outputs="SQZPRO_{bb_length}_{bb_std}_{kc_length}_{kc_scalar_wide}_{kc_scalar_normal}_"
    "{kc_scalar_narrow} "
    "SQZPRO_ON_WIDE SQZPRO_ON_NORMAL SQZPRO_ON_NARROW SQZPRO_OFF SQZPRO_NO",
    limits={"bb_std": (1e-9, 1e9)},
    shown={
        name: (lambda value: str(float(value)))
        for name in ("kc_scalar_wide", "kc_scalar_normal", "kc_scalar_narrow")
    },
)
def squeeze_pro(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    bb_length: int = 20,
    bb_std: float = 2.0,
    kc_length: int = 20,
    kc_scalar_narrow: float = 1.0,
    kc_scalar_normal: float = 1.5,
    kc_scalar_wide: float = 2.0,
    mom_length: int = 12,
    mom_smooth: int = 6,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Squeeze with three channels. Quirk: `bb_std` is in the name alone."""
    lower, upper = _bands(f, close, bb_length, mamode)
    basis = average(f, mamode, close, kc_length)
    reach = average(f, mamode, ranges(f, high, low, close), kc_length)
    channels = [
        (basis - k * reach, basis + k * reach)
        for k in (kc_scalar_wide, kc_scalar_normal, kc_scalar_narrow)
    ]
    on = [(lower > bottom) * (upper < top) for bottom, top in channels]
    off = (lower < channels[0][0]) * (upper > channels[0][1])
    smoothed = average(f, mamode, f.diff(close, mom_length), mom_smooth)
    return smoothed, *on, off, (1.0 - on[0]) * (1.0 - off)


@indicator(
    inputs="close",
    outputs="STC_{tc_length}_{fast}_{slow}_{factor} STCmacd_{tc_length}_{fast}_{slow}_{factor} "
    "STCstoch_{tc_length}_{fast}_{slow}_{factor}",
    limits={"factor": (1e-9, 1e9)},
    ordered="fast slow",
)
def stc(
    f: Formula,
    close: Symbol,
    *,
    tc_length: int = 10,
    fast: int = 12,
    slow: int = 26,
    factor: float = 0.5,
) -> tuple[Symbol, ...]:
    """Schaff's trend cycle: double stochastic of a MACD. Quirk: it moves only while the lowest MACD
    of the window is above 0."""
    line = f.ema(close, fast) - f.ema(close, slow)
    least = f.lowest(line, tc_length)
    width = f.nonzero(f.highest(line, tc_length), least)
    cycle, inner = f.machine(ops.SCHAFF, line, least, width, factor, n=tc_length, outputs=2)
    begun = f.count(close) >= float(max(tc_length, fast, slow) - 1)
    return f.where(begun, cycle, math.nan), line, f.where(begun, inner, math.nan)


@indicator(inputs="high low close", outputs="STOCHFk_{k}_{d} STOCHFd_{k}_{d}")
def stochf(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    k: int = 14,
    d: int = 3,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Fast stochastic and its average."""
    least = f.lowest(low, k)
    line = 100.0 * (close - least) / f.nonzero(f.highest(high, k), least)
    return line, average(f, mamode, line, d, from_first=True)


@indicator(
    inputs="close",
    outputs="STOCHRSIk_{length}_{rsi_length}_{k}_{d} STOCHRSId_{length}_{rsi_length}_{k}_{d}",
)
def stochrsi(
    f: Formula,
    close: Symbol,
    *,
    length: int = 14,
    rsi_length: int = 14,
    k: int = 3,
    d: int = 3,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Stochastic of the RSI, smoothed; its average."""
    line = relative_strength(f, close, rsi_length)
    least = f.lowest(line, length)
    raw = 100.0 * (line - least) / f.nonzero(f.highest(line, length), least)
    smooth = average(f, mamode, raw, k)
    return smooth, average(f, mamode, smooth, d)


@indicator(
    inputs="high low close",
    outputs="UO_{fast}_{medium}_{slow}",
    limits=dict.fromkeys(("fast_w", "medium_w", "slow_w"), (1e-09, 1000000000.0)),
)
def uo(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    fast: int = 7,
    medium: int = 14,
    slow: int = 28,
    fast_w: float = 4.0,
    medium_w: float = 2.0,
    slow_w: float = 1.0,
    drift: int = 1,
) -> Symbol:
    """Ultimate oscillator: buying pressure over true range, in three windows."""
    before = f.lag(close, drift)
    top = f.emit(ops.GREATER_KNOWN, high, before)
    bottom = f.emit(ops.LESSER_KNOWN, low, before)
    pressure, reach = close - bottom, top - bottom
    one, two, three = (f.sum(pressure, n) / f.sum(reach, n) for n in (fast, medium, slow))
    weighed = fast_w * one + medium_w * two + slow_w * three
    return 100.0 * weighed / (fast_w + medium_w + slow_w)


@indicator(
    inputs="open high low close",
    outputs="SMChv_{abr_length}_{close_length}_{vol_length}_{percent} "
    "SMCbf_{abr_length}_{close_length}_{vol_length}_{percent} "
    "SMCbi_{abr_length}_{close_length}_{vol_length}_{percent} "
    "SMCbp_{abr_length}_{close_length}_{vol_length}_{percent} "
    "SMCtf_{abr_length}_{close_length}_{vol_length}_{percent} "
    "SMCti_{abr_length}_{close_length}_{vol_length}_{percent} "
    "SMCtp_{abr_length}_{close_length}_{vol_length}_{percent}",
    ordered="abr_length close_length",
    limits={"vol_ratio": (1e-9, 1e9)},
)
def smc(
    f: Formula,
    open_: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    abr_length: int = 14,
    close_length: int = 50,
    vol_length: int = 20,
    percent: int = 5,
    vol_ratio: float = 1.5,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Smart money: bars of high volatility; gaps left below and above over two bars, in points, in
    percent of the usual range, and whether they are above 1.

    Quirk: pandas-ta copies the first values back over the null rows before them; here these are
    null. `close_length` and `percent` are in the names alone.
    """
    reach = f.highest(high, abr_length) - f.lowest(low, abr_length)
    top, bottom = f.lag(low, 2) - high, low - f.lag(high, 2)
    above, below = 100.0 * top / reach, 100.0 * bottom / reach
    width = high - low + ops.EPSILON
    loud = width > vol_ratio * average(f, mamode, width, vol_length)
    flags = [(gap > 0.0) * (share > 1.0) for gap, share in ((bottom, below), (top, above))]
    held = [f.hold(f.valid(x), x) for x in (bottom, below, top, above)]
    return loud, flags[0], held[0], held[1], flags[1], held[2], held[3]
