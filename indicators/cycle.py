"""Cycles. Names and quirks as in pandas-ta."""

import math

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol
from indicators.trend_more import flex


@indicator(
    inputs="close",
    outputs="REFLEX_{length}_{smooth}_{alpha}",
    limits={"alpha": (1e-9, 1.0), "length": (2, 200)},
)
def reflex(
    f: Formula,
    close: Symbol,
    *,
    length: int = 20,
    smooth: int = 20,
    alpha: float = 0.04,
    pi: float = moving.PI,
    sqrt2: float = moving.ROOT_OF_2,
) -> Symbol:
    """Ehlers' reflex: see `indicators.trend_more.flex`."""
    return flex(f, close, length, smooth, alpha, pi, sqrt2, slope=True)


@indicator(
    inputs="close", outputs="EBSW_{length}_{bars}", limits={"length": (5, ops.LENGTH_BARS_MAX)}
)
def ebsw(f: Formula, close: Symbol, *, length: int = 40, bars: int = 10) -> Symbol:
    """Ehlers' even better sine wave: high-passed, smoothed, over its root mean square."""
    angle = 2 * math.pi / length
    keep = (1 - math.sin(angle)) / math.cos(angle)
    turn = 2**0.5 * math.pi / bars
    a = math.exp(-turn)
    c2 = 2 * a * math.cos(turn)
    c3 = -(a**2)
    c1 = 1 - c2 - c3
    bar = f.count(close)
    before = f.where(f.equal(bar, float(length)), 0.0, f.lag(close))
    step = 0.5 * (1 + keep) * (close - before)
    high = f.emit(ops.FADE, f.where(bar >= float(length), step, math.nan), keep)
    wave = f.emit(ops.TWO_POLES, high, 0.5 * c1, c2, -c3, k=2)
    one, two = f.fill(f.lag(wave), 0.0), f.fill(f.lag(wave, 2), 0.0)
    mean = (two + one + wave) / 3.0
    power = f.sqrt((two * two + one * one + wave * wave) / 3.0)
    return f.where(f.equal(bar, length - 1.0), 0.0, mean / power)
