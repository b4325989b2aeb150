"""Writes what is golden: each primitive's bits on seeded input. Adds, never changes.

python -m tests.indicators.golden
"""

import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np

from indicators import fold, instructions, ops
from indicators.symbols import Formula
from indicators.tape import Tape

FILE: Final = Path(__file__).with_name("golden.json")
ROWS: Final = 400
LENGTH: Final = 7
# What a machine reads beside prices; other second operands are a smoothing constant.
CONSTANTS: Final = {
    ops.DOT: tuple(range(1, LENGTH + 1)),
    ops.PSAR: (0.02, 0.2),
    ops.JURIK: (1.5, 3.1, 0.7, 0.8, 0.57),
}
LIBRARY: Final = frozenset(
    (ops.LOGARITHM, ops.MCGINLEY, ops.FISHER, ops.JURIK, ops.MAMA, ops.TRENDLINE)
)
SMOOTHED: Final = frozenset((ops.EWM, ops.EMA, ops.EWM_ADJUSTED, ops.FADE, ops.DECAY))


def tape_of(number: int) -> Tape:
    """One primitive on prices that tie, with its variants as outputs."""
    f = Formula(("a", "b", "c", "d"))
    series = [f.input(name) for name in f.inputs]
    op = instructions.by_number()[number]
    n = LENGTH if op.cells(1) != op.cells(2) or number == ops.EWM_ADJUSTED else 0
    operands: list[object] = list(series[: op.operands])
    if number in CONSTANTS:
        operands[-1] = f.vector(CONSTANTS[number])
    elif number in SMOOTHED:
        operands[1] = 0.25
    elif number in (ops.QUANTILE, ops.BLEND, ops.TWO_POLES, ops.THREE_POLES, ops.HOLT_WINTERS):
        operands[1:] = [0.3, 0.2, 0.1][: len(operands) - 1]
    if number == ops.LATCH:
        operands[0] = series[0] - 98.0
    elif number == ops.SESSION:
        operands[0] = series[0] * 1e7
    elif number == ops.VALID:
        operands[0] = f.sqrt(series[0] - 98.0)
    kinds = (3, 4) if number == ops.MOMENT else (0, 1)
    named = [(f"k{k}", f.emit(number, *operands, n=n, k=k)) for k in kinds]  # type: ignore[arg-type]
    return f.tape(named)


def bits_of(number: int) -> str:
    """SHA-256 of the outputs' bytes."""
    random = np.random.default_rng(number)
    rows = np.round(100.0 + np.cumsum(random.normal(size=(ROWS, 4)), axis=0), 1)
    rows[50:60] = rows[50]
    out = fold.fold(fold.start(tape_of(number)), rows)
    return hashlib.sha256(out.astype("<f8").tobytes()).hexdigest()


def numbers() -> list[int]:
    """All primitives but `pick`, which only reads what another wrote, and those that call log, pow
    or atan of the C library, whose last bits are that library's."""
    return sorted(set(instructions.by_number()) - {ops.PICK} - LIBRARY)


def main() -> None:
    held: dict[str, str] = json.loads(FILE.read_text()) if FILE.exists() else {}
    for number in numbers():
        held.setdefault(str(number), bits_of(number))
    FILE.write_text(json.dumps(held, indent=1) + "\n")


if __name__ == "__main__":
    main()
