"""Moving averages by name: what pandas-ta calls `mamode`."""

from collections.abc import Callable, Mapping
from typing import Final

from indicators.errors import BadParameter
from indicators.symbols import Formula, Symbol

type Average = Callable[[Formula, Symbol, int, bool], Symbol]

AVERAGES: Final[Mapping[str, Average]] = {
    "ema": lambda f, x, n, first: f.ema(x, n, from_first=first),
    "rma": lambda f, x, n, first: f.rma(x, n),
    "sma": lambda f, x, n, first: f.sma(x, n),
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
