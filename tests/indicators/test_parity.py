"""Bit for bit what pandas-ta 0.4.71b0 gives: whole series, prefixes, parameters, real bars."""

from pathlib import Path

import numpy as np
import pytest

from indicators import pandas_ta
from indicators.catalogue import indicators, named
from tests.indicators import bars, draws, parity

NAMES = tuple(indicators())
REAL = {"btc_perp": bars.btc_perp, "btc_gappy": bars.btc_gappy, "spy_daily": bars.spy_daily}
REAL_ROWS = 1500
PREFIXES = 4
PREFIX_BARS_MIN = 320

pytestmark = pytest.mark.usefixtures("oracle")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An indicator for which the pandas at hand is an oracle."""
    held: str = request.param
    if why := pandas_ta.refuses(held):
        pytest.skip(f"PARITY NOT PROVEN: {why}")
    return held


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_whole_series_equal_pandas_ta(name: str) -> None:
    """With the epsilon flag known, every row and column of every world is equal to the bit."""
    for kind in bars.WORLDS:
        assert not parity.whole(bars.world(kind), name), kind


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_live_values_equal_pandas_ta_on_the_prefix(name: str) -> None:
    """What was live at a bar is what pandas-ta computes when the series ends there."""
    for kind in bars.WORLDS:
        world = bars.world(kind)
        chance = np.random.default_rng([len(name), *name.encode()])
        ends = sorted(chance.integers(PREFIX_BARS_MIN, len(world), PREFIXES).tolist())
        assert not parity.prefixes(world, name, ends), kind


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_other_parameters_equal_pandas_ta(name: str) -> None:
    """Three draws of lengths, averages, switches and scalars, on ties and on a price shock."""
    for seed, kind in enumerate(("ticks", "shock", "plain")):
        drawn = draws.draw(named(name), seed)
        assert not parity.whole(bars.world(kind, seed=seed), name, **drawn), drawn


@pytest.mark.parametrize("kind", REAL)
def test_real_bars_equal_pandas_ta(kind: str, shared_data: Path) -> None:
    """Real minutes and days, gaps and flat bars included, for every indicator."""
    real = REAL[kind](shared_data, REAL_ROWS)
    proven = [name for name in NAMES if not pandas_ta.refuses(name)]
    found = {name: parity.whole(real, name) for name in proven}
    assert not {name: text for name, text in found.items() if text}


def test_the_comparison_sees_one_bit() -> None:
    """One unit in the last place of one value is a difference."""
    world = bars.world("plain")
    ours = parity.folded(world, "sma", known=True)
    other = {name: values.copy() for name, values in ours.items()}
    other["SMA_10"][-1] = np.nextafter(other["SMA_10"][-1], np.inf)
    assert parity.differences(ours, other)
    assert not parity.differences(ours, dict(ours))
