"""The numbers of the primitives, and limits. What each is: `instructions.py`.

A number is for ever: under it the arithmetic never changes (golden bits hold that); new arithmetic
takes a new number. State is a run of 8-byte cells, zeros at the start; a cell holds a float64 or
an int64, whichever the primitive says. The arithmetic itself is in `kernels/`, compiled, and once
more in `eager.py` on whole arrays, plainly, as its oracle.

Null is NaN. Comparisons with null are false. `n` is a length in bars.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

MEMORY_TOLERANCE: Final = 1e-9  # startup: the start may still show by this much, relatively …
CONDITION_MARGIN: Final = 1e-3  # … after ratios and differences have magnified it a thousandfold
LENGTH_BARS_MAX: Final = 4096
EPSILON: Final = 2.0**-52  # what pandas-ta adds to a range once a zero was seen in it

# Pointwise: no state.
ADD: Final = 1
SUBTRACT: Final = 2
MULTIPLY: Final = 3
DIVIDE: Final = 4
ABSOLUTE: Final = 5
ROOT: Final = 6
GREATER: Final = 7
LESSER: Final = 8
SIGN: Final = 9
WHERE: Final = 10
ABOVE: Final = 11
AT_LEAST: Final = 12
BELOW: Final = 13
AT_MOST: Final = 14
EQUAL: Final = 15
VALID: Final = 16
FILL: Final = 17
DIRECTIONAL: Final = 18
SPREAD: Final = 19
SESSION: Final = 20
GREATER_KNOWN: Final = 21
LESSER_KNOWN: Final = 22
LOGARITHM: Final = 23
PICK: Final = 31
# One value, a count or a sum of the past.
LAG: Final = 32
LATCH: Final = 33
CUMULATE: Final = 34
SESSION_SUM: Final = 35
SEED: Final = 36
COUNT: Final = 37
HOLD: Final = 38
STREAK: Final = 39
# Windows of n bars.
SMA: Final = 48
WMA: Final = 49
ROLLING_SUM: Final = 50
ROLLING_MEAN: Final = 51
ROLLING_VARIANCE: Final = 52
HIGHEST: Final = 53
LOWEST: Final = 54
MEAN_DEVIATION: Final = 55
DOT: Final = 56
REGRESSION: Final = 57
QUANTILE: Final = 58
SINCE_HIGHEST: Final = 59
SINCE_LOWEST: Final = 60
RANK: Final = 61
SIGNS: Final = 62
MOMENT: Final = 63
# Recursions.
EWM: Final = 80
EMA: Final = 81
EWM_ADJUSTED: Final = 82
SMMA: Final = 83
TWO_POLES: Final = 84
THREE_POLES: Final = 85
HOLT_WINTERS: Final = 86
FADE: Final = 87
BLEND: Final = 88
RATCHET: Final = 89
DECAY: Final = 90
MCGINLEY: Final = 91
FISHER: Final = 92
# State machines; where they have several outputs, `pick` reads the others from their first cells.
SUPERTREND: Final = 128
QQE: Final = 129
SCHAFF: Final = 130
PSAR: Final = 131
RSX: Final = 132
JURIK: Final = 133
MAMA: Final = 134
TRENDLINE: Final = 135

# Bars after which what has no fixed memory is trusted: path-dependent machines and filters whose
# coefficients are given. Measured, not derived: the start may show longer on a path of its own.
LATCHED_BARS: Final = 200
STREAK_BARS: Final = 64
POLES_BARS: Final = 400
BLEND_BARS: Final = 600
ADAPTIVE_BARS: Final = 800

SEED_CELLS: Final = 18  # count, valid, 8 accumulators, 8 left halves of the pairwise tree
EWM_CELLS: Final = 3  # started, value, weight
LEFT_HALVES_MAX: Final = 8  # enough for 128 · 2⁸ bars


# Operations whose last operand is the first of several constants; how many (dot: n).
VECTORS: Final = {DOT: 0, PSAR: 2, JURIK: 5}

# Variants by name: k of `session` and of `regression`.
REGRESSIONS: Final = ("value", "forecast", "r", "slope", "intercept")
SESSIONS: Final = ("D", "W", "M", "Q", "Y", "h", "min")


class Op(NamedTuple):
    """One primitive. `cells(n)` is its state in 8-byte cells, `memory(n, constant)` the bars
    after which its start no longer shows (the constant is its second operand, if it has one)."""

    number: int
    name: str
    operands: int
    cells: Callable[[int], int]
    memory: Callable[[int, float], int]
    says: str


def fading(alpha: float) -> int:
    """Bars until a weight of 1 has faded to the tolerance in an average with this alpha."""
    if alpha >= 1.0:
        return 0
    return math.ceil(math.log(MEMORY_TOLERANCE * CONDITION_MARGIN) / math.log(1.0 - alpha))
