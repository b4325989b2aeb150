"""Verification of a stream's archive against the log: every record Kafka still holds."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ledger.archive_columns import VOID
from ledger.archive_rebuild import Chunk
from ledger.archive_streams import Mark, Stream
from ledger.errors import AttachRefused
from ledger.frames import HEADER_BYTES, Frame, decode
from ledger.kafka import LogReader, Options, Record, TopicFacts, read_range
from ledger.rows import Rows
from ledger.verify_shapes import Report

DIFFERENCES_SHOWN_MAX: Final = 5


class LogCheck:
    """Walks a partition of the log beside its archive."""

    def __init__(
        self,
        kafka: Options,
        stream: Stream,
        mark: Mark,
        facts: TopicFacts | None,
        report: Report,
    ) -> None:
        """Raises EngineUnreachable when the broker does not answer."""
        self._stream, self._report = stream, report
        self._records: Iterator[Record] = iter(())
        self._ahead: Record | None = None
        self._held = range(0)
        if _is_ours(stream, facts, report):
            with LogReader(kafka) as reader:
                start, end = reader.bounds(stream.topic, stream.partition)
            if end < mark.next_offset:
                report.add(stream.position(end), "end of the log", mark.next_offset, end)
            self._held = range(start, min(end, mark.next_offset))
            self._records = iter(
                read_range(kafka, stream.topic, stream.partition, self._held.start, self._held.stop)
            )

    def compare(self, chunk: Chunk, rebuilt: Sequence[bytes | None]) -> None:
        """Compare the frames of a chunk that the log still holds."""
        frames = chunk.frames
        offsets = frames["offset"].tolist()
        ours = dict(zip(offsets, range(len(offsets)), strict=True))
        for record in self._until(offsets[-1] + 1):
            self._report.compared += 1
            at = ours.pop(record.offset, None)
            if at is None:
                continue  # the manifest's hole was noted already
            self._compare_one(record, frames[at], rebuilt[at])
        for offset, at in ours.items():
            if offset in self._held and frames["kind"][at] != VOID:
                self._report.add(self._stream.position(offset), "record in the log", "one", "none")

    def _until(self, end: int) -> Iterator[Record]:
        """The log's records before `end`; one that lies behind it is kept for the next chunk."""
        while True:
            if self._ahead is None:
                try:
                    self._ahead = next(self._records, None)
                except AttachRefused:  # retention took its oldest records while we read
                    self._records = iter(())
            if self._ahead is None or self._ahead.offset >= end:
                return
            yield self._ahead
            self._ahead = None

    def _compare_one(self, record: Record, frame: Rows, rebuilt: bytes | None) -> None:
        position = self._stream.position(record.offset)
        if record.stamp_ns != frame["stamp"]:
            self._report.add(position, "stamp", record.stamp_ns, int(frame["stamp"]))
        if rebuilt is None:
            if frame["kind"] == VOID:
                self._report.add(position, "void offset", "no record in the log", "one")
            return  # what cannot be rebuilt was noted already
        if record.value != rebuilt:
            for where, what, expected, found in differences(record, rebuilt):
                self._report.add(self._stream.position(*where), what, expected, found)


def _is_ours(stream: Stream, facts: TopicFacts | None, report: Report) -> bool:
    found = "no topic" if facts is None else facts.topic_id
    if found == stream.topic_id:
        return True
    report.add(stream.position(0), f"id of topic {stream.topic}", stream.topic_id, found)
    return False


def differences(
    record: Record, rebuilt: bytes
) -> Iterator[tuple[tuple[int, int], str, object, object]]:
    """Which rows and fields differ: ((offset, index), what, in the log, in the archive)."""
    whole = (record.offset, 0)
    log = decode(record.value)
    if record.value[:HEADER_BYTES] != rebuilt[:HEADER_BYTES]:
        head = (record.value[:HEADER_BYTES].hex(), rebuilt[:HEADER_BYTES].hex())
        yield whole, "header", *head
    body = rebuilt[HEADER_BYTES:]
    if not isinstance(log, Frame) or log.control is not None:
        yield whole, "record", record.value.hex()[:200], rebuilt.hex()[:200]
        return
    if len(body) != log.rows.nbytes:
        yield whole, "rows", len(log.rows), len(body) / log.rows.dtype.itemsize
        return
    rows = np.frombuffer(body, log.rows.dtype)
    apart = np.flatnonzero(rows.view(f"V{rows.itemsize}") != log.rows.view(f"V{rows.itemsize}"))
    for index in apart[:DIFFERENCES_SHOWN_MAX].tolist():
        for name in rows.dtype.names or ():
            ours, theirs = rows[name][index], log.rows[name][index]
            if ours.tobytes() != theirs.tobytes():
                yield (record.offset, index), name, _say(theirs), _say(ours)


def _say(value: np.generic) -> object:
    return value.tobytes().hex() if value.dtype.kind == "V" else value.tolist()
