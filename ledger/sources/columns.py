"""What readers do with text columns: codes to numbers, through their few distinct values."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.drafts import Bools, Column, Refusals
from ledger.rows import Aggressor
from ledger.time_columns import Times

SIDES: Final[dict[str, int]] = {
    **dict.fromkeys(("", "n", "none", "na", "unknown", "0"), Aggressor.NONE),
    **dict.fromkeys(("b", "buy", "bid", "1", "+1"), Aggressor.BUY),
    **dict.fromkeys(("s", "sell", "ask", "-1", "a"), Aggressor.SELL),
}
BUYER_IS_MAKER: Final[dict[str, int]] = {
    "": Aggressor.NONE,
    **dict.fromkeys(("true", "t", "1"), Aggressor.SELL),
    **dict.fromkeys(("false", "f", "0"), Aggressor.BUY),
}
# How Binance says what made a futures trade; bits of `conditions`.
ORDER_TYPES: Final = {"": 0, "MARKET": 1, "INSURANCE_FUND": 2, "ADL": 4, "NA": 8}
OTHER_ORDER_TYPE: Final = 16


class Decoded(NamedTuple):
    """Shape (n,) each; `unknown` rows have value 0."""

    values: NDArray[np.uint64]
    unknown: Bools


def decode(column: Column, read: Callable[[str], int | None]) -> Decoded:
    """Each distinct text read once; None from `read` makes its rows unknown."""
    import pyarrow as pa

    encoded = column.cast(pa.string()).fill_null("").dictionary_encode()
    found = [read(text) for text in encoded.dictionary.to_pylist()]
    which = np.asarray(encoded.indices)
    values = np.array([one or 0 for one in found] or [0], np.uint64)[which]
    unknown = np.array([one is None for one in found] or [False])[which]
    return Decoded(values, unknown)


def sides(
    column: Column, refusals: Refusals, meaning: Mapping[str, int] = SIDES
) -> NDArray[np.uint8]:
    """Aggressor codes of shape (n,); a word that means none of them refuses its row."""
    decoded = decode(column, lambda text: meaning.get(text.strip().lower()))
    refusals.refuse(decoded.unknown, "unknown aggressor")
    return decoded.values.astype(np.uint8)


def order_types(column: Column) -> NDArray[np.uint64]:
    """Condition bits of Binance's order types; shape (n,)."""
    return decode(column, lambda text: ORDER_TYPES.get(text, OTHER_ORDER_TYPE)).values


def take_times(times: Times, refusals: Refusals, what: str = "") -> NDArray[np.int64]:
    """The values, with the refused rows refused; `what` goes before the reason."""
    for reason, rows in times.refused.items():
        refusals.refuse(rows, f"{what}{reason}")
    return times.values


def plain(column: Column) -> Column:
    """The column as one array, text of whatever layout as ordinary text."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        words = plain(column.dictionary)
        column = pa.DictionaryArray.from_arrays(column.indices, words).dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column


def texts(values: list[Any]) -> Column:
    """A text column of what was read one by one; None is null."""
    import pyarrow as pa

    return pa.array([None if one is None else str(one) for one in values], pa.string())
