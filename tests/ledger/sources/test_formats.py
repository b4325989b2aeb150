"""The readers: what each makes of its rows, and that a row can be read again from its text."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.drafts import Draft
from ledger.errors import FormatError
from ledger.rows import ABSENT, Flag, Kind
from ledger.sources.binance_csv import BinanceCsv
from ledger.sources.binance_messages import BinanceMessages
from ledger.sources.format import READERS
from ledger.sources.lean import Lean, market_of, read_name
from ledger.sources.lines import join
from ledger.sources.mapping import ReadOptions
from ledger.sources.reading import from_description, plan, read

BINANCE = "market,symbol,trade_id,price,size,aggressor,ts_event_ns,ts_recv_ns,order_type"


def message(body: dict[str, Any], received: int = 1723161254087896568, wrap: bool = True) -> str:
    whole = {"stream": f"{body.get('s', '').lower()}@{body.get('e', 'bookTicker')}", "data": body}
    return f"{received} {json.dumps(whole if wrap else body, separators=(',', ':'))}"


SPOT_TRADE = {
    **{"e": "trade", "E": 1723161255343, "s": "BTCUSDT", "t": 3735683259, "p": "61837.63"},
    **{"q": "0.02", "T": 1723161255342, "m": True, "M": True},
}
USDM_TRADE = {
    **{"e": "trade", "E": 1723161256560, "T": 1723161256560, "s": "ETHUSDT", "t": 4308068523},
    **{"p": "2681.62", "q": "1.000", "X": "MARKET", "m": False},
}
SPOT_QUOTE = {"u": 50093239212, "s": "BTCUSDT", "b": "61837.63", "B": "3.7", "a": "61837.64"} | {
    "A": "1.5"
}
USDM_QUOTE = {"e": "bookTicker", "u": 5, "s": "ETHUSDT", "b": "1.1", "B": "1", "a": "1.2"} | {
    **{"A": "2", "T": 1723161256310, "E": 1723161256311}
}


def symbols(draft: Draft) -> list[str]:
    return [draft.listings[n].symbol for n in draft.which.tolist()]


def test_messages_become_trades_and_quotes() -> None:
    """Markets by the shape of the message; everything else skipped by name or broken."""
    rows = [
        message(SPOT_TRADE),
        message(USDM_TRADE),
        message(SPOT_QUOTE),
        message(USDM_QUOTE),
        message({"e": "depthUpdate", "s": "ETHUSDT", "b": [["1", "2"]]}),
        '1723161254206652067 {"lastUpdateId":1,"bids":[]}',
        "no message at all",
        message(USDM_TRADE)[:-20],
    ]
    parsed = BinanceMessages(None).parse(join(rows))
    trades, quotes = parsed.drafts
    assert symbols(trades) == ["BTCUSDT.BINANCE", "ETHUSDT-PERP.BINANCE"]
    assert trades.aggressor is not None
    assert trades.aggressor.tolist() == [
        2,
        1,
    ]  # `m`: the buyer was the maker, so the seller crossed
    assert trades.event_time.tolist() == [1723161255342 * 10**6, 1723161256560 * 10**6]
    assert symbols(quotes) == ["BTCUSDT.BINANCE", "ETHUSDT-PERP.BINANCE"]
    assert quotes.event_time.tolist() == [1723161254087896568, 1723161256310 * 10**6]
    assert quotes.flags is not None
    assert quotes.flags.tolist() == [Flag.TIME_FROM_RECEIPT, 0]
    assert parsed.skipped == {"depthUpdate is neither trade nor best quote": 1, "no event": 1}
    assert [broken.line for broken in parsed.broken] == [7, 8]


def test_messages_of_another_shape_read_the_same() -> None:
    """Unwrapped, spaced, ids as text: read one by one to the same rows."""
    usual = BinanceMessages(None).parse(join([message(SPOT_TRADE)])).drafts[0]
    spaced = message(SPOT_TRADE).replace('":', '": ')
    odd = [message(SPOT_TRADE, wrap=False), spaced, message({**SPOT_TRADE, "t": "3735683259"})]
    for row in odd:
        draft = BinanceMessages(None).parse(join([row])).drafts[0]
        assert draft.event_time.tolist() == usual.event_time.tolist()
        assert draft.numbers["price"].column.to_pylist() == ["61837.63"]
        assert [str(one) for one in draft.ids] == ["3735683259"]
        assert symbols(draft) == symbols(usual)


def test_one_bad_message_does_not_spoil_its_chunk() -> None:
    """A number that is none is refused alone."""
    rows = [message(SPOT_TRADE), message({**SPOT_TRADE, "T": "soon"}), message(SPOT_TRADE)]
    draft = BinanceMessages(None).parse(join(rows)).drafts[0]
    assert draft.refusals.good.tolist() == [True, False, True]
    assert draft.event_time[2] == 1723161255342 * 10**6


def test_an_empty_side_of_the_book_is_absent() -> None:
    """Price and size of zero are no quote."""
    empty = {**USDM_QUOTE, "b": "0.00", "B": "0.000"}
    draft = BinanceMessages(None).parse(join([message(empty)])).drafts[0]
    assert draft.numbers["bid"].column.to_pylist() == [None]
    assert draft.numbers["ask"].column.to_pylist() == ["1.2"]


@pytest.mark.parametrize(
    ("symbol", "market", "expected"),
    [
        ("BTCUSD_PERP", None, "BTCUSD-PERP.BINANCE-COINM"),
        ("BTCUSD_240927", None, "BTCUSD-240927.BINANCE-COINM"),
        ("BTCUSDT_240927", None, "BTCUSDT-240927.BINANCE"),
        ("BTCUSDT", "spot", "BTCUSDT.BINANCE"),
    ],
)
def test_markets_of_futures(symbol: str, market: str | None, expected: str) -> None:
    """Coin-margined by the quote, dated by the expiry, or as the user says."""
    draft = BinanceMessages(market).parse(join([message({**USDM_TRADE, "s": symbol})])).drafts[0]
    assert symbols(draft) == [expected]


def test_the_same_name_in_three_markets_is_three_instruments() -> None:
    """Spot, USD-margined and coin-margined never meet."""
    tail = "1,5.5,2,B,1723161255342000000,,MARKET"
    rows = [f"spot,BTCUSDT,{tail}", f"usdm,BTCUSDT,{tail}", f"cm,BTCUSD_PERP,{tail}"]
    draft = BinanceCsv(tuple(BINANCE.split(","))).parse(join(rows)).drafts[0]
    assert symbols(draft) == [
        "BTCUSDT.BINANCE",
        "BTCUSDT-PERP.BINANCE",
        "BTCUSD-PERP.BINANCE-COINM",
    ]
    aliases = {alias for listing in draft.listings for alias in listing.aliases}
    assert {"binance.usdm:BTCUSDT", "BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT"} <= aliases


def lean(kind: Any, row: str, market: str = "usa", tz: str | None = None) -> Draft:
    named = read_name(f"20131008_spy_{kind}_Tick.csv")
    assert named is not None
    form = Lean.of(named, row.count(",") + 1, market, tz)
    return form.parse(join([row])).drafts[0]


def test_lean_trades() -> None:
    """New York's clock, prices in ten-thousandths, conditions with the exchange's letter."""
    draft = lean("Trade", "14417034,1674200,210,Q,2000,1")
    assert draft.event_time.tolist() == [1_381_204_800 * 10**9 + 14_417_034 * 10**6]
    assert draft.numbers["price"].shift == -4
    assert draft.conditions is not None
    assert draft.conditions.tolist() == [ord("Q") << 56 | 0x2000]
    assert draft.flags is not None
    assert draft.flags.tolist() == [Flag.SUSPICIOUS]
    assert symbols(draft) == ["SPY.USA"]


def test_lean_quotes_have_one_side_or_two() -> None:
    """A price of 0 says that the side is not there."""
    draft = lean("Quote", "14400640,1800100,200,0,0,P,1,0")
    assert draft.numbers["ask"].column.to_pylist() == [None]
    assert draft.numbers["ask_size"].column.to_pylist() == [None]
    assert draft.numbers["bid"].column.to_pylist() == ["1800100"]


def test_lean_forex_is_written_plainly_on_the_clock_of_its_market() -> None:
    """FXCM's files are five hours west of UTC, all year."""
    draft = lean("Quote", "1787,1.38727,1.38729", market="fxcm")
    assert draft.event_time.tolist() == [(1_381_190_400 + 5 * 3600) * 10**9 + 1787 * 10**6]
    assert draft.numbers["bid"] == (draft.numbers["bid"].column, 0)


