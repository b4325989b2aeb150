"""How finely the numbers of a column are written: what an exponent has to make room for."""

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.decimals import NUMBER, Ints, by_halves, readable


class Spread(NamedTuple):
    """What a column needs, per row: digits after the point as written and without zeros at the
    end, and the size of the number (0 where it is none). Shape (n,) each."""

    written: Ints
    needed: Ints
    size: NDArray[np.float64]


def spread(column: Any) -> Spread:
    """How finely the numbers of a column are written; rows that are no numbers count as nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = readable(column).cast(pa.string()).fill_null("")
    point = np.asarray(pc.find_substring(texts, "."))
    length = np.asarray(pc.binary_length(texts)).astype(np.int64)
    trimmed = np.asarray(pc.binary_length(pc.ascii_rtrim(texts, "0"))).astype(np.int64)
    written = np.where(point < 0, 0, length - point - 1)
    needed = np.where(point < 0, 0, trimmed - point - 1)
    size = np.zeros(len(texts), np.float64)

    def cast(part: Any, at: int) -> None:
        blank = pc.equal(pc.binary_length(part), 0)
        numbers = pc.if_else(blank, pa.scalar("0"), part).cast(pa.float64())
        if pc.any(pc.match_substring_regex(part, "[eExXnN]")).as_py():
            raise pa.ArrowInvalid("notation that needs a closer look")
        size[at : at + len(part)] = np.abs(np.asarray(numbers))

    def read(texts: list[Any], at: int) -> None:
        for place, text in enumerate(texts, at):
            size[place], written[place], needed[place] = _spread_of(text)

    by_halves(texts, cast, read)
    return Spread(written, needed, size)


def _spread_of(text: Any) -> tuple[float, int, int]:
    written = str(text or "").strip()
    if not NUMBER.fullmatch(written):
        return 0.0, 0, 0
    try:
        number = Decimal(written)
    except InvalidOperation:
        return 0.0, 0, 0
    _, digits, exponent = number.as_tuple()
    power = int(exponent)
    size = float(abs(number)) if abs(number.adjusted()) < 300 else 0.0
    if not number:
        return size, max(0, -power), 0
    # Counted, not `normalize`d: that overflows where the exponent is beyond the context's.
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return size, max(0, -power), max(0, -(power + zeros))
