"""The facts of a feed between two event times.

The manifest's event-time ranges name the frames that can hold them; their offsets become a few
spans, and each span is one indexed read of that instrument's rows as a block of bytes.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.archive_columns import layout
from ledger.archive_feeds import MAX_AHEAD_NS
from ledger.postgres import Database
from ledger.rows import FEEDS, LAYOUTS, TIME_FIELDS, Kind, Rows

Ints = NDArray[np.int64]

SPAN_GAP_FRAMES_MAX: Final = 64
"""Frames in between that are read along rather than split a span."""
SPAN_EVENTS_MAX: Final = 1_000_000
"""Events of one read, of all instruments in its frames: one block stays below a gigabyte."""
_FRAME: Final = np.dtype([("offset", ">i8"), ("stamp", ">i8"), ("count", ">i4")])


def facts_between(
    db: Database, kind: Kind, instrument: int, first_ns: int, last_ns: int
) -> tuple[Rows, Ints]:
    """Rows of one instrument whose event time meets [first, last] (ns), in the order of the log,
    suspect ones left out; and the offset of each. Arrays of shape (n,)."""
    parts: list[Rows] = []
    offsets: list[Ints] = []
    with db.transaction(frozen=True):
        for stream in _streams(db, kind, instrument):
            frames = _frames(db, stream, kind, first_ns, last_ns)
            for span in spans(frames):
                rows, at = _read(db, stream, kind, instrument, first_ns, last_ns, span)
                told = ~_suspect(kind, rows, at, frames)
                parts.append(rows[told])
                offsets.append(at[told])
    if not parts:
        return np.zeros(0, LAYOUTS[kind]), np.zeros(0, np.int64)
    return np.concatenate(parts), np.concatenate(offsets)


def _streams(db: Database, kind: Kind, instrument: int) -> list[int]:
    """The market streams that can hold such rows, oldest epoch first."""
    if kind in FEEDS:
        found = db.rows(
            "SELECT stream FROM feed JOIN stream USING (stream) WHERE kind = %s"
            " AND instrument = %s GROUP BY stream, epoch ORDER BY epoch, stream",
            [int(kind), instrument],
        )
    else:
        found = db.rows("SELECT stream FROM stream WHERE letter = 'm' ORDER BY epoch, stream")
    return [stream for (stream,) in found]


def _frames(db: Database, stream: int, kind: Kind, first_ns: int, last_ns: int) -> Rows:
    """Offset, stamp and count of the frames whose event times meet [first, last], by offset."""
    found = db.packed(
        "SELECT string_agg({send}, ''::bytea) FROM frame WHERE stream = %s AND kind = %s"
        " AND event_last >= %s AND event_first <= %s",
        [stream, int(kind), first_ns, last_ns],
        'int8send("offset") || int8send(stamp) || int4send(count)',
    )
    frames: Rows = np.frombuffer(found[0][0] or b"", _FRAME)
    frames = frames.astype([("offset", "<i8"), ("stamp", "<i8"), ("count", "<i4")])
    return frames[np.argsort(frames["offset"], kind="stable")]


def spans(frames: Rows) -> list[tuple[int, int]]:
    """Inclusive offset ranges that cover these frames (by offset), each of bounded size."""
    if not len(frames):
        return []
    offsets = frames["offset"]
    cuts = np.append(False, np.diff(offsets) > SPAN_GAP_FRAMES_MAX)
    group = np.cumsum(frames["count"].astype(np.int64)) // SPAN_EVENTS_MAX
    cuts[1:] |= np.diff(group) > 0
    begins = np.append(0, np.flatnonzero(cuts))
    ends = np.append(begins[1:], len(frames)) - 1
    pairs = zip(offsets[begins].tolist(), offsets[ends].tolist(), strict=True)
    return list(dict.fromkeys(pairs))


def _read(
    db: Database,
    stream: int,
    kind: Kind,
    instrument: int,
    first_ns: int,
    last_ns: int,
    span: tuple[int, int],
) -> tuple[Rows, Ints]:
    form, times = layout(kind), TIME_FIELDS[kind]
    found = db.packed(
        "SELECT string_agg({send}, ''::bytea) FROM {table} WHERE stream = %s AND instrument = %s"
        " AND {offset} BETWEEN %s AND %s AND {last} >= %s AND {first} <= %s",
        [stream, instrument, *span, first_ns, last_ns],
        form.send,
        table=form.table,
        offset="offset",
        first=times.first,
        last=times.last,
    )
    places, rows = form.unpack(found[0][0] or b"")
    offset, index = places["offset"], places["index"]
    order = np.lexsort((index, offset))
    return rows[order], offset[order]


def _suspect(kind: Kind, rows: Rows, offsets: Ints, frames: Rows) -> NDArray[np.bool_]:
    """Rows more than `max_ahead` past their record's broker time: as if not appended."""
    stamps = frames["stamp"][np.searchsorted(frames["offset"], offsets)]
    suspect: NDArray[np.bool_] = rows[TIME_FIELDS[kind].last] > stamps + MAX_AHEAD_NS
    return suspect
