"""What one transaction adds to the archive: the shapes between its maker and its writer."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.archive_streams import Mark, Stream
from ledger.frames import Frame
from ledger.kafka import Record
from ledger.rows import ABSENT, Kind, Rows

NO_EVENT_TIME: Final = (2**63 - 1, ABSENT)
"""The empty range: events without a time overlap nothing."""
NO_REPEAT: Final = -1
DIVERGED: Final = "diverged"
OVERLAP: Final = "overlap"


def leaf_of(record: bytes | memoryview) -> bytes:
    """The leaf of the proof tree: SHA-256 of a zero byte and the record's exact bytes."""
    digest = hashlib.sha256(b"\0")
    digest.update(record)
    return digest.digest()


class Raw(NamedTuple):
    """A record kept as bytes, and why."""

    offset: int
    reason: str
    raw: bytes


class ControlRow(NamedTuple):
    """A control event as archived; `sequence` -1 where it has none."""

    offset: int
    accepted: bool
    sequence: int
    body: bytes


class Repeat(NamedTuple):
    """A feature or progress frame whose keys are known: `at` is its place in the manifest."""

    at: int
    record: Record
    frame: Frame


@dataclass(frozen=True)
class Block:
    """Rows of one layout, joined over the frames of a batch; all arrays of shape (n,)."""

    kind: Kind
    rows: Rows
    places: dict[str, NDArray[Any] | int]
    frame_of: NDArray[np.int64]
    """The place of each row's frame in the manifest."""
    names: list[str]
    packed: memoryview
    """COPY's columns and binary rows; made by the thread that reads, while PostgreSQL works."""


@dataclass(frozen=True)
class Batch:
    """What one transaction adds to one stream."""

    stream: Stream
    before: Mark
    after: Mark
    frames: Rows
    blocks: list[Block]
    controls: list[ControlRow]
    raws: list[Raw]
    repeats: list[Repeat]
    feeds: Rows
    runs: Rows

    @property
    def events(self) -> int:
        return int(self.frames["count"].sum())
