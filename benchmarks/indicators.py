"""How fast indicators fold: one bar, many instruments, bulk, and beside pandas-ta.

    python benchmarks/indicators.py [--parity PREFIXES]

One core (set NUMBA_NUM_THREADS=1), kernels warm, best of several. `--parity` compares each
indicator with pandas-ta on that many prefixes and on 30 draws of parameters instead.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from indicators import batch, fold, indicators, named, pandas_ta, tape
from indicators.errors import OracleMissing
from indicators.indicator import Feature
from tests.indicators import bars, draws, parity

BULK_ROWS = 100_000
CLOSING = 500
DRAWS = 30
VIEW_OF_20 = (
    *(("sma", (20,)), ("sma", (50,)), ("ema", (12,)), ("ema", (26,)), ("rsi", ()), ("macd", ())),
    *(("bbands", (20,)), ("atr", ()), ("stoch", ()), ("obv", ()), ("vwap", ()), ("roc", ())),
    ("stdev", (20,)),
)


def best(of: Callable[[], object], times: int = 7) -> float:
    """Seconds of the fastest run."""
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        of()
        took.append(time.perf_counter() - begin)
    return min(took)


def view(title: str, features: Sequence[Feature]) -> None:
    """One bar of one instrument, one bar of 500, and bulk, per feature-row."""
    held = tape(list(features))
    rows = batch.read(bars.world("plain", BULK_ROWS), held)[0]
    one, many = fold.start(held), fold.start(held, CLOSING)
    entity = np.arange(CLOSING)
    fold.fold(one, rows[:2000])
    for i in range(200):
        fold.fold(many, rows[i : i + CLOSING], entity)
    single = best(lambda: [fold.fold(one, rows[i : i + 1]) for i in range(500)]) / 500
    closing = best(lambda: [fold.fold(many, rows[i : i + CLOSING], entity) for i in range(20)]) / 20
    bulk = best(lambda: fold.fold(fold.start(held), rows), 3) / len(rows)
    names = len(held.names)
    print(
        f"{title}: {names} outputs, {len(held.code)} ops, {held.cells} cells | one bar "
        f"{single * 1e6:.1f} µs | {CLOSING} closing {closing * 1e6:.0f} µs = "
        f"{closing / CLOSING / names * 1e9:.1f} ns per feature-row | "
        f"bulk {bulk * 1e9:.0f} ns per bar = {bulk / names * 1e9:.1f} ns per feature-row"
    )


def beside(table: Any) -> None:
    """Each indicator on a table of 100,000 bars, beside pandas-ta, interleaved."""
    total = [0.0, 0.0]
    for name, one in indicators().items():
        if "fast" in one.inputs:
            continue
        ours, theirs = [], []
        for _ in range(3):
            begin = time.perf_counter()
            batch.compute(table, one())
            middle = time.perf_counter()
            pandas_ta.run(name, table)
            ours.append(middle - begin)
            theirs.append(time.perf_counter() - middle)
        total[0] += min(ours)
        total[1] += min(theirs)
        print(f"{name:>16} {min(ours) * 1e3:8.1f} ms  pandas-ta {min(theirs) * 1e3:8.1f} ms")
    print(f"{'all':>16} {total[0]:8.2f} s   pandas-ta {total[1]:8.2f} s")


def prove(prefixes: int) -> int:
    """Differences from pandas-ta over prefixes and draws; how many indicators differ."""
    wrong = 0
    for name in indicators():
        chance = np.random.default_rng([7, *name.encode()])
        found: list[str] = []
        for kind in bars.WORLDS:
            world = bars.world(kind, 1500, seed=9)
            ends = sorted(chance.integers(320, 1500, prefixes // len(bars.WORLDS)).tolist())
            found += [f"{kind}: {text}" for text in parity.prefixes(world, name, ends)]
        for seed in range(DRAWS if indicators()[name].defaults else 0):
            drawn = draws.draw(named(name), 100 + seed, longest=200)
            kind = bars.WORLDS[seed % len(bars.WORLDS)]
            text = parity.whole(bars.world(kind, 1500, seed=seed), name, **drawn)
            found += [f"{drawn} {kind}: {one}" for one in text]
        wrong += bool(found)
        print(
            f"{name:>16} {'equal' if not found else f'{len(found)} differ: {found[0]}'}", flush=True
        )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parity", type=int, default=0, metavar="PREFIXES")
    asked = parser.parse_args()
    if asked.parity:
        return int(prove(asked.parity) > 0)
    view(
        "20 outputs",
        [named(name)(*given, alias=f"{name}{i}") for i, (name, given) in enumerate(VIEW_OF_20)],
    )
    everything = {k: v for k, v in indicators().items() if set(v.inputs) <= batch.BAR_FIELDS}
    view("all", [one() for name, one in everything.items() if name not in batch.CONTAINED])
    try:
        beside(bars.world("plain", BULK_ROWS))
    except OracleMissing as missing:
        print(missing, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
