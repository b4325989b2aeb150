"""Volume: prices weighed by what was traded. Names and quirks as in pandas-ta."""

from indicators.indicator import indicator
from indicators.moving import average
from indicators.ops import SESSIONS
from indicators.symbols import Formula, Symbol
from indicators.trend_runs import run


def balance(f: Formula, close: Symbol, volume: Symbol) -> Symbol:
    """Σ v·sign(Δc)."""
    return f.cumulate(f.sign(f.diff(close)) * volume)


def money(f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol) -> Symbol:
    """v·(2c − h − l) / (h − l): volume by where the close lies."""
    return (2.0 * close - (high + low)) * (volume / f.nonzero(high, low))


@indicator(inputs="close volume", outputs="OBV")
def obv(f: Formula, close: Symbol, volume: Symbol) -> Symbol:
    """On balance volume: Σ v·sign(Δc). Cumulative from the first bar, where it is null."""
    return balance(f, close, volume)


@indicator(
    inputs="time high low close volume", outputs="VWAP_{anchor}", choices={"anchor": SESSIONS[:5]}
)
def vwap(
    f: Formula,
    time: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    volume: Symbol,
    *,
    anchor: str = "D",
) -> Symbol:
    """Volume weighted average price since the calendar period began (UTC, by the bar's start).

    Quirk: the period is the calendar's, not the exchange's session. Before the first whole period
    it misses what was traded before the first bar.
    """
    session = f.session(time, anchor)
    typical = (high + low + close) / 3.0
    return f.session_sum(typical * volume, session) / f.session_sum(volume, session)


@indicator(inputs="high low close volume", outputs="AD")
def ad(f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol) -> Symbol:
    """Accumulation and distribution: Σ v·(2c − h − l) / (h − l). Cumulative from the first bar."""
    return f.cumulate(money(f, high, low, close, volume))


@indicator(inputs="high low close volume", outputs="ADOSC_{fast}_{slow}")
def adosc(
    f: Formula,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    volume: Symbol,
    *,
    fast: int = 3,
    slow: int = 10,
) -> Symbol:
    """Chaikin's oscillator: EMA fast − EMA slow of `ad`."""
    line = f.cumulate(money(f, high, low, close, volume))
    return f.ema(line, fast) - f.ema(line, slow)


@indicator(
    inputs="close volume",
    outputs="OBV OBV_min_{min_lookback} OBV_max_{max_lookback} OBV{mamode[0]}_{fast} "
    "OBV{mamode[0]}_{slow} AOBV_LR_{run_length} AOBV_SR_{run_length}",
)
def aobv(
    f: Formula,
    close: Symbol,
    volume: Symbol,
    *,
    fast: int = 4,
    slow: int = 12,
    max_lookback: int = 2,
    min_lookback: int = 2,
    mamode: str = "ema",
    run_length: int = 2,
) -> tuple[Symbol, ...]:
    """Archer's on balance volume: OBV, its least and greatest, two averages and their runs."""
    fast, slow = min(fast, slow), max(fast, slow)
    line = balance(f, close, volume)
    quick, calm = average(f, mamode, line, fast), average(f, mamode, line, slow)
    return (
        line,
        f.lowest(line, min_lookback),
        f.highest(line, max_lookback),
        quick,
        calm,
        run(f, quick, calm, run_length, up=True),
        run(f, quick, calm, run_length, up=False),
    )


@indicator(inputs="high low close volume", outputs="CMF_{length}")
def cmf(
    f: Formula, high: Symbol, low: Symbol, close: Symbol, volume: Symbol, *, length: int = 20
) -> Symbol:
    """Chaikin's money flow: Σ v·(2c − h − l)/(h − l) over Σ v."""
    return f.sum(money(f, high, low, close, volume), length) / f.sum(volume, length)


@indicator(inputs="close volume", outputs="EFI_{length}")
def efi(
    f: Formula,
    close: Symbol,
    volume: Symbol,
    *,
    length: int = 13,
    mamode: str = "ema",
    drift: int = 1,
) -> Symbol:
    """Elder's force index: the average of Δc·v."""
    return average(f, mamode, f.diff(close, drift) * volume, length)


@indicator(inputs="close volume", outputs="NVI_{length}", limits={"initial": (1e-9, 1e12)})
def nvi(
    f: Formula, close: Symbol, volume: Symbol, *, length: int = 1, initial: float = 1000
) -> Symbol:
    """Negative volume index: 1000 + Σ ROC where volume fell."""
    before = f.lag(close, length)
    rate = 100.0 * (close - before) / before
    fell = f.fill(f.where(f.diff(volume) < 0.0, rate, 0.0), 0.0)
    return f.cumulate(f.where(f.equal(f.count(close), 0.0), initial, fell))


@indicator(
    inputs="close volume", outputs="PVI PVI{mamode[0]}_{length}", limits={"initial": (1e-9, 1e12)}
)
def pvi(
    f: Formula,
    close: Symbol,
    volume: Symbol,
    *,
    length: int = 255,
    initial: float = 100,
    mamode: str = "ema",
) -> tuple[Symbol, ...]:
    """Positive volume index and its average.

    Quirk: not cumulative: 100·c/c₋₁ where volume rose, else 100. pandas-ta leaves the average out
    of series of at most n + 1 bars.
    """
    index = f.where(f.diff(volume) > 0.0, initial * (close / f.lag(close)), initial)
    return index, average(f, mamode, index, length)


@indicator(
    inputs="volume",
    outputs="PVO_{fast}_{slow}_{signal} PVOh_{fast}_{slow}_{signal} PVOs_{fast}_{slow}_{signal}",
    ordered="fast slow",
)
def pvo(
    f: Formula,
    volume: Symbol,
    *,
    fast: int = 12,
    slow: int = 26,
    signal: int = 9,
    scalar: float = 100.0,
) -> tuple[Symbol, ...]:
    """Percentage volume oscillator: 100·(EMA fast − EMA slow) / EMA slow, its EMA, the distance."""
    calm = f.ema(volume, slow)
    line = scalar * (f.ema(volume, fast) - calm) / calm
    signal_line = f.ema(line, signal)
    return line, line - signal_line, signal_line


@indicator(inputs="close volume", outputs="PVOL")
def pvol(f: Formula, close: Symbol, volume: Symbol, *, signed: bool = False) -> Symbol:
    """Price times volume, with the sign of Δc if `signed`."""
    held = close * volume
    return held * f.sign(f.diff(close)) if signed else held


@indicator(inputs="close volume", outputs="PVR")
def pvr(f: Formula, close: Symbol, volume: Symbol, *, drift: int = 1) -> Symbol:
    """Price volume rank: 1 both not falling, 2 volume falls, 3 price falls, 4 both."""
    price, traded = f.diff(close, drift) < 0.0, f.diff(volume, drift) < 0.0
    return 1.0 + 2.0 * price + traded


@indicator(inputs="close volume", outputs="PVT")
def pvt(f: Formula, close: Symbol, volume: Symbol, *, drift: int = 1) -> Symbol:
    """Price volume trend: Σ ROC·v. Cumulative from the first bar."""
    before = f.lag(close, drift)
    return f.cumulate(100.0 * (close - before) / before * volume)
