"""Performance: returns and drawdown. Names and quirks as in pandas-ta."""

from indicators.indicator import indicator
from indicators.symbols import Formula, Symbol

CUMULATIVE = {"cumulative": lambda given: "CUM" if given else ""}


def _base(f: Formula, close: Symbol, length: int, cumulative: bool) -> Symbol:
    """What the close is compared with: n bars ago, or the first of all."""
    if not cumulative:
        return f.lag(close, length)
    return f.hold(f.equal(f.count(close), 0.0), close)


@indicator(inputs="close", outputs="{cumulative}LOGRET_{length}", shown=CUMULATIVE)
def log_return(f: Formula, close: Symbol, *, length: int = 1, cumulative: bool = False) -> Symbol:
    """ln(c / c₋ₙ), or since the first bar. By the C library's log: the last bit may differ."""
    return f.log(close / _base(f, close, length, cumulative))


@indicator(inputs="close", outputs="{cumulative}PCTRET_{length}", shown=CUMULATIVE)
def percent_return(
    f: Formula, close: Symbol, *, length: int = 1, cumulative: bool = False
) -> Symbol:
    """c / c₋ₙ − 1, or since the first bar."""
    return close / _base(f, close, length, cumulative) - 1.0
