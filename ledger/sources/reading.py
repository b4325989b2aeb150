"""A source from its first row to its last: files planned first, then read in order.

All files of a load are looked at before the first row is appended, so a wrong header in the last
of them costs nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ledger.drafts import Parsed
from ledger.errors import FormatError
from ledger.sources.binance_csv import NAME as BINANCE_CSV
from ledger.sources.binance_csv import BinanceCsv
from ledger.sources.binance_messages import NAME as BINANCE_MESSAGES
from ledger.sources.binance_messages import BinanceMessages
from ledger.sources.columnar import read_tables
from ledger.sources.detect import detect
from ledger.sources.format import Format
from ledger.sources.lean import NAME as LEAN
from ledger.sources.lean import Lean
from ledger.sources.lines import CHUNK_BYTES_MAX, read_lines
from ledger.sources.mapping import ReadOptions
from ledger.sources.parts import Damaged, Part, Step, blocks, parts_of
from ledger.sources.table import NAME as TABLE
from ledger.sources.table import Table

HEAD_BYTES: Final = 1_024
_READERS: Final = {BINANCE_CSV: BinanceCsv, BINANCE_MESSAGES: BinanceMessages, LEAN: Lean}


@dataclass(frozen=True)
class Planned:
    """A part, how it will be read, and the fingerprint of its beginning (of what is inside, so
    that it outlives a new name or another compression)."""

    part: Part
    format: Format
    head: str


class Chunk(NamedTuple):
    """Some rows of a part: what they are, how many, and the last line they reach."""

    parsed: Parsed
    size: int
    through: int


def plan(paths: Sequence[Path], options: ReadOptions) -> list[Planned]:
    """How every part of these files and folders will be read.

    Raises FormatError or NaiveTime for the first that cannot be.
    """
    parts = [part for path in paths for part in parts_of(path)]
    if not parts:
        raise FormatError("no files to load", remedy="name a file or a folder")
    return [Planned(part, detect(part, options), _head(part)) for part in parts]


def read(planned: Planned, step: Step, chunk_bytes: int = CHUNK_BYTES_MAX) -> Iterator[Chunk]:
    """The rows of a part, in order. Raises Damaged after the last row before the damage."""
    form = planned.format
    if isinstance(form, Table) and form.columnar:
        for table in read_tables(planned.part, step):
            draft = form.draft(table.columns, table, table.places)
            yield Chunk(Parsed([draft], [], {}), len(table), table.first + len(table) - 1)
        return
    heading = form.header_lines
    for lines in read_lines(planned.part, step, chunk_bytes):
        rows, heading = lines.after(heading), max(0, heading - len(lines))
        if len(rows):
            yield Chunk(form.parse(rows), len(rows), int(rows.numbers[-1]))


def _head(part: Part) -> str:
    try:
        first = next(blocks(part), b"")[:HEAD_BYTES]
    except Damaged:
        first = b""
    return hashlib.sha256(first).hexdigest()[:16]


def from_description(described: dict[str, Any]) -> Format:
    """The format that `Format.describe` described. Raises ValueError when it is none of ours."""
    values = dict(described)
    name = values.pop("format", None)
    if name == BINANCE_CSV:
        return BinanceCsv(tuple(values["header"]))
    if name == TABLE:
        return Table(**{**values, "names": tuple(values["names"])})
    if name in _READERS:
        reader: Any = _READERS[name]
        made: Format = reader(**values)
        return made
    raise ValueError(f"no reader is called {name!r}")
