"""From Kafka records to what one transaction writes: manifest, rows, proof leaves, working tables.

Pure: the same records behind the same mark give the same batch. Rows of one kind are joined and
handled as one array; only what is one per record is done record by record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.archive_columns import FRAME_DTYPE, KINDS_OF, NEWER, UNDECODABLE, VOID, layout
from ledger.archive_feeds import RUN, feeds_in, joined_feeds, merge_runs, runs_in
from ledger.archive_shapes import (
    NO_EVENT_TIME,
    NO_REPEAT,
    OVERLAP,
    Batch,
    Block,
    ControlRow,
    Raw,
    Repeat,
    leaf_of,
)
from ledger.archive_streams import LAST_VIEW, Key, Mark, Stream
from ledger.catalog import CopyGate
from ledger.errors import AttachRefused, ForeignLedger
from ledger.frames import HEADER_BYTES, Frame, Header, Newer, Undecodable, decode
from ledger.kafka import Record
from ledger.positions import LedgerId
from ledger.rows import FEEDS, TIME_FIELDS, Kind, Rows

VOID_OFFSETS_MAX: Final = 100_000
"""Offsets without a record in a row; more than this is no marker but a broken log."""
_ZERO_LEAF: Final = bytes(32)
_ZERO_HEADER: Final = bytes(HEADER_BYTES)


@dataclass
class _Part:
    """Frames that share a layout: the bytes of their rows, their places in the manifest, and the
    index of the first row taken of each."""

    form: np.dtype[np.void]

    bodies: list[memoryview] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    headers: list[Header] = field(default_factory=list)


class Builder:
    """Collects the records of one stream behind a mark; `build` makes the batch."""

    def __init__(self, stream: Stream, before: Mark, ledger: LedgerId | None) -> None:
        self.stream, self.before, self.ledger = stream, before, ledger
        self.next_offset = before.next_offset
        self.rows = self.bytes = 0
        self._gate = CopyGate(before.control_through)
        self._key = before.key
        self._frames: list[tuple[Any, ...]] = []
        self._sources: list[int] = []
        self._parts: dict[tuple[Kind, int], _Part] = {}
        self._controls: list[ControlRow] = []
        self._raws: list[Raw] = []
        self._repeats: list[Repeat] = []

    @property
    def frames(self) -> int:
        return len(self._frames)

    def add(self, record: Record) -> None:
        """Take the next record. Raises AttachRefused for a hole no broker leaves, ForeignLedger
        for the beginning of another ledger."""
        if record.offset > self.next_offset:
            self.add_voids(record.offset)
        self.next_offset = record.offset + 1
        decoded = decode(record.value)
        kinds = KINDS_OF[self.stream.letter]
        if isinstance(decoded, Frame) and decoded.kind in kinds:
            self._add_frame(record, decoded)
            return
        match decoded:
            case Frame():
                kind, reason = UNDECODABLE, f"misplaced: {decoded.kind.name.lower()}"
            case Newer():
                kind, reason = NEWER, f"newer: kind {decoded.kind}, version {decoded.version}"
            case Undecodable():
                kind, reason = UNDECODABLE, decoded.reason
        self._raws.append(Raw(record.offset, reason, record.value))
        self._note(record, kind, 0, _ZERO_HEADER)

    def _note(self, record: Record, kind: int, count: int, header: bytes, source: int = -1) -> None:
        leaf = leaf_of(record.value)
        self._sources.append(source)
        self.rows += count
        self.bytes += len(record.value)
        self._frames.append(
            (record.offset, kind, count, *NO_EVENT_TIME, record.stamp_ns, 0, leaf, header)
            + (NO_REPEAT,)
        )

    def add_voids(self, end: int) -> None:
        """Cover the offsets before `end`, which hold no record. Raises AttachRefused when they are
        too many."""
        if end - self.next_offset > VOID_OFFSETS_MAX:
            raise AttachRefused(
                f"the log has no records from here to offset {end - 1}",
                position=str(self.stream.position(self.next_offset)),
                remedy="see that nothing compacts or deletes the topic; restore it, or start a "
                "new epoch",
            )
        for offset in range(self.next_offset, end):
            self._sources.append(-1)
            nothing = (0, 0, _ZERO_LEAF, _ZERO_HEADER, NO_REPEAT)
            self._frames.append((offset, VOID, 0, *NO_EVENT_TIME, *nothing))
        self.next_offset = end

    def _add_frame(self, record: Record, frame: Frame) -> None:
        header, at, first = frame.header, len(self._frames), 0
        head = record.value[:HEADER_BYTES]
        self._note(record, header.kind, header.count, head, header.source)
        if frame.control is not None:
            self._add_control(record, frame, frame.control)
            return
        if frame.kind in (Kind.FEATURE, Kind.PROGRESS):
            first = self._new_keys_from(frame)
            if first == header.count:
                self._repeats.append(Repeat(at, record, frame))
                return
            if first:
                self._raws.append(Raw(record.offset, OVERLAP, record.value))
        form = frame.rows.dtype
        part = self._parts.setdefault((frame.kind, form.itemsize), _Part(form))
        part.bodies.append(memoryview(record.value)[HEADER_BYTES + first * form.itemsize :])
        part.at.append(at)
        part.first.append(first)
        part.headers.append(header)

    def _new_keys_from(self, frame: Frame) -> int:
        """The index of the first row whose key is greater than all before; moves the greatest."""
        header = frame.header
        view = LAST_VIEW if frame.kind is Kind.PROGRESS else header.view
        greatest, start = self._key, Key(header.cause, view, header.first_ordinal)
        last = start._replace(ordinal=header.first_ordinal + header.count - 1)
        if last <= greatest:
            return header.count
        self._key = last
        return 0 if start > greatest else greatest.ordinal - header.first_ordinal + 1

    def _add_control(self, record: Record, frame: Frame, event: dict[str, Any]) -> None:
        self._refuse_foreign(record, event)
        sequence, accepted = frame.header.cause, False
        if self.stream.letter == "c":
            # The number of an event is its place among the decodable ones (ledger.control_log).
            sequence = self._gate.last + 1
            accepted = self._gate.accept(sequence)
        elif frame.is_copy:
            accepted = self._gate.accept(sequence)
        body = record.value[HEADER_BYTES:]
        self._controls.append(ControlRow(record.offset, accepted, sequence, body))

    def _refuse_foreign(self, record: Record, event: dict[str, Any]) -> None:
        if event.get("type") != "EpochStarted" or self.ledger is None:
            return
        if event.get("ledger") != self.ledger.hex():
            raise ForeignLedger(
                f"topic {self.stream.topic} belongs to ledger {event.get('ledger')}, this archive "
                f"to {self.ledger.hex()}",
                position=str(self.stream.position(record.offset)),
                remedy="two ledgers on one broker need two prefixes; see FLEDGER_DSN and prefix",
            )

    def build(self) -> Batch:
        """Everything taken so far, as one batch."""
        frames = np.array(self._frames, FRAME_DTYPE)
        stamps = np.append(self.before.known_at, frames["stamp"])
        frames["known_at"] = np.maximum.accumulate(stamps)[1:]
        blocks = [self._block(kind, part, frames) for (kind, _), part in self._parts.items()]
        after = Mark(self.next_offset, int(frames["known_at"][-1]), self._gate.last, self._key)
        feeds, runs = self._working(blocks, frames)
        return Batch(
            self.stream, self.before, after, frames, blocks, self._controls, self._raws,
            self._repeats, feeds, runs,
        )  # fmt: skip

    def _block(self, kind: Kind, part: _Part, frames: Rows) -> Block:
        rows: Rows = np.frombuffer(b"".join(part.bodies), part.form)
        counts = np.array([len(body) // part.form.itemsize for body in part.bodies])
        starts = np.append(0, np.cumsum(counts))[:-1]
        if kind in TIME_FIELDS:
            first, last = TIME_FIELDS[kind]
            frames["event_first"][part.at] = np.minimum.reduceat(rows[first], starts)
            frames["event_last"][part.at] = np.maximum.reduceat(rows[last], starts)
        index = np.arange(len(rows)) - np.repeat(starts - part.first, counts)
        frame_of = np.repeat(np.array(part.at, np.int64), counts)
        places: dict[str, NDArray[Any] | int] = {
            "stream": self.stream.stream,
            "offset": frames["offset"][frame_of],
            "index": index,
        }
        if kind in (Kind.FEATURE, Kind.PROGRESS):
            places["view"] = np.repeat([h.view for h in part.headers], counts)
            places["cause"] = np.repeat([h.cause for h in part.headers], counts)
            places["ordinal"] = np.repeat([h.first_ordinal for h in part.headers], counts) + index
        outputs = rows["values"].shape[1] if kind is Kind.FEATURE else 0
        form = layout(kind, outputs)
        return Block(kind, rows, places, frame_of, form.names, form.pack(rows, places))

    def _working(self, blocks: Sequence[Block], frames: Rows) -> tuple[Rows, Rows]:
        feeds: list[Rows] = []
        runs: list[Rows] = [np.zeros(0, RUN)]
        sources = np.array(self._sources, np.int32)
        for block in blocks:
            if block.kind in (*FEEDS, Kind.CLOCK):
                stamps = frames["stamp"][block.frame_of]
                feeds.append(feeds_in(block.kind, block.rows, stamps, sources[block.frame_of]))
            if block.kind in FEEDS:
                runs.append(runs_in(block.kind, block.rows, sources[block.frame_of]))
        return joined_feeds(feeds), merge_runs(np.concatenate(runs))


def tile(batches: Sequence[Batch]) -> bool:
    """Whether batches follow each other without hole or overlap, and each is whole inside."""
    for before, after in pairwise(batches):
        if before.after != after.before:
            return False
    return all(
        batch.frames["offset"].tolist()
        == list(range(batch.before.next_offset, batch.after.next_offset))
        for batch in batches
    )
