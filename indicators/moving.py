"""Moving averages: their formulas on any symbol, and by name (what pandas-ta calls `mamode`)."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from indicators import ops
from indicators.errors import BadParameter
from indicators.symbols import Formula, Symbol

PI: Final = 3.14159  # pandas-ta's own
ROOT_OF_2: Final = 1.414

type Average = Callable[[Formula, Symbol, int, bool], Symbol]


def chain(f: Formula, x: Symbol, n: int, times: int, *, from_first: bool = False) -> list[Symbol]:
    """EMA, EMA of EMA, … Quirk: each is seeded with what it is given in the first n bars, so the
    inner ones begin with a single value."""
    out = [f.ema(x, n, from_first=from_first)]
    while len(out) < times:
        out.append(f.ema(out[-1], n))
    return out


def dema(f: Formula, x: Symbol, n: int, from_first: bool = False) -> Symbol:
    one, two = chain(f, x, n, 2, from_first=from_first)
    return 2.0 * one - two


def tema(f: Formula, x: Symbol, n: int, from_first: bool = False) -> Symbol:
    one, two, three = chain(f, x, n, 3, from_first=from_first)
    return 3.0 * (one - two) + three


def t3(f: Formula, x: Symbol, n: int, from_first: bool = False, a: float = 0.7) -> Symbol:
    e = chain(f, x, n, 6, from_first=from_first)
    c1 = -a * a**2
    c2 = 3 * a**2 + 3 * a**3
    c3 = -6 * a**2 - 3 * a - 3 * a**3
    c4 = a**3 + 3 * a**2 + 3 * a + 1
    return c1 * e[5] + c2 * e[4] + c3 * e[3] + c4 * e[2]


def hma(f: Formula, x: Symbol, n: int, from_first: bool = False, mamode: str = "wma") -> Symbol:
    def of(y: Symbol, m: int) -> Symbol:
        return average(f, mamode, y, m, from_first=from_first)

    return of(2.0 * of(x, int(n / 2)) - of(x, n), int(math.sqrt(n)))


def trima(f: Formula, x: Symbol, n: int, from_first: bool = False) -> Symbol:
    half = round(0.5 * (n + 1))
    return f.sma(f.sma(x, half), half)


def midpoint(f: Formula, x: Symbol, n: int, from_first: bool = False) -> Symbol:
    return 0.5 * (f.lowest(x, n) + f.highest(x, n))


def shares(weights: list[float]) -> list[float]:
    """Weights that sum to 1: divided by a sum in numpy's order."""
    import numpy as np

    held = np.array(weights, np.float64)
    return [float(share) for share in held / held.sum()]


def fibonacci(n: int) -> list[float]:
    held = [1.0, 1.0]
    while len(held) < n:
        held.append(held[-1] + held[-2])
    return shares(held[:n])


def triangle(n: int) -> list[float]:
    """1 2 … 2 1, as shares."""
    return shares([float(min(i + 1, n - i)) for i in range(n)])


def pascal(n: int) -> list[float]:
    """Row n−1 of Pascal's triangle, as shares."""
    return [math.comb(n - 1, i) / 2 ** (n - 1) for i in range(n)]


def sines(n: int) -> list[float]:
    return shares([math.sin((i + 1) * math.pi / (n + 1)) for i in range(n)])


def smooth(
    f: Formula,
    x: Symbol,
    n: int,
    from_first: bool = False,
    *,
    pi: float = PI,
    sqrt2: float = ROOT_OF_2,
    everget: bool = False,
) -> Symbol:
    """Ehlers' super smoother. Quirk: the cosine is taken of 180·√2/n, degrees in radians' place."""
    turn = pi * sqrt2 / n if everget else 180 * (sqrt2 / n)
    a = math.exp(-(pi * sqrt2 / n)) if everget else math.exp(-pi * (sqrt2 / n))
    b = 2 * a * math.cos(turn)
    c = a * a - b + 1
    return f.emit(ops.TWO_POLES, x, 0.5 * c, b, a * a)


def vidya(f: Formula, x: Symbol, n: int, from_first: bool = False, drift: int = 1) -> Symbol:
    """Chande's variable average: its share of the newest is |CMO|. Begun with 0, which it shows as
    null, and forgets slowly."""
    change = f.diff(x, drift)
    up = f.sum(f.max(change, 0.0), n)
    down = f.sum(f.abs(f.min(change, 0.0)), n)
    strength = f.abs((up - down) / (up + down))
    value = f.emit(ops.BLEND, x, 2 / (n + 1) * strength, 0.0, n=n)
    return f.where(f.equal(value, 0.0), math.nan, value)


AVERAGES: Final[Mapping[str, Average]] = {
    "dema": dema,
    "ema": lambda f, x, n, first: f.ema(x, n, from_first=first),
    "fwma": lambda f, x, n, first: f.dot(x, fibonacci(n)),
    "hma": hma,
    "linreg": lambda f, x, n, first: f.regression(x, n),
    "midpoint": midpoint,
    "pwma": lambda f, x, n, first: f.dot(x, pascal(n)),
    "rma": lambda f, x, n, first: f.rma(x, n),
    "sinwma": lambda f, x, n, first: f.dot(x, sines(n)),
    "sma": lambda f, x, n, first: f.sma(x, n),
    "ssf": smooth,
    "swma": lambda f, x, n, first: f.dot(x, triangle(n)),
    "t3": t3,
    "tema": tema,
    "trima": trima,
    "vidya": vidya,
    "wma": lambda f, x, n, first: f.wma(x, n),
}


def average(f: Formula, mode: str, x: Symbol, n: int, *, from_first: bool = False) -> Symbol:
    """The moving average `mode` of x over n bars. `from_first`: as if the series began at its
    first value (it matters for those that seed). Raises `BadParameter` for a name not here."""
    if mode not in AVERAGES:
        raise BadParameter(
            f"no moving average {mode!r}", remedy=f"one of {', '.join(sorted(AVERAGES))}"
        )
    return AVERAGES[mode](f, x, n, from_first)
