"""The real files, loaded and counted against an independent reading."""

import gzip
import json
import zipfile
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from ledger.load import load
from ledger.load_options import LoadOptions
from ledger.load_result import LoadResult
from ledger.rows import ABSENT, Kind
from ledger.sources.mapping import ReadOptions
from tests.ledger.memory_ledger import MemoryLedger, with_catalog

SIX = "crypto_trades/binance_ws_trades_20240808_6symbols.csv.gz"
USDM = "crypto_raw_ws/binance_usdm_ethusdt_20240808.gz"
SPOT = "crypto_raw_ws/binance_spot_btcusdt_20240808.gz"
SPY = "equity_ticks/lean_spy_20131008_trade.zip"


def into(made: MemoryLedger, *paths: Path, **options: Any) -> LoadResult:
    result = load(list(paths), made.ports, LoadOptions(read=ReadOptions(**options), define=True))
    assert result.counts.holds
    return result


def test_six_instruments_of_four_names(shared_data: Path) -> None:
    """Every trade of the Binance file, exact, in its own market; a second load adds nothing."""
    made = MemoryLedger()
    result = into(made, shared_data / SIX)
    assert (result.counts.read, result.counts.appended) == (78_638, 78_638)
    query = duckdb.read_csv(str(shared_data / SIX), all_varchar=True).aggregate(
        "market, symbol, count(*), sum(price::DECIMAL(30, 8) * size::DECIMAL(30, 8)), "
        "sum(size::DECIMAL(30, 8)), sum(ts_event_ns::HUGEINT), "
        "count(*) FILTER (aggressor = 'B')"
    )
    found = query.fetchall()
    assert len(found) == len(made.catalog.instruments) == 6
    names = {"spot": "{}.BINANCE", "usdm": "{}-PERP.BINANCE", "cm": "{}-PERP.BINANCE-COINM"}
    for market, symbol, count, notional, volume, times, buys in found:
        number = made.id_of(names[market].format(symbol.removesuffix("_PERP")))
        instrument = made.catalog.instruments[number]
        rows = made.rows(Kind.TRADE, number)
        sizes = [Decimal(size).scaleb(instrument.size_exponent) for size in rows["size"].tolist()]
        prices = [Decimal(p).scaleb(instrument.price_exponent) for p in rows["price"].tolist()]
        assert len(rows) == count
        with localcontext(prec=60):
            assert sum(map(Decimal.__mul__, prices, sizes)) == notional
        assert sum(sizes) == volume
        assert sum(rows["event_time"].tolist()) == times
        assert int((rows["aggressor"] == 1).sum()) == buys
    again = into(made, shared_data / SIX)
    assert (again.counts.known, again.counts.appended) == (78_638, 0)


def test_spot_and_perpetual_never_meet(shared_data: Path) -> None:
    """One name, two prices: no trade of the one market is in the other."""
    made = MemoryLedger()
    into(made, shared_data / SIX)
    spot = made.rows(Kind.TRADE, made.id_of("BTCUSDT.BINANCE"))
    perpetual = made.rows(Kind.TRADE, made.id_of("BTC/USDT:USDT"))
    assert not set(spot["venue_seq"].tolist()) & set(perpetual["venue_seq"].tolist())
    assert (len(spot), len(perpetual)) == (19_904, 21_313)


@pytest.mark.parametrize(
    ("name", "symbol"), [(USDM, "ETHUSDT-PERP.BINANCE"), (SPOT, "BTCUSDT.BINANCE")]
)
def test_raw_messages_are_read_message_by_message(
    shared_data: Path, name: str, symbol: str
) -> None:
    """Trades and best quotes as the json module reads them; the rest is skipped."""
    made = MemoryLedger()
    result = into(made, shared_data / name)
    trades, quotes, others = [], [], 0
    with gzip.open(shared_data / name, "rt") as file:
        for line in file:
            received, body = line.split(" ", 1)
            data = json.loads(body).get("data", {})
            if data.get("e") == "trade":
                trades.append((data["t"], data["T"] * 10**6, int(received), 2 if data["m"] else 1))
            elif "u" in data and "B" in data:
                quotes.append((data["u"], data.get("T", 0) * 10**6 or int(received), int(received)))
            else:
                others += 1
    assert (result.counts.appended, result.counts.skipped) == (len(trades) + len(quotes), others)
    number = made.id_of(symbol)
    rows = made.rows(Kind.TRADE, number)
    fields = ("venue_seq", "event_time", "received_at", "aggressor")
    assert sorted(zip(*(rows[f].tolist() for f in fields), strict=True)) == sorted(trades)
    rows = made.rows(Kind.QUOTE, number)
    assert sorted(zip(*(rows[f].tolist() for f in fields[:3]), strict=True)) == sorted(quotes)


