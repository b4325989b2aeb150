"""State machines: rules that follow a path and are no composition of the other primitives.

`s` is all state as float64, `t` the same cells as int64, `o` the machine's first cell. Outputs
beyond the first stand in the cells 1, 2, … of the machine, where `pick` reads them.
"""

# mypy: disable-error-code="no-any-return, arg-type"
import math

import numpy as np
import numpy.typing as npt

from indicators.kernels.compiling import primitive
from indicators.kernels.windows import _leaf, advance, lag, place

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NULL = math.nan


@primitive
def supertrend(s: Floats, t: Ints, o: int, close: float, low: float, high: float) -> float:
    """Outputs trend, side, long, short; then the two bands and whether it has begun."""
    if t[o + 6] == 0:
        t[o + 6] = 1
        s[o + 1] = 1.0
        s[o + 2] = NULL
        s[o + 3] = NULL
        s[o + 4] = low
        s[o + 5] = high
        return NULL
    if close > s[o + 5]:
        s[o + 1] = 1.0
    elif close < s[o + 4]:
        s[o + 1] = -1.0
    else:
        if s[o + 1] > 0.0 and low < s[o + 4]:
            low = s[o + 4]
        if s[o + 1] < 0.0 and high > s[o + 5]:
            high = s[o + 5]
    up = s[o + 1] > 0.0
    s[o + 2] = low if up else NULL
    s[o + 3] = NULL if up else high
    s[o + 4] = low
    s[o + 5] = high
    return low if up else high


@primitive
def qqe(s: Floats, t: Ints, o: int, x: float, low: float, high: float) -> float:
    """Outputs line, long, short; then begun, x before, two longs, two shorts, falling."""
    if t[o + 3] == 0:
        t[o + 3] = 1
        s[o + 1] = NULL
        s[o + 2] = NULL
        s[o + 4] = x
        return x
    was = s[o + 4]
    long1, long2, short1, short2 = s[o + 5], s[o + 6], s[o + 7], s[o + 8]
    long = low
    if was > long1 and x > long1:
        long = NULL if low != low else max(long1, low)
    short = high
    if was < short1 and x < short1:
        short = NULL if high != high else min(short1, high)
    if (x > short1 and was < short2) or (x <= short1 and was >= short2):
        t[o + 9] = 0
    elif (x > long1 and was < long2) or (x <= long1 and was >= long2):
        t[o + 9] = 1
    s[o + 4] = x
    s[o + 6] = long1
    s[o + 5] = long
    s[o + 8] = short1
    s[o + 7] = short
    rising = t[o + 9] == 0
    s[o + 1] = long if rising else NULL
    s[o + 2] = NULL if rising else short
    return long if rising else short


@primitive
def _cents(x: float) -> float:
    """numpy's rounding to 8 places."""
    return np.rint(x * 1e8) / 1e8


@primitive
def schaff(
    s: Floats, t: Ints, o: int, n: int, x: float, least: float, width: float, factor: float
) -> float:
    """Outputs the cycle and its inner stochastic; then begun, stochastic, ring of n."""
    if t[o + 2] == 0:
        t[o + 2] = 1
        s[o + 5] = 0.0
        t[o + 4] = 1
        return 0.0
    if least > 0.0:
        s[o + 3] = 100.0 * ((x - least) / width)
    inner = _cents(s[o + 1] + factor * (s[o + 3] - s[o + 1]))
    s[o + 1] = inner
    s[o + 5 + place(t, o + 4, n)] = inner
    advance(t, o + 4, n)
    held = n if t[o + 4] >= n else t[o + 4]
    low = inner
    high = inner
    for j in range(o + 5, o + 5 + held):
        low = min(low, s[j])
        high = max(high, s[j])
    reach = high - low if high - low > 0.0 else 1.0
    s[o] = _cents(s[o] + factor * (100.0 * ((inner - low) / reach) - s[o]))
    return s[o]


@primitive
def psar(s: Floats, t: Ints, o: int, high: float, low: float, reg: Floats, first: int) -> float:
    """Outputs long, short, acceleration, reversal; then bars, stop, extreme, falling, the bar
    before. Constants: first and greatest acceleration."""
    begin, most = reg[first], reg[first + 1]
    i = t[o + 4]
    t[o + 4] = i + 1 if i < 2 else 2
    long, reverse = NULL, False
    s[o + 1] = NULL
    if i == 0:
        s[o + 2] = begin
    else:
        if i == 1:
            down = s[o + 9] - low
            falls = down > high - s[o + 8] and down >= 2.0**-52
            t[o + 7] = 1 if falls else 0
            s[o + 5] = s[o + 8] if falls else s[o + 9]
            s[o + 6] = s[o + 9] if falls else s[o + 8]
        stop = s[o + 5] + s[o + 2] * (s[o + 6] - s[o + 5])
        if t[o + 7] == 1:
            reverse = high > stop
            if low < s[o + 6]:
                s[o + 6] = low
                s[o + 2] = min(s[o + 2] + begin, most)
            stop = max(s[o + 8], stop)
        else:
            reverse = low < stop
            if high > s[o + 6]:
                s[o + 6] = high
                s[o + 2] = min(s[o + 2] + begin, most)
            stop = min(s[o + 9], stop)
        if reverse:
            stop = s[o + 6]
            s[o + 2] = begin
            t[o + 7] = 1 - t[o + 7]
            s[o + 6] = low if t[o + 7] == 1 else high
        s[o + 5] = stop
        if t[o + 7] == 1:
            s[o + 1] = stop
        else:
            long = stop
    s[o + 3] = 1.0 if reverse else 0.0
    s[o + 8] = high
    s[o + 9] = low
    return long


