"""From rows as they were asked for to a tape: what is needed, in registers and state cells."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indicators import ops
from indicators.instructions import by_number
from indicators.tape import COLUMNS, Tape, check


class Ref(NamedTuple):
    """A register before registers are numbered."""

    kind: str  # "input", "constant" or "row"
    at: int


class Row(NamedTuple):
    """One operation as asked for."""

    op: int
    n: int
    k: int
    operands: tuple[Ref, ...]


def assemble(
    inputs: tuple[str, ...],
    constants: Sequence[float],
    rows: Sequence[Row],
    names: Sequence[str],
    outputs: Sequence[Ref],
) -> Tape:
    """Keeps what the outputs need, numbers registers and cells, and adds up the startups."""
    needed = _needed(rows, outputs)
    fixed = [at for at in range(len(constants)) if Ref("constant", at) in needed]
    refs = [Ref("input", at) for at in range(len(inputs))] + [Ref("constant", at) for at in fixed]
    register = {ref: at for at, ref in enumerate(refs)}
    startup = dict.fromkeys(refs, 0)
    code: list[list[int]] = []
    base, cell = len(refs), 0
    for at, row in enumerate(rows):
        if (ref := Ref("row", at)) not in needed:
            continue
        register[ref] = len(register)
        op = by_number()[row.op]
        startup[ref] = max(startup[x] for x in row.operands)
        startup[ref] += op.memory(row.n, _second(row, constants))
        operands = [register[x] for x in row.operands]
        width = op.cells(row.n)
        slot = cell if width else 0
        if row.op == ops.PICK:
            slot = code[operands[0] - base][1]
        code.append([row.op, slot, row.n, row.k, *operands, *[0] * (4 - len(operands))])
        cell += width
    tape = Tape(
        inputs,
        tuple(constants[at] for at in fixed),
        np.array(code, np.uint32).reshape(-1, len(COLUMNS)),
        tuple(names),
        np.array([register[x] for x in outputs], np.int64),
        tuple(startup[x] + 1 for x in outputs),
    )
    check(tape)
    return tape


def _needed(rows: Sequence[Row], outputs: Sequence[Ref]) -> set[Ref]:
    """Everything the outputs read, directly or not."""
    needed, todo = set(outputs), list(outputs)
    while todo:
        ref = todo.pop()
        if ref.kind == "row":
            row = rows[ref.at]
            fresh = {*row.operands, *_vector(row)} - needed
            needed |= fresh
            todo += fresh
    return needed


def _second(row: Row, constants: Sequence[float]) -> float:
    """The second operand, where it is a constant: an average's alpha."""
    second = row.operands[1] if len(row.operands) > 1 else None
    return constants[second.at] if second and second.kind == "constant" else 0.0


def _vector(row: Row) -> list[Ref]:
    """The constants after the first that an operation reads by position."""
    if row.op not in ops.VECTORS:
        return []
    first, size = row.operands[-1], row.n if row.op == ops.DOT else ops.VECTORS[row.op]
    return [Ref("constant", first.at + i) for i in range(size)]
