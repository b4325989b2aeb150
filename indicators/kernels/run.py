"""The one kernel: folds any tape over rows of inputs. Batch, live and many instruments alike.

`run` is not inlined and gets its arrays as arguments: an array made inside a kernel would be
reference-counted at every primitive (2.5 times slower, measured in the prototype).
"""

# mypy: disable-error-code="no-any-return, arg-type"
import math

import numpy as np
import numpy.typing as npt

from indicators import ops
from indicators.kernels import machines as m
from indicators.kernels import pointwise as p
from indicators.kernels import recursions as r
from indicators.kernels import windows as w
from indicators.kernels.compiling import kernel, primitive

Floats = npt.NDArray[np.float64]
Table = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Code = npt.NDArray[np.uint32]
NULL = math.nan


@primitive
def arithmetic(op: int, x: float, y: float) -> float:
    if op == ops.ADD:
        return x + y
    if op == ops.SUBTRACT:
        return x - y
    if op == ops.MULTIPLY:
        return x * y
    if op == ops.DIVIDE:
        return x / y
    if op == ops.ABSOLUTE:
        return abs(x)
    if op == ops.ROOT:
        return math.sqrt(x) if x >= 0.0 else NULL
    if op == ops.GREATER:
        return p.greater(x, y)
    if op == ops.LESSER:
        return p.lesser(x, y)
    return p.sign(x)


@primitive
def logic(op: int, k: int, x: float, code: Code, j: int, reg: Floats) -> float:
    y = reg[code[j, 5]]
    if op == ops.WHERE:
        return y if x == x and x != 0.0 else reg[code[j, 6]]
    if op == ops.ABOVE:
        return 1.0 if x > y else 0.0
    if op == ops.AT_LEAST:
        return 1.0 if x >= y else 0.0
    if op == ops.BELOW:
        return 1.0 if x < y else 0.0
    if op == ops.AT_MOST:
        return 1.0 if x <= y else 0.0
    if op == ops.EQUAL:
        return 1.0 if x == y else 0.0
    if op == ops.VALID:
        return 1.0 if x == x else 0.0
    if op == ops.FILL:
        return x if x == x else y
    if op == ops.DIRECTIONAL:
        return p.directional(x, y)
    if op == ops.SPREAD:
        return p.spread(x, y, reg[code[j, 6]], reg[code[j, 7]], k)
    if op == ops.GREATER_KNOWN:
        return p.greater_known(x, y)
    if op == ops.LESSER_KNOWN:
        return p.lesser_known(x, y)
    if op == ops.LOGARITHM:
        return p.logarithm(x, k)
    return p.session(x, k)


@primitive
def memory(op: int, s: Floats, t: Ints, o: int, n: int, k: int, x: float, y: float) -> float:
    if op == ops.LAG:
        return w.lag(s, t, o, n, x)
    if op == ops.LATCH:
        return r.latch(t, o, x)
    if op == ops.CUMULATE:
        return r.cumulate(s, o, x)
    if op == ops.SESSION_SUM:
        return r.session_sum(s, o, x, y)
    if op == ops.COUNT:
        return r.count(t, o)
    if op == ops.HOLD:
        return r.hold(s, t, o, x, y)
    if op == ops.STREAK:
        return r.streak(t, o, x)
    if op == ops.PICK:
        return s[o + n]
    return r.seed(s, t, o, n, x)


@primitive
def recursion(
    op: int, s: Floats, t: Ints, o: int, n: int, k: int, x: float, y: float, z: float, u: float
) -> float:
    if op == ops.EMA:
        return r.ema(s, t, o, n, k, x, y)
    if op == ops.EWM:
        return r.ewm(s, t, o, k, x, y)
    if op == ops.EWM_ADJUSTED:
        return r.ewm_adjusted(s, t, o, n, x, y)
    if op == ops.SMMA:
        return r.smma(s, t, o, n, x)
    if op == ops.TWO_POLES:
        return r.two_poles(s, t, o, k, x, y, z, u)
    if op == ops.THREE_POLES:
        return r.three_poles(s, t, o, x, y, z, u)
    if op == ops.HOLT_WINTERS:
        return r.holt_winters(s, t, o, x, y, z, u)
    if op == ops.FADE:
        return r.fade(s, o, x, y)
    if op == ops.BLEND:
        return r.blend(s, t, o, n, x, y, z)
    if op == ops.RATCHET:
        return r.ratchet(s, t, o, x, y, z)
    if op == ops.DECAY:
        return r.decay(s, t, o, k, x, y)
    if op == ops.MCGINLEY:
        return r.mcginley(s, t, o, x, y)
    return r.fisher(s, t, o, n, x)


