"""Feature frames whose keys are known: repeats of a zombie, or two workers that disagree.

The first copy stands. A frame that says the same is noted and its rows are not stored again; one
that says something else is kept as bytes and reported.
"""

import hashlib
from typing import NamedTuple

from ledger.archive_columns import layout
from ledger.archive_shapes import DIVERGED, Batch, Raw, Repeat
from ledger.frames import HEADER_BYTES
from ledger.postgres import Database
from ledger.rows import Kind


class Diverged(NamedTuple):
    """A feature frame whose keys are known with other bits: two workers disagree."""

    stream: int
    offset: int
    view: int
    cause: int
    first_copy: int
    """Offset of the frame that stands; -1 where no row of these keys is archived."""
    expected: str
    """SHA-256 of the rows that stand, and of the rows that came, hexadecimal."""
    found: str


def settle(db: Database, batch: Batch) -> list[tuple[Raw, Diverged]]:
    """Decide each repeated frame against the rows that stand; marks the manifest."""
    diverged = []
    for repeat in batch.repeats:
        offset, standing = standing_rows(db, batch.stream.stream, repeat)
        batch.frames["repeat_of"][repeat.at] = offset
        came = repeat.record.value[HEADER_BYTES:]
        if standing != came:
            header = repeat.frame.header
            digests = [hashlib.sha256(body).hexdigest() for body in (standing, came)]
            report = Diverged(
                batch.stream.stream, repeat.record.offset, header.view, header.cause, offset,
                digests[0], digests[1],
            )  # fmt: skip
            raw = Raw(repeat.record.offset, DIVERGED, repeat.record.value)
            diverged.append((raw, report))
    return diverged


def standing_rows(db: Database, stream: int, repeat: Repeat) -> tuple[int, bytes]:
    """The rows that stand under a repeated frame's keys: the offset of the one frame that holds
    them, and their bytes; (-1, b"") where they are not all there, or not in one frame."""
    header, rows = repeat.frame.header, repeat.frame.rows
    keys = list(range(header.first_ordinal, header.first_ordinal + header.count))
    if repeat.frame.kind is Kind.PROGRESS:
        form = layout(Kind.PROGRESS)
        found = db.packed(
            "SELECT string_agg({send}, ''::bytea ORDER BY ordinal) FROM progress"
            " WHERE stream = %s AND cause = %s AND ordinal = ANY(%s)",
            [stream, header.cause, keys],
            form.send,
        )
    else:
        form = layout(Kind.FEATURE, rows["values"].shape[1])
        found = db.packed(
            "SELECT string_agg({send}, ''::bytea ORDER BY ordinal) FROM feature"
            " JOIN unnest(%s::int4[], %s::int8[], %s::int8[]) k (i, s, o)"
            " ON instrument = i AND start = s AND ordinal = o"
            " WHERE stream = %s AND view = %s AND cause = %s AND cardinality({values}) = %s",
            [rows["instrument"].tolist(), rows["start"].tolist(), keys]
            + [stream, header.view, header.cause, rows["values"].shape[1]],
            form.send,
            values="values",
        )
    places, standing = form.unpack(found[0][0] or b"")
    offsets = places["offset"]
    if len(standing) != len(rows) or (offsets != offsets[0]).any():
        return -1, b""
    return int(offsets[0]), standing.tobytes()