@pytest.mark.parametrize("row", ["x,1,2,Q,0,0", "-5,1,2,Q,0,0", "90000000,1,2,Q,0,0"])
def test_lean_times_of_no_day_are_refused(row: str) -> None:
    """Milliseconds since midnight, up to the end of the longest day."""
    draft = lean("Trade", row)
    assert draft.refusals.reason(0) == "not a time of this day"
    assert draft.event_time.tolist() == [ABSENT]


def test_the_market_of_a_lean_file() -> None:
    """From its path, else `usa` for equities; forex without a market is asked for."""
    assert market_of(Path("forex/fxcm/tick/eurusd/20140501_quote.zip"), 3, None) == "fxcm"
    assert market_of(Path("x/20131008_trade.zip"), 6, None) == "usa"
    assert market_of(Path("x/20131008_trade.zip"), 6, "OANDA") == "oanda"
    with pytest.raises(FormatError, match="which market"):
        market_of(Path("x/20140501_quote.zip"), 3, None)
    with pytest.raises(FormatError, match="time zone"):
        lean("Quote", "1787,1.38727,1.38729", market="dukascopy")


def test_a_row_reads_the_same_from_its_text_alone(tmp_path: Path, shared_data: Path) -> None:
    """Every format can be described, stored as JSON, and made again: so quarantine can retry."""
    bars = ReadOptions(instrument="A.B", interval_ns=60 * 10**9)
    files = {
        "crypto_trades/binance_ws_trades_20240808_6symbols.csv.gz": ReadOptions(),
        "crypto_raw_ws/binance_usdm_ethusdt_20240808.gz": ReadOptions(),
        "equity_ticks/lean_ibm_20131008_quote.zip": ReadOptions(),
        "ohlcv_1m/freqtrade_unittest_btc_1m_gappy.feather": bars,
    }
    for name, options in files.items():
        (planned,) = plan([shared_data / name], options)
        described = json.loads(json.dumps(planned.format.describe()))
        again = from_description(described)
        assert again == planned.format
        for chunk in read(planned, lambda _: None, 100_000):
            for draft in chunk.parsed.drafts:
                texts = [draft.raw(row) for row in range(0, len(draft), 1 + len(draft) // 50)]
                (alone,) = again.parse(join(texts)).drafts
                some = draft.event_time[:: 1 + len(draft) // 50]
                assert alone.event_time.tolist() == some.tolist()
                for field, number in draft.numbers.items():
                    texts_now = alone.numbers[field].column.cast("string").to_pylist()
                    texts_then = number.column.cast("string").to_pylist()
                    assert texts_now[0] == texts_then[0]
            break


def test_the_table_of_readers_is_what_the_readers_use() -> None:
    """One line each, with the facts in it."""
    facts = {(one.reader, one.kind): one for one in READERS}
    assert facts["binance-messages", Kind.QUOTE].contiguous is False
    assert facts["binance-messages", Kind.TRADE].contiguous is True
    assert facts["binance-trades-csv", Kind.TRADE].id_column == "trade_id"
    assert facts["lean-trades", Kind.TRADE].id_column == ""
