"""Parquet, Arrow and Feather files: typed columns, read in bounded batches.

A row's line is its number in the file, from 1; its raw text is a JSON object.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ledger.drafts import Column, Ints
from ledger.errors import FormatError
from ledger.sources.columns import plain
from ledger.sources.parts import COLUMNAR, Damaged, Part, Step, magic_of

BATCH_ROWS_MAX: Final = 65_536


@dataclass(frozen=True)
class TableRows:
    """Rows of a table: an `Origin` whose raw text is JSON. `first` is the number of the first."""

    columns: dict[str, Column]
    first: int = 1

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def numbers(self) -> Ints:
        return np.arange(self.first, self.first + len(self), dtype=np.int64)

    @property
    def places(self) -> Ints:
        return np.arange(len(self), dtype=np.int64)

    def raw(self, place: int) -> str:
        row = {name: _plain(column[place]) for name, column in self.columns.items()}
        return json.dumps(row, ensure_ascii=False)


def is_columnar(part: Part) -> bool:
    return not part.member and magic_of(part) in COLUMNAR


def column_names(part: Part) -> list[str]:
    """The names of a file's columns. Raises FormatError when it cannot be read."""
    import pyarrow as pa

    try:
        return [str(name) for name in _schema(part).names]
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError(f"{part.label} cannot be read: {error}", remedy="mend it") from error


def first_rows(part: Part, count: int) -> TableRows:
    """The first rows of a file, for looking at."""
    for rows in read_tables(part, lambda _: None):
        return TableRows({name: column[:count] for name, column in rows.columns.items()})
    return TableRows({})


def read_tables(part: Part, step: Step) -> Iterator[TableRows]:
    """The rows of a file in batches. Raises Damaged, with the row, after the last good batch."""
    import pyarrow as pa

    first, size = 1, part.path.stat().st_size
    before = part.path.stat()
    try:
        total = 0
        for batch, share in _batches(part):
            columns = map(plain, batch.columns)
            yield TableRows(dict(zip(batch.schema.names, columns, strict=True)), first)
            first += batch.num_rows
            step(int(share * size) - total)
            total = int(share * size)
    except (pa.ArrowInvalid, OSError) as error:
        raise Damaged(f"damaged: {error}", first) from error
    after = part.path.stat()
    if (after.st_ino, after.st_size, after.st_mtime_ns) != (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    ):
        raise Damaged("was changed while it was read", first)


def _schema(part: Part) -> Any:
    import pyarrow as pa
    import pyarrow.ipc as ipc
    import pyarrow.parquet as parquet

    if COLUMNAR[magic_of(part)] == "parquet":
        return parquet.read_schema(part.path)
    with pa.OSFile(str(part.path)) as file, ipc.open_file(file) as reader:
        return reader.schema


def _batches(part: Part) -> Iterator[tuple[Any, float]]:
    """Record batches, each with the share of the file that is read after it."""
    import pyarrow as pa
    import pyarrow.ipc as ipc
    import pyarrow.parquet as parquet

    if COLUMNAR[magic_of(part)] == "parquet":
        with parquet.ParquetFile(part.path) as stored:
            done, rows = 0, max(1, stored.metadata.num_rows)
            for batch in stored.iter_batches(BATCH_ROWS_MAX):
                done += batch.num_rows
                yield batch, done / rows
        return
    with pa.OSFile(str(part.path)) as file, ipc.open_file(file) as reader:
        for number in range(reader.num_record_batches):
            whole = reader.get_batch(number)
            for start in range(0, whole.num_rows, BATCH_ROWS_MAX):
                share = (number + 1) / reader.num_record_batches
                yield whole.slice(start, BATCH_ROWS_MAX), share


def _plain(value: Any) -> Any:
    """A cell as JSON: numbers that JSON holds exactly as such, everything else as text."""
    import pyarrow as pa

    if not value.is_valid:
        return None
    if pa.types.is_timestamp(value.type):
        zoned = value.type.tz is not None
        stamp = value.cast(pa.timestamp("ns", "UTC" if zoned else None))
        return str(pa.array([stamp]).cast(pa.string())[0])
    plain = value.as_py()
    return plain if isinstance(plain, int | float | str) else str(plain)
