"""The instruction set: each primitive's name, operands, state width and memory."""

from functools import cache

from indicators import ops
from indicators.instructions_paths import PATHS


def _none(n: int) -> int:
    return 0


def _forgets_at_once(n: int, constant: float) -> int:
    return 0


def _window(n: int, constant: float) -> int:
    return n - 1


def _seed(n: int, constant: float) -> int:
    return n - 1


_POINTWISE = (
    (ops.ADD, "add", 2, "x + y"),
    (ops.SUBTRACT, "subtract", 2, "x − y"),
    (ops.MULTIPLY, "multiply", 2, "x · y"),
    (ops.DIVIDE, "divide", 2, "x / y; 0/0 is null, x/0 an infinity"),
    (ops.ABSOLUTE, "absolute", 1, "|x|"),
    (ops.ROOT, "root", 1, "√x, null below zero"),
    (ops.GREATER, "greater", 2, "the greater; null if either is"),
    (ops.LESSER, "lesser", 2, "the lesser; null if either is"),
    (ops.SIGN, "sign", 1, "1, 0 or −1"),
    (ops.WHERE, "where", 3, "y where x is neither 0 nor null, else z"),
    (ops.ABOVE, "above", 2, "1 if x > y else 0"),
    (ops.AT_LEAST, "at_least", 2, "1 if x ≥ y else 0"),
    (ops.BELOW, "below", 2, "1 if x < y else 0"),
    (ops.AT_MOST, "at_most", 2, "1 if x ≤ y else 0"),
    (ops.EQUAL, "equal", 2, "1 if x = y else 0"),
    (ops.VALID, "valid", 1, "0 where null, else 1"),
    (ops.FILL, "fill", 2, "x, or y where x is null"),
    (ops.DIRECTIONAL, "directional", 2, "x if x > y and x > 0 (2⁻⁵² and less is 0), else 0"),
    (ops.SPREAD, "spread", 4, "greatest of |x|, |y−c|, |c−z|, nulls left out; k=1: null if c is"),
    (ops.GREATER_KNOWN, "greater_known", 2, "the greater, or the one that is not null"),
    (ops.LESSER_KNOWN, "lesser_known", 2, "the lesser, or the one that is not null"),
    (
        ops.LOGARITHM,
        "logarithm",
        1,
        "natural logarithm (k=1: decimal), by the C library: its last bit may differ",
    ),
    (ops.PICK, "pick", 1, "output n of the machine that wrote x"),
    (ops.SESSION, "session", 1, "number of the calendar period k (D W M Q Y h min) of x seconds"),
)
_STATEFUL = (
    ops.Op(ops.LAG, "lag", 1, lambda n: n + 1, lambda n, c: n, "x of n bars ago"),
    ops.Op(ops.LATCH, "latch", 1, lambda n: 1, _forgets_at_once, "1 once x has been 0"),
    ops.Op(
        ops.CUMULATE,
        "cumulate",
        1,
        lambda n: 1,
        _forgets_at_once,
        "sum since the start, over nulls",
    ),
    ops.Op(
        ops.SESSION_SUM,
        "session_sum",
        2,
        lambda n: 3,
        _forgets_at_once,
        "compensated sum while y stays",
    ),
    ops.Op(
        ops.SEED,
        "seed",
        1,
        lambda n: ops.SEED_CELLS,
        _seed,
        "null, then mean of the first n bars, then x",
    ),
    ops.Op(ops.COUNT, "count", 1, lambda n: 1, _forgets_at_once, "bars before this one"),
    ops.Op(
        ops.HOLD,
        "hold",
        2,
        lambda n: 2,
        lambda n, c: ops.LATCHED_BARS,
        "y where x is not 0, else as before",
    ),
    ops.Op(
        ops.STREAK,
        "streak",
        1,
        lambda n: 1,
        lambda n, c: ops.STREAK_BARS,
        "bars in a row where x is not 0",
    ),
    ops.Op(ops.SMA, "sma", 1, lambda n: n + 1, _window, "Σ x·(1/n), oldest first"),
    ops.Op(
        ops.WMA,
        "wma",
        1,
        lambda n: n + 1,
        _window,
        "Σ i·x · 2/(n²+n), oldest first; k=0: descending",
    ),
    ops.Op(
        ops.ROLLING_SUM,
        "rolling_sum",
        1,
        lambda n: n + 7,
        _window,
        "pandas' compensated rolling sum",
    ),
    ops.Op(ops.ROLLING_MEAN, "rolling_mean", 1, lambda n: n + 8, _window, "pandas' rolling mean"),
    ops.Op(
        ops.ROLLING_VARIANCE,
        "rolling_variance",
        1,
        lambda n: n + 7,
        _window,
        "pandas' rolling variance, ddof k",
    ),
    ops.Op(
        ops.HIGHEST,
        "highest",
        1,
        lambda n: n + 4,
        _window,
        "greatest of n, null unless all are there",
    ),
    ops.Op(
        ops.LOWEST, "lowest", 1, lambda n: n + 4, _window, "least of n, null unless all are there"
    ),
    ops.Op(
        ops.MEAN_DEVIATION,
        "mean_deviation",
        1,
        lambda n: n + 1 + ops.LEFT_HALVES_MAX,
        _window,
        "mean of |x − mean| over n",
    ),
    ops.Op(
        ops.DOT, "dot", 2, lambda n: n + 1, _window, "Σ w·x, oldest first; w: n constants from y on"
    ),
    ops.Op(
        ops.REGRESSION,
        "regression",
        1,
        lambda n: n + 1 + ops.LEFT_HALVES_MAX,
        _window,
        "line through n; k: value, forecast, r, slope, intercept",
    ),
    ops.Op(
        ops.QUANTILE,
        "quantile",
        2,
        lambda n: 2 * n + 2,
        _window,
        "value at rank y·(n−1), between neighbours; k=1: median",
    ),
    ops.Op(
        ops.SINCE_HIGHEST,
        "since_highest",
        1,
        lambda n: n + 4,
        _window,
        "bars since the greatest of n, the latest",
    ),
    ops.Op(
        ops.SINCE_LOWEST,
        "since_lowest",
        1,
        lambda n: n + 4,
        _window,
        "bars since the least of n, the latest",
    ),
    ops.Op(
        ops.RANK,
        "rank",
        1,
        lambda n: n + 1,
        lambda n, c: n,
        "share of the n values before that are below x",
    ),
    ops.Op(
        ops.SIGNS,
        "signs",
        2,
        lambda n: n + 1,
        lambda n, c: n,
        "Σ sign(y − x) over the n values of x before",
    ),
    ops.Op(
        ops.MOMENT,
        "moment",
        1,
        lambda n: n + 9,
        _window,
        "pandas' rolling skew (k=3) or kurtosis (k=4)",
    ),
)


@cache
def by_number() -> dict[int, ops.Op]:
    """The whole instruction set."""
    pointwise = (ops.Op(*row[:3], _none, _forgets_at_once, row[3]) for row in _POINTWISE)
    return {op.number: op for op in (*pointwise, *_STATEFUL, *PATHS)}
