"""Which venue sequences have arrived, and which are missing.

A venue that numbers its events without holes lets us see what never reached us. Per source,
instrument and kind the appender keeps the runs that arrived; a hole inside them that no other
source has filled becomes a `Gap` event, whose identity is the range itself. Its closing is
appended when the whole range has arrived, from whichever source.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.rows import ABSENT, GapState, Kind, Rows, empty

PATIENCE_NS: Final = 2_000_000_000
"""How far a feed must have gone on before a hole in it is called a gap and not a late tick."""
RUNS_MAX: Final = 100_000
"""Runs kept per source and feed; beyond it the oldest two are joined as if nothing were missing."""

Feed = tuple[int, int]  # (instrument, kind)


class Run(NamedTuple):
    """Sequences first..last arrived without a hole, at these event times."""

    first: int
    last: int
    first_time: int
    last_time: int


class Hole(NamedTuple):
    """Sequences first..last are missing, between neighbours at these event times."""

    first: int
    last: int
    time_before: int
    time_after: int


@dataclass
class Runs:
    """Disjoint runs in order; neighbours that touch are joined."""

    runs: list[Run] = field(default_factory=list)

    def add(self, sequences: NDArray[np.int64], times: NDArray[np.int64]) -> None:
        """Sequences of shape (n,), any order, repeats allowed, with their event times."""
        for run in runs_of(sequences, times):
            self.add_run(run)

    def add_run(self, run: Run) -> tuple[Run, Run | None]:
        """Join one run in: O(log n) and a splice. Returns the run it became, and the one before."""
        low = bisect_left(self.runs, run.first - 1, key=lambda r: r.last)
        high = bisect_right(self.runs, run.last + 1, key=lambda r: r.first)
        for other in self.runs[low:high]:
            run = _joined(run, other)
        self.runs[low:high] = [run]
        if len(self.runs) > RUNS_MAX:
            self.runs[:2] = [_joined(self.runs[0], self.runs[1])]
            low = max(0, low - 1)
        return self.runs[low], self.runs[low - 1] if low else None

    def covers(self, first: int, last: int) -> bool:
        """Whether every sequence of first..last arrived."""
        at = bisect_left(self.runs, last, key=lambda r: r.last)
        return at < len(self.runs) and self.runs[at].first <= first

    def hole_after(self, last: int) -> Hole | None:
        """The hole that begins behind a run ending at `last`, while there is such a run."""
        at = bisect_left(self.runs, last, key=lambda r: r.last)
        if at + 1 >= len(self.runs) or self.runs[at].last != last:
            return None
        before, after = self.runs[at], self.runs[at + 1]
        return Hole(before.last + 1, after.first - 1, before.last_time, after.first_time)


def _joined(a: Run, b: Run) -> Run:
    low = a if a.first <= b.first else b
    far = a if a.last >= b.last else b
    return Run(low.first, far.last, low.first_time, far.last_time)


def runs_of(sequences: NDArray[np.int64], times: NDArray[np.int64]) -> list[Run]:
    """The runs in an array of sequences (shape (n,), any order, repeats allowed)."""
    there = sequences != ABSENT
    found, at = np.unique(sequences[there], return_index=True)
    if not len(found):
        return []
    when = times[there][at]
    breaks = np.flatnonzero(np.diff(found) != 1) + 1
    firsts = np.concatenate(([0], breaks))
    lasts = np.concatenate((breaks, [len(found)])) - 1
    return [
        Run(int(found[a]), int(found[b]), int(when[a]), int(when[b]))
        for a, b in zip(firsts, lasts, strict=True)
    ]


@dataclass
class GapWatch:
    """Finds gaps and their closing for one appender, seeded with what the archive knows."""

    by_source: dict[tuple[int, Feed], Runs] = field(default_factory=dict)
    arrived: dict[Feed, Runs] = field(default_factory=dict)
    open: dict[Feed, dict[tuple[int, int], Hole]] = field(default_factory=dict)
    newest: dict[Feed, int] = field(default_factory=dict)
    _edges: dict[tuple[int, Feed], set[int]] = field(default_factory=dict)
    """Ends of runs behind which a hole may begin that was not yet judged."""
    _touched: set[Feed] = field(default_factory=set)
    _sequenced: set[tuple[int, Feed]] = field(default_factory=set)
    """Sources that said here that they number a feed without holes. The archive also knows runs of
    ids nobody said that of; a hole between those means nothing."""

    def seed(self, source: int, feed: Feed, runs: Iterable[Run]) -> None:
        """What the archive holds of this source and feed."""
        for run in runs:
            self._arrive(source, feed, run)

    def seed_open(self, feed: Feed, hole: Hole) -> None:
        """A gap that was announced and not yet closed."""
        self.open.setdefault(feed, {})[hole.first, hole.last] = hole
        self._touched.add(feed)

    def observe(self, source: int, kind: Kind, rows: Rows) -> None:
        """Take the sequences of appended rows in."""
        for instrument in np.unique(rows["instrument"]):
            mine = rows[rows["instrument"] == instrument]
            feed = (int(instrument), int(kind))
            for run in runs_of(mine["venue_seq"], mine["event_time"]):
                self._arrive(source, feed, run)
            self._sequenced.add((source, feed))
            newest = int(mine["event_time"].max())
            self.newest[feed] = max(newest, self.newest.get(feed, newest))

    def due(self, source: int, *, ended: bool = False) -> Rows:
        """The `Gap` rows to append now: this source's new gaps (older than the patience, or all of
        them when the source has ended) and any closings. What is returned counts as announced."""
        found = [
            (feed, hole, GapState.OPEN)
            for (whose, feed), edges in self._edges.items()
            if whose == source and (whose, feed) in self._sequenced
            for hole in self._ripe(source, feed, edges, ended)
        ]
        for feed, hole, _ in found:
            self.seed_open(feed, hole)
        for feed in self._touched:
            for hole in list(self.open.get(feed, {}).values()):
                if feed in self.arrived and self.arrived[feed].covers(hole.first, hole.last):
                    del self.open[feed][hole.first, hole.last]
                    found.append((feed, hole, GapState.CLOSED))
        self._touched.clear()
        return gap_rows(found)

    def _arrive(self, source: int, feed: Feed, run: Run) -> None:
        runs = self.by_source.setdefault((source, feed), Runs())
        merged, before = runs.add_run(run)
        edges = self._edges.setdefault((source, feed), set())
        edges.add(merged.last)
        if before is not None:
            edges.add(before.last)
        self.arrived.setdefault(feed, Runs()).add_run(run)
        self._touched.add(feed)

    def _ripe(self, source: int, feed: Feed, edges: set[int], everything: bool) -> Iterator[Hole]:
        runs, newest = self.by_source[source, feed], self.newest.get(feed, 0)
        for edge in sorted(edges):
            hole = runs.hole_after(edge)
            if hole is None:
                # Filled, or the run grew and left a new edge, or nothing has come behind it yet:
                # what comes next will name this edge again as its neighbour.
                edges.discard(edge)
            elif everything or hole.time_after + PATIENCE_NS <= newest:
                edges.discard(edge)
                if self._is_new(feed, hole):
                    yield hole

    def _is_new(self, feed: Feed, hole: Hole) -> bool:
        if self.arrived[feed].covers(hole.first, hole.last):
            return False  # another source filled it
        known = self.open.get(feed, {}).values()
        return not any(gap.first <= hole.first and hole.last <= gap.last for gap in known)


def gap_rows(found: list[tuple[Feed, Hole, GapState]]) -> Rows:
    """Gap rows, shape (n,); the id is the range, so the same gap found twice is one fact."""
    rows = empty(Kind.GAP, len(found))
    for row, ((instrument, kind), hole, state) in zip(rows, found, strict=True):
        row["first_seq"], row["last_seq"] = hole.first, hole.last
        row["time_before"] = min(hole.time_before, hole.time_after)
        row["time_after"] = max(hole.time_before, hole.time_after)
        row["id"] = np.void(gap_id(hole.first, hole.last))
        row["instrument"], row["feed"], row["state"] = instrument, kind, state
    return rows


def gap_id(first: int, last: int) -> bytes:
    """id16 of a gap: its two sequences, big-endian."""
    return first.to_bytes(8, "big", signed=True) + last.to_bytes(8, "big", signed=True)
