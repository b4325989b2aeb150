"""Momentum, continued: oscillators of averages, ranges and lines."""

from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol

SORTED = "fast slow"


@indicator(inputs="high low", outputs="AO_{fast}_{slow}", ordered=SORTED)
def ao(f: Formula, high: Symbol, low: Symbol, *, fast: int = 5, slow: int = 34) -> Symbol:
    """Awesome oscillator: SMA fast − SMA slow of the median price."""
    middle = 0.5 * (high + low)
    return f.sma(middle, fast) - f.sma(middle, slow)


@indicator(inputs="close", outputs="APO_{fast}_{slow}", ordered=SORTED)
def apo(
    f: Formula, close: Symbol, *, fast: int = 12, slow: int = 26, mamode: str = "sma"
) -> Symbol:
    """Absolute price oscillator: average fast − average slow."""
    return average(f, mamode, close, fast) - average(f, mamode, close, slow)


@indicator(
    inputs="close",
    outputs="BIAS_{mamode}_{length}",
    shown={"mamode": lambda mode: str(mode).upper()},
)
def bias(f: Formula, close: Symbol, *, length: int = 26, mamode: str = "sma") -> Symbol:
    """x / average − 1."""
    return close / average(f, mamode, close, length) - 1.0


@indicator(inputs="open high low close", outputs="BOP")
def bop(
    f: Formula, open_: Symbol, high: Symbol, low: Symbol, close: Symbol, *, scalar: float = 1.0
) -> Symbol:
    """Balance of power: (c − o) / (h − l)."""
    return scalar * f.nonzero(close, open_) / f.nonzero(high, low)


@indicator(inputs="open high low close", outputs="AR_{length} BR_{length}")
def brar(
    f: Formula,
    open_: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 26,
    scalar: float = 100.0,
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Σ(h − o) / Σ(o − l), and the same from the close before, not below 0."""
    before = f.lag(close, drift)
    over, under = f.nonzero(high, before), f.nonzero(before, low)
    over, under = f.where(over < 0.0, 0.0, over), f.where(under < 0.0, 0.0, under)
    ar = scalar * f.sum(f.nonzero(high, open_), length) / f.sum(f.nonzero(open_, low), length)
    return ar, scalar * f.sum(over, length) / f.sum(under, length)


@indicator(inputs="close", outputs="CFO_{length}")
def cfo(f: Formula, close: Symbol, *, length: int = 9, scalar: float = 100.0) -> Symbol:
    """Chande's forecast oscillator: distance of x from its line in percent. Quirk: the line is
    taken one bar back."""
    return scalar * (close - f.regression(close, length, "forecast")) / close


@indicator(inputs="close", outputs="CG_{length}")
def cg(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Centre of gravity: −Σ i·x / Σ x. pandas-ta sums by BLAS: its last bits are the machine's."""
    weights = [float(i) for i in range(1, length + 1)]
    return -f.dot(close, weights) / f.sum(close, length)


@indicator(inputs="close", outputs="CMO_{length}")
def cmo(
    f: Formula, close: Symbol, *, length: int = 14, scalar: float = 100.0, drift: int = 1
) -> Symbol:
    """Chande's momentum oscillator: (gains − losses) / (gains + losses), averaged by RMA."""
    change = f.diff(close, drift)
    up, down = f.rma(f.max(change, 0.0), length), f.rma(f.abs(f.min(change, 0.0)), length)
    return scalar * (up - down) / (up + down)


@indicator(inputs="close", outputs="CTI_{length}")
def cti(f: Formula, close: Symbol, *, length: int = 12) -> Symbol:
    """Correlation trend indicator: correlation of x with time."""
    return f.regression(close, length, "r")


@indicator(inputs="close", outputs="ER_{length}")
def er(f: Formula, close: Symbol, *, length: int = 10, drift: int = 1) -> Symbol:
    """Efficiency ratio: |x − x₋ₙ| over Σ|Δx|."""
    return f.abs(f.diff(close, length)) / f.sum(f.abs(f.diff(close, drift)), length)


@indicator(inputs="high low close", outputs="BULLP_{length} BEARP_{length}")
def eri(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 13
) -> tuple[Symbol, ...]:
    """Elder ray: high and low less the EMA."""
    middle = f.ema(close, length)
    return high - middle, low - middle


@indicator(
    inputs="close",
    outputs="PPO_{fast}_{slow}_{signal} PPOh_{fast}_{slow}_{signal} PPOs_{fast}_{slow}_{signal}",
    ordered=SORTED,
)
def ppo(
    f: Formula,
    close: Symbol,
    *,
    fast: int = 12,
    slow: int = 26,
    signal: int = 9,
    scalar: float = 100.0,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Percentage price oscillator: 100·(fast − slow) / slow, its EMA, the distance."""
    calm = average(f, mamode, close, slow)
    line = scalar * (average(f, mamode, close, fast) - calm) / calm
    signal_line = f.ema(line, signal)
    return line, line - signal_line, signal_line
