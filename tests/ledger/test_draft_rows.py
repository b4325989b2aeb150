"""Drafts to rows: every value judged, nothing that a decoder would refuse gets through."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import batches
from ledger.draft_rows import to_rows
from ledger.errors import Refused
from ledger.row_checks import fault
from ledger.rows import ABSENT, Flag, Kind
from tests.ledger.drafting import NAME, T0, instrument, ledger, trades

AT = [str(T0)]


def one(**columns: str) -> tuple[Any, str]:
    """The row of a one-row draft of trades, or why there is none."""
    values = {"time": AT[0], "price": "1.50", "size": "2", "id": "7"} | columns
    rows, refused = to_rows(trades(**{n: [v] for n, v in values.items()}), ledger().catalog)
    return (rows[0] if len(rows) else None), (refused[0].reason if refused else "")


def test_a_good_row_becomes_mantissas() -> None:
    """Time to ns, price and size at the instrument's exponents, the id to its sequence."""
    row, why = one(aggressor="buy")
    assert why == ""
    assert row["event_time"] == T0 * 10**6
    assert (row["price"], row["size"], row["aggressor"]) == (150, 2000, 1)
    assert (row["venue_seq"], row["source_seq"], row["received_at"]) == (7, ABSENT, ABSENT)


@pytest.mark.parametrize(
    ("column", "text", "why"),
    [
        ("price", "0", "price is not above 0"),
        ("price", "-1.5", "price is not above 0"),
        ("price", "NaN", "price not finite"),
        ("price", "inf", "price not finite"),
        ("price", "1.505", "price has digits beyond the instrument's exponent"),
        ("price", "1e30", "price does not fit the mantissa"),
        ("price", "", "price missing"),
        ("price", "abc", "price not a number"),
        ("size", "-1", "size is below 0"),
        ("size", "nan", "size not finite"),
        ("size", "0.0001", "size has digits beyond the instrument's exponent"),
        ("size", "", "size missing"),
        ("time", "", "no time"),
        ("id", "", "no id, in a source that has ids"),
        ("aggressor", "sideways", "unknown aggressor"),
    ],
)
def test_what_is_refused_says_why(column: str, text: str, why: str) -> None:
    """One bad value, one reason, the row's text kept."""
    row, reason = one(**{column: text})
    assert row is None
    assert reason == why


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("price", "1.5000000000", 150),
        ("price", "15e-1", 150),
        ("price", "1.5E2", 15000),
        ("size", "0", 0),
        ("size", "0.000", 0),
    ],
)
def test_what_is_exact_is_accepted(column: str, text: str, value: int) -> None:
    """Zeros beyond the exponent, exact exponent notation, size 0."""
    row, why = one(**{column: text})
    assert why == ""
    assert row[column] == value


def test_size_zero_is_flagged() -> None:
    """Kept, and not in bars."""
    assert one(size="0")[0]["flags"] == Flag.NO_BAR
    assert one(size="1")[0]["flags"] == 0


def test_negative_prices_where_they_are_facts() -> None:
    """Only for an instrument that says so."""
    known = ledger(instrument(allow_negative=True)).catalog
    draft = trades(time=AT, price=["-37.63"], size=["1"])
    rows, refused = to_rows(draft, known)
    assert rows["price"].tolist() == [-3763]
    assert refused == []


def test_each_instrument_has_its_own_exponents() -> None:
    """Two instruments in one batch."""
    known = ledger(instrument("A.T", price_exponent=-1), instrument("B.T", price_exponent=-4))
    table = pa.table(
        {
            "instrument": ["A.T", "B.T", "A.T", "C.T"],
            "time": AT * 4,
            "price": ["1.5", "1.5", "1.55", "1"],
            "size": ["1"] * 4,
        }
    )
    rows, refused = to_rows(batches.trades(None, table), known.catalog)
    assert rows["price"].tolist() == [15, 15000]
    assert [row.reason for row in refused] == [
        "price has digits beyond the instrument's exponent",
        "no instrument 'C.T' is defined",
    ]
    assert [row.line for row in refused] == [3, 4]
    assert '"price": "1.55"' in refused[0].raw


def test_an_alias_names_the_instrument() -> None:
    """As venue and ccxt write it."""
    known = ledger(instrument(aliases=("ABC/USD",))).catalog
    rows, _ = to_rows(
        batches.trades("ABC/USD", pa.table({"time": AT, "price": ["1"], "size": ["1"]})), known
    )
    assert rows["instrument"].tolist() == [known.instrument_id(NAME)]


