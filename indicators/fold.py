"""Folding a tape: the same compiled step for one bar, many instruments, or a whole array.

State is one array of 8-byte cells per entity, all zeros at the start, so that resuming from its
bytes continues exactly where the fold stopped. numba is imported here, at the first fold.
"""

import hashlib
import struct
from functools import cache
from types import ModuleType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from indicators.errors import BadBars, IndicatorError, TapeUnreadable
from indicators.tape import Tape

MAGIC: Final = b"FLSTATE1"
HEADER: Final = struct.Struct("<8s32sQQ")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class State(NamedTuple):
    """A tape and where its fold stands. `cells` (entities, tape.cells) is changed in place by
    `fold`; `registers` is scratch and no part of the state."""

    tape: Tape
    cells: Floats
    registers: Floats
    width: int


def start(tape: Tape, entities: int = 1, *, latched: tuple[int, ...] = ()) -> State:
    """The state before the first bar. `latched` presets epsilon latches (comparisons with a whole
    batch of pandas-ta, in tests only; see `latched`)."""
    width = tape.cells
    cells = np.zeros((entities, width))
    cells.view(np.int64)[:, list(latched)] = 1
    return _state(tape, cells, width)


def fold(state: State, rows: Floats, entity: Ints | None = None) -> Floats:
    """Folds rows of inputs in order; returns one row of outputs each.

    `rows` (rows, inputs) float64 in the order of `tape.inputs`; `entity` (rows,) int64 says whose
    row it is (default: the first). Changes `state.cells`. Raises `BadBars` on another shape.
    """
    rows = np.ascontiguousarray(rows, np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(state.tape.inputs):
        raise BadBars(f"rows of shape {rows.shape}; the tape reads {', '.join(state.tape.inputs)}")
    if entity is None:
        entity = np.zeros(len(rows), np.int64)
    elif entity.shape != (len(rows),) or entity.dtype != np.int64:
        raise BadBars(f"{len(rows)} rows, but entity is {entity.dtype} {entity.shape}")
    elif len(entity) and not 0 <= int(entity.min()) <= int(entity.max()) < len(state.cells):
        raise BadBars(f"an entity outside 0 … {len(state.cells) - 1}")
    out = np.empty((len(rows), len(state.tape.outputs)))
    flat = state.cells.reshape(-1)
    _kernel().fold_rows(
        state.tape.code,
        state.tape.base,
        state.registers,
        state.tape.outputs,
        state.width,
        flat,
        flat.view(np.int64),
        entity,
        rows,
        out,
    )
    return out


def latched(state: State) -> tuple[int, ...]:
    """Cells of the epsilon latches that some entity has set."""
    cells = state.cells.view(np.int64)
    return tuple(cell for cell in state.tape.latches if cells[:, cell].any())


def encode(state: State) -> bytes:
    """Header (magic, tape digest, entities, cells), then the cells, little-endian."""
    entities, width = state.cells.shape
    head = HEADER.pack(MAGIC, bytes.fromhex(state.tape.digest), entities, width)
    return head + state.cells.astype("<f8", copy=False).tobytes()


def decode(tape: Tape, data: bytes) -> State:
    """Raises `TapeUnreadable` unless the bytes are a state of this very tape."""
    if len(data) < HEADER.size:
        raise TapeUnreadable(f"a state of {len(data)} bytes is shorter than its header")
    magic, digest, entities, width = HEADER.unpack_from(data)
    if magic != MAGIC or digest != bytes.fromhex(tape.digest):
        raise TapeUnreadable("a state of another tape", remedy="fold again from the first bar")
    if width != tape.cells or len(data) != HEADER.size + 8 * entities * width:
        raise TapeUnreadable(
            "a state cut short or too long", remedy="fold again from the first bar"
        )
    cells = np.frombuffer(data, "<i8", offset=HEADER.size).astype(np.int64)
    return _state(tape, cells.view(np.float64).reshape(entities, width), width)


def digest(state: State) -> str:
    """SHA-256 of the encoded state."""
    return hashlib.sha256(encode(state)).hexdigest()


def _state(tape: Tape, cells: Floats, width: int) -> State:
    registers = np.full(tape.base + len(tape.code), np.nan)
    registers[len(tape.inputs) : tape.base] = tape.constants
    return State(tape, cells, registers, width)


@cache
def _kernel() -> ModuleType:
    try:
        from indicators.kernels import run
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise IndicatorError(
            "folding needs numba, which is not installed", remedy="pip install 'fledger[worker]'"
        ) from error
    return run
