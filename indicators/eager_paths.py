"""Eager primitives: ranks, lines, and what follows a path; loops over lists."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from indicators import ops
from indicators.eager_rolling import dot, finite, windows

Floats = npt.NDArray[np.float64]
type Primitive = Callable[[int, int, Floats, Floats, Floats, Floats], Floats]


def paths() -> Mapping[int, Primitive]:
    """The primitives of this file by number."""
    return {
        ops.LOGARITHM: lambda n, k, a, b, c, d: np.array([_log(x, k) for x in a.tolist()]),
        ops.COUNT: lambda n, k, a, b, c, d: np.arange(float(len(a))),
        ops.HOLD: lambda n, k, a, b, c, d: _hold(a, b),
        ops.STREAK: lambda n, k, a, b, c, d: _streak(a),
        ops.REGRESSION: lambda n, k, a, b, c, d: windows(n, a, lambda w: _line(n, k, w)),
        ops.QUANTILE: lambda n, k, a, b, c, d: windows(
            n, finite(a), lambda w: _quantile(n, k, float(b[0]), w)
        ),
        ops.SINCE_HIGHEST: lambda n, k, a, b, c, d: windows(
            n, finite(a), lambda w: math.nan if np.isnan(w).any() else float(np.argmax(w[::-1]))
        ),
        ops.SINCE_LOWEST: lambda n, k, a, b, c, d: windows(
            n, finite(a), lambda w: math.nan if np.isnan(w).any() else float(np.argmin(w[::-1]))
        ),
        ops.RANK: lambda n, k, a, b, c, d: np.array(
            [(a[t - n : t] < a[t]).sum() / n if t >= n else math.nan for t in range(len(a))]
        ),
        ops.SIGNS: lambda n, k, a, b, c, d: np.array(
            [np.sign(b[t] - a[t - n : t]).sum() if t >= n else math.nan for t in range(len(a))]
        ),
        ops.EWM_ADJUSTED: lambda n, k, a, b, c, d: _ewm_adjusted(n, a, float(b[0])),
        ops.SMMA: lambda n, k, a, b, c, d: _smma(n, a),
        ops.TWO_POLES: lambda n, k, a, b, c, d: _two(k, a, float(b[0]), float(c[0]), float(d[0])),
        ops.THREE_POLES: lambda n, k, a, b, c, d: _three(a, float(b[0]), float(c[0]), float(d[0])),
        ops.HOLT_WINTERS: lambda n, k, a, b, c, d: _holt(a, float(b[0]), float(c[0]), float(d[0])),
        ops.FADE: lambda n, k, a, b, c, d: _fade(a, float(b[0])),
        ops.BLEND: lambda n, k, a, b, c, d: _blend(n, a, b, c),
        ops.RATCHET: lambda n, k, a, b, c, d: _ratchet(a, b, c),
        ops.DECAY: lambda n, k, a, b, c, d: _decay(k, a, float(b[0])),
    }


def dots(n: int, a: Floats, weights: Floats) -> Floats:
    """Σ w·x of each full window, oldest first."""
    return windows(n, finite(a), lambda w: dot(weights.tolist(), w))


def _log(x: float, decimal: int) -> float:
    if x > 0.0:
        return math.log10(x) if decimal else math.log(x)
    return -math.inf if x == 0.0 else math.nan


def _hold(condition: Floats, a: Floats) -> Floats:
    out, last = [], math.nan
    for on, x in zip(condition.tolist(), a.tolist(), strict=True):
        last = x if on == on and on != 0.0 else last
        out.append(last)
    return np.array(out)


def _streak(condition: Floats) -> Floats:
    out: list[float] = []
    for on in condition.tolist():
        out.append((out[-1] if out else 0.0) + 1.0 if on == on and on != 0.0 else 0.0)
    return np.array(out)


def _line(n: int, kind: int, w: Floats) -> float:
    x = np.arange(1, n + 1)
    xs = 0.5 * n * (n + 1)
    x2 = xs * (2 * n + 1) / 3
    divisor = n * x2 - xs * xs
    ys, xy = w.sum(), (x * w).sum()
    if kind == 2:
        inside = float(divisor * (n * (w * w).sum() - ys * ys))
        root = inside**0.5 if inside >= 0.0 else math.nan
        return float((n * xy - xs * ys) / (2.0**-52 if abs(root) < 2.0**-52 else root))
    slope, begin = (n * xy - xs * ys) / divisor, (ys * x2 - xs * xy) / divisor
    return float((slope * n + begin, slope * (n - 1) + begin, 0.0, slope, begin)[kind])


def _quantile(n: int, median: int, q: float, w: Floats) -> float:
    if np.isnan(w).any():
        return math.nan
    held = sorted(w.tolist())
    if median:
        return float(held[n // 2] if n % 2 else (held[n // 2] + held[n // 2 - 1]) / 2.0)
    rank = q * (n - 1)
    below = int(rank)
    if rank == below:
        return float(held[below])
    return float(held[below] + (held[below + 1] - held[below]) * (rank - below))


def _ewm_adjusted(least: int, a: Floats, alpha: float) -> Floats:
    out, value, weight, seen = [], math.nan, 0.0, 0
    for x in finite(a).tolist():
        seen += x == x
        weight *= 1.0 - alpha
        if value != value:
            value, weight = x, 1.0
        elif x == x:
            value = (weight * value + x) / (weight + 1.0) if x != value else value
            weight += 1.0
        out.append(value if seen >= least else math.nan)
    return np.array(out)


def _smma(n: int, a: Floats) -> Floats:
    out: list[float] = []
    for t, x in enumerate(a.tolist()):
        if t >= n:
            out.append(((n - 1) * out[-1] + x) / n)
        else:
            out.append(dot([1.0 / n] * n, a[:n][::-1]) if t == n - 1 else math.nan)
    return np.array(out)


def _two(begins: int, a: Floats, c: float, b: float, d: float) -> Floats:
    out, x1, y1, y2, bars = [], 0.0, 0.0, 0.0, 0
    for x in a.tolist():
        if x != x:
            out.append(math.nan)
            continue
        y = c * (x + x1) + b * y1 - d * y2
        if begins < 2 and bars < 2:
            y = x if begins == 0 else 0.0
        bars += 1
        x1, y2, y1 = x, y1, y
        out.append(y)
    return np.array(out)


def _three(a: Floats, b: float, c: float, d: float) -> Floats:
    out: list[float] = []
    for x in a.tolist():
        if len(out) < 3:
            out.append(x)
        else:
            out.append((1.0 - b - c - d) * x + b * out[-1] + c * out[-2] + d * out[-3])
    return np.array(out)


def _holt(a: Floats, na: float, nb: float, nc: float) -> Floats:
    out, level, speed, change = [], float(a[0]) if len(a) else 0.0, 0.0, 0.0
    for x in a.tolist():
        was, pace = level, speed
        level = (1.0 - na) * (level + speed + 0.5 * change) + na * x
        speed = (1.0 - nb) * (speed + change) + nb * (level - was)
        change = (1.0 - nc) * change + nc * (speed - pace)
        out.append(level + speed + 0.5 * change)
    return np.array(out)


def _fade(a: Floats, keep: float) -> Floats:
    out, last = [], 0.0
    for x in a.tolist():
        last = x + keep * last if x == x else last
        out.append(last if x == x else math.nan)
    return np.array(out)


def _blend(n: int, a: Floats, shares: Floats, begin: Floats) -> Floats:
    out = begin.tolist()
    for t in range(n, len(a)):
        share = float(shares[t])
        out[t] = share * float(a[t]) + (1.0 - share) * out[t - 1]
    return np.array(out)


def _ratchet(up: Floats, low: Floats, high: Floats) -> Floats:
    out, last = [], math.nan
    for on, bottom, top in zip(up.tolist(), low.tolist(), high.tolist(), strict=True):
        if on == on and on != 0.0:
            last = last if bottom < last else bottom
        else:
            last = last if top > last else top
        out.append(last)
    return np.array(out)


def _decay(exponential: int, a: Floats, rate: float) -> Floats:
    out: list[float] = []
    for x in a.tolist():
        faded = x if not out else out[-1] * rate if exponential else out[-1] - rate
        out.append(max(0.0, x, faded) if out else x)
    return np.array(out)
