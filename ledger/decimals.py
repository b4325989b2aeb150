"""Decimal numbers to int64 mantissas and back, exactly and a column at a time.

value = mantissa · 10^exponent. Nothing passes through a float: texts are read as decimals. A float
that a user hands over is taken at its shortest text (what `repr` shows), or, where that has more
than the 15 digits a double holds for sure, at 15: the rest is the noise of somebody's arithmetic
(0.0016200800000000001 is 0.00162008). Zeros beyond the exponent and exact exponent notation are
fine; digits beyond it are a loss, so that row is refused.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.rows import ABSENT

Ints = NDArray[np.int64]
Codes = NDArray[np.int8]

HALVES_ROWS_MIN: Final = 64  # below this many rows, one by one
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_MANTISSA_MAX: Final = 2**63 - 1
_DIGITS_MAX: Final = 19  # of an int64
_DOUBLE_DIGITS: Final = 15
_PLAIN_CHARACTERS_MAX: Final = 38  # the digits of decimal128


class Fault(IntEnum):
    """Why a text is not a mantissa."""

    NONE = 0
    MISSING = 1
    NOT_A_NUMBER = 2
    NOT_FINITE = 3
    TOO_FINE = 4
    TOO_LARGE = 5


FAULT_TEXT: Final = {
    Fault.MISSING: "missing",
    Fault.NOT_A_NUMBER: "not a number",
    Fault.NOT_FINITE: "not finite",
    Fault.TOO_FINE: "has digits beyond the instrument's exponent",
    Fault.TOO_LARGE: "does not fit the mantissa",
}


class Mantissas(NamedTuple):
    """Shape (n,) each; a value with a fault is ABSENT."""

    values: Ints
    faults: Codes


def mantissas(column: Any, exponent: int) -> Mantissas:
    """The mantissas of an Arrow column (text, integers, decimals, floats) at one exponent, which
    may be above 0 for columns that count small units. Errors are per row, in `faults`."""
    import pyarrow as pa

    column = readable(column)
    values = np.full(len(column), ABSENT, np.int64)
    faults = np.full(len(column), Fault.NONE, np.int8)

    def cast(part: Any, at: int) -> None:
        if pa.types.is_string(part.type) and not _is_plain(part):
            raise pa.ArrowInvalid("not for Arrow")
        numbers = part.cast(pa.decimal128(38, max(0, -exponent)))
        span = slice(at, at + len(part))
        values[span], faults[span] = _low_words(numbers, exponent)

    def read(texts: list[Any], at: int) -> None:
        for place, text in enumerate(texts, at):
            found = mantissa(text, exponent)
            if isinstance(found, Fault):
                faults[place] = found
            else:
                values[place] = found

    by_halves(column, cast, read)
    return Mantissas(values, faults)


def mantissas_at(column: Any, exponents: NDArray[np.int64]) -> Mantissas:
    """As `mantissas`, with an exponent per row, shape (n,)."""
    if len(exponents) == 0:
        return Mantissas(np.empty(0, np.int64), np.empty(0, np.int8))
    finest = int(exponents.min())
    if finest == int(exponents.max()):
        return mantissas(column, finest)
    values, faults = mantissas(column, finest)
    factor = 10 ** (exponents - finest)
    whole, rest = np.divmod(values, factor)
    good = faults == Fault.NONE
    faults[good & (rest != 0)] = Fault.TOO_FINE
    values = np.where(faults == Fault.NONE, whole, ABSENT)
    # What is too large at the finest exponent may well fit at its own.
    for exponent in np.unique(exponents[faults == Fault.TOO_LARGE]):
        rows = np.flatnonzero((faults == Fault.TOO_LARGE) & (exponents == exponent))
        values[rows], faults[rows] = mantissas(readable(column).take(rows), int(exponent))
    return Mantissas(values, faults)


def mantissa(text: Any, exponent: int) -> int | Fault:
    """One number (text, int, Decimal or None) as a mantissa, or why it is none."""
    written = "" if text is None else str(text).strip()
    if not written:
        return Fault.MISSING
    if not NUMBER.fullmatch(written):
        return Fault.NOT_FINITE if _NOT_FINITE.fullmatch(written) else Fault.NOT_A_NUMBER
    try:
        number = Decimal(written)
    except InvalidOperation:  # an exponent beyond what Decimal holds
        return Fault.TOO_LARGE
    if not number:
        return 0
    sign, digits, power = number.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    shift = int(power) + len(digits) - len(significant) - exponent
    if shift < 0:
        return Fault.TOO_FINE
    if len(significant) + shift > _DIGITS_MAX:
        return Fault.TOO_LARGE
    size = int(significant) * 10**shift
    return Fault.TOO_LARGE if size > _MANTISSA_MAX else (-size if sign else size)


def decimal_text(value: int, exponent: int) -> str:
    """`mantissa · 10^exponent` in plain digits, as many after the point as the exponent says."""
    if exponent >= 0:
        return str(value * 10**exponent)
    digits = str(abs(value)).rjust(1 - exponent, "0")
    return f"{'-' if value < 0 else ''}{digits[:exponent]}.{digits[exponent:]}"


def by_halves(
    column: Any,
    cast: Callable[[Any, int], None],
    read: Callable[[list[Any], int], None],
    at: int = 0,
) -> None:
    """Apply `cast(part, offset)` to as large parts as it takes without ArrowInvalid, and
    `read(values, offset)` to the few rows around what it does not take."""
    import pyarrow as pa

    if len(column) == 0:
        return
    try:
        cast(column, at)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        if len(column) <= HALVES_ROWS_MIN:
            read(column.to_pylist(), at)
            return
        middle = len(column) // 2
        by_halves(column.slice(0, middle), cast, read, at)
        by_halves(column.slice(middle), cast, read, at + middle)


def readable(column: Any) -> Any:
    """One array of text, integers or decimals; empty texts as null, floats as shortest text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = _float_texts(column)
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type):
        empty = pc.equal(pc.binary_length(column), 0)
        if pc.any(empty).as_py():
            column = pc.if_else(empty, pa.scalar(None, pa.string()), column)
    return column


