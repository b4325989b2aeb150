"""Volatility: ranges, bands and channels. Names and quirks as in pandas-ta."""

from indicators import ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol


def ranges(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, drift: int = 1, prenan: bool = False
) -> Symbol:
    """True range: the greatest of |h − l|, |h − c₋₁|, |c₋₁ − l|; in the first bar h − l (`prenan`:
    null)."""
    return f.emit(ops.SPREAD, f.nonzero(high, low), high, low, f.lag(close, drift), k=int(prenan))


def average_range(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    length: int,
    mamode: str,
    prenan: bool = False,
    drift: int = 1,
) -> Symbol:
    """The average of true ranges, begun at bar n with the mean of the first n."""
    seeded = f.seed(ranges(f, high, low, close, drift, prenan), length)
    return average(f, mamode, seeded, length)


@indicator(inputs="high low close", outputs="TRUERANGE_{drift}")
def true_range(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    prenan: bool = False,
    drift: int = 1,
) -> Symbol:
    """True range: the greatest of |h − l|, |h − c₋₁|, |c₋₁ − l|; in the first bar h − l."""
    return ranges(f, high, low, close, drift, prenan)


@indicator(inputs="high low close", outputs="ATR{mamode[0]}_{length}")
def atr(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    mamode: str = "rma",
    prenan: bool = False,
    drift: int = 1,
) -> Symbol:
    """Average true range: the mean of the first n true ranges, then the average `mamode`."""
    return average_range(f, high, low, close, length, mamode, prenan, drift)


@indicator(inputs="high low close", outputs="NATR_{length}")
def natr(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    scalar: float = 100.0,
    mamode: str = "ema",
    prenan: bool = False,
    drift: int = 1,
) -> Symbol:
    """Normalised average true range: (100 / c) · ATR. Quirk: an EMA where `atr` takes an RMA."""
    spread = average_range(f, high, low, close, length, mamode, prenan, drift)
    return scalar / close * spread


@indicator(
    inputs="close",
    outputs="BBL_{length}_{lower_std}_{upper_std} BBM_{length}_{lower_std}_{upper_std} "
    "BBU_{length}_{lower_std}_{upper_std} BBB_{length}_{lower_std}_{upper_std} "
    "BBP_{length}_{lower_std}_{upper_std}",
    limits={"ddof": (0, 1)},
)
def bbands(
    f: Formula,
    close: Symbol,
    *,
    length: int = 5,
    lower_std: float = 2.0,
    upper_std: float = 2.0,
    ddof: int = 1,
    mamode: str = "sma",
) -> tuple[Symbol, ...]:
    """Bollinger bands: average ± k deviations; width in percent of the average; where the close
    lies between them.

    Quirk: the deviation is pandas' running one; it keeps the error of one bad tick for ever.
    """
    deviation = f.stdev(close, length, ddof)
    middle = average(f, mamode, close, length)
    lower, upper = middle - lower_std * deviation, middle + upper_std * deviation
    width = f.nonzero(upper, lower)
    return lower, middle, upper, 100.0 * width / middle, f.nonzero(close, lower) / width


@indicator(
    inputs="high low",
    outputs="DCL_{lower_length}_{upper_length} DCM_{lower_length}_{upper_length} "
    "DCU_{lower_length}_{upper_length}",
)
def donchian(
    f: Formula, high: Symbol, low: Symbol, *, lower_length: int = 20, upper_length: int = 20
) -> tuple[Symbol, ...]:
    """Donchian channels: lowest low, middle, highest high."""
    lower, upper = f.lowest(low, lower_length), f.highest(high, upper_length)
    return lower, 0.5 * (lower + upper), upper


@indicator(
    inputs="high low close",
    outputs="KCL{mamode[0]}_{length}_{scalar} KCB{mamode[0]}_{length}_{scalar} "
    "KCU{mamode[0]}_{length}_{scalar}",
    limits={"scalar": (1e-9, 1e9)},
)
def kc(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 20,
    scalar: float = 2,
    tr: bool = True,
    mamode: str = "ema",
) -> tuple[Symbol, ...]:
    """Keltner channels: average ± k averages of the true range (of h − l without `tr`)."""
    spread = ranges(f, high, low, close) if tr else f.nonzero(high, low)
    basis, band = average(f, mamode, close, length), average(f, mamode, spread, length)
    return basis - scalar * band, basis, basis + scalar * band
