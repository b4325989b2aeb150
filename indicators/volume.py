"""Volume: prices weighed by what was traded. Names and quirks as in pandas-ta."""

from indicators.indicator import indicator
from indicators.symbols import SESSIONS, Formula, Symbol


@indicator(inputs="close volume", outputs="OBV")
def obv(f: Formula, close: Symbol, volume: Symbol) -> Symbol:
    """On balance volume: Σ v·sign(Δc). Cumulative from the first bar, where it is null."""
    return f.cumulate(f.sign(f.diff(close)) * volume)


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
