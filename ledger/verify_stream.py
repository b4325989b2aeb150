"""Verification of one stream's archive against itself: manifest, rows, leaves.

Nothing stored is believed: records are rebuilt from rows and hashed anew. A digest beside the data
would only show that somebody changed one and not the other; the log shows the rest
(`ledger.verify_log`).
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.archive_columns import KINDS_OF, TABLES
from ledger.archive_rebuild import Chunk, Shelf, chunks, expected_rows, records
from ledger.archive_shapes import NO_EVENT_TIME, leaf_of
from ledger.archive_streams import Mark, Stream
from ledger.frames import canonical_json, parse_header
from ledger.postgres import Database
from ledger.rows import TIME_FIELDS, Kind, Rows
from ledger.verify_shapes import Report

STRAYS_SHOWN_MAX: Final = 20
_ZERO_LEAF: Final = bytes(32)


class Checked(NamedTuple):
    """A chunk that was checked: its frames and what each was rebuilt to (None: void or broken)."""

    chunk: Chunk
    rebuilt: list[bytes | None]


def check_archive(db: Database, stream: Stream, mark: Mark, report: Report) -> Iterator[Checked]:
    """Check a stream up to its mark, chunk by chunk, noting findings; for whoever compares more."""
    expected, known_at = 0, 0
    stored: dict[Kind, int] = {}
    for chunk in chunks(db, stream, 0, mark.next_offset):
        expected = _check_tiling(stream, chunk.frames, expected, report)
        known_at = _check_known_at(stream, chunk.frames, known_at, report)
        yield _check_chunk(db, stream, chunk, report)
        _count_stored(chunk, stored)
    if expected < mark.next_offset:
        report.add(
            stream.position(expected), "manifest", f"offsets up to {mark.next_offset - 1}", "none"
        )
    _check_end(db, stream, mark, known_at, report)
    _check_strays(db, stream, mark, stored, report)


def _check_tiling(stream: Stream, frames: Rows, expected: int, report: Report) -> int:
    offsets = frames["offset"]
    before = np.append(expected - 1, offsets[:-1])
    for at in np.flatnonzero(offsets != before + 1):
        missing, last = int(before[at]) + 1, int(offsets[at]) - 1
        report.add(stream.position(missing), "manifest", f"offsets {missing} to {last}", "none")
    report.records += len(frames)
    report.events += int(frames["count"].sum())
    return int(offsets[-1]) + 1


def _check_known_at(stream: Stream, frames: Rows, before: int, report: Report) -> int:
    running = np.maximum.accumulate(np.append(before, frames["stamp"]))[1:]
    for at in np.flatnonzero(frames["known_at"] != running):
        position = stream.position(int(frames["offset"][at]))
        report.add(position, "known_at", int(running[at]), int(frames["known_at"][at]))
    return int(running[-1])


def _check_chunk(db: Database, stream: Stream, chunk: Chunk, report: Report) -> Checked:
    _check_places(stream, chunk, report)
    rebuilt: list[bytes | None] = []
    for built in records(db, stream, chunk):
        position = stream.position(built.offset)
        rebuilt.append(built.record)
        leaf = chunk.frames["leaf"][built.at].tobytes()
        if built.fault:
            report.add(position, "rows", "the record's rows", built.fault)
        elif built.record is None:
            if leaf != _ZERO_LEAF:
                report.add(position, "leaf of a void offset", _ZERO_LEAF.hex(), leaf.hex())
        elif (fresh := leaf_of(built.record)) != leaf:
            report.add(position, "leaf", leaf.hex(), f"{fresh.hex()} from its rows")
        if built.record is not None and built.offset not in chunk.raws:
            _check_manifest(position, chunk.frames[built.at], built.record, report)
    _check_event_times(stream, chunk, report)
    _check_controls(db, stream, chunk, report)
    return Checked(chunk, rebuilt)


def _check_manifest(position: object, frame: Rows, record: bytes, report: Report) -> None:
    """The manifest's columns say what the record's header says."""
    header = parse_header(record)
    if header.kind != frame["kind"]:
        report.add(position, "kind", header.kind, int(frame["kind"]))
    if header.count != frame["count"]:
        report.add(position, "count", header.count, int(frame["count"]))


def _check_places(stream: Stream, chunk: Chunk, report: Report) -> None:
    """Each row stands where its place says, and every row belongs to a frame."""
    want = expected_rows(chunk)
    for kind, shelves in chunk.shelves.items():
        for shelf in shelves:
            at = np.searchsorted(chunk.frames["offset"], shelf.places["offset"])
            at = np.minimum(at, len(chunk.frames) - 1)
            ours = (chunk.frames["offset"][at] == shelf.places["offset"]) & (
                chunk.frames["kind"][at] == kind
            )
            wrong = ~ours | (want[at] == 0) | shelf.strays | _misplaced(chunk, shelf, at)
            for row in np.flatnonzero(wrong)[:STRAYS_SHOWN_MAX]:
                place = [int(shelf.places[name][row]) for name in ("offset", "index")]
                report.add(stream.position(*place), f"row of {TABLES[kind]}", "no such row", "one")


def _misplaced(chunk: Chunk, shelf: Shelf, at: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows whose index is not theirs by order, or whose key is not the header's."""
    offset, index = shelf.places["offset"], shelf.places["index"].astype(np.int64)
    count = np.arange(len(offset)) - np.searchsorted(offset, offset, "left")
    first = chunk.frames["count"][at] - (
        np.searchsorted(offset, offset, "right") - np.searchsorted(offset, offset, "left")
    )  # an overlapping frame's known rows are not stored: those there are its last
    wrong: NDArray[np.bool_] = index != count + np.maximum(first, 0)
    for name in ("view", "cause", "ordinal"):
        if name in shelf.places:
            wrong |= shelf.places[name] != _from_headers(chunk, name)[at] + (
                index if name == "ordinal" else 0
            )
    return wrong


