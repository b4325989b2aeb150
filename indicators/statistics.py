"""Statistics of a window. Names and quirks as in pandas-ta."""

from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol


@indicator(inputs="close", outputs="STDEV_{length}", limits={"ddof": (0, 1)})
def stdev(f: Formula, close: Symbol, *, length: int = 30, ddof: int = 1) -> Symbol:
    """Rolling standard deviation.

    Quirk: pandas' running recurrence; it keeps the error of one bad tick for ever.
    """
    return f.stdev(close, length, ddof)


@indicator(inputs="close", outputs="VAR_{length}", limits={"ddof": (0, 1)})
def variance(f: Formula, close: Symbol, *, length: int = 30, ddof: int = 1) -> Symbol:
    """Rolling variance. Quirk: pandas' running recurrence, as `stdev`."""
    return f.variance(close, length, ddof)
