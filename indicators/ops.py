"""The instruction set: each primitive's number, operands, state width and memory.

A number is for ever: under it the arithmetic never changes (golden bits hold that); new arithmetic
takes a new number. State is a run of 8-byte cells, zeros at the start; a cell holds a float64 or
an int64, whichever the primitive says. The arithmetic itself is in `kernels/`, compiled, and once
more in `eager.py` on whole arrays, plainly, as its oracle.

Null is NaN. Comparisons with null are false. `n` is a length in bars.
"""

import math
from collections.abc import Callable
from functools import cache
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

SEED_CELLS: Final = 18  # count, valid, 8 accumulators, 8 left halves of the pairwise tree
EWM_CELLS: Final = 3  # started, value, weight
LEFT_HALVES_MAX: Final = 8  # enough for 128 · 2⁸ bars


# Operations whose last operand is the first of several constants; how many (dot: n).
VECTORS: Final = {DOT: 0, PSAR: 2, JURIK: 5}


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


def _none(n: int) -> int:
    return 0


def _forgets_at_once(n: int, constant: float) -> int:
    return 0


def _window(n: int, constant: float) -> int:
    return n - 1


def _seed(n: int, constant: float) -> int:
    return n - 1


_POINTWISE = (
    (ADD, "add", 2, "x + y"),
    (SUBTRACT, "subtract", 2, "x − y"),
    (MULTIPLY, "multiply", 2, "x · y"),
    (DIVIDE, "divide", 2, "x / y; 0/0 is null, x/0 an infinity"),
    (ABSOLUTE, "absolute", 1, "|x|"),
    (ROOT, "root", 1, "√x, null below zero"),
    (GREATER, "greater", 2, "the greater; null if either is"),
    (LESSER, "lesser", 2, "the lesser; null if either is"),
    (SIGN, "sign", 1, "1, 0 or −1"),
    (WHERE, "where", 3, "y where x is neither 0 nor null, else z"),
    (ABOVE, "above", 2, "1 if x > y else 0"),
    (AT_LEAST, "at_least", 2, "1 if x ≥ y else 0"),
    (BELOW, "below", 2, "1 if x < y else 0"),
    (AT_MOST, "at_most", 2, "1 if x ≤ y else 0"),
    (EQUAL, "equal", 2, "1 if x = y else 0"),
    (VALID, "valid", 1, "0 where null, else 1"),
    (FILL, "fill", 2, "x, or y where x is null"),
    (DIRECTIONAL, "directional", 2, "x if x > y and x > 0 (2⁻⁵² and less is 0), else 0"),
    (SPREAD, "spread", 4, "greatest of |x|, |y−c|, |c−z|, nulls left out; k=1: null if c is"),
    (GREATER_KNOWN, "greater_known", 2, "the greater, or the one that is not null"),
    (LESSER_KNOWN, "lesser_known", 2, "the lesser, or the one that is not null"),
    (LOGARITHM, "logarithm", 1, "natural logarithm (k=1: decimal), by the C library: its last bit may differ"),
    (PICK, "pick", 1, "output n of the machine that wrote x"),
    (SESSION, "session", 1, "number of the calendar period k (D W M Q Y h min) of x seconds"),
)
_STATEFUL = (
    Op(LAG, "lag", 1, lambda n: n + 1, lambda n, c: n, "x of n bars ago"),
    Op(LATCH, "latch", 1, lambda n: 1, _forgets_at_once, "1 once x has been 0"),
    Op(CUMULATE, "cumulate", 1, lambda n: 1, _forgets_at_once, "sum since the start, over nulls"),
    Op(SESSION_SUM, "session_sum", 2, lambda n: 3, _forgets_at_once, "compensated sum while y stays"),
    Op(SEED, "seed", 1, lambda n: SEED_CELLS, _seed, "null, then mean of the first n bars, then x"),
    Op(COUNT, "count", 1, lambda n: 1, _forgets_at_once, "bars before this one"),
    Op(HOLD, "hold", 2, lambda n: 2, lambda n, c: LATCHED_BARS, "y where x is not 0, else as before"),
    Op(STREAK, "streak", 1, lambda n: 1, lambda n, c: STREAK_BARS, "bars in a row where x is not 0"),
    Op(SMA, "sma", 1, lambda n: n + 1, _window, "Σ x·(1/n), oldest first"),
    Op(WMA, "wma", 1, lambda n: n + 1, _window, "Σ i·x · 2/(n²+n), oldest first; k=0: descending"),
    Op(ROLLING_SUM, "rolling_sum", 1, lambda n: n + 7, _window, "pandas' compensated rolling sum"),
    Op(ROLLING_MEAN, "rolling_mean", 1, lambda n: n + 8, _window, "pandas' rolling mean"),
    Op(ROLLING_VARIANCE, "rolling_variance", 1, lambda n: n + 7, _window, "pandas' rolling variance, ddof k"),
    Op(HIGHEST, "highest", 1, lambda n: n + 4, _window, "greatest of n, null unless all are there"),
    Op(LOWEST, "lowest", 1, lambda n: n + 4, _window, "least of n, null unless all are there"),
    Op(MEAN_DEVIATION, "mean_deviation", 1, lambda n: n + 1 + LEFT_HALVES_MAX, _window, "mean of |x − mean| over n"),
    Op(DOT, "dot", 2, lambda n: n + 1, _window, "Σ w·x, oldest first; w: n constants from y on"),
    Op(REGRESSION, "regression", 1, lambda n: n + 1 + LEFT_HALVES_MAX, _window, "line through n; k: value, forecast, r, slope, intercept"),
    Op(QUANTILE, "quantile", 2, lambda n: 2 * n + 2, _window, "value at rank y·(n−1), between neighbours; k=1: median"),
    Op(SINCE_HIGHEST, "since_highest", 1, lambda n: n + 4, _window, "bars since the greatest of n, the latest"),
    Op(SINCE_LOWEST, "since_lowest", 1, lambda n: n + 4, _window, "bars since the least of n, the latest"),
    Op(RANK, "rank", 1, lambda n: n + 1, lambda n, c: n, "share of the n values before that are below x"),
    Op(SIGNS, "signs", 2, lambda n: n + 1, lambda n, c: n, "Σ sign(y − x) over the n values of x before"),
    Op(MOMENT, "moment", 1, lambda n: n + 9, _window, "pandas' rolling skew (k=3) or kurtosis (k=4)"),
    Op(EWM, "ewm", 2, lambda n: EWM_CELLS, lambda n, alpha: fading(alpha), "(w·o + α·x)/(o + α), o = (1−α)^(1+nulls)"),
    Op(EWM_ADJUSTED, "ewm_adjusted", 2, lambda n: 4, lambda n, alpha: fading(alpha), "pandas' ewm(adjust=True), null before n values"),
    Op(SMMA, "smma", 1, lambda n: n + 2, lambda n, c: n - 1 + fading(1.0 / n), "((n−1)·y + x) / n, begun with the mean of n, newest first"),
    Op(TWO_POLES, "two_poles", 4, lambda n: 4, lambda n, c: POLES_BARS, "y·(x + x₋₁) + z·r₋₁ − w·r₋₂; begins k=0: with x, 1: with 0 0, 2: at once"),
    Op(THREE_POLES, "three_poles", 4, lambda n: 4, lambda n, c: POLES_BARS, "(1−y−z−w)·x + y·r₋₁ + z·r₋₂ + w·r₋₃, begun with x x x"),
    Op(HOLT_WINTERS, "holt_winters", 4, lambda n: 4, lambda n, c: POLES_BARS, "level, velocity, acceleration"),
    Op(FADE, "fade", 2, lambda n: 1, lambda n, keep: fading(1.0 - keep), "y·r₋₁ + x, from 0"),
    Op(BLEND, "blend", 3, lambda n: 2, lambda n, c: BLEND_BARS, "y·x + (1−y)·r₋₁; z in the first n bars"),
    Op(RATCHET, "ratchet", 3, lambda n: 2, lambda n, c: LATCHED_BARS, "x: greater of y and r₋₁, else lesser of z and r₋₁"),
    Op(DECAY, "decay", 2, lambda n: 2, lambda n, c: LATCHED_BARS, "greatest of 0, x, r₋₁ − y; k=1: r₋₁ · y"),
    Op(MCGINLEY, "mcginley", 2, lambda n: 2, lambda n, c: POLES_BARS, "r₋₁ + (x − r₋₁) / (y·(x/r₋₁)⁴), by the C library's pow"),
    Op(FISHER, "fisher", 1, lambda n: 3, lambda n, c: n + POLES_BARS, "Fisher's transform of x from bar n on, by the C library's log"),
    Op(EMA, "ema", 2, lambda n: SEED_CELLS + EWM_CELLS, lambda n, alpha: n - 1 + fading(alpha), "ewm of seed; k=1: counted from the first value"),
    Op(SUPERTREND, "supertrend", 3, lambda n: 7, lambda n, c: LATCHED_BARS, "bands y, z that only tighten till x crosses"),
    Op(QQE, "qqe", 3, lambda n: 10, lambda n, c: LATCHED_BARS, "x trailed by y and z"),
    Op(SCHAFF, "schaff", 4, lambda n: n + 5, lambda n, c: LATCHED_BARS, "double stochastic of x; y its least, z its range"),
    Op(PSAR, "psar", 3, lambda n: 10, lambda n, c: LATCHED_BARS, "Wilder's stop and reverse of high x, low y"),
    Op(RSX, "rsx", 1, lambda n: 19, lambda n, c: n + POLES_BARS, "Jurik's smooth relative strength"),
    Op(JURIK, "jurik", 2, lambda n: 86, lambda n, c: n + POLES_BARS, "Jurik's adaptive average"),
    Op(MAMA, "mama", 3, lambda n: 44, lambda n, c: POLES_BARS, "Ehlers' adaptive average of x between y and z"),
    Op(TRENDLINE, "trendline", 1, lambda n: 92, lambda n, c: POLES_BARS, "Ehlers' instantaneous trendline"),
)


@cache
def by_number() -> dict[int, Op]:
    """The whole instruction set."""
    pointwise = (Op(*row[:3], _none, _forgets_at_once, row[3]) for row in _POINTWISE)
    return {op.number: op for op in (*pointwise, *_STATEFUL)}
