"""What a load was asked to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ledger.sources.lines import CHUNK_BYTES_MAX
from ledger.sources.mapping import ReadOptions
from ledger.times import DAY_NS

SORT_ROWS: Final = 65_536


@dataclass(frozen=True)
class LoadOptions:
    """How a load reads (`read`) and what it does with what it read."""

    read: ReadOptions = field(default_factory=ReadOptions)
    define: bool = False
    """Define instruments that are not, as the rows suggest."""
    complete: bool = False
    """Nothing more of the days loaded will come: close their last bars."""
    source: str | None = None
    """The name of the source; None: that of the format. A folder is one source."""
    sort_rows: int = SORT_ROWS
    """A row is put in its place if it stands at most this many lines too late."""
    jump_ns: int = DAY_NS
    """A longer step ahead must be confirmed by the rows after it."""
    chunk_bytes: int = CHUNK_BYTES_MAX


class Progress(NamedTuple):
    """How far a load is. `seconds_left` is None while nobody can tell."""

    rows: int
    bytes_done: int
    bytes_total: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        if not self.bytes_done:
            return None
        return self.seconds * max(0, self.bytes_total - self.bytes_done) / self.bytes_done


class Talk(NamedTuple):
    """Whom a load tells what."""

    progress: Callable[[Progress], None] = lambda _: None
    notice: Callable[[str], None] = lambda _: None
