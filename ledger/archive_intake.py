"""Records gather here until they are worth a transaction.

While PostgreSQL is busy batches grow up to their limits; while it is idle a batch waits only for
the linger. So a quiet market is archived within milliseconds and a full log in large batches.
"""

import time
from collections.abc import Iterator
from typing import Final

from ledger.archive_batch import Builder
from ledger.archive_shapes import Batch
from ledger.archive_streams import Mark, Stream
from ledger.kafka import Record
from ledger.positions import LedgerId

BATCH_ROWS_MAX: Final = 65_536
BATCH_BYTES_MAX: Final = 16 * 1024 * 1024
BATCH_FRAMES_MAX: Final = 8_192
LINGER_SECONDS: Final = 0.02
PENDING_BYTES_MAX: Final = 64 * 1024 * 1024
"""Gathered over all streams; beyond it the oldest batch leaves, however small."""


class Intake:
    """The batches in the making, at most one per stream."""

    def __init__(self, ledger: LedgerId | None) -> None:
        self.ledger = ledger
        self._marks: dict[Stream, Mark] = {}
        self._builders: dict[Stream, Builder] = {}
        self._began: dict[Stream, float] = {}
        self._streams: dict[tuple[str, int], Stream] = {}

    def begin(self, stream: Stream, mark: Mark) -> None:
        """Take records of a stream from its mark on."""
        self._marks[stream] = mark
        self._streams[stream.topic, stream.partition] = stream
        self._forget(stream)

    def takes(self, stream: Stream) -> bool:
        """Whether records of this stream are taken."""
        return stream in self._marks

    def drop(self, stream: Stream) -> None:
        """Take nothing more of a stream, and forget what was gathered."""
        self._marks.pop(stream, None)
        self._streams.pop((stream.topic, stream.partition), None)
        self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        self._builders.pop(stream, None)
        self._began.pop(stream, None)

    def starts(self) -> dict[tuple[str, int], int]:
        """Where to read on in each partition."""
        return {(s.topic, s.partition): self.next_offset(s) for s in self._marks}

    def next_offset(self, stream: Stream) -> int:
        """The next offset this intake wants."""
        builder = self._builders.get(stream)
        return builder.next_offset if builder else self._marks[stream].next_offset

    def stream_of(self, record: Record) -> Stream | None:
        """The stream a record is taken for, if any."""
        return self._streams.get((record.topic, record.partition))

    def add(self, stream: Stream, record: Record) -> None:
        """Take one record; one that was taken before is passed over. Raises as Builder.add."""
        if record.offset < self.next_offset(stream):
            return
        self._builder(stream).add(record)

    def skip_to(self, stream: Stream, offset: int) -> None:
        """The log goes on at `offset`: what is before it and was not taken holds no record."""
        if offset > self.next_offset(stream):
            self._builder(stream).add_voids(offset)

    def _builder(self, stream: Stream) -> Builder:
        if stream not in self._builders:
            self._builders[stream] = Builder(stream, self._marks[stream], self.ledger)
            self._began[stream] = time.monotonic()
        return self._builders[stream]

    def full(self, stream: Stream) -> Iterator[Batch]:
        """The batches that must leave before more is read, after a record of this stream."""
        builder = self._builders.get(stream)
        if builder is not None and _is_full(builder):
            yield self.take(stream)
        while sum(each.bytes for each in self._builders.values()) > PENDING_BYTES_MAX:
            yield self.take(min(self._began, key=self._began.__getitem__))

    def due(self) -> Stream | None:
        """The stream whose batch has waited longest, if it waited for the linger."""
        if not self._began:
            return None
        oldest = min(self._began, key=self._began.__getitem__)
        waited = time.monotonic() - self._began[oldest]
        return oldest if waited >= LINGER_SECONDS else None

    def waiting(self) -> list[Stream]:
        """Streams that have gathered anything."""
        return list(self._builders)

    def take(self, stream: Stream) -> Batch:
        """The batch of a stream; the next begins behind it."""
        batch = self._builders[stream].build()
        self._marks[stream] = batch.after
        self._forget(stream)
        return batch


def _is_full(builder: Builder) -> bool:
    return (
        builder.rows >= BATCH_ROWS_MAX
        or builder.bytes >= BATCH_BYTES_MAX
        or builder.frames >= BATCH_FRAMES_MAX
    )
