"""Runs of venue sequences, and the gaps found in them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.rows import ABSENT, GapState, Kind, empty
from ledger.sequences import PATIENCE_NS, GapWatch, Run, Runs, gap_id

SECOND = 1_000_000_000


def trades(sequences: list[int], *, instrument: int = 3, times: list[int] | None = None):
    rows = empty(Kind.TRADE, len(sequences))
    rows["venue_seq"] = sequences
    rows["event_time"] = times or [s * SECOND for s in sequences]
    rows["instrument"] = instrument
    return rows


@given(st.lists(st.lists(st.integers(0, 60), max_size=8), max_size=8))
def test_runs_equal_the_set_of_what_arrived(batches: list[list[int]]) -> None:
    """Whatever the order and repeats, the runs cover exactly the sequences that arrived."""
    runs, model = Runs(), set[int]()
    for batch in batches:
        values = np.array(batch, np.int64)
        runs.add(values, values * 10)
        model.update(batch)
    covered = [s for run in runs.runs for s in range(run.first, run.last + 1)]
    assert covered == sorted(model)
    assert all(a.last + 1 < b.first for a, b in zip(runs.runs, runs.runs[1:], strict=False))
    assert all(r.first_time == r.first * 10 and r.last_time == r.last * 10 for r in runs.runs)
    for first in range(0, 60, 7):
        expected = set(range(first, first + 4)) <= model
        assert runs.covers(first, first + 3) == expected


@given(
    st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=6), min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_gaps_tell_what_is_missing_and_when_it_came(
    batches: list[list[int]], ask: list[bool]
) -> None:
    """At the source's end the open gaps cover exactly the missing sequences, and no gap is both
    opened twice or closed while something in it is missing."""
    watch, model = GapWatch(), set[int]()
    still_open: set[tuple[int, int]] = set()
    for batch, now in zip(batches, ask, strict=False):
        watch.observe(7, Kind.TRADE, trades(batch))
        model.update(batch)
        for end in (False, True) if now else (False,):
            _apply(watch.due(7, ended=end), still_open, model)
    _apply(watch.due(7, ended=True), still_open, model)
    missing = set(range(min(model), max(model))) - model
    covered = {s for first, last in still_open for s in range(first, last + 1)}
    assert missing <= covered
    assert all(not set(range(a, b + 1)) <= model for a, b in still_open)


def _apply(rows, still_open: set[tuple[int, int]], model: set[int]) -> None:
    for row in rows:
        key = (int(row["first_seq"]), int(row["last_seq"]))
        if row["state"] == GapState.OPEN:
            assert key not in still_open
            still_open.add(key)
        else:
            assert set(range(key[0], key[1] + 1)) <= model
            still_open.remove(key)


def test_a_late_tick_inside_the_patience_is_no_gap() -> None:
    """A hole is announced only when its feed has gone on for longer than the patience."""
    watch = GapWatch()
    watch.observe(7, Kind.TRADE, trades([1, 3], times=[0, 10]))
    assert not len(watch.due(7))
    watch.observe(7, Kind.TRADE, trades([2], times=[5]))
    watch.observe(7, Kind.TRADE, trades([4, 6], times=[20, 30]))
    watch.observe(7, Kind.TRADE, trades([7], times=[30 + PATIENCE_NS]))
    found = watch.due(7)
    assert [(r["first_seq"], r["last_seq"], r["time_before"], r["time_after"]) for r in found] == [
        (5, 5, 20, 30)
    ]


def test_a_gap_is_identified_by_its_range() -> None:
    """Two appenders that find the same gap write the same identity."""
    first, second = GapWatch(), GapWatch()
    for watch, source in ((first, 7), (second, 8)):
        watch.observe(source, Kind.TRADE, trades([10, 14]))
    ids = [w.due(s, ended=True)["id"][0].tobytes() for w, s in ((first, 7), (second, 8))]
    assert ids[0] == ids[1] == gap_id(11, 13)


def test_another_source_fills_a_hole() -> None:
    """What one source missed and another brought is no gap; what it leaves out closes later."""
    watch = GapWatch()
    watch.observe(1, Kind.TRADE, trades([1, 2, 6]))
    assert len(watch.due(1, ended=True)) == 1
    watch.observe(2, Kind.TRADE, trades([3, 4]))
    assert not len(watch.due(2, ended=True))
    watch.observe(2, Kind.TRADE, trades([5]))
    closing = watch.due(2)
    assert [int(r["state"]) for r in closing] == [GapState.CLOSED]


def test_one_source_ending_leaves_another_its_patience() -> None:
    """A load that ends says nothing about a socket that may still bring a late tick."""
    watch = GapWatch()
    watch.observe(1, Kind.TRADE, trades([1, 3]))
    watch.observe(2, Kind.TRADE, trades([1, 4], instrument=4))
    assert [int(r["instrument"]) for r in watch.due(2, ended=True)] == [4]
    assert [int(r["instrument"]) for r in watch.due(1, ended=True)] == [3]


def test_a_restarted_appender_goes_on_where_the_archive_stands() -> None:
    """Seeded with the archive's runs and open gaps, it neither repeats a gap nor misses one."""
    watch = GapWatch()
    watch.seed(7, (3, Kind.TRADE), [Run(1, 5, 0, 50), Run(8, 9, 80, 90)])
    watch.observe(7, Kind.TRADE, trades([12]))
    found = watch.due(7, ended=True)
    assert [(int(r["first_seq"]), int(r["last_seq"])) for r in found] == [(6, 7), (10, 11)]


def test_ids_nobody_called_a_sequence_have_no_gaps() -> None:
    """What the archive knows of a source that was never said to number without holes is left alone,
    whatever else that source brings."""
    watch = GapWatch()
    watch.seed(7, (3, Kind.TRADE), [Run(1, 1, 0, 0), Run(50, 50, 9, 9)])
    watch.observe(7, Kind.TRADE, trades([1, 2, 3], instrument=4))
    assert not len(watch.due(7, ended=True))


def test_rows_without_a_sequence_are_passed_over() -> None:
    """ABSENT sequences neither make nor fill a hole."""
    watch = GapWatch()
    watch.observe(7, Kind.TRADE, trades([1, ABSENT, 2], times=[1, 2, 3]))
    assert not len(watch.due(7, ended=True))