def test_the_same_trades_from_messages_and_from_the_table_are_known(shared_data: Path) -> None:
    """Whichever comes first."""
    for first, second in ((SIX, USDM), (USDM, SIX)):
        made = MemoryLedger()
        into(made, shared_data / first)
        before = len(made.rows(Kind.TRADE))
        into(made, shared_data / second)
        added = len(made.rows(Kind.TRADE)) - before
        assert added == (0 if first == SIX else 78_638 - 14_076)


def lean_rows(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return [line.split(",") for line in archive.read(name).decode().split()]


def test_spy_keeps_every_repeated_trade(shared_data: Path) -> None:
    """129,674 rows of the day repeat another in full; none is lost, twice loaded none is added."""
    made = MemoryLedger()
    result = into(made, shared_data / SPY)
    expected = lean_rows(shared_data / SPY)
    assert result.counts.appended == len(expected) == 451_545
    rows = made.rows(Kind.TRADE)
    midnight = 1_381_204_800 * 10**9  # in New York
    found = zip(
        rows["event_time"].tolist(), rows["price"].tolist(), rows["size"].tolist(), strict=True
    )
    read = [(midnight + int(r[0]) * 10**6, int(r[1]), int(r[2])) for r in expected]
    assert sorted(found) == sorted(read)
    assert len(np.unique(rows["id"])) == 451_545
    assert len(read) - len(set(map(tuple, expected))) == 78_909
    assert into(made, shared_data / SPY).counts.known == 451_545


def test_spy_zipped_again_under_another_name_adds_nothing(
    shared_data: Path, tmp_path: Path
) -> None:
    """Identity is of the rows, not of the file."""
    made = MemoryLedger()
    source = shared_data / "equity_ticks/lean_ibm_20131008_trade.zip"
    into(made, source)
    with zipfile.ZipFile(source) as archive:
        (name,) = archive.namelist()
        content = archive.read(name)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr(name, content)
    again = into(made, tmp_path / "other.zip")
    assert (again.counts.known, again.counts.appended) == (33_381, 0)


@pytest.mark.parametrize(
    ("name", "offset_seconds", "scale"),
    [
        ("equity_ticks/lean_ibm_20131008_quote.zip", 1_381_204_800, 1),
        ("fx_quotes/lean_fxcm_eurusd_20140501_quote.zip", 1_398_902_400 + 5 * 3600, 100_000),
    ],
)
def test_lean_quotes_are_read_side_by_side(
    shared_data: Path, name: str, offset_seconds: int, scale: int
) -> None:
    """Bid and ask of every row, absent sides absent."""
    made = MemoryLedger()
    into(made, shared_data / name)
    expected = []
    for row in lean_rows(shared_data / name):
        bid, ask = (row[1], row[3]) if len(row) > 3 else row[1:3]
        prices = [round(float(side) * scale) or ABSENT for side in (bid, ask)]
        expected.append((offset_seconds * 10**9 + int(row[0]) * 10**6, *prices))
    rows = made.rows(Kind.QUOTE)
    found = zip(*(rows[f].tolist() for f in ("event_time", "bid", "ask")), strict=True)
    assert sorted(found) == sorted(expected)


def test_bars_from_a_feather_file(shared_data: Path) -> None:
    """Doubles at the digits they hold; a bar's event time is its end."""
    made = MemoryLedger()
    path = shared_data / "ohlcv_1m/freqtrade_unittest_btc_1m_gappy.feather"
    result = into(made, path, instrument="XRPETH.TEST", interval_ns=60 * 10**9)
    assert result.counts.appended == 13_681
    rows = made.rows(Kind.BAR)
    assert rows["open"][0] == 162008
    assert rows["event_time"][0] == 1_509_836_520 * 10**9 + 60 * 10**9


def test_local_bars_from_a_csv_file(shared_data: Path) -> None:
    """With `--tz` and `--interval`; volume left out because it is arithmetic noise."""
    made = MemoryLedger()
    path = shared_data / "ohlcv_1m/ftx_btc-perp-20211231-20220201_1m.csv.gz"
    options = {"instrument": "BTC-PERP.FTX", "interval_ns": 60 * 10**9, "tz": "UTC"}
    result = into(made, path, mapping={"volume": ""}, **options)
    assert (result.counts.read, result.counts.appended) == (45_031, 45_031)
    table = duckdb.read_csv(str(path), all_varchar=True)
    ((total,),) = table.aggregate("sum(close::DECIMAL(20, 6))").fetchall()
    exponent = made.catalog.instruments[made.id_of("BTC-PERP.FTX")].price_exponent
    assert int(made.rows(Kind.BAR)["close"].sum()) == total.scaleb(-exponent)


def test_definitions_do_not_depend_on_chunks(shared_data: Path) -> None:
    """Nor does anything else."""
    made = MemoryLedger()
    into(made, shared_data / SIX)
    other = MemoryLedger()
    options = LoadOptions(define=True, chunk_bytes=300_000)
    load([shared_data / SIX], other.ports, options)
    assert other.catalog.instruments == made.catalog.instruments
    assert other.facts() == made.facts()
    assert with_catalog(made).facts() == []
