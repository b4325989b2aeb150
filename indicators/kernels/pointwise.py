"""Primitives without state: one row in, one value out."""

# mypy: disable-error-code="no-any-return, arg-type"
import math

from indicators.kernels.compiling import primitive
from indicators.ops import EPSILON

DAY_SECONDS = 86400.0
NULL = math.nan


@primitive
def greater(x: float, y: float) -> float:
    if x != x or y != y:
        return NULL
    return x if x > y else y


@primitive
def lesser(x: float, y: float) -> float:
    if x != x or y != y:
        return NULL
    return x if x < y else y


@primitive
def greater_known(x: float, y: float) -> float:
    if x != x:
        return y
    return y if y > x else x


@primitive
def lesser_known(x: float, y: float) -> float:
    if x != x:
        return y
    return y if y < x else x


@primitive
def logarithm(x: float, decimal: int) -> float:
    if x > 0.0:
        return math.log10(x) if decimal == 1 else math.log(x)
    return -math.inf if x == 0.0 else NULL


@primitive
def sign(x: float) -> float:
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return x


@primitive
def directional(x: float, y: float) -> float:
    if x != x:
        return NULL
    if x > y and x > 0.0 and x >= EPSILON:
        return x
    return 0.0


@primitive
def spread(d: float, high: float, low: float, before: float, strict: int) -> float:
    """True range from the bar's own range d and the close before."""
    r = abs(d)
    if before != before:
        return NULL if strict == 1 else r
    up = abs(high - before)
    down = abs(before - low)
    if r != r or up > r:
        r = up
    if r != r or down > r:
        r = down
    return r


@primitive
def session(seconds: float, unit: int) -> float:
    """D W M Q Y h min are 0 … 6; weeks end on Sunday, as pandas counts them."""
    if unit == 5:
        return math.floor(seconds / 3600.0)
    if unit == 6:
        return math.floor(seconds / 60.0)
    day = math.floor(seconds / DAY_SECONDS)
    if unit == 0:
        return day
    if unit == 1:
        return math.floor((day + 3.0) / 7.0)
    # Days to civil months, in eras of 400 years that begin in March (all floats are whole).
    z = day + 719468.0
    era = math.floor(z / 146097.0)
    doe = z - era * 146097.0
    yoe = math.floor(
        (doe - math.floor(doe / 1460.0) + math.floor(doe / 36524.0) - math.floor(doe / 146096.0))
        / 365.0
    )
    doy = doe - (365.0 * yoe + math.floor(yoe / 4.0) - math.floor(yoe / 100.0))
    months = (era * 400.0 + yoe) * 12.0 + math.floor((5.0 * doy + 2.0) / 153.0) + 2.0
    if unit == 2:
        return months
    return math.floor(months / 3.0) if unit == 3 else math.floor(months / 12.0)
