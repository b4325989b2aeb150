"""Facts from memory: any frame, any rows, the same facts."""

from collections import namedtuple
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ledger import batches
from ledger.draft_rows import to_rows
from ledger.drafts import Draft
from ledger.errors import FormatError, NaiveTime
from ledger.rows import ABSENT
from tests.ledger.drafting import NAME, ledger

START = datetime(2024, 8, 8, 23, 54, 15, 342_000, tzinfo=UTC)
TIMES = [START + timedelta(milliseconds=n) for n in range(3)]
COLUMNS: dict[str, list[Any]] = {
    "time": TIMES,
    "price": [100.25, 100.5, 99.75],
    "size": [1.5, 2.0, 0.125],
    "id": [7, 8, 9],
    "aggressor": ["buy", "sell", ""],
}
ROWS = [dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)]
Tick = namedtuple("Tick", COLUMNS)


def facts(draft: Draft) -> bytes:
    rows, refused = to_rows(draft, ledger().catalog)
    assert refused == []
    return bytes(rows.tobytes())


EXPECTED = facts(batches.trades(NAME, pa.table(COLUMNS)))


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS).set_index("time"),
        pd.DataFrame(COLUMNS).set_index("time").rename_axis(None),
        pd.DataFrame(COLUMNS).astype({"price": str, "aggressor": "category"}),
        pl.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS).with_columns(pl.col("aggressor").cast(pl.Categorical)),
        pa.RecordBatch.from_pydict(COLUMNS),
        pa.table({**COLUMNS, "price": pa.array(COLUMNS["price"]).cast(pa.string())}),
        ROWS,
        (dict(row) for row in ROWS),
        [Tick(**row) for row in ROWS],
        [(r["time"], r["price"], r["size"], r["aggressor"], r["id"]) for r in ROWS],
        [{**r, "price": Decimal(str(r["price"])), "time": r["time"].isoformat()} for r in ROWS],
        [{**r, "time": pd.Timestamp(r["time"])} for r in ROWS],
        [{**r, "price": str(r["price"]) if r["id"] == 8 else r["price"]} for r in ROWS],
    ],
    ids=[
        *("pandas", "pandas time index", "pandas unnamed index", "pandas category", "polars"),
        *("polars categorical", "record batch", "table of text", "dicts", "generator"),
        *("named tuples", "tuples", "decimals", "timestamps", "mixed types"),
    ],
)
def test_any_kind_of_data_gives_the_same_facts(data: Any) -> None:
    """Bit for bit."""
    assert facts(batches.trades(NAME, data)) == EXPECTED


def test_the_facts_are_what_was_said() -> None:
    """Exact mantissas, UTC nanoseconds, aggressor, id as the venue's sequence."""
    rows, _ = to_rows(batches.trades(NAME, ROWS), ledger().catalog)
    assert rows["price"].tolist() == [10025, 10050, 9975]
    assert rows["size"].tolist() == [1500, 2000, 125]
    assert rows["aggressor"].tolist() == [1, 2, 0]
    assert rows["venue_seq"].tolist() == [7, 8, 9]
    assert rows["event_time"][0] == 1_723_161_255_342_000_000


def test_nanoseconds_survive() -> None:
    """Of pandas, in frames and in rows."""
    stamp = pd.Timestamp("2024-08-08T23:54:15.123456789Z")
    for data in (
        pd.DataFrame({"time": [stamp], "price": [1.0], "size": [1.0]}),
        [{"time": stamp, "price": 1, "size": 1}],
    ):
        rows, _ = to_rows(batches.trades(NAME, data), ledger().catalog)
        assert rows["event_time"].tolist() == [stamp.value]


def test_columns_may_have_other_names() -> None:
    """Mapped, ours to theirs."""
    data = pd.DataFrame(COLUMNS).rename(columns={"price": "p", "size": "volume"})
    draft = batches.trades(NAME, data, columns={"price": "p", "size": "volume"})
    assert facts(draft) == EXPECTED


def test_many_instruments_in_one_batch() -> None:
    """By a column of their names."""
    data = pd.DataFrame({**COLUMNS, "instrument": [NAME] * 3})
    assert facts(batches.trades(None, data)) == EXPECTED


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pd.DataFrame({"when": [1], "cost": [2]}), "columns found: when, cost"),
        ([{"when": 1}], "columns needed: trades: time, price, size"),
        (["text"], "is no table"),
        (5, "is no table"),
        ([(1, 2, 3, 4, 5, 6)], "6 values where time, price, size"),
    ],
)
def test_wrong_data_is_told(data: Any, said: str) -> None:
    """What was found, what is needed."""
    with pytest.raises(FormatError, match=said):
        batches.trades(NAME, data)


def test_naive_times_are_refused_or_placed() -> None:
    """With the fix shown."""
    data = {**COLUMNS, "time": [time.replace(tzinfo=None) for time in TIMES]}
    with pytest.raises(NaiveTime, match="--tz"):
        batches.trades(NAME, pd.DataFrame(data))
    assert facts(batches.trades(NAME, pd.DataFrame(data), tz="UTC")) == EXPECTED


def test_quotes_with_missing_sides() -> None:
    """A null, or the NaN that pandas makes of it, is an absent side."""
    data = pd.DataFrame({"time": TIMES, "bid": [1.5, None, 1.5], "ask": [1.75, 1.75, np.nan]})
    rows, refused = to_rows(batches.quotes(NAME, data), ledger().catalog)
    assert refused == []
    assert rows["bid"].tolist() == [150, ABSENT, 150]
    assert rows["ask"].tolist() == [175, 175, ABSENT]


def test_bars_by_start_or_by_end() -> None:
    """The event time is the end."""
    data = {"time": TIMES[:1], "open": [1], "high": [2], "low": [1], "close": [2], "volume": [5]}
    by_start, _ = to_rows(batches.bars(NAME, pa.table(data), "1m"), ledger().catalog)
    by_end, _ = to_rows(batches.bars(NAME, pa.table(data), "1m", bar_time="end"), ledger().catalog)
    assert by_start["event_time"][0] - by_end["event_time"][0] == 60 * 10**9


def test_an_empty_batch_is_a_batch() -> None:
    """Of no rows."""
    for data in ([], pd.DataFrame({"time": [], "price": [], "size": []})):
        rows, refused = to_rows(batches.trades(NAME, data), ledger().catalog)
        assert (len(rows), refused) == (0, [])


def test_bad_rows_come_back_with_their_reason() -> None:
    """And what they said."""
    data = [{**ROWS[0]}, {**ROWS[1], "price": -1}]
    rows, refused = to_rows(batches.trades(NAME, data), ledger().catalog)
    assert len(rows) == 1
    assert (refused[0].line, refused[0].reason) == (2, "price is not above 0")
    assert '"price": -1' in refused[0].raw
