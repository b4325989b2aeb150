"""What a batch says about its feeds: sequences as runs, newest times, against plain models."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.archive_feeds import (
    FEED,
    MAX_AHEAD_NS,
    RUN,
    feeds_in,
    joined_feeds,
    merge_runs,
    runs_in,
)
from ledger.rows import ABSENT, Kind, Rows, empty
from tests.fixtures_archive import T0, ticks

ONE = np.ones(99, np.int32)  # one source
SEQUENCES = st.integers(0, 40) | st.sampled_from([ABSENT + 1, -1, 2**63 - 1, 2**63 - 2])
SCOPED = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), SEQUENCES), max_size=60)


def single(scoped: list[tuple[int, int, int]]) -> Rows:
    """Each (source, instrument, sequence) as a run of one, its time twice the sequence."""
    runs = np.zeros(len(scoped), RUN)
    for run, (source, instrument, sequence) in zip(runs, scoped, strict=True):
        run["source"], run["instrument"], run["kind"] = source, instrument, Kind.TRADE
        run["first"] = run["last"] = sequence
        run["first_time"] = run["last_time"] = sequence // 2
    return runs


def members(runs: Rows) -> set[tuple[int, int, int]]:
    return {
        (int(run["source"]), int(run["instrument"]), sequence)
        for run in runs
        for sequence in range(int(run["first"]), int(run["last"]) + 1)
    }


@given(SCOPED, SCOPED)
def test_runs_hold_exactly_what_arrived(
    early: list[tuple[int, int, int]], late: list[tuple[int, int, int]]
) -> None:
    """However sequences are split over batches, the runs are the maximal ranges of their union."""
    merged = merge_runs(np.concatenate((merge_runs(single(early)), merge_runs(single(late)))))
    assert members(merged) == set(early) | set(late)
    for left, right in pairwise(merged):
        if (left["source"], left["instrument"]) == (right["source"], right["instrument"]):
            assert int(right["first"]) > int(left["last"]) + 1, "touching runs are joined"
    assert merged.tolist() == merge_runs(single(early + late)).tolist()


@given(SCOPED)
def test_runs_know_the_times_at_their_ends(scoped: list[tuple[int, int, int]]) -> None:
    """A gap's neighbours are found without going back to the ticks."""
    for run in merge_runs(single(scoped)):
        assert (run["first_time"], run["last_time"]) == (run["first"] // 2, run["last"] // 2)


@given(SCOPED, st.integers(1, 5))
def test_beyond_the_limit_the_oldest_are_joined(
    scoped: list[tuple[int, int, int]], limit: int
) -> None:
    """Memory is bounded: a scope keeps its newest runs, the old ones count as whole."""
    whole, held = merge_runs(single(scoped)), merge_runs(single(scoped), limit)
    for source, instrument in {(s, i) for s, i, _ in scoped}:
        mine = [r for r in held if (r["source"], r["instrument"]) == (source, instrument)]
        all_ = [r for r in whole if (r["source"], r["instrument"]) == (source, instrument)]
        assert len(mine) == min(limit, len(all_))
        assert [r.tolist() for r in mine[1:]] == [
            r.tolist() for r in all_[len(all_) - len(mine) + 1 :]
        ]
        assert (mine[0]["first"], mine[-1]["last"]) == (all_[0]["first"], all_[-1]["last"])


def test_rows_without_a_sequence_make_no_runs() -> None:
    """A venue that does not number its events cannot be found to miss any."""
    rows = ticks(3)
    rows["venue_seq"] = ABSENT
    assert not len(runs_in(Kind.TRADE, rows, np.zeros(3, np.int32)))


def test_runs_are_kept_per_source() -> None:
    """What one source missed, another may have brought: they are not mixed."""
    found = runs_in(Kind.TRADE, ticks(4), np.array([1, 1, 2, 2], np.int32))
    assert [(r["source"], r["first"], r["last"]) for r in found] == [(1, 1, 2), (2, 3, 4)]


def test_a_suspect_time_moves_no_newest() -> None:
    """One bad stamp from the future must not defer everything after it."""
    rows = ticks(3, step_ns=1)
    stamps = np.full(3, T0)
    rows["event_time"] = [T0, T0 + MAX_AHEAD_NS, T0 + MAX_AHEAD_NS + 1]
    (feed,) = feeds_in(Kind.TRADE, rows, stamps, ONE[:3])
    assert (feed["newest"], feed["events"]) == (T0 + MAX_AHEAD_NS, 3)


def test_a_feed_of_only_suspect_times_has_no_newest() -> None:
    """It has events, and nothing to be late behind."""
    (feed,) = feeds_in(Kind.TRADE, ticks(1), np.array([0]), ONE[:1])
    assert feed["newest"] == -1


def test_a_clock_moves_its_feed_and_is_no_event_of_it() -> None:
    """A Clock is (feed, time): it counts for newest only."""
    clock = empty(Kind.CLOCK, 1)
    clock["instrument"], clock["feed"], clock["time"] = 3, Kind.TRADE, T0 + 99
    parts = [
        feeds_in(Kind.TRADE, ticks(2, step_ns=1), np.full(2, T0), ONE[:2]),
        feeds_in(Kind.CLOCK, clock, np.array([T0]), ONE[:1]),
    ]
    (feed,) = joined_feeds(parts)
    assert feed.tolist() == (1, Kind.TRADE, 3, 0, T0 + 99, 2)


def test_feeds_are_told_apart_by_who_brought_them() -> None:
    """A source's Clock is for the feeds of that source."""
    rows = ticks(3, step_ns=1)
    found = feeds_in(Kind.TRADE, rows, np.full(3, T0), np.array([7, 8, 7], np.int32))
    assert found[["source", "newest", "events"]].tolist() == [(7, T0 + 3, 2), (8, T0 + 2, 1)]


def test_bars_of_two_intervals_are_two_feeds() -> None:
    """Late one-minute bars do not make the daily bars late."""
    bars = empty(Kind.BAR, 2)
    bars["instrument"], bars["interval"], bars["event_time"] = 3, [60, 3600], [T0, T0 + 1]
    found = feeds_in(Kind.BAR, bars, np.full(2, T0), ONE[:2])
    assert found["interval"].tolist() == [60, 3600]
    assert found["newest"].tolist() == [T0, T0 + 1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**6)), min_size=1, max_size=40))
def test_feeds_are_the_maximum_and_the_count(drawn: list[tuple[int, int]]) -> None:
    """Against a dictionary, for any order of instruments and times."""
    rows = ticks(len(drawn))
    rows["instrument"] = [instrument for instrument, _ in drawn]
    rows["event_time"] = [time for _, time in drawn]
    expected: dict[int, tuple[int, int]] = {}
    for instrument, time in drawn:
        newest, count = expected.get(instrument, (-1, 0))
        expected[instrument] = (max(newest, time), count + 1)
    found = feeds_in(Kind.TRADE, rows, np.zeros(len(drawn), np.int64), ONE[: len(drawn)])
    assert {f["instrument"]: (f["newest"], f["events"]) for f in found} == expected


@pytest.mark.parametrize("kind", [FEED, RUN])
def test_nothing_gives_nothing(kind: np.dtype[np.void]) -> None:
    """An empty batch touches no feed."""
    none = np.zeros(0, kind)
    assert not len(joined_feeds([none]) if kind is FEED else merge_runs(none))
