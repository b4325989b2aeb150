"""Volume, continued: money flow, ease and force of movement. Names and quirks as in pandas-ta."""

import math

from indicators import ops
from indicators.indicator import indicator
from indicators.moving import average
from indicators.symbols import Formula, Symbol


def flow_index(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol, length: int
) -> Symbol:
    """Money flow: what was traded at rising typical prices in n bars, in percent. Quirk: an equal
    price counts as falling. pandas-ta sums by BLAS; here oldest first."""
    typical = (high + low + close) / 3.0
    signed = typical * volume * f.where(typical > f.lag(typical), 1.0, -1.0)
    signed = f.where(f.equal(f.count(close), 0.0), math.nan, signed)
    ones = [1.0] * length
    gain, loss = f.dot(f.max(signed, 0.0), ones), f.dot(f.max(-signed, 0.0), ones)
    return 100.0 * gain / (gain + loss + ops.EPSILON)


@indicator(inputs="high low close volume", outputs="MFI_{length}")
def mfi(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol, *, length: int = 14
) -> Symbol:
    """Money flow index: see `flow_index`."""
    return flow_index(f, high, low, close, volume, length)


@indicator(
    inputs="high low close volume", outputs="KVO_{fast}_{slow}_{signal} KVOs_{fast}_{slow}_{signal}"
)
def kvo(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    volume: Symbol,
    *,
    fast: int = 34,
    slow: int = 55,
    signal: int = 13,
    mamode: str = "ema",
) -> tuple[Symbol, ...]:
    """Klinger's oscillator as pandas-ta computes it: averages of v·sign(Δ typical price)."""
    signed = volume * f.sign(f.diff((high + low + close) / 3.0))
    line = average(f, mamode, signed, fast, from_first=True) - average(
        f, mamode, signed, slow, from_first=True
    )
    return line, average(f, mamode, line, signal, from_first=True)


@indicator(
    inputs="close volume",
    outputs="TSV_{length}_{signal} TSVs_{length}_{signal} TSVr_{length}_{signal}",
)
def tsv(
    f: Formula,
    close: Symbol,
    volume: Symbol,
    *,
    length: int = 18,
    signal: int = 10,
    mamode: str = "sma",
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Time segmented volume: Σ v·Δc, its average, their ratio."""
    moved = f.abs(volume * f.sign(f.diff(close)))
    line = f.sum(moved * f.diff(close, drift), length)
    signal_line = average(f, mamode, line, signal)
    return line, signal_line, line / signal_line


@indicator(inputs="close volume", outputs="VWMA_{length}")
def vwma(f: Formula, close: Symbol, volume: Symbol, *, length: int = 10) -> Symbol:
    """Volume weighted moving average: SMA(c·v) / SMA(v)."""
    return f.sma(close * volume, length) / f.sma(volume, length)


@indicator(
    inputs="high low volume", outputs="EOM_{length}_{divisor}", limits={"divisor": (1e-9, 1e18)}
)
def eom(
    f: Formula,
    high: Symbol,
    low: Symbol,
    volume: Symbol,
    *,
    length: int = 14,
    divisor: float = 100000000,
    drift: int = 1,
) -> Symbol:
    """Ease of movement: SMA of Δ median price over volume per range. Infinite while a bar without
    volume is in the window."""
    middle = 0.5 * (high + low)
    moved = middle - 0.5 * (f.lag(high, drift) + f.lag(low, drift))
    return f.sma(moved / (volume / divisor / f.nonzero(high, low)), length)
