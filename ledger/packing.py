"""How rows become frames, and how a frame's offset finds its way back to its rows.

Pure: the appender's thread decides when, this decides what. Rows keep their order inside their
partition, whatever the size of any frame.
"""

import asyncio
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.frames import rows_max
from ledger.rows import Kind, Rows

LINGER_SECONDS_MAX: Final = 0.020
RECORDS_PER_SECOND_THIN: Final = 300.0  # below it every append leaves at once

Chosen = slice | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Positions:
    """Where appended rows stand in the market topic; arrays of shape (n,), in the rows' order."""

    partition: NDArray[np.int32]
    offset: NDArray[np.int64]
    index: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offset)


class Pending:
    """The positions of one append, when the broker has acknowledged them all."""

    def __init__(self) -> None:
        self.future: Future[Positions] = Future()

    def result(self, timeout_seconds: float | None = None) -> Positions:
        """Wait. Raises AppendStalled when it could not be delivered."""
        return self.future.result(timeout_seconds)

    def done(self) -> bool:
        return self.future.done()

    def __await__(self) -> Generator[Any, None, Positions]:
        return asyncio.wrap_future(self.future).__await__()


class Sort(NamedTuple):
    """Rows of one sort may share frames."""

    kind: Kind
    source: int
    loaded: bool


class Item(NamedTuple):
    """One append: its rows, the partition of each, and who waits for it."""

    sort: Sort
    rows: Rows
    partitions: NDArray[np.int32]
    pending: Pending


class Batch:
    """Items that leave together, and the positions of their joined rows as they become known."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.sort = items[0].sort
        many = len(items) > 1
        self.rows: Rows = np.concatenate([i.rows for i in items]) if many else items[0].rows
        self.partitions: NDArray[np.int32] = (
            np.concatenate([i.partitions for i in items]) if many else items[0].partitions
        )
        self.offsets = np.full(len(self.rows), -1, np.int64)
        self.indexes = np.full(len(self.rows), -1, np.int32)
        self.frames = list(split(self.rows, self.partitions))
        self.frames_owed = len(self.frames)
        self.sent_at = 0.0  # wall clock, seconds

    def delivered(self, chosen: Chosen, offset: int) -> bool:
        """One frame stands at `offset`; True when it was the last one owed."""
        self.offsets[chosen] = offset
        self.indexes[chosen] = np.arange(len(self.offsets[chosen]))
        self.frames_owed -= 1
        return not self.frames_owed

    def resolve(self) -> None:
        """Give each append its positions."""
        start = 0
        for item in self.items:
            end = start + len(item.rows)
            part = slice(start, end)
            item.pending.future.set_result(
                Positions(self.partitions[part], self.offsets[part], self.indexes[part])
            )
            start = end


def split(rows: Rows, partitions: NDArray[np.int32]) -> Iterator[tuple[int, Chosen]]:
    """(partition, which rows) of each frame."""
    limit = rows_max(rows.dtype.itemsize)
    found = np.unique(partitions) if len(partitions) > 1 else partitions
    for partition in found:
        if len(found) == 1:
            for at in range(0, len(rows), limit):
                yield int(partition), slice(at, at + limit)
        else:
            chosen = np.flatnonzero(partitions == partition)
            for at in range(0, len(chosen), limit):
                yield int(partition), chosen[at : at + limit]


class Pace:
    """A token per record, 300 a second: when they run out, appends gather, at most the linger."""

    def __init__(self, now_seconds: float) -> None:
        self._tokens = RECORDS_PER_SECOND_THIN
        self._refilled = now_seconds

    def may_send(self, now_seconds: float, *, at_once: bool) -> bool:
        """Whether what waits may leave now; `at_once` for what gains nothing by waiting."""
        waited = now_seconds - self._refilled
        tokens = min(self._tokens + waited * RECORDS_PER_SECOND_THIN, RECORDS_PER_SECOND_THIN)
        if not at_once and tokens < 1 and waited < LINGER_SECONDS_MAX:
            return False
        self._tokens, self._refilled = tokens, now_seconds
        return True

    def sent(self, records: int) -> None:
        """Records that left."""
        self._tokens = max(0.0, self._tokens - records)


def partition_table(partition_of: Mapping[int, int]) -> NDArray[np.int32]:
    """Partition by instrument id, -1 where there is none."""
    table = np.full(max(partition_of, default=0) + 1, -1, np.int32)
    for instrument, partition in partition_of.items():
        table[instrument] = partition
    return table
