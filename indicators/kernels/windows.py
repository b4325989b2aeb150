"""Primitives over the last n bars: a ring of n cells and a counter.

`s` is all state as float64, `t` the same cells as int64, `o` the primitive's first cell, its
counter: below n while the ring fills, then n … 2n−1, so that one number says both place and
fullness. The ring begins at cell o+1. Rolling statistics follow pandas 3.1 to the bit: compensated
adding and removing, over nulls, infinities read as null.
"""

# mypy: disable-error-code="no-any-return, arg-type"
import math

import numpy as np
import numpy.typing as npt

from indicators.kernels.compiling import primitive

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NULL = math.nan
INSTABILITY = 2.0**-52 * 1e3
ORIGIN_MAX = math.sqrt(np.finfo(np.float64).max)


@primitive
def place(t: Ints, o: int, n: int) -> int:
    """Where the next value goes: the cell of the oldest."""
    c = t[o]
    return c if c < n else c - n


@primitive
def advance(t: Ints, o: int, n: int) -> bool:
    """Counts the value just put; true when the ring is full."""
    c = t[o] + 1
    t[o] = n if c == 2 * n else c
    return c >= n


@primitive
def lag(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    p = o + 1 + place(t, o, n)
    was = s[p] if t[o] >= n else NULL
    s[p] = x
    advance(t, o, n)
    return was


@primitive
def sma(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    s[o + 1 + place(t, o, n)] = x
    if not advance(t, o, n):
        return NULL
    weight = 1.0 / n
    total = 0.0
    ring = o + 1
    oldest = ring + place(t, o, n)
    for j in range(oldest, ring + n):
        total += s[j] * weight
    for j in range(ring, oldest):
        total += s[j] * weight
    return total


@primitive
def wma(s: Floats, t: Ints, o: int, n: int, ascending: int, x: float) -> float:
    s[o + 1 + place(t, o, n)] = x
    if not advance(t, o, n):
        return NULL
    total = 0.0
    ring = o + 1
    oldest = ring + place(t, o, n)
    weight = 1.0 if ascending == 1 else float(n)
    step = 1.0 if ascending == 1 else -1.0
    for j in range(oldest, ring + n):
        total += weight * s[j]
        weight += step
    for j in range(ring, oldest):
        total += weight * s[j]
        weight += step
    return total * (2.0 / (n * n + n))


@primitive
def highest(s: Floats, t: Ints, o: int, n: int, least: int, x: float) -> float:
    """After the ring: the best, its age, and how many values came since the last null; null until
    they are `least`."""
    s[o + 1 + place(t, o, n)] = x
    advance(t, o, n)
    best, age, run = o + n + 1, o + n + 2, o + n + 3
    if x - x != 0.0:
        t[run] = 0
        return NULL
    t[run] = min(t[run] + 1, n)
    if t[run] == 1 or x >= s[best]:
        s[best] = x
        t[age] = 0
    else:
        t[age] += 1
        if t[age] == n:
            newest = place(t, o, n) - 1
            s[best] = x
            t[age] = 0
            for j in range(1, n):
                q = newest - j
                v = s[o + 1 + (q if q >= 0 else q + n)]
                if v > s[best]:
                    s[best] = v
                    t[age] = j
    return s[best] if t[run] >= least else NULL


@primitive
def lowest(s: Floats, t: Ints, o: int, n: int, least: int, x: float) -> float:
    """As `highest`, for the least."""
    return -highest(s, t, o, n, least, -x)


@primitive
def since_highest(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    best = highest(s, t, o, n, n, x)
    return float(t[o + n + 2]) if best == best else NULL


@primitive
def summing(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """pandas' add and remove with a compensation each. Cells after the ring: sum, the two
    compensations, valid count, run of equal values, the value of the run."""
    a = o + n + 1
    p = o + 1 + place(t, o, n)
    if x - x != 0.0:
        x = NULL
    if n == 1:
        for j in range(a, a + 5):
            t[j] = 0
        t[o] = 0
    if t[o] == 0:
        s[a + 5] = x
    if t[o] >= n and s[p] == s[p]:
        y = -s[p] - s[a + 2]
        z = s[a] + y
        s[a + 2] = z - s[a] - y
        s[a] = z
        t[a + 3] -= 1
    s[p] = x
    advance(t, o, n)
    if x == x:
        y = x - s[a + 1]
        z = s[a] + y
        s[a + 1] = z - s[a] - y
        s[a] = z
        t[a + 3] += 1
        t[a + 4] = t[a + 4] + 1 if x == s[a + 5] else 1
        s[a + 5] = x
    return s[a]


@primitive
def rolling_sum(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    total = summing(s, t, o, n, x)
    a = o + n + 1
    if t[a + 3] < n:
        return NULL
    return s[a + 5] * t[a + 3] if t[a + 4] >= t[a + 3] else total


@primitive
def rolling_mean(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """One cell more than the sum: how many in the window have a minus sign."""
    a = o + n + 1
    was = s[o + 1 + place(t, o, n)]
    if n > 1 and t[o] >= n and was == was and math.copysign(1.0, was) < 0.0:
        t[a + 6] -= 1
    if n == 1:
        t[a + 6] = 0
    total = summing(s, t, o, n, x)
    if x - x == 0.0 and math.copysign(1.0, x) < 0.0:
        t[a + 6] += 1
    if t[a + 3] < n:
        return NULL
    mean = total / t[a + 3]
    if t[a + 4] >= t[a + 3]:
        return s[a + 5]
    if (t[a + 6] == 0 and mean < 0.0) or (t[a + 6] == t[a + 3] and mean > 0.0):
        return 0.0
    return mean


@primitive
def _take_in(s: Floats, t: Ints, a: int, x: float) -> None:
    """Welford's step; cells: valid count, mean, M2, the two compensations, unstable."""
    if x != x:
        return
    q = s[a + 2]
    t[a] += 1
    was = s[a + 1] - s[a + 3]
    y = x - s[a + 3]
    d = y - s[a + 1]
    s[a + 3] = d + s[a + 1] - y
    s[a + 1] += d / t[a]
    s[a + 2] += (x - was) * (x - s[a + 1])
    if q * INSTABILITY > s[a + 2]:
        t[a + 5] = 1


@primitive
def _let_go(s: Floats, t: Ints, a: int, x: float) -> None:
    if x != x:
        return
    q = s[a + 2]
    t[a] -= 1
    if t[a] == 0:
        s[a + 1] = 0.0
        s[a + 2] = 0.0
        t[a + 5] = 0
        return
    was = s[a + 1] - s[a + 4]
    y = x - s[a + 4]
    d = y - s[a + 1]
    s[a + 4] = d + s[a + 1] - y
    s[a + 1] -= d / t[a]
    s[a + 2] -= (x - was) * (x - s[a + 1])
    if q * INSTABILITY > s[a + 2]:
        t[a + 5] = 1


@primitive
def rolling_variance(s: Floats, t: Ints, o: int, n: int, ddof: int, x: float) -> float:
    """pandas' recurrence; where M2 collapsed, once more from the window."""
    a = o + n + 1
    p = o + 1 + place(t, o, n)
    if x - x != 0.0:
        x = NULL
    if n == 1:
        for j in range(a, a + 6):
            t[j] = 0
    elif t[o] >= n:
        _let_go(s, t, a, s[p])
    s[p] = x
    advance(t, o, n)
    _take_in(s, t, a, x)
    if t[a + 5] == 1:
        for j in range(a, a + 5):
            t[j] = 0
        held = n if t[o] >= n else t[o]
        first = place(t, o, n) if t[o] >= n else 0
        for j in range(held):
            q = first + j
            _take_in(s, t, a, s[o + 1 + (q if q < n else q - n)])
        t[a + 5] = 0
    if t[a] < n or t[a] <= ddof:
        return NULL
    return s[a + 2] / (t[a] - float(ddof))


@primitive
def _leaf(
    s: Floats, ring: int, oldest: int, n: int, lo: int, m: int, mode: int, centre: float
) -> float:
    """numpy's sum of up to 128 values of the ring, in its order. Mode 0: of x, 1: of |x − centre|,
    2: of i·x with i = 1 … n, 3: of x²."""
    r0 = r1 = r2 = r3 = r4 = r5 = r6 = r7 = 0.0
    total = 0.0
    whole = m - m % 8
    for i in range(m):
        q = oldest + lo + i
        x = s[ring + (q if q < n else q - n)]
        if mode == 1:
            x = abs(x - centre)
        elif mode == 2:
            x = (lo + i + 1) * x
        elif mode == 3:
            x = x * x
        if i >= whole:
            if i == whole and whole > 0:
                total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
            total += x
        else:
            j = i & 7
            if j == 0:
                r0 += x
            elif j == 1:
                r1 += x
            elif j == 2:
                r2 += x
            elif j == 3:
                r3 += x
            elif j == 4:
                r4 += x
            elif j == 5:
                r5 += x
            elif j == 6:
                r6 += x
            else:
                r7 += x
    if whole == m:
        return ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    return total


@primitive
def _tree(s: Floats, lefts: int, ring: int, oldest: int, n: int, mode: int, centre: float) -> float:
    """numpy's pairwise sum: halves (multiples of 8) down to 128; left halves wait in `lefts`."""
    value = 0.0
    at = 0
    while at < n:
        lo, m, depth, turns = 0, n, 0, 0
        while m > 128:
            half = m // 2
            half -= half % 8
            if at < lo + half:
                m = half
            else:
                lo += half
                m -= half
                turns |= 1 << depth
            depth += 1
        value = _leaf(s, ring, oldest, n, lo, m, mode, centre)
        while depth > 0:
            depth -= 1
            if turns & (1 << depth) == 0:
                s[lefts + depth] = value
                break
            value = s[lefts + depth] + value
        at = lo + m
    return value


@primitive
def mean_deviation(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    """Two passes over the window, summed as numpy sums. Null while a null is in it."""
    if x - x != 0.0:
        x = NULL
    s[o + 1 + place(t, o, n)] = x
    if not advance(t, o, n):
        return NULL
    oldest = place(t, o, n)
    mean = _tree(s, o + n + 1, o + 1, oldest, n, 0, 0.0) / n
    if mean != mean:
        return NULL
    return _tree(s, o + n + 1, o + 1, oldest, n, 1, mean) / n


@primitive
def dot(s: Floats, t: Ints, o: int, n: int, x: float, reg: Floats, first: int) -> float:
    if x - x != 0.0:
        x = NULL
    s[o + 1 + place(t, o, n)] = x
    if not advance(t, o, n):
        return NULL
    total = 0.0
    q = place(t, o, n)
    for j in range(n):
        total += reg[first + j] * s[o + 1 + q]
        q = q + 1 if q + 1 < n else 0
    return total


@primitive
def regression(s: Floats, t: Ints, o: int, n: int, kind: int, x: float) -> float:
    """Least squares over 1 … n. Kinds: 0 value at n, 1 at n−1, 2 correlation, 3 slope, 4 at 0."""
    s[o + 1 + place(t, o, n)] = x
    if not advance(t, o, n):
        return NULL
    lefts, ring, oldest = o + n + 1, o + 1, place(t, o, n)
    xs = 0.5 * n * (n + 1)
    x2 = xs * (2 * n + 1) / 3
    divisor = n * x2 - xs * xs
    ys = _tree(s, lefts, ring, oldest, n, 0, 0.0)
    xy = _tree(s, lefts, ring, oldest, n, 2, 0.0)
    if kind == 2:
        y2 = _tree(s, lefts, ring, oldest, n, 3, 0.0)
        root = divisor * (n * y2 - ys * ys)
        # pandas-ta raises to ½ by the C library, whose last bit may differ from a root's; the sum
        # keeps the compiler from seeing that it is one.
        root = root ** (0.5 + 0.0 * t[o]) if root >= 0.0 else NULL
        if abs(root) < 2.0**-52:
            root = 2.0**-52
        return (n * xy - xs * ys) / root
    slope = (n * xy - xs * ys) / divisor
    if kind == 3:
        return slope
    begin = (ys * x2 - xs * xy) / divisor
    if kind == 4:
        return begin
    return slope * n + begin if kind == 0 else slope * (n - 1) + begin


@primitive
def quantile(s: Floats, t: Ints, o: int, n: int, median: int, x: float, q: float) -> float:
    """After the ring: how many are valid, then these in order."""
    if x - x != 0.0:
        x = NULL
    p, held, first = o + 1 + place(t, o, n), o + n + 1, o + n + 2
    if t[o] >= n and s[p] == s[p]:
        j = first
        while s[j] != s[p]:
            j += 1
        t[held] -= 1
        while j < first + t[held]:
            s[j] = s[j + 1]
            j += 1
    s[p] = x
    advance(t, o, n)
    if x == x:
        j = first + t[held]
        while j > first and s[j - 1] > x:
            s[j] = s[j - 1]
            j -= 1
        s[j] = x
        t[held] += 1
    if t[held] < n:
        return NULL
    if median == 1:
        middle = first + n // 2
        return s[middle] if n % 2 == 1 else (s[middle] + s[middle - 1]) / 2.0
    rank = q * (n - 1)
    below = int(rank)
    if rank == below:
        return s[first + below]
    return s[first + below] + (s[first + below + 1] - s[first + below]) * (rank - below)


@primitive
def rank(s: Floats, t: Ints, o: int, n: int, x: float) -> float:
    below = 0
    full = t[o] >= n
    if full:
        for j in range(o + 1, o + 1 + n):
            if s[j] < x:
                below += 1
    s[o + 1 + place(t, o, n)] = x
    advance(t, o, n)
    return below / n if full else NULL


@primitive
def signs(s: Floats, t: Ints, o: int, n: int, x: float, y: float) -> float:
    total = 0.0
    full = t[o] >= n
    if full:
        for j in range(o + 1, o + 1 + n):
            if y > s[j]:
                total += 1.0
            elif y < s[j]:
                total -= 1.0
    s[o + 1 + place(t, o, n)] = x
    advance(t, o, n)
    return total if full else NULL


@primitive
def _doubtful(s: Floats, t: Ints, a: int, fourth: bool) -> None:
    m4 = s[a + 5] if fourth else 0.0
    if not (s[a + 3] == s[a + 3] and s[a + 4] == s[a + 4] and m4 == m4):
        t[a + 7] = 1
    if s[a + 1] * s[a + 1] * (1.0 / 16.0) > s[a + 3]:
        t[a + 7] = 1
    if s[a + 6] * s[a + 6] * (2.0**-52 / INSTABILITY) > s[a + 3]:
        t[a + 7] = 1


@primitive
def _moment_in(s: Floats, t: Ints, a: int, x: float, fourth: bool) -> None:
    """Cells: count, mean, origin, M2, M3, M4, peak, doubtful; x is measured from the origin."""
    if x != x:
        return
    if t[a] == 0:
        s[a + 2] = x if abs(x) < ORIGIN_MAX else 0.0
    x -= s[a + 2]
    d = x - s[a + 1]
    t[a] += 1
    n = float(t[a])
    dn = d / n
    z = d * dn * (n - 1.0)
    if fourth:
        s[a + 5] += dn * (-4.0 * s[a + 4] + dn * (6.0 * s[a + 3] + z * (n * n - 3.0 * n + 3.0)))
    s[a + 4] += dn * (z * (n - 2.0) - 3.0 * s[a + 3])
    s[a + 3] += z
    s[a + 1] += dn
    s[a + 6] = max(s[a + 6], abs(x - s[a + 1]))
    _doubtful(s, t, a, fourth)


@primitive
def _moment_out(s: Floats, t: Ints, a: int, x: float, fourth: bool) -> None:
    if x != x:
        return
    t[a] -= 1
    if t[a] == 0:
        for j in range(a, a + 8):
            t[j] = 0
        return
    x -= s[a + 2]
    n = float(t[a])
    d = x - s[a + 1]
    dn = d / n
    z = dn * d * (n + 1.0)
    if fourth:
        s[a + 5] += dn * (4.0 * s[a + 4] + dn * (6.0 * s[a + 3] - z * (n * n + 3.0 * n + 3.0)))
    s[a + 4] -= dn * (z * (n + 2.0) - 3.0 * s[a + 3])
    s[a + 3] -= z
    s[a + 1] -= dn
    s[a + 6] = max(s[a + 6], abs(x - s[a + 1]))
    _doubtful(s, t, a, fourth)


@primitive
def moment(s: Floats, t: Ints, o: int, n: int, order: int, x: float) -> float:
    """pandas' anchored co-moments with removal, once more from the window where in doubt."""
    a = o + n + 1
    p = o + 1 + place(t, o, n)
    fourth = order == 4
    if x - x != 0.0:
        x = NULL
    begun = t[o] > 0
    if t[o] >= n:
        _moment_out(s, t, a, s[p], fourth)
    s[p] = x
    advance(t, o, n)
    _moment_in(s, t, a, x, fourth)
    if not begun:
        t[a + 7] = 0
    if t[a + 7] == 1:
        for j in range(a, a + 8):
            t[j] = 0
        held = n if t[o] >= n else t[o]
        first = place(t, o, n) if t[o] >= n else 0
        for j in range(held):
            q = first + j
            _moment_in(s, t, a, s[o + 1 + (q if q < n else q - n)], fourth)
        t[a + 7] = 0
    if t[a] < n or n < order:
        return NULL
    m = float(t[a])
    if fourth:
        scale = (m - 1.0) / ((m - 2.0) * (m - 3.0))
        return scale * (m * (m + 1.0) * (s[a + 5] / (s[a + 3] * s[a + 3])) - 3.0 * (m - 1.0))
    scale = (m * math.sqrt(m - 1.0)) / (m - 2.0)
    return s[a + 4] / (s[a + 3] * math.sqrt(s[a + 3])) * scale
