"""The same tapes evaluated eagerly on whole arrays: the oracle of the kernel, plain and slow.

Every primitive once more, from its definition, on the whole past at once: numpy on arrays, or a
loop over lists. No state, no compiling. Its bits equal the kernel's.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from indicators import ops
from indicators.tape import Tape

Floats = npt.NDArray[np.float64]
type Primitive = Callable[[int, int, Floats, Floats, Floats, Floats], Floats]


def evaluate(tape: Tape, rows: Floats) -> Floats:
    """Outputs (rows, outputs) of inputs (rows, inputs), for one entity from its first bar."""
    registers: list[Floats] = [np.ascontiguousarray(column, np.float64) for column in rows.T]
    registers += [np.full(len(rows), value) for value in tape.constants]
    with np.errstate(all="ignore"):
        for op, _, n, k, *operands in tape.code.tolist():
            a, b, c, d = (registers[x] for x in operands)
            registers.append(np.asarray(_primitives()[op](n, k, a, b, c, d), np.float64))
    out = np.stack([registers[x] for x in tape.outputs], axis=1)
    return np.where(np.isnan(out), np.nan, out + 0.0)


@cache
def _primitives() -> Mapping[int, Primitive]:
    return {
        ops.ADD: lambda n, k, a, b, c, d: a + b,
        ops.SUBTRACT: lambda n, k, a, b, c, d: a - b,
        ops.MULTIPLY: lambda n, k, a, b, c, d: a * b,
        ops.DIVIDE: lambda n, k, a, b, c, d: a / b,
        ops.ABSOLUTE: lambda n, k, a, b, c, d: np.abs(a),
        ops.ROOT: lambda n, k, a, b, c, d: np.sqrt(a),
        ops.GREATER: lambda n, k, a, b, c, d: np.maximum(a, b),
        ops.LESSER: lambda n, k, a, b, c, d: np.minimum(a, b),
        ops.SIGN: lambda n, k, a, b, c, d: np.sign(a),
        ops.WHERE: lambda n, k, a, b, c, d: np.where((a != 0) & ~np.isnan(a), b, c),
        ops.ABOVE: lambda n, k, a, b, c, d: (a > b).astype(float),
        ops.AT_LEAST: lambda n, k, a, b, c, d: (a >= b).astype(float),
        ops.BELOW: lambda n, k, a, b, c, d: (a < b).astype(float),
        ops.AT_MOST: lambda n, k, a, b, c, d: (a <= b).astype(float),
        ops.EQUAL: lambda n, k, a, b, c, d: (a == b).astype(float),
        ops.VALID: lambda n, k, a, b, c, d: (~np.isnan(a)).astype(float),
        ops.FILL: lambda n, k, a, b, c, d: np.where(np.isnan(a), b, a),
        ops.DIRECTIONAL: lambda n, k, a, b, c, d: _directional(a, b),
        ops.SPREAD: lambda n, k, a, b, c, d: _spread(k, a, b, c, d),
        ops.SESSION: lambda n, k, a, b, c, d: _session(k, a),
        ops.LAG: lambda n, k, a, b, c, d: np.concatenate([np.full(n, np.nan), a])[: len(a)],
        ops.LATCH: lambda n, k, a, b, c, d: np.maximum.accumulate((a == 0).astype(float)),
        ops.CUMULATE: lambda n, k, a, b, c, d: np.where(
            np.isnan(a), np.nan, np.cumsum(np.where(np.isnan(a), 0.0, a))
        ),
        ops.SESSION_SUM: lambda n, k, a, b, c, d: _session_sum(a, b),
        ops.SEED: lambda n, k, a, b, c, d: _seed(n, a),
        ops.SMA: lambda n, k, a, b, c, d: _windows(n, a, lambda w: _dot([1.0 / n] * n, w)),
        ops.WMA: lambda n, k, a, b, c, d: _windows(n, a, lambda w: _weighted(n, k, w)),
        ops.ROLLING_SUM: lambda n, k, a, b, c, d: _sums(n, a, mean=False),
        ops.ROLLING_MEAN: lambda n, k, a, b, c, d: _sums(n, a, mean=True),
        ops.ROLLING_VARIANCE: lambda n, k, a, b, c, d: _variances(n, k, a),
        ops.HIGHEST: lambda n, k, a, b, c, d: _windows(n, _finite(a), np.max),
        ops.LOWEST: lambda n, k, a, b, c, d: _windows(n, _finite(a), np.min),
        ops.MEAN_DEVIATION: lambda n, k, a, b, c, d: _windows(
            n, _finite(a), lambda w: np.abs(w - w.mean()).mean()
        ),
        ops.EWM: lambda n, k, a, b, c, d: _ewm(k, a, b),
        ops.EMA: lambda n, k, a, b, c, d: _ema(n, k, a, b),
    }


def _finite(a: Floats) -> Floats:
    return np.where(np.isfinite(a), a, np.nan)


def _windows(n: int, a: Floats, of: Callable[[Floats], float]) -> Floats:
    """`of` each full window, oldest value first."""
    return np.array([of(a[t - n + 1 : t + 1]) if t >= n - 1 else np.nan for t in range(len(a))])


def _dot(weights: list[float], values: Floats) -> float:
    total = 0.0
    for weight, value in zip(weights, values.tolist(), strict=True):
        total += weight * value
    return total


def _weighted(n: int, ascending: int, values: Floats) -> float:
    weights = [float(i) for i in range(1, n + 1)]
    return _dot(weights if ascending else weights[::-1], values) * (2 / (n * n + n))


def _directional(a: Floats, b: Floats) -> Floats:
    moved = np.where((a > b) & (a > 0), a, 0.0)
    return np.where(np.isnan(a), np.nan, np.where(np.abs(moved) < ops.EPSILON, 0.0, moved))


def _spread(strict: int, d: Floats, high: Floats, low: Floats, before: Floats) -> Floats:
    widest = np.fmax(np.fmax(np.abs(d), np.abs(high - before)), np.abs(before - low))
    return np.where(np.isnan(before), np.nan, widest) if strict else widest


def _session(unit: int, seconds: Floats) -> Floats:
    """By numpy's calendar; a week is numbered by the Sunday that ends it."""
    days = np.floor(seconds / 86400.0).astype(np.int64).astype("datetime64[D]")
    if unit >= 5:
        return np.floor(seconds / (3600.0 if unit == 5 else 60.0))
    if unit == 1:
        return np.asarray((days.astype(np.int64) + 3) // 7, np.float64)
    months = days.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    by = {0: days.astype(np.int64), 2: months, 3: months // 3, 4: months // 12}
    return by[unit].astype(np.float64)


def _session_sum(a: Floats, keys: Floats) -> Floats:
    out, total, lost, last = [], 0.0, 0.0, math.nan
    for x, key in zip(a.tolist(), keys.tolist(), strict=True):
        if key != last:
            total, lost, last = 0.0, 0.0, key
        if x == x:
            y = x - lost
            lost = (total + y) - total - y
            lost = lost if lost == lost else 0.0
            total += y
        out.append(total if x == x else math.nan)
    return np.array(out)


def _seed(n: int, a: Floats) -> Floats:
    out = a.copy()
    out[: n - 1] = np.nan
    if len(a) >= n:
        head = a[:n]
        valid = np.isfinite(head) | np.isinf(head)
        out[n - 1] = np.where(valid, head, 0.0).sum() / valid.sum() if valid.any() else np.nan
    return out


def _sums(n: int, a: Floats, *, mean: bool) -> Floats:
    """pandas' rolling sum or mean: what leaves and what comes, each with its compensation."""
    values = _finite(a).tolist()
    out, total, lost_in, lost_out = [], 0.0, 0.0, 0.0
    for t, x in enumerate(values):
        if n == 1:
            total = lost_in = lost_out = 0.0
        elif t >= n and (gone := values[t - n]) == gone:
            y = -gone - lost_out
            lost_out, total = (total + y) - total - y, total + y
        if x == x:
            y = x - lost_in
            lost_in, total = (total + y) - total - y, total + y
        window = values[max(t - n + 1, 0) : t + 1]
        if sum(v == v for v in window) < n:
            out.append(math.nan)
        elif len(set(window)) == 1:
            out.append(window[-1] if mean else window[-1] * n)
        elif mean:
            signs = {math.copysign(1.0, v) for v in window}
            value = total / n
            out.append(0.0 if len(signs) == 1 and value * signs.pop() < 0 else value)
        else:
            out.append(total)
    return np.array(out)


def _variances(n: int, ddof: int, a: Floats) -> Floats:
    """pandas' Welford with removal; where M2 collapses, once more from the window alone."""
    values, limit = _finite(a).tolist(), 2.0**-52 * 1e3
    out: list[float] = []
    count, mean, m2, lost_in, lost_out = 0, 0.0, 0.0, 0.0, 0.0
    for t, x in enumerate(values):
        collapsed = False
        if n > 1 and t >= n and (gone := values[t - n]) == gone:
            count -= 1
            if count:
                was, y, before = mean - lost_out, gone - lost_out, m2
                delta = y - mean
                lost_out, mean = delta + mean - y, mean - delta / count
                m2 -= (gone - was) * (gone - mean)
                collapsed = before * limit > m2
            else:
                mean = m2 = 0.0
        again = [x]
        if n == 1:
            count, mean, m2, lost_in, lost_out = 0, 0.0, 0.0, 0.0, 0.0
        for attempt in range(2):
            for v in again:
                if v == v:
                    count += 1
                    was, y, before = mean - lost_in, v - lost_in, m2
                    delta = y - mean
                    lost_in, mean = delta + mean - y, mean + delta / count
                    m2 += (v - was) * (v - mean)
                    collapsed = collapsed or (attempt == 0 and before * limit > m2)
            if attempt or not collapsed:
                break
            count, mean, m2, lost_in, lost_out = 0, 0.0, 0.0, 0.0, 0.0
            again = values[max(t - n + 1, 0) : t + 1]
        out.append(m2 / (count - ddof) if count >= n and count > ddof else math.nan)
    return np.array(out)


def _ewm(half: int, a: Floats, alphas: Floats) -> Floats:
    out: list[float] = []
    value, weight = math.nan, 1.0
    for x, alpha in zip(_finite(a).tolist(), alphas.tolist(), strict=True):
        if value != value:
            value = x
        else:
            weight *= 1.0 - alpha
            if x == x:
                if x != value:
                    new = 1.0 - weight if half else alpha
                    value = (weight * value + new * x) / (weight + new)
                weight = 1.0
        out.append(value)
    return np.array(out)


def _ema(n: int, variant: int, a: Floats, alphas: Floats) -> Floats:
    first = int(np.argmax(~np.isnan(a))) if variant & 1 and not np.isnan(a).all() else 0
    if variant & 1 and np.isnan(a).all():
        return a
    values = np.concatenate([np.full(first, np.nan), _seed(n, a[first:])])
    return _ewm(variant >> 1, values, alphas)
