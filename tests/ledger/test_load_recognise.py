"""Known, conflicting, fresh: against a dictionary."""

import itertools
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.load_flags import FarWatch, Judged, far_from_neighbours
from ledger.load_recognise import Status, recognise
from ledger.rows import ABSENT, Flag, Kind, Rows, empty

SPEC = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 2), st.integers(0, 2))
SPECS = st.lists(SPEC, max_size=40)


def trades(specs: list[Any]) -> Rows:
    """(time, id, price, aggressor) each."""
    rows = empty(Kind.TRADE, len(specs))
    for n, (time, number, price, aggressor) in enumerate(specs):
        rows[n]["event_time"], rows[n]["price"], rows[n]["aggressor"] = time, price, aggressor
        rows[n]["id"] = np.void(number.to_bytes(16, "big"))
    return rows


@given(SPECS, SPECS, st.sampled_from([1, 2]))
def test_membership_is_exact(archived: list[Any], rows: list[Any], unit: int) -> None:
    """The first of an identity stands; the rest agree with it or contradict it; an aggressor that
    is not said contradicts nothing."""
    found = recognise(Kind.TRADE, trades(rows), trades(archived), unit)
    standing: dict[tuple[int, int], Any] = {}
    for spec in archived:
        standing.setdefault((spec[0] // unit, spec[1]), spec)
    for n, spec in enumerate(rows):
        other = standing.setdefault((spec[0] // unit, spec[1]), spec)
        agrees = spec[2] == other[2] and (spec[3] == other[3] or 0 in (spec[3], other[3]))
        expected = Status.FRESH if other is spec else Status.KNOWN if agrees else Status.CONFLICT
        assert found.status[n] == expected
        if expected == Status.CONFLICT:
            assert int(found.others[n][0]["price"]) == other[2]


def test_rising_sequences_need_no_comparison() -> None:
    """And a repeat among them is still seen."""
    rows = empty(Kind.TRADE, 3)
    rows["id"] = np.frombuffer(b"".join(n.to_bytes(16, "big") for n in (1, 2, 2)), "V16")
    rows["venue_seq"] = [1, 2, 2]
    none = rows[:0]
    assert recognise(Kind.TRADE, rows, none, 1).status.tolist() == [0, 0, 1]
    assert recognise(Kind.TRADE, rows[:2], none, 1).status.tolist() == [0, 0]


@given(st.lists(st.sampled_from([100, 105, 109, 111, 125, ABSENT]), max_size=30))
def test_far_prices_by_the_rule(prices: list[int]) -> None:
    """More than a tenth from both neighbours; never the first or last; never beside nothing."""
    expected = [False] * len(prices)
    for n in range(1, len(prices) - 1):
        before, price, after = prices[n - 1 : n + 2]
        if ABSENT not in (before, price, after):
            far = abs(price - before) > 0.1 * before and abs(price - after) > 0.1 * after
            expected[n] = far
    assert far_from_neighbours(np.array(prices, np.int64)).tolist() == expected


@given(
    st.lists(st.sampled_from([100, 105, 150]), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=8),
)
def test_neighbours_are_found_across_batches(prices: list[int], cuts: list[int]) -> None:
    """However the rows come, the same are flagged, in the same order."""
    watch = FarWatch(Kind.TRADE)
    edges = [0, *sorted(set(cuts) & set(range(1, len(prices)))), len(prices)]
    out: list[Judged] = []
    for start, end in itertools.pairwise(edges):
        rows = empty(Kind.TRADE, end - start)
        rows["price"] = prices[start:end]
        status = np.zeros(end - start, np.int8)
        out += watch.pass_on(Judged(rows, np.arange(start, end), status, {}))
    last = watch.finish()
    assert last is not None
    out.append(last)
    places = np.concatenate([judged.places for judged in out])
    flags = np.concatenate([judged.rows["flags"] for judged in out])
    assert places.tolist() == list(range(len(prices)))
    far = far_from_neighbours(np.array(prices, np.int64))
    assert flags.tolist() == [Flag.FAR_PRICE if one else 0 for one in far.tolist()]
