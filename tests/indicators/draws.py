"""Parameters for the comparison with pandas-ta: seeded draws, and what it cannot do itself."""

import random
from typing import Final

from indicators.indicator import Indicator, Value
from indicators.moving import AVERAGES

LENGTH_BARS: Final = 60  # of a draw; the table in benchmarks/ goes to 200
# Draws that pandas-ta answers otherwise than a fold can, each for the reason given.
FIXED: Final[dict[str, dict[str, Value]]] = {}
SHORTEST: Final[dict[str, int]] = {}
# What has no counterpart there that is causal: compared otherwise, see the docstrings.
NOT_COMPARED: Final[frozenset[str]] = frozenset()


def draw(one: Indicator, seed: int, longest: int = LENGTH_BARS) -> dict[str, Value]:
    """Parameters of one indicator: lengths, averages, switches and scalars, by the seed."""
    chance = random.Random(f"{one.name}:{seed}")
    drawn: dict[str, Value] = {}
    for name, default in one.defaults.items():
        kind, (low, high) = one.kinds[name], one.range_of(name)
        if name in FIXED.get(one.name, {}):
            drawn[name] = FIXED[one.name][name]
        elif kind is bool:
            drawn[name] = chance.random() < 0.5
        elif kind is str:
            drawn[name] = chance.choice(one.choices.get(name, tuple(AVERAGES)))
        elif name == "drift":
            drawn[name] = chance.choice((1, 1, 2, 5))
        elif kind is int:
            least = int(low) if name in one.limits else SHORTEST.get(one.name, 2)
            drawn[name] = chance.randint(least, int(min(high, longest)))
        else:
            value = float(default or 0.0) * chance.uniform(0.5, 2.0)
            drawn[name] = round(min(max(value, low), high), 3)
    if one.ordered:
        low_name, high_name = one.ordered
        drawn[low_name], drawn[high_name] = sorted((drawn[low_name], drawn[high_name]))  # type: ignore[type-var]
    return drawn
