"""The sort window and the rule of jumps, against the rule written out slowly."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Refused
from ledger.load_jumps import CONFIRM_ROWS, Belief
from ledger.load_window import FEED_ROWS_MAX, Feed, FeedWindow, Held
from ledger.rows import Kind, empty
from ledger.times import DAY_NS

FEED = Feed(Kind.TRADE, 0)
START = 1_700_000_000 * 10**9


def held(times: list[int], places: list[int]) -> Held:
    rows = empty(Kind.TRADE, len(times))
    rows["event_time"] = times
    rows["source_seq"] = places
    none = np.zeros(len(times), bool)
    return Held(rows, np.array(places, np.int64), none, none.copy())


def run(
    times: list[int], cuts: list[int], window: int, jump: int = 10**18, unit: int = 1
) -> tuple[list[list[int]], list[int], list[int], FeedWindow]:
    """Places of the rows that leave, batch by batch; of late rows; of unbelieved rows."""
    made = FeedWindow(FEED, unit, window, jump)
    batches, late, unbelieved = [], [], []
    edges = [0, *sorted(set(cuts) & set(range(len(times)))), len(times)]
    steps: list[int | None] = []
    for start, end in itertools.pairwise(edges):
        if end > start:
            made.push(held(times[start:end], list(range(start + 1, end + 1))))
        steps.append(end)
        settled = made.settle(end)
        _collect(settled, batches, late, unbelieved)
    _collect(made.settle(None), batches, late, unbelieved)
    assert all(len(places) == 0 for places in made.pending())
    return batches, late, unbelieved, made


def _collect(settled: Any, batches: list[list[int]], late: list[int], jumps: list[int]) -> None:
    if len(settled.ordered):
        batches.append(settled.ordered.places.tolist())
    late += settled.late.places.tolist()
    jumps += settled.ordered.places[settled.ordered.unbelieved].tolist()


def late_by_rule(times: list[int], window: int, unit: int) -> list[int]:
    """Rows below the newest time at least `window` lines before them; places from 1."""
    floors = [time - time % unit for time in times]
    return [
        n + 1
        for n in range(len(times))
        if n + 1 - window >= 1 and floors[n] < max(floors[: n + 1 - window])
    ]


TIMES = st.lists(st.integers(0, 60), min_size=1, max_size=80)
CUTS = st.lists(st.integers(0, 80), max_size=12)


@given(TIMES, CUTS, st.integers(1, 20), st.sampled_from([1, 10]))
def test_rows_leave_in_order_whatever_the_chunks(
    offsets: list[int], cuts: list[int], window: int, unit: int
) -> None:
    """Late rows are those of the rule; all others leave by time, then place; rows of one time leave
    together; nothing is lost."""
    times = [START + offset for offset in offsets]
    batches, late, _, made = run(times, cuts, window, unit=unit)
    assert sorted(late) == late_by_rule(times, window, unit)
    ordered = [place for batch in batches for place in batch]
    assert sorted(ordered + late) == list(range(1, len(times) + 1))
    assert ordered == sorted(ordered, key=lambda place: (times[place - 1], place))
    for one, other in itertools.pairwise(batches):
        assert times[one[-1] - 1] // unit < times[other[0] - 1] // unit
    steps = [t - max(times[:n]) for n, t in enumerate(times) if n]
    assert made.belief.out_of_order == sum(step < 0 for step in steps)
    assert made.belief.worst_lag_ns == max(0, *(-step for step in steps), 0)


def test_memory_is_the_window_and_one_time() -> None:
    """Rows in order leave as soon as the window has passed them."""
    made = FeedWindow(FEED, 1, 100, 10**18)
    for start in range(0, 5_000, 50):
        times = [START + n for n in range(start, start + 50)]
        made.push(held(times, list(range(start + 1, start + 51))))
        made.settle(start + 50)
        assert sum(map(len, made.pending())) <= 150


def test_too_many_rows_of_one_time_are_refused() -> None:
    """A column that is no time would fill the memory."""
    made = FeedWindow(FEED, 1, 100, 10**18)
    count = FEED_ROWS_MAX // 2 + 1
    rows = empty(Kind.TRADE, count)
    none = np.zeros(count, bool)
    for start in (0, count):
        part = Held(rows, np.arange(start + 1, start + count + 1), none, none)
        if start:
            with pytest.raises(Refused, match="share one time"):
                made.push(part)
        else:
            made.push(part)
            made.settle(count)


def jumps(times: list[int], cuts: list[int] | None = None, window: int = 1_000) -> list[int]:
    """Places of rows that are not believed, with the limit of one day."""
    return run(times, cuts or [], window, jump=DAY_NS)[2]


def seconds(*offsets: int) -> list[int]:
    return [START + offset * 10**9 for offset in offsets]


DAY = 86_400


def test_a_single_bad_stamp_is_not_believed() -> None:
    """Ten years ahead, and what follows goes on as before."""
    assert jumps(seconds(*range(50), 3650 * DAY, *range(50, 100))) == [51]


@pytest.mark.parametrize("place", [1, 2, 150, 299])
def test_a_row_one_day_ahead_is_contradicted_by_rows_that_go_on(place: int) -> None:
    """They are within the limit of it, but nearer to what was believed before."""
    offsets = list(range(300))
    offsets[place - 1] += DAY
    assert jumps(seconds(*offsets)) == [place]


def test_a_gap_just_over_the_limit_is_confirmed() -> None:
    """A day and a second, a night, a weekend: what follows is behind the gap, some of it late."""
    for gap in (DAY + 1, DAY + DAY // 2, 3 * DAY):
        assert jumps(seconds(*range(50), *(gap + (n ^ 1) for n in range(50, 100)))) == []
    nights = [day * DAY + n for day in range(5) for n in range(0, 6 * 3600, 600)]
    assert jumps(seconds(*nights)) == []


def test_few_daily_bars_with_gaps_are_believed() -> None:
    """Daily, with weekends, and a closure longer than ten days in their middle."""
    days = [d for d in range(60) if d % 7 < 5 and not 20 <= d < 40]
    times = seconds(*(day * DAY for day in days))
    assert run(times, [], 1_000, jump=10 * DAY_NS)[2] == []


def test_a_gap_in_the_data_is_confirmed_by_what_follows() -> None:
    """A week without trades, then trades again."""
    assert jumps(seconds(*range(50), *(7 * DAY + n for n in range(50)))) == []


def test_a_jump_on_the_last_row_is_confirmed_by_nobody() -> None:
    """There is no row after it."""
    assert jumps(seconds(*range(50), 7 * DAY)) == [51]


def test_the_first_row_stands_unless_contradicted() -> None:
    """A single row, an early first row, a first row far ahead."""
    assert jumps(seconds(0)) == []
    assert jumps(seconds(0, *(700 * DAY + n for n in range(10)))) == []
    assert jumps(seconds(700 * DAY, *range(10))) == [1]


def test_sparse_rows_are_not_jumps() -> None:
    """Once a week, also the last: longer steps were believed before."""
    assert jumps(seconds(*(7 * DAY * n for n in range(20)))) == []
    assert jumps(seconds(*(7 * DAY * n for n in range(20)), 19 * 7 * DAY + 30 * DAY)) == [21]


def test_daily_bars_are_no_jumps() -> None:
    """Ten intervals are within the limit, also at the end of the file."""
    window = FeedWindow(Feed(Kind.BAR, 0, DAY_NS), 1, 10, DAY_NS)
    assert window.belief.limit == 10 * DAY_NS


def test_a_burst_of_bad_stamps_does_not_confirm_itself() -> None:
    """Fewer than half of what follows."""
    assert jumps(seconds(*range(50), *[3650 * DAY] * 20, *range(50, 200))) == list(range(51, 71))


@given(
    st.lists(st.sampled_from([*range(0, 100), 400 * DAY, 401 * DAY]), min_size=1, max_size=150),
    CUTS,
)
def test_jumps_do_not_depend_on_chunks(offsets: list[int], cuts: list[int]) -> None:
    """The same rows are believed however the file is cut."""
    times = seconds(*offsets)
    whole = run(times, [], 70, jump=DAY_NS)
    parts = run(times, cuts, 70, jump=DAY_NS)
    assert sorted(parts[2]) == sorted(whole[2])
    assert sorted(parts[1]) == sorted(whole[1])
    assert [p for batch in parts[0] for p in batch] == [p for batch in whole[0] for p in batch]


@given(st.lists(st.integers(0, 40 * DAY), min_size=1, max_size=200))
def test_the_rule_of_jumps_is_the_one_written_down(offsets: list[int]) -> None:
    """Row by row: step, limit, the 64 rows that follow."""
    times = np.array(seconds(*offsets), np.int64)
    places = np.arange(1, len(times) + 1)
    belief = Belief(DAY_NS)
    believed, _ = belief.judge(times, places, len(times), 10_000)
    newest: int | None = None
    longest = 0
    for n, time in enumerate(times.tolist()):
        limit = max(DAY_NS, 4 * longest)
        later = times[n + 1 : n + 1 + CONFIRM_ROWS].tolist()
        if newest is None:
            agree = sum(2 * (time - other) <= limit for other in later)
        else:
            agree = sum(2 * other >= newest + time for other in later)
        is_jump = newest is None or time - newest > limit
        stands = 2 * agree >= len(later) if later else newest is None
        expected = not is_jump or stands
        assert believed[n] == expected
        if expected:
            longest = max(longest, 0 if newest is None else time - newest)
            newest = time if newest is None else max(newest, time)


HOUR = 3_600_000_000_000


@pytest.mark.parametrize(("step", "rows", "limit"), [(DAY_NS, 48, 10 * DAY_NS), (HOUR, 48, DAY_NS)])
def test_a_file_that_goes_from_the_newest_to_the_oldest_is_believed(
    step: int, rows: int, limit: int
) -> None:
    """Vendors export bars newest first: small steps back contradict nothing."""
    times = 1_700_000_000_000_000_000 - np.arange(rows) * step
    believed, _ = Belief(limit).judge(times, np.arange(rows), rows, 65_536)
    assert believed.all()