@primitive
def _double(s: Floats, a: int, x: float, share: float) -> float:
    """One stage of Jurik's cascade: two filters, extrapolated."""
    rest = 1.0 - share
    s[a] = rest * s[a] + share * x
    s[a + 1] = share * s[a] + rest * s[a + 1]
    return 1.5 * s[a] - 0.5 * s[a + 1]


@primitive
def rsx(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """Cells: bars, f90, f88, f0, f8, v14, v20 of the published code, then 12 of the cascade."""
    i = t[o]
    if i < n:
        t[o] = i + 1
        return 50.0 if i == n - 1 else NULL
    f90, f88 = s[o + 1], s[o + 2]
    if f90 == 0.0:
        f90 = 1.0
        s[o + 3] = 0.0
        f88 = n - 1.0 if n - 1.0 >= 5.0 else 5.0
        s[o + 4] = 100.0 * x
    else:
        f90 = f88 + 1.0 if f88 <= f90 else f90 + 1.0
        before = s[o + 4]
        s[o + 4] = 100.0 * x
        step = s[o + 4] - before
        share = 3.0 / (n + 2.0)
        v = _double(s, o + 7, step, share)
        s[o + 5] = _double(s, o + 11, _double(s, o + 9, v, share), share)
        v = _double(s, o + 13, abs(step), share)
        s[o + 6] = _double(s, o + 17, _double(s, o + 15, v, share), share)
        if f88 >= f90 and s[o + 4] != before:
            s[o + 3] = 1.0
        if f88 == f90 and s[o + 3] == 0.0:
            f90 = 0.0
    s[o + 1] = f90
    s[o + 2] = f88
    if f88 < f90 and s[o + 6] > 1e-10:
        return min(max((s[o + 5] / s[o + 6] + 1.0) * 50.0, 0.0), 100.0)
    return 50.0


@primitive
def jurik(s: Floats, t: Ints, o: int, n: int, x: float, reg: Floats, first: int) -> float:
    """Cells: bars, average, two errors, line, two bands, sum, then rings of 10 and 66. Constants:
    phase, greatest ratio, its power, band factor, beta."""
    i = t[o]
    t[o] = i + 1
    ring = o + 19
    if i == 0:
        s[o + 1] = x
        s[o + 4] = x
        s[o + 5] = x
        s[o + 6] = x
        s[ring + 1 + place(t, ring, 66)] = 0.0
        advance(t, ring, 66)
        return NULL
    phase, most, power, band, beta = (
        reg[first],
        reg[first + 1],
        reg[first + 2],
        reg[first + 3],
        reg[first + 4],
    )
    up, down = x - s[o + 5], x - s[o + 6]
    move = max(abs(up), abs(down)) if abs(up) != abs(down) else 0.0
    old = lag(s, t, o + 8, 10, move)
    s[o + 7] += (move - (old if old == old else 0.0)) / 10.0
    s[ring + 1 + place(t, ring, 66)] = s[o + 7]
    advance(t, ring, 66)
    held = 66 if t[ring] >= 66 else t[ring]
    oldest = place(t, ring, 66) if t[ring] >= 66 else 0
    usual = _leaf(s, ring + 1, oldest, 66, 0, held, 0, 0.0) / held
    ratio = max(1.0, min(most, 0.0 if usual == 0.0 else move / usual))
    raised = ratio**power
    keep = band ** math.sqrt(raised)
    s[o + 5] = x if up > 0.0 else x - keep * up
    s[o + 6] = x if down < 0.0 else x - keep * down
    alpha = beta**raised
    s[o + 1] = (1.0 - alpha) * x + alpha * s[o + 1]
    s[o + 2] = (1.0 - beta) * (x - s[o + 1]) + beta * s[o + 2]
    aim = s[o + 1] + phase * s[o + 2]
    s[o + 3] = (aim - s[o + 4]) * (1.0 - alpha) * (1.0 - alpha) + alpha * alpha * s[o + 3]
    s[o + 4] += s[o + 3]
    return s[o + 4] if i >= n - 1 else NULL


@primitive
def _shift(s: Floats, a: int, n: int, x: float) -> None:
    """Newest first."""
    for j in range(a + n - 1, a, -1):
        s[j] = s[j - 1]
    s[a] = x


@primitive
def _quadrature(s: Floats, a: int, scale: float) -> float:
    """Ehlers' Hilbert taps over 7 values, newest first."""
    return scale * (0.0962 * s[a] + 0.5769 * s[a + 2] - 0.5769 * s[a + 4] - 0.0962 * s[a + 6])


@primitive
def _in_phase(s: Floats, a: int, price: int) -> None:
    """One step of the homodyne discriminator up to I2 and Q2. From `a`: period, I2, Q2, re, im,
    smooth period, four rings of 7 (smooth price, detrender, Q1, I1), I2 and Q2 before."""
    scale = 0.075 * s[a] + 0.54
    x = 0.4 * s[price] + 0.3 * s[price + 1] + 0.2 * s[price + 2] + 0.1 * s[price + 3]
    _shift(s, a + 6, 7, x)
    _shift(s, a + 13, 7, _quadrature(s, a + 6, scale))
    _shift(s, a + 20, 7, _quadrature(s, a + 13, scale))
    _shift(s, a + 27, 7, s[a + 16])
    s[a + 34] = s[a + 1]
    s[a + 35] = s[a + 2]
    i2 = s[a + 27] - _quadrature(s, a + 20, scale)
    q2 = s[a + 20] + _quadrature(s, a + 27, scale)
    s[a + 1] = 0.2 * i2 + 0.8 * s[a + 34]
    s[a + 2] = 0.2 * q2 + 0.8 * s[a + 35]


@primitive
def _period(s: Floats, a: int, period: float) -> None:
    """Bounded by the one before and 6 … 50, then smoothed twice."""
    before = s[a]
    if period > 1.5 * before:
        period = 1.5 * before
    if period < 0.67 * before:
        period = 0.67 * before
    if period < 6.0:
        period = 6.0
    if period > 50.0:
        period = 50.0
    s[a] = 0.2 * period + 0.8 * before
    s[a + 5] = 0.33 * s[a] + 0.67 * s[a + 5]


@primitive
def mama(s: Floats, t: Ints, o: int, x: float, fast: float, slow: float) -> float:
    """Outputs MAMA, FAMA; then bars, phase, 4 prices, discriminator. By the C library's atan."""
    _shift(s, o + 4, 4, x)
    if t[o + 2] < 3:
        t[o + 2] += 1
        s[o + 1] = NULL
        return NULL
    if s[o + 1] != s[o + 1]:
        s[o + 1] = 0.0
    a = o + 8
    _in_phase(s, a, o + 4)
    s[a + 3] = 0.2 * (s[a + 1] * s[a + 34] + s[a + 2] * s[a + 35]) + 0.8 * s[a + 3]
    s[a + 4] = 0.2 * (s[a + 1] * s[a + 35] + s[a + 2] * s[a + 34]) + 0.8 * s[a + 4]
    period = 0.0
    if s[a + 4] != 0.0 and s[a + 3] != 0.0:
        period = 360.0 / math.atan(s[a + 4] / s[a + 3])
    _period(s, a, period)
    phase = math.atan(s[a + 20] / s[a + 27]) if s[a + 27] != 0.0 else 0.0
    turn = s[o + 3] - phase
    s[o + 3] = phase
    share = fast / (turn if turn >= 1.0 else 1.0)
    if share > fast:
        share = fast
    if share < slow:
        share = slow
    s[o] = share * x + (1.0 - share) * s[o]
    s[o + 1] = 0.5 * share * s[o] + (1.0 - 0.5 * share) * s[o + 1]
    return s[o]


@primitive
def trendline(s: Floats, t: Ints, o: int, x: float) -> float:
    """Cells: bars, 3 averages, discriminator (36), 52 prices. By the C library's atan."""
    a, prices = o + 4, o + 40
    _shift(s, prices, 52, x)
    i = t[o]
    t[o] = i + 1
    if i < 6:
        return NULL
    _in_phase(s, a, prices)
    s[a + 3] = 0.2 * (s[a + 1] * s[a + 34] + s[a + 2] * s[a + 35]) + 0.8 * s[a + 3]
    s[a + 4] = 0.2 * (s[a + 1] * s[a + 35] - s[a + 2] * s[a + 34]) + 0.8 * s[a + 4]
    period = 0.0
    if s[a + 3] != 0.0 and s[a + 4] != 0.0:
        period = 360.0 / np.rad2deg(math.atan(s[a + 4] / s[a + 3]))
    _period(s, a, period)
    bars = min(int(s[a + 5] + 0.5), 52)
    mean = 0.0
    for j in range(bars):
        mean += s[prices + j]
    if bars > 0:
        mean /= bars
    line = 0.4 * mean + 0.3 * s[o + 1] + 0.2 * s[o + 2] + 0.1 * s[o + 3]
    _shift(s, o + 1, 3, mean)
    return line
