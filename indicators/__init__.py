"""How numbers are made: indicators as formulas, folded by one compiled kernel.

- `ops` is the instruction set: primitives with numbers, state and memory; `kernels/` their compiled
  arithmetic, `eager` the same on whole arrays, as the oracle.
- A formula (`overlap`, `momentum`, …) is a plain function over `symbols`; it runs once and leaves a
  `tape`: registering a view compiles nothing, its version is the digest of its tape.
- `indicator` binds parameters: `rsi(14)` is a feature. `catalogue` has them by name. `fold` folds a
  tape over bars, live and in bulk; `batch.compute` does it for a table.
- `pandas_ta` is the oracle: profile `parity` is what it computes on the prefix ending at each bar.

This package imports neither `ledger` nor `projections`: numpy at most, numba at the first fold.
"""

from indicators.batch import compute
from indicators.catalogue import indicators, named
from indicators.errors import IndicatorError
from indicators.indicator import Feature, Indicator, indicator, tape
from indicators.tape import Tape

__all__ = [
    "Feature",
    "Indicator",
    "IndicatorError",
    "Tape",
    "compute",
    "indicator",
    "indicators",
    "named",
    "tape",
]


def __getattr__(name: str) -> Indicator:
    """`from indicators import rsi`: every indicator under its own name."""
    known = indicators()
    if name in known:
        return known[name]
    raise AttributeError(f"module 'indicators' has no attribute {name!r}")
