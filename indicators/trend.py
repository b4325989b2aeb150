"""Trend: direction and strength. Names and quirks as in pandas-ta."""

import math

from indicators import ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol
from indicators.trend_runs import run
from indicators.volatility import average_range


@indicator(
    inputs="high low close",
    outputs="ADX_{signal_length} ADXR_{signal_length}_{adxr_length} DMP_{length} DMN_{length}",
    follows={"signal_length": "length"},
)
def adx(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    signal_length: int | None = None,
    adxr_length: int = 2,
    scalar: float = 100.0,
    mamode: str = "rma",
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Average directional index (Wilder), its mean with that of `adxr_length` bars ago, and the
    two directional indicators.

    Quirk: the true range always has drift 1 and leaves the first bar out of its seed.
    """
    k = scalar / average_range(f, high, low, close, length, "rma", prenan=True)
    up, down = f.diff(high, drift), f.lag(low, drift) - low
    plus = k * average(f, mamode, f.emit(ops.DIRECTIONAL, up, down), length)
    minus = k * average(f, mamode, f.emit(ops.DIRECTIONAL, down, up), length)
    index = scalar * f.abs(plus - minus) / (plus + minus)
    line = average(f, mamode, index, signal_length or length)
    return line, 0.5 * (line + f.lag(line, adxr_length)), plus, minus


@indicator(inputs="high low", outputs="DMP_{length} DMN_{length}")
def dm(
    f: Formula, high: Symbol, low: Symbol, *, length: int = 14, mamode: str = "rma", drift: int = 1
) -> tuple[Symbol, ...]:
    """Directional movement: averages of what highs rose and lows fell beyond the other."""
    up, down = f.diff(high, drift), f.lag(low, drift) - low
    return (
        average(f, mamode, f.emit(ops.DIRECTIONAL, up, down), length),
        average(f, mamode, f.emit(ops.DIRECTIONAL, down, up), length),
    )


@indicator(
    inputs="close",
    outputs="AMAT{mamode[0]}_LR_{fast}_{slow}_{lookback} "
    "AMAT{mamode[0]}_SR_{fast}_{slow}_{lookback}",
)
def amat(
    f: Formula,
    close: Symbol,
    *,
    fast: int = 8,
    slow: int = 21,
    lookback: int = 2,
    mamode: str = "ema",
) -> tuple[Symbol, ...]:
    """Archer's moving averages trend: long and short runs of two averages."""
    quick, calm = average(f, mamode, close, fast), average(f, mamode, close, slow)
    return run(f, quick, calm, lookback, up=True), run(f, quick, calm, lookback, up=False)


@indicator(inputs="fast slow", outputs="LR_{length}")
def long_run(f: Formula, fast: Symbol, slow: Symbol, *, length: int = 2) -> Symbol:
    """1 where the fast series rose over n bars and the slow one moved. Inputs: any two series."""
    return run(f, fast, slow, length, up=True)


@indicator(inputs="fast slow", outputs="SR_{length}")
def short_run(f: Formula, fast: Symbol, slow: Symbol, *, length: int = 2) -> Symbol:
    """1 where the fast series fell over n bars and the slow one moved. Inputs: any two series."""
    return run(f, fast, slow, length, up=False)


@indicator(inputs="high low", outputs="AROOND_{length} AROONU_{length} AROONOSC_{length}")
def aroon(
    f: Formula, high: Symbol, low: Symbol, *, length: int = 14, scalar: float = 100.0
) -> tuple[Symbol, ...]:
    """Aroon: 100·(1 − bars since the lowest low of n+1 / n), likewise up, their difference. Of
    equals the latest counts."""
    down = scalar * (1.0 - f.emit(ops.SINCE_LOWEST, low, n=length + 1) / float(length))
    up = scalar * (1.0 - f.emit(ops.SINCE_HIGHEST, high, n=length + 1) / float(length))
    return down, up, up - down


@indicator(
    inputs="high low close",
    outputs="CHOP{ln}_{length}_{atr_length}_{scalar}",
    shown={"ln": lambda given: "ln" if given else "", "scalar": lambda value: str(float(value))},
)
def chop(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    atr_length: int = 1,
    ln: bool = False,
    scalar: float = 100.0,
) -> Symbol:
    """Choppiness: 100·(log Σ ATR − log range) / log n. Decimal logarithms unless `ln`, by the C
    library."""
    path = f.sum(average_range(f, high, low, close, atr_length, "rma"), length)
    reach = f.highest(high, length) - f.lowest(low, length)
    of = math.log if ln else math.log10
    return scalar * (f.log(path, decimal=not ln) - f.log(reach, decimal=not ln)) / of(length)


@indicator(
    inputs="high low close",
    outputs="CKSPl_{p}_{x}_{q} CKSPs_{p}_{x}_{q}",
    limits={"x": (1e-9, 1e9)},
)
def cksp(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    p: int = 10,
    x: float = 3,
    q: int = 20,
    mamode: str = "rma",
) -> tuple[Symbol, ...]:
    """Chande and Kroll's stops. Quirk: pandas-ta ignores a whole-number q."""
    reach = x * average_range(f, high, low, close, p, mamode)
    return (
        f.highest(f.highest(high, p) - reach, q),
        f.lowest(f.lowest(low, p) + reach, q),
    )


@indicator(
    inputs="close",
    outputs="{mode}DECAY_{length}",
    choices={"mode": ("linear", "exp", "exponential")},
    shown={"mode": lambda mode: "L" if mode == "linear" else "EXP"},
)
def decay(f: Formula, close: Symbol, *, length: int = 1, mode: str = "linear") -> Symbol:
    """The greatest of 0, x, and the last value less 1/n (`exp`: times 1 − 1/n)."""
    if mode == "linear":
        return f.emit(ops.DECAY, close, 1.0 / length)
    return f.emit(ops.DECAY, close, 1.0 - 1.0 / length, k=1)


def _moves(f: Formula, close: Symbol, length: int, strict: bool, *, up: bool) -> Symbol:
    if not strict:
        change = f.diff(close, length)
        return change > 0.0 if up else change < 0.0
    step = f.diff(close)
    one = step > 0.0 if up else step < 0.0
    held = one
    for back in range(1, length - 1):
        held = held * f.fill(f.lag(one, back), 0.0)
    return held


@indicator(
    inputs="close",
    outputs="{strict}INC_{length}",
    shown={"strict": lambda given: "S" if given else ""},
)
def increasing(f: Formula, close: Symbol, *, length: int = 1, strict: bool = False) -> Symbol:
    """1 where x rose over n bars; `strict`: in each step. Quirk: strict looks at n − 1 steps."""
    return _moves(f, close, length, strict, up=True)


@indicator(
    inputs="close",
    outputs="{strict}DEC_{length}",
    shown={"strict": lambda given: "S" if given else ""},
)
def decreasing(f: Formula, close: Symbol, *, length: int = 1, strict: bool = False) -> Symbol:
    """1 where x fell over n bars; `strict`: in each step. Quirk: strict looks at n − 1 steps."""
    return _moves(f, close, length, strict, up=False)