@primitive
def window(
    op: int, s: Floats, t: Ints, o: int, n: int, k: int, x: float, reg: Floats, b: int
) -> float:
    if op == ops.SMA:
        return w.sma(s, t, o, n, x)
    if op == ops.WMA:
        return w.wma(s, t, o, n, k, x)
    if op == ops.ROLLING_SUM:
        return w.rolling_sum(s, t, o, n, x)
    if op == ops.ROLLING_MEAN:
        return w.rolling_mean(s, t, o, n, x)
    if op == ops.ROLLING_VARIANCE:
        return w.rolling_variance(s, t, o, n, k, x)
    if op == ops.HIGHEST:
        return w.highest(s, t, o, n, 1 if k == 1 else n, x)
    if op == ops.LOWEST:
        return w.lowest(s, t, o, n, 1 if k == 1 else n, x)
    if op == ops.MEAN_DEVIATION:
        return w.mean_deviation(s, t, o, n, x)
    if op == ops.REGRESSION:
        return w.regression(s, t, o, n, k, x)
    if op == ops.SINCE_HIGHEST:
        return w.since_highest(s, t, o, n, x)
    if op == ops.SINCE_LOWEST:
        return w.since_highest(s, t, o, n, -x)
    if op == ops.RANK:
        return w.rank(s, t, o, n, x)
    if op == ops.MOMENT:
        return w.moment(s, t, o, n, k, x)
    if op == ops.QUANTILE:
        return w.quantile(s, t, o, n, k, x, reg[b])
    if op == ops.SIGNS:
        return w.signs(s, t, o, n, x, reg[b])
    return w.dot(s, t, o, n, x, reg, b)


@primitive
def machine(
    op: int,
    s: Floats,
    t: Ints,
    o: int,
    n: int,
    x: float,
    y: float,
    z: float,
    u: float,
    reg: Floats,
    third: int,
    second: int,
) -> float:
    if op == ops.SUPERTREND:
        return m.supertrend(s, t, o, x, y, z)
    if op == ops.QQE:
        return m.qqe(s, t, o, x, y, z)
    if op == ops.SCHAFF:
        return m.schaff(s, t, o, n, x, y, z, u)
    if op == ops.PSAR:
        return m.psar(s, t, o, x, y, reg, third)
    if op == ops.RSX:
        return m.rsx(s, t, o, n, x)
    if op == ops.JURIK:
        return m.jurik(s, t, o, n, x, reg, second)
    if op == ops.MAMA:
        return m.mama(s, t, o, x, y, z)
    return m.trendline(s, t, o, x)


@kernel
def run(code: Code, base: int, reg: Floats, s: Floats, t: Ints, cell: int) -> None:
    """One row of inputs through the whole tape; state of this entity begins at `cell`."""
    for j in range(code.shape[0]):
        op = np.int64(code[j, 0])
        x = reg[code[j, 4]]
        if op <= ops.SIGN:
            v = arithmetic(op, x, reg[code[j, 5]])
        elif op < ops.PICK:
            v = logic(op, np.int64(code[j, 3]), x, code, j, reg)
        else:
            o = cell + np.int64(code[j, 1])
            n = np.int64(code[j, 2])
            k = np.int64(code[j, 3])
            b = np.int64(code[j, 5])
            if op < ops.SMA:
                v = memory(op, s, t, o, n, k, x, reg[b])
            elif op < ops.EWM:
                v = window(op, s, t, o, n, k, x, reg, b)
            elif op >= ops.SUPERTREND:
                v = machine(
                    op,
                    s,
                    t,
                    o,
                    n,
                    x,
                    reg[b],
                    reg[code[j, 6]],
                    reg[code[j, 7]],
                    reg,
                    np.int64(code[j, 6]),
                    b,
                )
            else:
                v = recursion(op, s, t, o, n, k, x, reg[b], reg[code[j, 6]], reg[code[j, 7]])
        reg[base + j] = v


@kernel
def fold_rows(
    code: Code,
    base: int,
    reg: Floats,
    outputs: Ints,
    cells: int,
    s: Floats,
    t: Ints,
    entity: Ints,
    rows: Table,
    out: Table,
) -> None:
    """Folds `rows` (rows, inputs) in order, each into the state of its `entity`; null is one bit
    pattern in `out` (rows, outputs), zero has no sign."""
    for row in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            reg[i] = rows[row, i]
        run(code, base, reg, s, t, entity[row] * cells)
        for i in range(outputs.shape[0]):
            v = reg[outputs[i]]
            out[row, i] = v + 0.0 if v == v else NULL
