"""Primitives that carry the past in a few cells: sums, seeds, exponential averages.

`s` is all state as float64, `t` the same cells as int64, `o` the primitive's first cell.
"""

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
    if not x - x == 0.0:
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
