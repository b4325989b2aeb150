"""Lines of separated values to columns of text, every row traceable to its line.

pyarrow reads a chunk where it must agree with us on what the lines are. Where it need not (a quote
that is never closed swallows line ends, a lone carriage return is one to it, bytes that are no
UTF-8) the chunk is read line by line.
"""

import csv
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ledger.drafts import Column, Ints, RefusedRow
from ledger.sources.lines import Lines


class TextTable(NamedTuple):
    """Text columns by the number of the file's column, each of shape (n,), the place of each row
    in the lines, and the lines that are no rows."""

    columns: dict[int, Column]
    at: Ints
    broken: list[RefusedRow]


def read_table(lines: Lines, width: int, wanted: Sequence[int], delimiter: str) -> TextTable:
    """The wanted columns of lines that have `width` of them."""
    import pyarrow as pa

    if len(lines) and _is_plain(lines.text):
        try:
            return _read_at_once(lines, width, wanted, delimiter)
        except (pa.ArrowInvalid, _RowsDiffer):
            pass  # some line is not what it seems; find out which
    return _read_by_line(lines, width, wanted, delimiter)


def _is_plain(text: bytes) -> bool:
    return text.isascii() and b'"' not in text and text.count(b"\r") == text.count(b"\r\n")


class _RowsDiffer(Exception):
    """pyarrow and we do not agree on what the lines are."""


def _read_at_once(lines: Lines, width: int, wanted: Sequence[int], delimiter: str) -> TextTable:
    odd: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        odd.append((row.number, row.actual_columns))
        return "skip"

    table = _parse(lines, width, wanted, delimiter, note)
    if table.num_rows + len(odd) != len(lines):
        raise _RowsDiffer
    at: Ints = lines.places
    broken = []
    if odd:
        places = _places(odd, len(lines))
        broken = [
            RefusedRow(int(lines.numbers[place]), lines.raw(place), _width_reason(found, width))
            for place, (_, found) in zip(places, odd, strict=True)
        ]
        at = np.delete(at, places)
    columns = {number: table.column(str(number)).combine_chunks() for number in wanted}
    return TextTable(columns, at, broken)


def _parse(
    lines: Lines, width: int, wanted: Sequence[int], delimiter: str, note: Callable[[Any], str]
) -> Any:
    """The wanted columns as text, named by their number; `note` hears of rows of other widths."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    chosen = [str(number) for number in wanted]
    return pacsv.read_csv(
        pa.BufferReader(lines.text),
        pacsv.ReadOptions(
            column_names=[str(number) for number in range(width)],
            use_threads=False,  # only so does a row know its number
            block_size=max(64, len(lines.text) + 1),
        ),
        pacsv.ParseOptions(delimiter=delimiter, quote_char=False, invalid_row_handler=note),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(chosen, pa.string()),
            include_columns=chosen,
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )


def _places(odd: list[tuple[int, int]], count: int) -> list[int]:
    """Places of the odd rows, which pyarrow numbers from 1 and without the empty lines."""
    places = [number - 1 for number, _ in odd]
    if any(not 0 <= place < count for place in places) or len(set(places)) != len(places):
        raise _RowsDiffer
    return places


def _read_by_line(lines: Lines, width: int, wanted: Sequence[int], delimiter: str) -> TextTable:
    import pyarrow as pa

    rows: list[list[str]] = []
    at: list[int] = []
    broken: list[RefusedRow] = []
    for place in range(len(lines)):
        fields, reason = _fields(lines, place, delimiter)
        if not reason and len(fields) != width:
            reason = _width_reason(len(fields), width)
        if reason:
            broken.append(RefusedRow(int(lines.numbers[place]), lines.raw(place), reason))
        else:
            rows.append(fields)
            at.append(place)
    columns = {n: pa.array([row[n] for row in rows], pa.string()) for n in wanted}
    return TextTable(columns, np.array(at, np.int64), broken)


def _fields(lines: Lines, place: int, delimiter: str) -> tuple[list[str], str]:
    cut = lines.text[int(lines.starts[place]) : int(lines.ends[place])]
    try:
        read = list(csv.reader([cut.decode()], delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        return [], "not UTF-8"
    except csv.Error as error:
        return [], f"not separated values: {error}"
    return (read[0], "") if len(read) == 1 else ([], "a line within a line")


def _width_reason(found: int, width: int) -> str:
    return f"{found} columns where {width} belong"


def coded(columns: Sequence[Column]) -> tuple[np.ndarray[Any, np.dtype[np.int32]], list[Any]]:
    """The distinct combinations of some text columns, and which each row has; shape (n,)."""
    combined: Ints = np.zeros(len(columns[0]), np.int64)
    values: list[list[Any]] = []
    for column in columns:
        encoded = column.dictionary_encode()
        values.append(encoded.dictionary.to_pylist() or [""])
        combined = combined * len(values[-1]) + np.asarray(encoded.indices).astype(np.int64)
    distinct, which = np.unique(combined, return_inverse=True)
    found = []
    for code in distinct.tolist():
        parts = []
        for options in reversed(values):
            code, rest = divmod(code, len(options))
            parts.append(options[rest])
        found.append(tuple(reversed(parts)))
    return which.astype(np.int32), found
