"""Momentum: how fast, how far, from where. Names and quirks as in pandas-ta."""

from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol


def relative_strength(
    f: Formula, x: Symbol, length: int, scalar: float = 100.0, mamode: str = "rma", drift: int = 1
) -> Symbol:
    """100·g / (g + |l|), g and l averages of gains and losses."""
    change = f.diff(x, drift)
    gain = average(f, mamode, f.max(change, 0.0), length)
    loss = average(f, mamode, f.min(change, 0.0), length)
    return scalar * gain / (gain + f.abs(loss))


def rate(f: Formula, x: Symbol, length: int, scalar: float = 100.0) -> Symbol:
    """100·(x − x₋ₙ) / x₋ₙ."""
    before = f.lag(x, length)
    return scalar * (x - before) / before


@indicator(inputs="close", outputs="RSI_{length}")
def rsi(
    f: Formula,
    close: Symbol,
    *,
    length: int = 14,
    scalar: float = 100.0,
    mamode: str = "rma",
    drift: int = 1,
) -> Symbol:
    """Relative strength index: 100·g / (g + |l|), g and l averages of gains and losses.

    Quirk: the average begins with the first change (not Wilder's mean of n), so there are values
    from the second bar on; the first ones are extreme. See `startup`.
    """
    return relative_strength(f, close, length, scalar, mamode, drift)


@indicator(
    inputs="close",
    outputs="MACD_{fast}_{slow}_{signal} MACDh_{fast}_{slow}_{signal} MACDs_{fast}_{slow}_{signal}",
    ordered="fast slow",
)
def macd(
    f: Formula, close: Symbol, *, fast: int = 12, slow: int = 26, signal: int = 9
) -> tuple[Symbol, ...]:
    """Moving average convergence divergence: EMA fast − EMA slow; its distance from its own EMA;
    that EMA, which begins at the line's first value."""
    line = f.ema(close, fast) - f.ema(close, slow)
    signal_line = f.ema(line, signal, from_first=True)
    return line, line - signal_line, signal_line


@indicator(
    inputs="high low close",
    outputs="STOCHk_{k}_{d}_{smooth_k} STOCHd_{k}_{d}_{smooth_k} STOCHh_{k}_{d}_{smooth_k}",
)
def stoch(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    k: int = 14,
    d: int = 3,
    smooth_k: int = 3,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Stochastic: where the close lies in the range of k bars, smoothed; its average; their
    distance."""
    least = f.lowest(low, k)
    raw = 100.0 * (close - least) / f.nonzero(f.highest(high, k), least)
    smooth = raw if smooth_k == 1 else average(f, mamode, raw, smooth_k, from_first=True)
    signal = average(f, mamode, smooth, d, from_first=True)
    return smooth, signal, smooth - signal


@indicator(inputs="close", outputs="ROC_{length}")
def roc(f: Formula, close: Symbol, *, length: int = 10, scalar: float = 100.0) -> Symbol:
    """Rate of change: 100·(x − x₋ₙ) / x₋ₙ."""
    return rate(f, close, length, scalar)


@indicator(inputs="close", outputs="MOM_{length}")
def mom(f: Formula, close: Symbol, *, length: int = 10) -> Symbol:
    """Momentum: x − x₋ₙ."""
    return f.diff(close, length)


@indicator(inputs="high low close", outputs="CCI_{length}_{c}")
def cci(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 14, c: float = 0.015
) -> Symbol:
    """Commodity channel index as pandas-ta computes it: tp − SMA(tp) / (c · MAD(tp)).

    Quirk: published is (tp − SMA) / (c · MAD); the division binds tighter here.
    """
    typical = (high + low + close) / 3.0
    return typical - f.sma(typical, length) / (c * f.mean_deviation(typical, length))


@indicator(inputs="high low close", outputs="WILLR_{length}")
def willr(f: Formula, high: Symbol, low: Symbol, close: Symbol, *, length: int = 14) -> Symbol:
    """Williams %R: 100·((c − LL) / (HH − LL) − 1); null where n bars are flat."""
    least = f.lowest(low, length)
    return 100.0 * ((close - least) / (f.highest(high, length) - least) - 1.0)
