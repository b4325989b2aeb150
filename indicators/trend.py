"""Trend: direction and strength. Names and quirks as in pandas-ta."""

from indicators import ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol
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
