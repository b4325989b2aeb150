"""Identity: the same fact from two places, and equal facts that are not the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.content import identify, ordinals
from ledger.identity import from_content, from_integers, from_strings
from ledger.rows import Kind, Rows, empty, id_words

CONTENT = np.dtype([("event_time", "<i8"), ("price", "<i8")])


def test_ids_are_golden() -> None:
    """A recorded identity must be found again by every later build."""
    contents = np.array([(1, 2), (1, 2)], CONTENT)
    assert from_integers("BINANCE/trade", np.array([3735683259]))[0].tobytes().hex() == (
        "59d1baffe5dc67b100000000deaa00bb"
    )
    assert from_strings("KRAKEN/trade", ["TXYZ"])[0].tobytes().hex() == (
        "e7da801f356efb341240d159b2e7beb0"
    )
    assert [i.tobytes().hex() for i in from_content(contents, np.array([0, 1]))] == [
        "e92b80d2ee5ab0f63d286728dc984945",
        "ad237e0f45f30122574baddb1856a3d4",
    ]


def _trades(rows: list[tuple[int, int]]) -> Rows:
    trades = empty(Kind.TRADE, len(rows))
    trades["event_time"], trades["price"] = [t for t, _ in rows], [p for _, p in rows]
    return trades


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30))
def test_ordinals_count_equal_rows_in_their_order(rows: list[tuple[int, int]]) -> None:
    """The k-th of equal rows has ordinal k, from 0."""
    expected = [rows[:at].count(row) for at, row in enumerate(rows)]
    assert ordinals(_trades(rows), 1).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30))
def test_no_equal_row_is_lost(rows: list[tuple[int, int]]) -> None:
    """With its ordinal every row has an identity of its own, in whatever order the file is."""
    ids = identify(_trades(rows), 1)["id"]
    assert len({i.tobytes() for i in ids}) == len(rows)
    again = identify(_trades(rows[::-1]), 1)["id"]
    assert {i.tobytes() for i in again} == {i.tobytes() for i in ids}


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9))
def test_integer_ids_can_be_read_off(ids: list[int]) -> None:
    """The second word of the identity is the venue's own number."""
    words = id_words(from_integers("X/trade", np.array(ids, np.int64)))
    assert words[:, 1].astype(np.int64).tolist() == ids
