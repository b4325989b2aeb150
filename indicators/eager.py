"""The same tapes evaluated eagerly on whole arrays: the oracle of the kernel, plain and slow.

Every primitive once more, from its definition, on the whole past at once: numpy on arrays, or a
loop over lists. No state, no compiling. Its bits equal the kernel's. Not here: the state machines
(`ops.SUPERTREND` and above) and pandas' rolling moments, whose oracle is pandas-ta itself.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from indicators import eager_paths, ops
from indicators import eager_rolling as rolling
from indicators.tape import Tape

Floats = npt.NDArray[np.float64]
type Primitive = Callable[[int, int, Floats, Floats, Floats, Floats], Floats]


def knows(tape: Tape) -> bool:
    """Whether every primitive of the tape is here."""
    return {int(row[0]) for row in tape.code} <= {*_primitives(), ops.DOT}


def evaluate(tape: Tape, rows: Floats) -> Floats:
    """Outputs (rows, outputs) of inputs (rows, inputs), for one entity from its first bar."""
    registers: list[Floats] = [np.ascontiguousarray(column, np.float64) for column in rows.T]
    registers += [np.full(len(rows), value) for value in tape.constants]
    with np.errstate(all="ignore"):
        for op, _, n, k, *operands in tape.code.tolist():
            a, b, c, d = (registers[x] for x in operands)
            if op == ops.DOT:
                first = operands[1] - len(tape.inputs)
                weights = np.array(tape.constants[first : first + n])
                registers.append(eager_paths.dots(n, a, weights))
                continue
            if op in (ops.HIGHEST, ops.LOWEST) and k == 1:
                registers.append(rolling.partial(n, a, op == ops.HIGHEST))
                continue
            registers.append(np.asarray(_primitives()[op](n, k, a, b, c, d), np.float64))
    out = np.stack([registers[x] for x in tape.outputs], axis=1)
    return np.where(np.isnan(out), np.nan, out + 0.0)


@cache
def _primitives() -> Mapping[int, Primitive]:
    return {
        ops.ADD: lambda n, k, a, b, c, d: a + b,
        ops.SUBTRACT: lambda n, k, a, b, c, d: a - b,
        ops.MULTIPLY: lambda n, k, a, b, c, d: a * b,
        ops.DIVIDE: lambda n, k, a, b, c, d: a / b,
        ops.ABSOLUTE: lambda n, k, a, b, c, d: np.abs(a),
        ops.ROOT: lambda n, k, a, b, c, d: np.sqrt(a),
        ops.GREATER: lambda n, k, a, b, c, d: np.maximum(a, b),
        ops.LESSER: lambda n, k, a, b, c, d: np.minimum(a, b),
        ops.SIGN: lambda n, k, a, b, c, d: np.sign(a),
        ops.WHERE: lambda n, k, a, b, c, d: np.where((a != 0) & ~np.isnan(a), b, c),
        ops.ABOVE: lambda n, k, a, b, c, d: (a > b).astype(float),
        ops.AT_LEAST: lambda n, k, a, b, c, d: (a >= b).astype(float),
        ops.BELOW: lambda n, k, a, b, c, d: (a < b).astype(float),
        ops.AT_MOST: lambda n, k, a, b, c, d: (a <= b).astype(float),
        ops.EQUAL: lambda n, k, a, b, c, d: (a == b).astype(float),
        ops.VALID: lambda n, k, a, b, c, d: (~np.isnan(a)).astype(float),
        ops.FILL: lambda n, k, a, b, c, d: np.where(np.isnan(a), b, a),
        ops.DIRECTIONAL: lambda n, k, a, b, c, d: rolling.directional(a, b),
        ops.SPREAD: lambda n, k, a, b, c, d: rolling.spread(k, a, b, c, d),
        ops.SESSION: lambda n, k, a, b, c, d: rolling.session(k, a),
        ops.GREATER_KNOWN: lambda n, k, a, b, c, d: np.fmax(a, b),
        ops.LESSER_KNOWN: lambda n, k, a, b, c, d: np.fmin(a, b),
        **_rolling(),
        **eager_paths.paths(),
    }


def _rolling() -> Mapping[int, Primitive]:
    return {
        ops.LAG: lambda n, k, a, b, c, d: np.concatenate([np.full(n, np.nan), a])[: len(a)],
        ops.LATCH: lambda n, k, a, b, c, d: np.maximum.accumulate((a == 0).astype(float)),
        ops.CUMULATE: lambda n, k, a, b, c, d: np.where(
            np.isnan(a), np.nan, np.cumsum(np.where(np.isnan(a), 0.0, a))
        ),
        ops.SESSION_SUM: lambda n, k, a, b, c, d: rolling.session_sum(a, b),
        ops.SEED: lambda n, k, a, b, c, d: rolling.seed(n, a),
        ops.SMA: lambda n, k, a, b, c, d: rolling.windows(
            n, a, lambda w: rolling.dot([1.0 / n] * n, w)
        ),
        ops.WMA: lambda n, k, a, b, c, d: rolling.windows(
            n, a, lambda w: rolling.weighted(n, k, w)
        ),
        ops.ROLLING_SUM: lambda n, k, a, b, c, d: rolling.sums(n, a, mean=False),
        ops.ROLLING_MEAN: lambda n, k, a, b, c, d: rolling.sums(n, a, mean=True),
        ops.ROLLING_VARIANCE: lambda n, k, a, b, c, d: rolling.variances(n, k, a),
        ops.HIGHEST: lambda n, k, a, b, c, d: rolling.windows(n, rolling.finite(a), np.max),
        ops.LOWEST: lambda n, k, a, b, c, d: rolling.windows(n, rolling.finite(a), np.min),
        ops.MEAN_DEVIATION: lambda n, k, a, b, c, d: rolling.windows(
            n, rolling.finite(a), lambda w: np.abs(w - w.mean()).mean()
        ),
        ops.EWM: lambda n, k, a, b, c, d: rolling.ewm(k, a, b),
        ops.EMA: lambda n, k, a, b, c, d: rolling.ema(n, k, a, b),
    }
