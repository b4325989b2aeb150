"""Bars to test on: seeded random worlds, each with the trouble of its name, and real ones."""

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

WORLDS: Final = ("plain", "ticks", "one_flat", "flat_spell", "shock", "micro", "flat_start")


def world(kind: str, rows: int = 600, seed: int = 0) -> "pd.DataFrame":
    """Random bars every 5 minutes with a DatetimeIndex, float64.

    plain: no ties. ticks: a coarse price grid, flat bars, zero volumes. one_flat: a single flat
    bar at three quarters. flat_spell: 60 equal bars. shock: a burst of volume and a gap in price.
    micro: prices of 1e-5 with a flat bar. flat_start: it begins with 40 equal bars.
    """
    import pandas as pd

    random = np.random.default_rng([WORLDS.index(kind), seed])
    spread = 2e-3 * np.exp(np.clip(np.cumsum(random.normal(0, 0.1, rows)), -1.5, 1.5))
    close = 100.0 * np.exp(np.cumsum(spread * random.standard_t(5, rows)))
    start = np.concatenate([[100.0], close[:-1]]) * np.exp(0.2 * spread * random.normal(size=rows))
    high = np.maximum(start, close) * np.exp(np.abs(spread * random.normal(size=rows)))
    low = np.minimum(start, close) * np.exp(-np.abs(spread * random.normal(size=rows)))
    prices = np.stack([start, high, low, close])
    volume = np.exp(random.normal(6, 1, rows))
    if kind == "ticks":
        prices = np.round(prices * 10) / 10
        volume = np.floor(volume) * (random.random(rows) > 0.03)
        for i in np.flatnonzero(random.random(rows) < 0.04):
            prices[:, i] = prices[3, max(i - 1, 0)]
    elif kind in ("one_flat", "micro"):
        i = rows * 3 // 4
        prices[:, i] = prices[3, i - 1]
    elif kind == "flat_spell":
        i = rows * 2 // 3
        prices[:, i : i + 60] = prices[3, i - 1]
    elif kind == "flat_start":
        prices[:, :40] = 100.0
    elif kind == "shock":
        volume[rows // 3] *= 1e6
        prices[:, rows // 2 : rows // 2 + 5] *= 0.05
    if kind == "micro":
        prices *= 1e-7
    index = pd.date_range("2024-01-30 21:00", periods=rows, freq="5min", name="time")
    columns = dict(zip(("open", "high", "low", "close"), prices, strict=True))
    return pd.DataFrame({**columns, "volume": volume}, index=index)


def btc_perp(folder: Path, rows: int) -> "pd.DataFrame":
    """FTX BTC-PERP, 1 m, January 2022: no gaps, some flat bars."""
    import pandas as pd

    path = folder / "ohlcv_1m" / "ftx_btc-perp-20211231-20220201_1m.csv.gz"
    with gzip.open(path, "rt") as file:
        held = pd.read_csv(file, nrows=rows)
    time = next(c for c in held.columns if "time" in c.lower() or "date" in c.lower())
    held.index = pd.DatetimeIndex(pd.to_datetime(held[time]), name="time")
    return _floats(held)


def btc_gappy(folder: Path, rows: int) -> "pd.DataFrame":
    """Binance BTC, 1 m, November 2017: minutes are missing, bars are flat."""
    import pandas as pd

    held = pd.read_feather(folder / "ohlcv_1m" / "freqtrade_unittest_btc_1m_gappy.feather")
    held.index = pd.DatetimeIndex(held["date"], name="time").tz_localize(None)
    return _floats(held.iloc[:rows])


def spy_daily(folder: Path, rows: int) -> "pd.DataFrame":
    """SPY by the day since 1999."""
    import pandas as pd

    with gzip.open(folder / "daily" / "pandas_ta_SPY_D.csv.gz", "rt") as file:
        held = pd.read_csv(file, nrows=rows)
    held.columns = [c.lower() for c in held.columns]
    held.index = pd.DatetimeIndex(pd.to_datetime(held["date"]), name="time")
    return _floats(held)


def _floats(held: "pd.DataFrame") -> "pd.DataFrame":
    return held[["open", "high", "low", "close", "volume"]].astype("float64")