def _is_plain(texts: Any) -> bool:
    """Whether Arrow reads these texts exactly: it makes 0 of 9.19e-35 without a word."""
    import pyarrow.compute as pc

    if (pc.max(pc.binary_length(texts)).as_py() or 0) > _PLAIN_CHARACTERS_MAX:
        return False
    return not any(pc.any(pc.match_substring(texts, letter)).as_py() for letter in "eE")


def _float_texts(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.cast(pa.string())
    long = np.flatnonzero(np.asarray(pc.fill_null(pc.binary_length(texts), 0)) > _DOUBLE_DIGITS)
    if not len(long):
        return texts
    written = texts.to_numpy(zero_copy_only=False)
    for row in long.tolist():
        written[row] = format(column[row].as_py(), f".{_DOUBLE_DIGITS}g")
    return pa.array(written, pa.string())


def _low_words(numbers: Any, exponent: int) -> Mantissas:
    """int64 of decimal128 values: the low word, where the high one only repeats its sign."""
    buffer: Ints = np.frombuffer(numbers.buffers()[1], "<i8")
    words: Ints = buffer.reshape(-1, 2)[numbers.offset : numbers.offset + len(numbers)]
    low, high = words[:, 0], words[:, 1]
    fits = (high == low >> 63) & (low != ABSENT)
    faults = np.where(fits, Fault.NONE, Fault.TOO_LARGE).astype(np.int8)
    values = np.where(fits, low, ABSENT)
    if exponent > 0:
        values, rest = np.divmod(values, 10**exponent)
        faults[fits & (rest != 0)] = Fault.TOO_FINE
    if numbers.null_count:
        faults[np.asarray(numbers.is_null())] = Fault.MISSING
    values[faults != Fault.NONE] = ABSENT
    return Mantissas(values, faults)
