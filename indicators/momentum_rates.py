"""Momentum, continued: rates, ranks and counts. Names and quirks as in pandas-ta."""

from indicators import ops
from indicators.indicator import indicator
from indicators.momentum import rate, relative_strength
from indicators.symbols import Formula, Symbol
from indicators.volatility import average_range
from indicators.volatility_more import relative_volatility


@indicator(inputs="close", outputs="COPC_{fast}_{slow}_{length}")
def coppock(
    f: Formula, close: Symbol, *, length: int = 10, fast: int = 11, slow: int = 14
) -> Symbol:
    """Coppock's curve: WMA of two rates of change."""
    return f.wma(rate(f, close, fast) + rate(f, close, slow), length)


@indicator(inputs="close", outputs="CRSI_{rsi_length}_{streak_length}_{rank_length}")
def crsi(
    f: Formula,
    close: Symbol,
    *,
    rsi_length: int = 3,
    streak_length: int = 2,
    rank_length: int = 100,
    scalar: float = 100.0,
    drift: int = 1,
) -> Symbol:
    """Connors' RSI: the mean of RSI, RSI of the streak, and the rank of the return. Quirk: the
    streak is only the sign of the last change."""
    streak = f.fill(f.sign(f.diff(close)), 0.0)
    rank = 100.0 * f.emit(ops.RANK, close / f.lag(close) - 1.0, n=rank_length)
    one = relative_strength(f, close, rsi_length, scalar, "rma", drift)
    two = relative_strength(f, streak, streak_length, scalar, "rma", drift)
    return (one + two + rank) / 3.0


@indicator(inputs="close", outputs="EXHC_DNa EXHC_UPa", limits={"cap": (1, ops.LENGTH_BARS_MAX)})
def exhc(f: Formula, close: Symbol, *, length: int = 4, cap: int = 13) -> tuple[Symbol, ...]:
    """Exhaustion count: bars in a row below (above) the close of n bars ago, at most `cap`."""
    step = f.diff(close, length)
    down, up = f.emit(ops.STREAK, step < 0.0), f.emit(ops.STREAK, step > 0.0)
    return f.min(down, float(cap)), f.min(up, float(cap))


@indicator(inputs="high low", outputs="FISHERT_{length}_{signal} FISHERTs_{length}_{signal}")
def fisher(
    f: Formula, high: Symbol, low: Symbol, *, length: int = 9, signal: int = 1
) -> tuple[Symbol, ...]:
    """Fisher transform of where the median price lies in its range. By the C library's log."""
    middle = 0.5 * (high + low)
    least = f.lowest(middle, length)
    reach = f.nonzero(f.highest(middle, length), least)
    reach = f.where(reach < 0.001, 0.001, reach)
    line = f.emit(ops.FISHER, (middle - least) / reach - 0.5, n=length)
    return line, f.lag(line, signal)


@indicator(
    inputs="close high low",
    outputs="INERTIA{refined}{thirds}_{length}_{rvi_length}",
    shown={
        "refined": lambda given: "r" if given else "",
        "thirds": lambda given: "t" if given else "",
    },
)
def inertia(
    f: Formula,
    close: Symbol,
    high: Symbol,
    low: Symbol,
    *,
    length: int = 20,
    rvi_length: int = 14,
    scalar: float = 100.0,
    refined: bool = False,
    thirds: bool = False,
    mamode: str = "ema",
) -> Symbol:
    """Endpoint of the line through n values of the relative volatility index."""

    def of(x: Symbol) -> Symbol:
        return relative_volatility(f, x, rvi_length, scalar, mamode, 1)

    if refined:
        index = 0.5 * (of(high) + of(low))
    else:
        index = (of(high) + of(low) + of(close)) / 3.0 if thirds else of(close)
    return f.regression(index, length)


@indicator(
    inputs="high low close", outputs="K_{length}_{signal} D_{length}_{signal} J_{length}_{signal}"
)
def kdj(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 9, signal: int = 3
) -> tuple[Symbol, ...]:
    """Stochastic with adjusted exponential averages, and 3K − 2D."""
    least = f.lowest(low, length)
    fast = 100.0 * (close - least) / f.nonzero(f.highest(high, length), least)
    alpha = 1.0 / signal
    alpha = 1.0 / (1.0 + (1.0 - alpha) / alpha)
    k = f.emit(ops.EWM_ADJUSTED, fast, alpha, n=signal)
    d = f.emit(ops.EWM_ADJUSTED, k, alpha, n=signal)
    return k, d, 3.0 * k - 2.0 * d


@indicator(
    inputs="close",
    outputs="KST_{roc1}_{roc2}_{roc3}_{roc4}_{sma1}_{sma2}_{sma3}_{sma4} KSTs_{signal}",
)
def kst(
    f: Formula,
    close: Symbol,
    *,
    signal: int = 9,
    roc1: int = 10,
    roc2: int = 15,
    roc3: int = 20,
    roc4: int = 30,
    sma1: int = 10,
    sma2: int = 10,
    sma3: int = 10,
    sma4: int = 15,
) -> tuple[Symbol, ...]:
    """Know sure thing: four averaged rates of change, weighed 1 to 4. Quirk: times 100 twice."""
    one, two = f.mean(rate(f, close, roc1), sma1), f.mean(rate(f, close, roc2), sma2)
    three, four = f.mean(rate(f, close, roc3), sma3), f.mean(rate(f, close, roc4), sma4)
    line = 100.0 * (one + 2.0 * two + 3.0 * three + 4.0 * four)
    return line, f.mean(line, signal)


@indicator(inputs="high low close", outputs="PGO_{length}")
def pgo(f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 14) -> Symbol:
    """Pretty good oscillator: distance from the SMA in averaged true ranges."""
    unit = f.ema(average_range(f, high, low, close, length, "rma"), length)
    return (close - f.sma(close, length)) / unit


@indicator(inputs="close", outputs="PSL_{length}")
def psl(
    f: Formula, close: Symbol, *, length: int = 12, scalar: float = 100.0, drift: int = 1
) -> Symbol:
    """Psychological line: share of rising bars in percent."""
    step = f.diff(close, drift)
    return scalar * f.sum(step > 0.0, length) / float(length)
