"""All indicators by name."""

import difflib
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from indicators import (
    candle,
    cycle,
    momentum,
    momentum_oscillators,
    momentum_rates,
    momentum_squeeze,
    momentum_strength,
    overlap,
    overlap_adaptive,
    performance,
    statistics,
    trend,
    trend_more,
    volatility,
    volatility_more,
    volume,
    volume_flow,
)
from indicators.errors import UnknownIndicator
from indicators.indicator import Indicator

CATEGORIES: tuple[ModuleType, ...] = (
    candle,
    cycle,
    momentum,
    momentum_oscillators,
    momentum_rates,
    momentum_squeeze,
    momentum_strength,
    overlap,
    overlap_adaptive,
    performance,
    statistics,
    trend,
    trend_more,
    volatility,
    volatility_more,
    volume,
    volume_flow,
)


@cache
def indicators() -> Mapping[str, Indicator]:
    """Every indicator, sorted by name."""
    found = {
        item.name: item
        for module in CATEGORIES
        for item in vars(module).values()
        if isinstance(item, Indicator)
    }
    return dict(sorted(found.items()))


def named(name: str) -> Indicator:
    """The indicator of that name. Raises `UnknownIndicator` with the nearest ones."""
    known = indicators()
    if name not in known:
        near = difflib.get_close_matches(name, known, 3)
        raise UnknownIndicator(
            f"no indicator {name!r}",
            remedy=f"did you mean {', '.join(near)}?" if near else "fledger indicators",
        )
    return known[name]
