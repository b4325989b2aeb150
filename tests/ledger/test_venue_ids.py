"""Identity: golden vectors, integers and texts, contents and ordinals."""

import hashlib
import struct

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ledger import batches
from ledger.content import identify, ordinals
from ledger.draft_rows import to_rows
from ledger.drafts import Draft
from ledger.rows import ABSENT, Kind, empty
from ledger.sources.binance_csv import BinanceCsv
from ledger.sources.binance_messages import BinanceMessages
from ledger.sources.lean import Lean
from ledger.sources.lines import join
from ledger.venue_ids import namespace
from tests.ledger.drafting import NAME, T0, instrument, ledger, trades
from tests.ledger.memory_ledger import MemoryLedger

MESSAGE = (
    '1723161254087896568 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,'
    '"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,'
    '"m":true,"M":true}}'
)
ROW = (
    "spot,BTCUSDT,3735683259,61837.63000000,0.02000000,S,1723161255342000000,1723161255343000000,"
    "1723161254087896568,,spot/btcusdt_20240808,3"
)
HEADER = (
    "market,symbol,trade_id,price,size,aggressor,ts_event_ns,ts_send_ns,ts_recv_ns,order_type,"
    "source_file,source_line"
)
GOLDEN = "59d1baffe5dc67b100000000deaa00bb"  # SHA-256("BINANCE/trade")[:8], then the id


def known() -> MemoryLedger:
    return ledger(instrument("BTCUSDT.BINANCE", price_exponent=-8, size_exponent=-8))


def only(draft: Draft) -> bytes:
    rows, refused = to_rows(draft, known().catalog)
    assert refused == []
    return bytes(rows[0].tobytes())


def test_the_namespace_is_venue_and_count() -> None:
    """Not the source, not the market of the source, not the file."""
    assert namespace("BINANCE", Kind.TRADE) == "BINANCE/trade"
    assert namespace("BINANCE", Kind.TRADE, "aggregates") == "BINANCE/aggregate"
    assert namespace("BINANCE-COINM", Kind.QUOTE) == "BINANCE-COINM/quote"
    assert namespace("USA", Kind.BAR) == "USA/bar"


def test_a_trade_is_one_trade_from_socket_file_and_frame() -> None:
    """The golden id16 of one Binance trade; message and CSV row give the same row, bit for bit."""
    message = BinanceMessages(None).parse(join([MESSAGE])).drafts[0]
    table = BinanceCsv(tuple(HEADER.split(","))).parse(join([ROW])).drafts[0]
    assert only(message) == only(table)
    columns = {"time": [1723161255342], "price": ["61837.63"], "size": [0.02], "id": [3735683259]}
    rows, _ = to_rows(batches.trades("BTCUSDT.BINANCE", pa.table(columns)), known().catalog)
    assert rows["id"][0].tobytes().hex() == GOLDEN
    assert only(table)[32:48].hex() == GOLDEN


def test_content_ids_are_golden() -> None:
    """Two equal SPY trades: content and ordinal, as bytes for ever."""
    lines = join(["14417034,1674200,210,Q,2000,0"] * 2)
    draft = Lean("2013-10-08", "SPY", "trade", 6, "usa", "America/New_York").parse(lines).drafts[0]
    catalog = ledger(instrument("SPY.USA", price_exponent=-4, size_exponent=0)).catalog
    rows, _ = to_rows(draft, catalog)
    assert [one.tobytes().hex() for one in rows["id"]] == [
        "56b52b80e3d38fc578ede07b12b3aca7",
        "cc215e7a211d4573124bd951af01672e",
    ]
    time = 1_381_204_800 * 10**9 + 14_417_034 * 10**6  # midnight in New York is 04:00 UTC
    content = (time, 1674200, 210, ord("Q") << 56 | 0x2000, 0)
    for row, found in enumerate(rows["id"]):
        packed = struct.pack("<qqqQBq", *content, row)
        assert found.tobytes() == hashlib.sha256(packed).digest()[:16]


def test_ids_that_are_no_canonical_integers_are_text() -> None:
    """`007` and `7` are two ids; 19 digits are text; a text has no sequence."""
    ids = ["7", "007", "-7", "1" * 19, "1" * 18, "a-1"]
    draft = trades(time=[str(T0)] * 6, price=["1"] * 6, size=["1"] * 6, id=ids)
    rows, refused = to_rows(draft, ledger().catalog)
    assert refused == []
    assert rows["venue_seq"].tolist() == [7, ABSENT, ABSENT, ABSENT, int("1" * 18), ABSENT]
    assert len({one.tobytes() for one in rows["id"]}) == 6


def test_integer_columns_and_texts_give_one_id() -> None:
    """A Parquet file of the same trades as a CSV."""
    as_text = trades(time=[str(T0)], price=["1"], size=["1"], id=["42"])
    table = pa.table({"time": [T0], "price": ["1"], "size": ["1"], "id": pa.array([42])})
    catalog = ledger().catalog
    first, _ = to_rows(as_text, catalog)
    second, _ = to_rows(batches.trades(NAME, table), catalog)
    assert first.tobytes() == second.tobytes()


ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(0, 1)), max_size=60)


@given(ROWS)
def test_ordinals_count_equals_in_order(rows: list[tuple[int, int, int]]) -> None:
    """Each row's number among the equal rows before it."""
    made = empty(Kind.TRADE, len(rows))
    for row, (time, price, aggressor) in enumerate(rows):
        made[row]["event_time"] = time * 10**6
        made[row]["price"], made[row]["aggressor"] = price, aggressor
    counted = [rows[:n].count(row) for n, row in enumerate(rows)]
    assert ordinals(made, 10**6).tolist() == counted
    named = identify(made, 10**6)
    assert len({one.tobytes() for one in named["id"]}) == len(rows)


def test_flags_and_receive_times_are_not_content() -> None:
    """The same fact from two captures has one identity."""
    one, other = empty(Kind.TRADE, 1), empty(Kind.TRADE, 1)
    other["received_at"], other["flags"], other["source_seq"] = 5, 16, 9
    assert identify(one, 1)["id"].tobytes() == identify(other, 1)["id"].tobytes()
    other["price"] = 1
    assert identify(one, 1)["id"].tobytes() != identify(other, 1)["id"].tobytes()


def test_a_bar_is_named_by_its_interval() -> None:
    """A bar downloaded again with other numbers is a conflict, not a second bar."""
    made = []
    for close in ("2", "3"):
        table = pa.table(
            {"time": [T0], "open": ["2"], "high": ["4"], "low": ["1"], "close": [close]}
        )
        rows, _ = to_rows(batches.bars(NAME, table, "1m"), ledger().catalog)
        made.append(rows[0]["id"].tobytes())
    assert made[0] == made[1]
    assert np.frombuffer(made[0][8:], ">i8")[0] == 60 * 10**9
