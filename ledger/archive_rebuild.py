"""The exact bytes of archived records, rebuilt from manifest, rows and raw records.

Chunk by chunk and kind by kind: rows come as one block of bytes per kind, become one array of the
frame's own layout, and each record is its 64 header bytes and a slice of that array.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.archive_columns import TABLES, VOID, frame_layout, layout
from ledger.archive_shapes import DIVERGED
from ledger.archive_streams import Stream
from ledger.errors import IntegrityBroken
from ledger.postgres import Database
from ledger.rows import Kind, Rows

CHUNK_ROWS_MAX: Final = 65_536
CHUNK_FRAMES_MAX: Final = 8_192


class Shelf(NamedTuple):
    """Rows of one layout in the order of (offset, index), and what stands beside them."""

    rows: Rows
    places: dict[str, NDArray[Any]]
    strays: NDArray[np.bool_]
    """Rows whose columns hold what no row of a frame can hold."""


@dataclass(frozen=True)
class Chunk:
    """Some consecutive frames and all that is archived of them."""

    frames: Rows
    """dtype FRAME_DTYPE, in the order of offsets."""
    shelves: dict[Kind, list[Shelf]]
    bodies: dict[int, bytes]
    """Control events' exact bytes, by offset."""
    raws: dict[int, tuple[str, bytes]]
    """(reason, record) of what is kept as bytes, by offset."""


class Rebuilt(NamedTuple):
    """A record's bytes (None for a void offset), or why they cannot be rebuilt."""

    at: int
    """The frame's place in the chunk."""
    offset: int
    record: bytes | None
    fault: str


def rebuild(
    db: Database, stream: Stream, first: int, end: int
) -> Iterator[tuple[int, bytes | None]]:
    """(offset, exact bytes) of the archived records of [first, end), in order; None for an offset
    that never held a record. Raises IntegrityBroken where rows do not give a record back."""
    for chunk in chunks(db, stream, first, end):
        for built in records(db, stream, chunk):
            if built.fault:
                raise IntegrityBroken(
                    f"the archive cannot give the record back: {built.fault}",
                    position=str(stream.position(built.offset)),
                    remedy="fledger verify",
                )
            yield built.offset, built.record


def chunks(db: Database, stream: Stream, first: int, end: int) -> Iterator[Chunk]:
    """The frames of [first, end) that are there, with their rows, a bounded number at a time."""
    while first < end:
        frames = read_frames(db, stream, first, end)
        if not len(frames):
            return
        rows = np.cumsum(frames["count"])
        keep = max(1, int(np.searchsorted(rows, CHUNK_ROWS_MAX, "right")))
        frames = frames[:keep]
        yield _chunk(db, stream, frames)
        first = int(frames["offset"][-1]) + 1


def read_frames(db: Database, stream: Stream, first: int, end: int) -> Rows:
    """The first manifest rows of [first, end), at most CHUNK_FRAMES_MAX; dtype FRAME_DTYPE."""
    form = frame_layout()
    found = db.packed(
        "SELECT string_agg({send}, ''::bytea) FROM (SELECT * FROM frame WHERE stream = %s"
        ' AND "offset" >= %s AND "offset" < %s ORDER BY "offset" LIMIT %s) f',
        [stream.stream, first, end, CHUNK_FRAMES_MAX],
        form.send,
    )
    return form.unpack(found[0][0] or b"")[1]


def _chunk(db: Database, stream: Stream, frames: Rows) -> Chunk:
    first, end = int(frames["offset"][0]), int(frames["offset"][-1]) + 1
    kinds = {int(kind) for kind in np.unique(frames["kind"])}
    between = [stream.stream, first, end]
    shelves: dict[Kind, list[Shelf]] = {
        kind: shelve(db, kind, stream.stream, first, end)
        for kind in TABLES
        if kind in kinds and kind is not Kind.CONTROL
    }
    bodies = {}
    if Kind.CONTROL in kinds:
        bodies = dict(
            db.rows(
                'SELECT "offset", body FROM control'
                ' WHERE stream = %s AND "offset" >= %s AND "offset" < %s',
                between,
            )
        )
    raws = {
        offset: (reason, raw)
        for offset, reason, raw in db.rows(
            'SELECT "offset", reason, raw FROM frame_raw'
            ' WHERE stream = %s AND "offset" >= %s AND "offset" < %s',
            between,
        )
    }
    return Chunk(frames, shelves, bodies, raws)


