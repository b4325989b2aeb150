"""The working tables, computed again from the events: what `verify --deep` adds.

They could be rebuilt at any time, but loads, gap detection and screens stand on them.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from ledger.archive_feeds import FEED, RUN, feeds_in, joined_feeds, merge_runs, runs_in
from ledger.archive_rebuild import Chunk, expected_rows
from ledger.archive_streams import Mark, Stream
from ledger.catalog import CopyGate
from ledger.frames import parse_header
from ledger.postgres import Database
from ledger.rows import FEEDS, Kind, Rows
from ledger.verify_shapes import Report


class WorkingCheck:
    """Folds the chunks of one stream as the archiver did."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._tally: Counter[tuple[int, str]] = Counter()
        self._feeds: Rows = np.zeros(0, FEED)
        self._runs: Rows = np.zeros(0, RUN)

    def take(self, chunk: Chunk) -> None:
        """Fold one chunk."""
        frames, stored = chunk.frames, expected_rows(chunk)
        for kind in np.unique(frames["kind"]).tolist():
            mine = frames["kind"] == kind
            self._tally[kind, "frames"] += int(mine.sum())
            self._tally[kind, "events"] += int(stored[mine].sum())
            self._tally[kind, "repeats"] += int((frames["repeat_of"][mine] >= 0).sum())
        sources = _sources(frames)
        for kind in (*FEEDS, Kind.CLOCK):
            for shelf in chunk.shelves.get(kind, []):
                at = np.searchsorted(frames["offset"], shelf.places["offset"])
                at = np.minimum(at, len(frames) - 1)
                fresh = feeds_in(kind, shelf.rows, frames["stamp"][at], sources[at])
                self._feeds = joined_feeds([self._feeds, fresh])
                if kind is not Kind.CLOCK:
                    runs = runs_in(kind, shelf.rows, sources[at])
                    self._runs = merge_runs(np.concatenate((self._runs, runs)))

    def compare(self, db: Database, mark: Mark, report: Report) -> None:
        """Compare with what the working tables say; a finding for each difference."""
        where, stream = self._stream.position(mark.next_offset), self._stream.stream
        tally = {
            (kind, name): number
            for kind, *numbers in db.rows(
                "SELECT kind, frames, events, repeats FROM tally WHERE stream = %s", [stream]
            )
            for name, number in zip(("frames", "events", "repeats"), numbers, strict=True)
        }
        for key in sorted(set(tally) | set(self._tally)):
            if tally.get(key, 0) != self._tally[key]:
                report.add(where, f"tally {key}", self._tally[key], tally.get(key, 0))
        self._compare_sets(
            report, "feed", self._feeds, db.rows(
                "SELECT source, kind, instrument, interval, newest, events FROM feed"
                " WHERE stream = %s",
                [stream],
            ),
        )  # fmt: skip
        self._compare_sets(
            report, "sequence_run", self._runs, db.rows(
                "SELECT source, instrument, kind, first, last, first_time, last_time"
                " FROM sequence_run WHERE stream = %s",
                [stream],
            ),
        )  # fmt: skip
        self._compare_gate(db, mark, report)

    def _compare_sets(
        self, report: Report, table: str, expected: Rows, found: list[tuple[int, ...]]
    ) -> None:
        told, there = set(map(tuple, expected.tolist())), set(found)
        for row in sorted(told - there):
            report.add(self._stream.position(0), table, row, "no such row")
        for row in sorted(there - told):
            report.add(self._stream.position(0), table, "no such row", row)

    def _compare_gate(self, db: Database, mark: Mark, report: Report) -> None:
        """Which control events are accepted follows from their order."""
        gate = CopyGate()
        for offset, sequence, accepted in db.rows(
            'SELECT "offset", sequence, accepted FROM control WHERE stream = %s ORDER BY "offset"',
            [self._stream.stream],
        ):
            if accepted and not gate.accept(sequence):
                report.add(self._stream.position(offset), "accepted copy", gate.last + 1, sequence)
        if gate.last != mark.control_through:
            where = self._stream.position(mark.next_offset)
            report.add(where, "control_through", gate.last, mark.control_through)


def _sources(frames: Rows) -> NDArray[np.int32]:
    """The source of each frame, from its header; -1 where there is none."""
    has_source = np.isin(frames["kind"], (*FEEDS, Kind.CLOCK))
    return np.array(
        [
            parse_header(header.tobytes()).source if has else -1
            for header, has in zip(frames["header"], has_source, strict=True)
        ],
        np.int32,
    )
