"""Candles: patterns and averaged bars. Names and quirks as in pandas-ta."""

from indicators import ops
from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol


@indicator(
    inputs="open high low close",
    outputs="CDL_DOJI_{length}_{factor}",
    shown={"factor": lambda value: str(0.01 * float(value))},
    limits={"factor": (0.0, 100.0)},
)
def cdl_doji(
    f: Formula,
    open_: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 10,
    factor: float = 10.0,
    scalar: float = 100.0,
) -> Symbol:
    """100 where the body is smaller than a tenth of the usual range."""
    body = f.abs(f.nonzero(close, open_))
    usual = f.sma(f.abs(f.nonzero(high, low)), length)
    return scalar * (body < 0.01 * factor * usual)


@indicator(inputs="open high low close", outputs="CDL_INSIDE")
def cdl_inside(
    f: Formula, open_: Symbol, high: Symbol, low: Symbol, close: Symbol, *, scalar: float = 100.0
) -> Symbol:
    """100 where the bar lies inside the one before. Quirk: pandas-ta compares the first bar with
    the last of the series; here it is 0."""
    return scalar * ((f.diff(high) < 0.0) * (f.diff(low) > 0.0))


@indicator(inputs="open high low close", outputs="CDL_DOJI_10_0.1 CDL_INSIDE")
def cdl_pattern(
    f: Formula, open_: Symbol, high: Symbol, low: Symbol, close: Symbol, *, scalar: float = 100.0
) -> tuple[Symbol, ...]:
    """The two patterns that pandas-ta knows without TA-Lib: doji and inside."""
    body = f.abs(f.nonzero(close, open_))
    usual = f.sma(f.abs(f.nonzero(high, low)), 10)
    inside = (f.diff(high) < 0.0) * (f.diff(low) > 0.0)
    return scalar * (body < 0.01 * 10.0 * usual), scalar * inside


@indicator(
    inputs="open high low close",
    outputs="open_Z_{length}_{ddof} high_Z_{length}_{ddof} low_Z_{length}_{ddof} "
    "close_Z_{length}_{ddof}",
    limits={"ddof": (0, 1), "length": (2, ops.LENGTH_BARS_MAX)},
)
def cdl_z(
    f: Formula,
    open_: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 30,
    ddof: int = 1,
) -> tuple[Symbol, ...]:
    """Each price's distance from its mean in deviations (pandas' running ones)."""
    return tuple(
        (x - f.sma(x, length)) / (1.0 * f.stdev(x, length, ddof)) for x in (open_, high, low, close)
    )


@indicator(inputs="open high low close", outputs="HA_open HA_high HA_low HA_close")
def ha(f: Formula, open_: Symbol, high: Symbol, low: Symbol, close: Symbol) -> tuple[Symbol, ...]:
    """Heikin-Ashi: close is the bar's mean; open the middle of the bar before, which it never
    quite forgets."""
    end = 0.25 * (open_ + high + low + close)
    before = f.fill(f.lag(end), open_ + close)
    begin = f.emit(ops.BLEND, before, 0.5, 0.5 * (open_ + close), n=1)
    return begin, f.max(f.max(begin, end), high), f.min(f.min(begin, end), low), end