def _from_headers(chunk: Chunk, name: str) -> NDArray[np.int64]:
    field = {"view": "view", "cause": "cause", "ordinal": "first_ordinal"}[name]
    headers = (parse_header(header.tobytes()) for header in chunk.frames["header"])
    return np.array([getattr(header, field) for header in headers], np.int64)


def _check_event_times(stream: Stream, chunk: Chunk, report: Report) -> None:
    """The manifest's time range is that of the rows; look-ups by time stand on it."""
    frames = chunk.frames
    first = np.full(len(frames), NO_EVENT_TIME[0])
    last = np.full(len(frames), NO_EVENT_TIME[1])
    for kind, shelves in chunk.shelves.items():
        if kind not in TIME_FIELDS:
            continue
        for shelf in shelves:
            at = np.searchsorted(frames["offset"], shelf.places["offset"])
            inside = at < len(frames)
            np.minimum.at(first, at[inside], shelf.rows[TIME_FIELDS[kind].first][inside])
            np.maximum.at(last, at[inside], shelf.rows[TIME_FIELDS[kind].last][inside])
    for name, told in (("event_first", first), ("event_last", last)):
        for at in np.flatnonzero(frames[name] != told):
            position = stream.position(int(frames["offset"][at]))
            report.add(position, name, int(told[at]), int(frames[name][at]))


def _check_controls(db: Database, stream: Stream, chunk: Chunk, report: Report) -> None:
    """The event to query is the event whose bytes are kept."""
    if not chunk.bodies:
        return
    found = db.rows(
        'SELECT "offset", index, event FROM control WHERE stream = %s AND "offset" = ANY(%s)',
        [stream.stream, list(chunk.bodies)],
    )
    for offset, index, event in found:
        body = chunk.bodies[offset]
        if index != 0 or canonical_json(event) != body:
            report.add(stream.position(offset), "control event", body.decode(), event)


def _count_stored(chunk: Chunk, stored: dict[Kind, int]) -> None:
    for kind, shelves in chunk.shelves.items():
        stored[kind] = stored.get(kind, 0) + sum(len(shelf.rows) for shelf in shelves)
    if chunk.bodies:
        stored[Kind.CONTROL] = stored.get(Kind.CONTROL, 0) + len(chunk.bodies)


def _check_end(db: Database, stream: Stream, mark: Mark, known_at: int, report: Report) -> None:
    """Nothing stands behind the mark, and the mark says what the manifest says."""
    beyond = db.rows(
        'SELECT count(*), min("offset") FROM frame WHERE stream = %s'
        ' AND ("offset" >= %s OR "offset" < 0)',
        [stream.stream, mark.next_offset],
    )
    count, first = beyond[0]
    if count:
        report.add(stream.position(first), "next_offset", "past every frame", f"{mark.next_offset}")
    if mark.known_at != known_at:
        report.add(stream.position(mark.next_offset), "known_at", known_at, mark.known_at)


def _check_strays(
    db: Database, stream: Stream, mark: Mark, stored: dict[Kind, int], report: Report
) -> None:
    """Every row of every table was met above: as many are there, and none elsewhere."""
    for kind in KINDS_OF[stream.letter]:
        total = db.value(
            "SELECT count(*) FROM {table} WHERE stream = %s", [stream.stream], table=TABLES[kind]
        )
        if total == stored.get(kind, 0):
            continue
        lost = db.rows(
            "SELECT {offset}, index FROM {table} t WHERE stream = %s AND NOT EXISTS (SELECT FROM"
            " frame f WHERE f.stream = %s AND f.{offset} = t.{offset} AND f.kind = %s)"
            " ORDER BY 1, 2 LIMIT %s",
            [stream.stream, stream.stream, int(kind), STRAYS_SHOWN_MAX],
            table=TABLES[kind],
            offset="offset",
        )
        for place in lost:
            what = f"row of {TABLES[kind]}"
            report.add(stream.position(*place), what, "a frame of that kind", "none")
