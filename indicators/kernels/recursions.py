"""Primitives that carry the past in a few cells: sums, seeds, exponential averages.

`s` is all state as float64, `t` the same cells as int64, `o` the primitive's first cell.
"""

# mypy: disable-error-code="no-any-return, arg-type"
import math

import numpy as np
import numpy.typing as npt

from indicators.kernels.compiling import primitive

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NULL = math.nan


@primitive
def latch(t: Ints, o: int, x: float) -> float:
    if x == 0.0:
        t[o] = 1
    return 1.0 if t[o] == 1 else 0.0


@primitive
def cumulate(s: Floats, o: int, x: float) -> float:
    if x != x:
        return NULL
    s[o] += x
    return s[o]


@primitive
def session_sum(s: Floats, o: int, x: float, key: float) -> float:
    """pandas' grouped cumulative sum: compensated. Cells: key, sum, compensation."""
    if key != s[o]:
        s[o] = key
        s[o + 1] = 0.0
        s[o + 2] = 0.0
    if x != x:
        return NULL
    y = x - s[o + 2]
    z = s[o + 1] + y
    c = z - s[o + 1] - y
    s[o + 2] = c if c == c else 0.0
    s[o + 1] = z
    return z


@primitive
def seed(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """Null for n−1 bars, then the mean of the first n (nulls left out, summed as numpy sums),
    then x. Cells: bars, valid, 8 accumulators, left halves."""
    i = t[o]
    if i >= n:
        return x
    t[o] = i + 1
    if x == x:
        t[o + 1] += 1
    else:
        x = 0.0
    lo, m, depth, turns = 0, n, 0, 0
    while m > 128:
        half = m // 2
        half -= half % 8
        if i < lo + half:
            m = half
        else:
            lo += half
            m -= half
            turns |= 1 << depth
        depth += 1
    j = i - lo
    a = o + 2
    whole = m - m % 8
    if j >= whole:
        s[a] = (0.0 if j == 0 else s[a]) + x
    else:
        s[a + (j & 7)] = (0.0 if j < 8 else s[a + (j & 7)]) + x
        if j + 1 == whole:
            s[a] = ((s[a] + s[a + 1]) + (s[a + 2] + s[a + 3])) + (
                (s[a + 4] + s[a + 5]) + (s[a + 6] + s[a + 7])
            )
    if j + 1 == m:
        value = s[a]
        while depth > 0:
            depth -= 1
            if turns & (1 << depth) == 0:
                s[o + 10 + depth] = value
                break
            value = s[o + 10 + depth] + value
        s[a] = value
    if i + 1 < n:
        return NULL
    return s[a] / t[o + 1] if t[o + 1] > 0 else NULL


@primitive
def ewm(s: Floats, t: Ints, o: int, half: int, x: float, alpha: float) -> float:
    """pandas' ewm(adjust=False). Cells: started, value, weight of the value. `half` marks com = 1,
    where pandas takes the new weight as what the old one leaves."""
    if x - x != 0.0:
        x = NULL
    if t[o] == 0:
        if x != x:
            return NULL
        t[o] = 1
        s[o + 1] = x
        s[o + 2] = 1.0
        return x
    weight = s[o + 2] * (1.0 - alpha)
    if x != x:
        s[o + 2] = weight
        return s[o + 1]
    value = s[o + 1]
    if value != x:
        new = 1.0 - weight if half == 1 else alpha
        value = weight * value + new * x
        value = value / (weight + new)
        s[o + 1] = value
    s[o + 2] = 1.0
    return value


@primitive
def ema(s: Floats, t: Ints, o: int, n: int, variant: int, x: float, alpha: float) -> float:
    """`variant`: 1 counts bars from the first value, 2 marks com = 1 (both: 3)."""
    if variant & 1 == 1 and t[o] == 0 and x != x:
        return NULL
    return ewm(s, t, o + 18, variant >> 1, seed(s, t, o, n, x), alpha)


@primitive
def count(t: Ints, o: int) -> float:
    t[o] += 1
    return float(t[o] - 1)


@primitive
def hold(s: Floats, t: Ints, o: int, condition: float, x: float) -> float:
    if condition == condition and condition != 0.0:
        t[o] = 1
        s[o + 1] = x
    return s[o + 1] if t[o] == 1 else NULL


@primitive
def streak(t: Ints, o: int, condition: float) -> float:
    t[o] = t[o] + 1 if condition == condition and condition != 0.0 else 0
    return float(t[o])


@primitive
def ewm_adjusted(s: Floats, t: Ints, o: int, least: int, x: float, alpha: float) -> float:
    """Cells: started, value, weight of the value, values seen."""
    if x - x != 0.0:
        x = NULL
    if x == x:
        t[o + 3] += 1
    if t[o] == 0:
        if x == x:
            t[o] = 1
            s[o + 1] = x
            s[o + 2] = 1.0
    else:
        s[o + 2] *= 1.0 - alpha
        if x == x:
            if s[o + 1] != x:
                s[o + 1] = (s[o + 2] * s[o + 1] + 1.0 * x) / (s[o + 2] + 1.0)
            s[o + 2] += 1.0
    return s[o + 1] if t[o] == 1 and t[o + 3] >= least else NULL


@primitive
def smma(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """Cells: bars, value, then the first n values, which are summed newest first."""
    i = t[o]
    if i >= n:
        s[o + 1] = ((n - 1) * s[o + 1] + x) / n
        return s[o + 1]
    t[o] = i + 1
    s[o + 2 + i] = x
    if i + 1 < n:
        return NULL
    weight = 1.0 / n
    total = 0.0
    for j in range(n):
        total += weight * s[o + 1 + n - j]
    s[o + 1] = total
    return total


@primitive
def two_poles(
    s: Floats, t: Ints, o: int, begins: int, x: float, c: float, b: float, d: float
) -> float:
    """Cells: bars, last input, last two results."""
    if x != x:
        return NULL
    if begins < 2 and t[o] < 2:
        t[o] += 1
        y = x if begins == 0 else 0.0
    else:
        y = c * (x + s[o + 1]) + b * s[o + 2] - d * s[o + 3]
    s[o + 1] = x
    s[o + 3] = s[o + 2]
    s[o + 2] = y
    return y


@primitive
def three_poles(s: Floats, t: Ints, o: int, x: float, b: float, c: float, d: float) -> float:
    """Cells: bars, last three results."""
    if t[o] < 3:
        t[o] += 1
        y = x
    else:
        y = (1.0 - b - c - d) * x + b * s[o + 1] + c * s[o + 2] + d * s[o + 3]
    s[o + 3] = s[o + 2]
    s[o + 2] = s[o + 1]
    s[o + 1] = y
    return y


@primitive
def holt_winters(s: Floats, t: Ints, o: int, x: float, na: float, nb: float, nc: float) -> float:
    """Cells: started, level, velocity, acceleration."""
    if t[o] == 0:
        t[o] = 1
        s[o + 1] = x
    level = (1.0 - na) * (s[o + 1] + s[o + 2] + 0.5 * s[o + 3]) + na * x
    speed = (1.0 - nb) * (s[o + 2] + s[o + 3]) + nb * (level - s[o + 1])
    change = (1.0 - nc) * s[o + 3] + nc * (speed - s[o + 2])
    s[o + 1] = level
    s[o + 2] = speed
    s[o + 3] = change
    return level + speed + 0.5 * change


@primitive
def fade(s: Floats, o: int, x: float, keep: float) -> float:
    if x != x:
        return NULL
    s[o] = x + keep * s[o]
    return s[o]


@primitive
def blend(s: Floats, t: Ints, o: int, n: int, x: float, share: float, begin: float) -> float:
    if t[o] < n:
        t[o] += 1
        s[o + 1] = begin
    else:
        s[o + 1] = share * x + (1.0 - share) * s[o + 1]
    return s[o + 1]


@primitive
def ratchet(s: Floats, t: Ints, o: int, up: float, low: float, high: float) -> float:
    """Cells: started, last result."""
    before = s[o + 1] if t[o] == 1 else NULL
    if up == up and up != 0.0:
        y = before if low < before else low
    else:
        y = before if high > before else high
    t[o] = 1
    s[o + 1] = y
    return y


@primitive
def decay(s: Floats, t: Ints, o: int, exponential: int, x: float, rate: float) -> float:
    if t[o] == 0:
        t[o] = 1
        s[o + 1] = x
        return x
    faded = s[o + 1] * rate if exponential == 1 else s[o + 1] - rate
    s[o + 1] = max(0.0, x, faded)
    return s[o + 1]


@primitive
def mcginley(s: Floats, t: Ints, o: int, x: float, length: float) -> float:
    if t[o] == 0:
        t[o] = 1
        s[o + 1] = x
        return NULL
    s[o + 1] += (x - s[o + 1]) / (length * (x / s[o + 1]) ** 4.0)
    return s[o + 1]


@primitive
def fisher(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """Cells: bars, smoothed position, last result."""
    i = t[o]
    if i < n:
        t[o] = i + 1
        return 0.0 if i == n - 1 else NULL
    v = 0.66 * x + 0.67 * s[o + 1]
    if v < -0.99:
        v = -0.999
    if v > 0.99:
        v = 0.999
    s[o + 1] = v
    s[o + 2] = 0.5 * (math.log((1.0 + v) / (1.0 - v)) + s[o + 2])
    return s[o + 2]