def shelve(db: Database, kind: Kind, stream: int, first: int, end: int) -> list[Shelf]:
    """The rows of one kind in [first, end), by layout: feature rows by their number of values."""
    form = layout(kind)
    where = [stream, first, end]
    if kind is not Kind.FEATURE:
        found = db.packed(
            "SELECT string_agg({send}, ''::bytea) FROM {table}"
            " WHERE stream = %s AND {offset} >= %s AND {offset} < %s",
            where,
            form.send,
            table=form.table,
            offset="offset",
        )
        return [shelf_of(kind, 0, data) for (data,) in found if data]
    found = db.packed(
        "SELECT cardinality({values}), string_agg({send}, ''::bytea) FROM feature"
        " WHERE stream = %s AND {offset} >= %s AND {offset} < %s GROUP BY 1",
        where,
        form.send,
        values="values",
        offset="offset",
    )
    return [shelf_of(kind, outputs, data) for outputs, data in found]


def shelf_of(kind: Kind, outputs: int, data: bytes) -> Shelf:
    """Packed rows, sorted where they did not come in order (the heap is nearly always)."""
    form = layout(kind, outputs)
    places, rows = form.unpack(data)
    strays = form.strays(data)
    offset, index = places["offset"], places["index"]
    falls = (offset[1:] < offset[:-1]) | ((offset[1:] == offset[:-1]) & (index[1:] < index[:-1]))
    if falls.any():
        order = np.lexsort((index, offset))
        places = {name: values[order] for name, values in places.items()}
        rows, strays = rows[order], strays[order]
    return Shelf(rows, places, strays)


def records(db: Database, stream: Stream, chunk: Chunk) -> Iterator[Rebuilt]:
    """Each frame of a chunk as its record, in order."""
    slices = _slices(chunk)
    for at, (offset, kind) in enumerate(
        zip(chunk.frames["offset"].tolist(), chunk.frames["kind"].tolist(), strict=True)
    ):
        if kind == VOID:
            yield Rebuilt(at, offset, None, "")
            continue
        if offset in chunk.raws:
            yield Rebuilt(at, offset, chunk.raws[offset][1], "")
            continue
        if kind <= 0:
            yield Rebuilt(at, offset, None, "its raw record is missing")
            continue
        body = _body(db, stream, chunk, slices, at)
        if isinstance(body, str):
            yield Rebuilt(at, offset, None, body)
        else:
            yield Rebuilt(at, offset, b"".join((bytes(chunk.frames["header"][at]), body)), "")


def _slices(chunk: Chunk) -> list[tuple[Kind, memoryview, int, list[int], list[int]]]:
    """Per shelf: its bytes, the size of a row, and where each frame's rows begin and end."""
    out = []
    for kind, shelves in chunk.shelves.items():
        for shelf in shelves:
            begin = np.searchsorted(shelf.places["offset"], chunk.frames["offset"], "left")
            end = np.searchsorted(shelf.places["offset"], chunk.frames["offset"], "right")
            data = memoryview(shelf.rows.tobytes())
            out.append((kind, data, shelf.rows.dtype.itemsize, begin.tolist(), end.tolist()))
    return out


def _body(
    db: Database, stream: Stream, chunk: Chunk, slices: list[Any], at: int
) -> bytes | memoryview | str:
    """The bytes behind a frame's header, or what is wrong with them."""
    frame = chunk.frames[at]
    kind, offset, count = int(frame["kind"]), int(frame["offset"]), int(frame["count"])
    if kind == Kind.CONTROL:
        return chunk.bodies.get(offset, "its control event is missing")
    if kind not in chunk.shelves:
        return f"kind {kind} has no rows in this version"
    if frame["repeat_of"] >= 0:
        return repeated_body(db, stream, Kind(kind), frame)
    found: memoryview | str = f"0 rows for {count} events"
    total = 0
    for of, data, size, begin, end in slices:
        if of == kind and end[at] > begin[at]:
            total += end[at] - begin[at]
            found = data[begin[at] * size : end[at] * size]
    return found if total == count else f"{total} rows for {count} events"


def repeated_body(db: Database, stream: Stream, kind: Kind, frame: Rows) -> bytes | str:
    """The rows of a repeated frame, from the first copy by key."""
    from ledger.frames import parse_header

    header = parse_header(bytes(frame["header"]))
    copy = int(frame["repeat_of"])
    for shelf in shelve(db, kind, stream.stream, copy, copy + 1):
        ordinal = shelf.places["ordinal"]
        low, high = header.first_ordinal, header.first_ordinal + header.count
        chosen = (ordinal >= low) & (ordinal < high)
        if int(chosen.sum()) == header.count:
            return bytes(shelf.rows[chosen].tobytes())
    return f"the first copy at {stream.position(copy)} lacks its rows"


def expected_rows(chunk: Chunk) -> NDArray[np.int64]:
    """How many rows each frame of the chunk should have in its table."""
    counts = chunk.frames["count"].astype(np.int64)
    stored = (chunk.frames["kind"] > 0) & (chunk.frames["repeat_of"] < 0)
    for at in np.flatnonzero(stored):
        reason, _ = chunk.raws.get(int(chunk.frames["offset"][at]), ("", b""))
        if reason == DIVERGED:
            counts[at] = 0
    counts[~stored] = 0
    return counts
