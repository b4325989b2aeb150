"""Parameters for the comparison with pandas-ta: seeded draws, and what it cannot do itself."""

import random
from typing import Final

from indicators.indicator import Indicator, Value

LENGTH_BARS: Final = 60  # of a draw; the table in benchmarks/ goes to 200
# Parameters held fixed, because pandas-ta ignores or cannot take other values.
FIXED: Final[dict[str, dict[str, Value]]] = {
    "cksp": {"q": 20},
    "psar": {"af0": 0.03, "af": 0.03},
    "rvi": {"thirds": False},
    "inertia": {"thirds": False},
    "aobv": {"fast": 4},
    "t3": {"a": 0.6},
    "squeeze_pro": {"kc_scalar_narrow": 0.9, "kc_scalar_normal": 1.4, "kc_scalar_wide": 2.5},
}
SHORTEST: Final[dict[str, int]] = {"ichimoku": 3, "cti": 3, "jma": 3, "hma": 4}
# Averages that are exact on any input. The others sum by BLAS (fwma, pwma, sinwma, swma) or never
# recover from a null (ssf, vidya).
EXACT: Final = ("ema", "rma", "sma", "wma", "dema", "tema", "trima", "midpoint", "linreg")
# Hosts that cut the nulls off before they average: the nested averages seed otherwise there.
SINGLE: Final = ("ema", "rma", "sma", "wma")
CUTTING: Final = frozenset(("stoch", "stochf", "kvo"))
# Where pandas-ta's last bits are those of a machine's libraries: how far ours may be, relatively.
TOLERANCE: Final[dict[str, float]] = {
    **dict.fromkeys(("alma", "fwma", "pwma", "sinwma", "swma", "cg", "mfi"), 1e-13),
    **dict.fromkeys(("log_return", "entropy", "chop", "fisher", "mcgd", "jma", "ebsw"), 1e-11),
    **dict.fromkeys(("rvgi", "mama", "ht_trendline"), 1e-10),
}
# First rows that pandas-ta fills from later ones: compared from the first value of ours on.
BACK_FILLED: Final = frozenset(("smc",))
# Columns that look ahead there and are left out here.
LEFT_OUT: Final[dict[str, str]] = {"ichimoku": "ICS_"}


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
            modes = SINGLE if one.name in CUTTING else EXACT
            drawn[name] = chance.choice(one.choices.get(name, modes))
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