def test_the_other_trade_feed_is_refused() -> None:
    """Aggregates count the same volume again."""
    known = ledger(instrument(trade_feed="aggregates")).catalog
    with pytest.raises(Refused, match="takes aggregates"):
        to_rows(trades(time=AT, price=["1"], size=["1"]), known)


def quotes(**columns: list[str | None]) -> Any:
    return batches.quotes(NAME, pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()}))


def test_a_quote_may_have_one_side() -> None:
    """A missing side is absent with its size; no side at all is no quote."""
    draft = quotes(
        time=AT * 4,
        bid=["1.5", None, None, ""],
        ask=["1.6", "1.6", None, "1.6"],
        bid_size=["1", "0", "1", "5"],
        ask_size=["1", "2", None, None],
    )
    rows, refused = to_rows(draft, ledger().catalog)
    assert rows["bid"].tolist() == [150, ABSENT]
    assert rows["bid_size"].tolist() == [1000, ABSENT]
    assert rows["ask_size"].tolist() == [1000, 2000]
    assert [row.reason for row in refused] == ["bid size without a bid"] * 2


def test_a_crossed_quote_is_kept_and_flagged() -> None:
    """Never dropped; a locked one is not crossed."""
    draft = quotes(time=AT * 2, bid=["1.7", "1.6"], ask=["1.6", "1.6"])
    rows, _ = to_rows(draft, ledger().catalog)
    assert rows["flags"].tolist() == [Flag.CROSSED, 0]
    assert rows["bid_size"].tolist() == [ABSENT, ABSENT]


def bars(**columns: str) -> tuple[Any, str]:
    values = {"time": AT[0], "open": "2", "high": "4", "low": "1", "close": "3"} | columns
    draft = batches.bars(NAME, pa.table({n: [v] for n, v in values.items()}), "1m")
    rows, refused = to_rows(draft, ledger().catalog)
    return (rows[0] if len(rows) else None), (refused[0].reason if refused else "")


def test_a_bar_is_complete_at_its_end() -> None:
    """Its event time is its end, its identity its interval."""
    row, why = bars(volume="1.5", trade_count="3")
    assert why == ""
    assert row["event_time"] == T0 * 10**6 + 60 * 10**9
    assert row["interval"] == 60 * 10**9
    assert (row["volume"], row["trade_count"], row["taker_buy_volume"]) == (1500, 3, ABSENT)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"high": "2.5"}, "high is below open or close"),
        ({"low": "2.5"}, "low is above open or close"),
        ({"volume": "-1"}, "volume is below 0"),
        ({"low": "0"}, "low is not above 0"),
        ({"trade_count": "1.5"}, "trade count has digits beyond the instrument's exponent"),
    ],
)
def test_an_impossible_bar_is_refused(columns: dict[str, str], why: str) -> None:
    """With the reason."""
    assert bars(**columns) == (None, why)


TEXT = st.sampled_from(
    ["1", "0", "-1", "1.5", "nan", "", "x", "1e9", "99999999999999999999", "0.001", "1e-3"]
)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), min_size=1, max_size=40))
def test_what_is_accepted_decodes(rows: list[tuple[str, str, str, str]]) -> None:
    """Whatever the columns hold: accepted rows pass the decoder, all others are refused."""
    known, times = ledger().catalog, AT * len(rows)
    a, b, c, d = ([row[n] for row in rows] for n in range(4))
    drafts = (
        (Kind.TRADE, trades(time=times, price=a, size=b, id=c)),
        (Kind.QUOTE, quotes(time=times, bid=a, ask=b, bid_size=c, ask_size=d)),
        (
            Kind.BAR,
            batches.bars(
                NAME, pa.table({"time": times, "open": a, "high": b, "low": c, "close": d}), "1m"
            ),
        ),
    )
    for kind, draft in drafts:
        found, refused = to_rows(draft, known)
        assert fault(kind, found) == ""
        assert len(found) + len(refused) == len(rows)
        assert np.unique(found["instrument"]).tolist() in ([], [known.instrument_id(NAME)])


def test_a_name_that_every_venue_has_leads_nowhere() -> None:
    """ccxt's BTC/USDT of one venue is not the BTC/USDT of another: rows are looked up by our symbol
    and by the venue's own name only."""
    table = pa.table({"time": AT, "price": ["1"], "size": ["1"], "symbol": ["BTCUSDT"]})
    draft = batches.trades(None, table, market="binance-spot")
    elsewhere = ledger(instrument("BTCUSDT.OTHER", aliases=("BTC/USDT",))).catalog
    assert len(to_rows(draft, elsewhere)[0]) == 0
    here = ledger(instrument("XBT.BINANCE", aliases=("binance.spot:BTCUSDT",))).catalog
    assert len(to_rows(draft, here)[0]) == 1
