"""Eager primitives: windows, sessions, seeds and averages, each from its definition."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from indicators import ops

Floats = npt.NDArray[np.float64]


def finite(a: Floats) -> Floats:
    return np.where(np.isfinite(a), a, np.nan)


def windows(n: int, a: Floats, of: Callable[[Floats], float]) -> Floats:
    """`of` each full window, oldest value first."""
    return np.array([of(a[t - n + 1 : t + 1]) if t >= n - 1 else np.nan for t in range(len(a))])


def partial(n: int, a: Floats, greatest: bool) -> Floats:
    """Greatest or least of the last n, of fewer at the start."""
    of = np.max if greatest else np.min
    return np.array([of(a[max(t - n + 1, 0) : t + 1]) for t in range(len(a))])


def dot(weights: list[float], values: Floats) -> float:
    total = 0.0
    for weight, value in zip(weights, values.tolist(), strict=True):
        total += weight * value
    return total


def weighted(n: int, ascending: int, values: Floats) -> float:
    weights = [float(i) for i in range(1, n + 1)]
    return dot(weights if ascending else weights[::-1], values) * (2 / (n * n + n))


def directional(a: Floats, b: Floats) -> Floats:
    moved = np.where((a > b) & (a > 0), a, 0.0)
    return np.where(np.isnan(a), np.nan, np.where(np.abs(moved) < ops.EPSILON, 0.0, moved))


def spread(strict: int, d: Floats, high: Floats, low: Floats, before: Floats) -> Floats:
    widest = np.fmax(np.fmax(np.abs(d), np.abs(high - before)), np.abs(before - low))
    return np.where(np.isnan(before), np.nan, widest) if strict else widest


def session(unit: int, seconds: Floats) -> Floats:
    """By numpy's calendar; a week is numbered by the Sunday that ends it."""
    days = np.floor(seconds / 86400.0).astype(np.int64).astype("datetime64[D]")
    if unit >= 5:
        return np.floor(seconds / (3600.0 if unit == 5 else 60.0))
    if unit == 1:
        return np.asarray((days.astype(np.int64) + 3) // 7, np.float64)
    months = days.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    by = {0: days.astype(np.int64), 2: months, 3: months // 3, 4: months // 12}
    return by[unit].astype(np.float64)


def session_sum(a: Floats, keys: Floats) -> Floats:
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


def seed(n: int, a: Floats) -> Floats:
    out = a.copy()
    out[: n - 1] = np.nan
    if len(a) >= n:
        head = a[:n]
        valid = np.isfinite(head) | np.isinf(head)
        out[n - 1] = np.where(valid, head, 0.0).sum() / valid.sum() if valid.any() else np.nan
    return out


def sums(n: int, a: Floats, *, mean: bool) -> Floats:
    """pandas' rolling sum or mean: what leaves and what comes, each with its compensation."""
    values = finite(a).tolist()
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


def variances(n: int, ddof: int, a: Floats) -> Floats:
    """pandas' Welford with removal; where M2 collapses, once more from the window alone."""
    values, limit = finite(a).tolist(), 2.0**-52 * 1e3
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


def ewm(half: int, a: Floats, alphas: Floats) -> Floats:
    out: list[float] = []
    value, weight = math.nan, 1.0
    for x, alpha in zip(finite(a).tolist(), alphas.tolist(), strict=True):
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


def ema(n: int, variant: int, a: Floats, alphas: Floats) -> Floats:
    first = int(np.argmax(~np.isnan(a))) if variant & 1 and not np.isnan(a).all() else 0
    if variant & 1 and np.isnan(a).all():
        return a
    values = np.concatenate([np.full(first, np.nan), seed(n, a[first:])])
    return ewm(variant >> 1, values, alphas)
