"""The tape: what a formula leaves behind when it runs once on symbols. Data, never code.

A row is `op, slot, n, k, a, b, c, d`: the primitive's number, the first cell of its state, a length
in bars, a variant, and the registers of its operands. Registers are the inputs, then the constants,
then one per row. The canonical bytes are JSON with sorted keys, of integers and strings alone
(constants as hexadecimal floats); their SHA-256 is the tape's digest: the version of what it says.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from indicators import ops
from indicators.errors import TapeUnreadable, UnknownPrimitive
from indicators.instructions import by_number

FORMAT: Final = "fledger.tape/1"
COLUMNS: Final = ("op", "slot", "n", "k", "a", "b", "c", "d")
TAPE_BYTES_MAX: Final = 256 * 1024
CELLS_MAX: Final = 1 << 20


class Tape(NamedTuple):
    """One view's arithmetic. `code` (rows, 8) uint32; `outputs` the register of each name."""

    inputs: tuple[str, ...]
    constants: tuple[float, ...]
    code: npt.NDArray[np.uint32]
    names: tuple[str, ...]
    outputs: npt.NDArray[np.int64]
    startup: tuple[int, ...]  # bars, per output

    @property
    def base(self) -> int:
        """The first register that a row writes."""
        return len(self.inputs) + len(self.constants)

    @property
    def cells(self) -> int:
        """State of one entity, in 8-byte cells."""
        table = by_number()
        return sum(table[int(row[0])].cells(int(row[2])) for row in self.code if row[0] in table)

    @property
    def latches(self) -> tuple[int, ...]:
        """Cells that say whether a zero was seen in a range: pandas-ta's global epsilon."""
        return tuple(int(row[1]) for row in self.code if row[0] == ops.LATCH)

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        return json.dumps(
            {
                "format": FORMAT,
                "inputs": list(self.inputs),
                "constants": [value.hex() for value in self.constants],
                "code": self.code.tolist(),
                "names": list(self.names),
                "outputs": self.outputs.tolist(),
                "startup": list(self.startup),
            },
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
        ).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def listing(self) -> str:
        """The tape for people: one line per row, then the outputs."""
        register = [*self.inputs, *(f"{c:g}" for c in self.constants)]
        lines = []
        for at, (op, slot, n, k, *operands) in enumerate(self.code.tolist()):
            known = by_number()[op]
            args = [register[x] for x in operands[: known.operands]]
            args += [f"n={n}"] * bool(n) + [f"k={k}"] * bool(k)
            state = f"  @{slot}" if known.cells(n) else ""
            lines.append(f"{'r' + str(at):>5} = {known.name}({', '.join(args)}){state}")
            register.append(f"r{at}")
        lines += [
            f"{name} = {register[x]}" for name, x in zip(self.names, self.outputs, strict=True)
        ]
        return "\n".join(lines)


def from_bytes(data: bytes) -> Tape:
    """Reads canonical bytes. Raises `TapeUnreadable` on anything else, or on a tape whose rows
    would read outside their registers or state, and `UnknownPrimitive` on a number we lack."""
    if len(data) > TAPE_BYTES_MAX:
        raise TapeUnreadable(f"a tape of {len(data)} bytes; the limit is {TAPE_BYTES_MAX}")
    try:
        held = json.loads(data)
        if held["format"] != FORMAT:
            raise TapeUnreadable(
                f"a tape of format {held['format']!r}; this build reads {FORMAT!r}"
            )
        rows = np.array(held["code"], np.int64).reshape(-1, len(COLUMNS))
        tape = Tape(
            tuple(held["inputs"]),
            tuple(float.fromhex(text) for text in held["constants"]),
            rows.astype(np.uint32),
            tuple(held["names"]),
            np.array(held["outputs"], np.int64),
            tuple(held["startup"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, ValueError) as error:
        if isinstance(error, TapeUnreadable):
            raise
        raise TapeUnreadable(f"no tape: {error}") from error
    check(tape)
    if tape.to_bytes() != data:
        raise TapeUnreadable("a tape, but not in its canonical bytes")
    return tape


def check(tape: Tape) -> None:
    """Holds what the kernel relies on: known numbers, operands before use, state side by side."""
    cell = 0
    for at, row in enumerate(tape.code.tolist()):
        op, slot, n = row[:3]
        if op not in by_number():
            raise UnknownPrimitive(
                f"row {at} of the tape uses primitive {op}, which this build lacks",
                remedy="upgrade fledger to the release that has it",
            )
        _check_operands(tape, at, row)
        width = by_number()[op].cells(n)
        if op == ops.PICK:
            _check_pick(tape, at, row)
        elif slot != (cell if width else 0):
            raise TapeUnreadable(f"row {at}: its state is not where it belongs")
        cell += width
    if cell > CELLS_MAX:
        raise TapeUnreadable(f"a state of {cell} cells; the limit is {CELLS_MAX}")
    registers = tape.base + len(tape.code)
    if len({*tape.names}) != len(tape.names) or not (
        len(tape.names) == len(tape.outputs) == len(tape.startup)
    ):
        raise TapeUnreadable("names, outputs and startups do not go together")
    _strings(tape.inputs, tape.names)
    if any(not 0 <= x < registers for x in tape.outputs.tolist()):
        raise TapeUnreadable("an output reads a register that is not there")


def _check_operands(tape: Tape, at: int, row: Sequence[int]) -> None:
    op, _, n, _, *operands = row
    known = by_number()[op]
    if n > ops.LENGTH_BARS_MAX or (n < 1 and known.cells(1) != known.cells(2)):
        raise TapeUnreadable(f"row {at}: a length of {n} bars")
    used, spare = operands[: known.operands], operands[known.operands :]
    if any(x >= tape.base + at for x in used) or any(spare):
        raise TapeUnreadable(f"row {at} reads a register that is not yet written")
    if op in ops.VECTORS:
        last = used[-1] + (n if op == ops.DOT else ops.VECTORS[op])
        if not len(tape.inputs) <= used[-1] < last <= tape.base:
            raise TapeUnreadable(f"row {at} reads constants that are not there")


def _check_pick(tape: Tape, at: int, row: Sequence[int]) -> None:
    _, slot, n, _, owner, *_ = row
    owner -= tape.base
    if owner >= 0:
        op, first, length = (int(x) for x in tape.code[owner, :3])
        if slot == first and n < by_number()[op].cells(length):
            return
    raise TapeUnreadable(f"row {at} picks what no machine wrote")


def _strings(*groups: Sequence[object]) -> None:
    if not all(isinstance(text, str) for group in groups for text in group):
        raise TapeUnreadable("inputs and names are strings")
