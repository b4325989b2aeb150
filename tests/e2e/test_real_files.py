"""Real files on real engines: counted against an independent reading, loaded twice, verified."""

import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from ledger.client import Ledger
from ledger.engines import Addresses
from ledger.known_now import digests
from ledger.load_options import LoadOptions
from ledger.migrate import migrate
from ledger.rows import Flag, Kind
from ledger.sources.mapping import ReadOptions
from ledger.verify import verify
from tests.fixtures_ledger import archiving, unique_settings
from tests.ledger.cli.test_cli import fledger

DAY_NS = 86_400_000_000_000
SIX = "crypto_trades/binance_ws_trades_20240808_6symbols.csv.gz"
SPOT = "crypto_raw_ws/binance_spot_btcusdt_20240808.gz"
USDM = "crypto_raw_ws/binance_usdm_ethusdt_20240808.gz"
SPY = "equity_ticks/lean_spy_20131008_trade.zip"
FILES = [
    SIX,
    SPOT,
    USDM,
    SPY,
    "equity_ticks/lean_ibm_20131008_trade.zip",
    "equity_ticks/lean_ibm_20131008_quote.zip",
    "fx_quotes/lean_fxcm_eurusd_20140501_quote.zip",
    "fx_quotes/lean_fxcm_eurusd_20140502_quote.zip",
]


@pytest.fixture(scope="module")
def loaded(
    engines: Addresses, tmp_path_factory: pytest.TempPathFactory, shared_data: Path
) -> Iterator[tuple[Ledger, dict[str, Any]]]:
    """One ledger with every file, and what each load said."""
    settings = unique_settings(engines, tmp_path_factory.mktemp("loaded"))
    migrate(settings, reason="test")
    with archiving(settings), Ledger(settings) as led:
        said = {file: led.load(shared_data / file, define=True) for file in FILES}
        led.wait_for_archive()
        yield led, said


def _rows(led: Ledger, symbol: str, kind: Kind) -> np.ndarray:
    instrument = led.control.catalog.instrument_id(symbol)
    return led.archive.facts_between(kind, instrument, 0, 2**62)[0]


def test_the_six_instrument_file_equals_an_independent_reading(
    loaded: tuple[Ledger, dict[str, Any]], shared_data: Path
) -> None:
    """Per instrument: count, sum of sizes and every price as DuckDB reads them; spot and
    perpetual never meet."""
    led, said = loaded
    counts = said[SIX].counts
    assert (counts.read, counts.appended) == (78638, 78638)
    symbols = {
        ("spot", "BTCUSDT"): "BTCUSDT.BINANCE",
        ("spot", "ETHUSDT"): "ETHUSDT.BINANCE",
        ("usdm", "BTCUSDT"): "BTCUSDT-PERP.BINANCE",
        ("usdm", "ETHUSDT"): "ETHUSDT-PERP.BINANCE",
        ("cm", "BTCUSD_PERP"): "BTCUSD-PERP.BINANCE-COINM",
        ("cm", "ETHUSD_PERP"): "ETHUSD-PERP.BINANCE-COINM",
    }
    query = (
        "SELECT market, symbol, trade_id, price::DECIMAL(24,8), size::DECIMAL(24,8), ts_event_ns "
        "FROM read_csv(?, header=true, all_varchar=true) "
    )
    read = duckdb.execute(query, [str(shared_data / SIX)]).fetchall()
    for (market, name), symbol in symbols.items():
        mine = sorted((int(r[2]), r[3], r[4], int(r[5])) for r in read if r[:2] == (market, name))
        instrument = led.instruments()[led.control.catalog.instrument_id(symbol)]
        rows = _rows(led, symbol, Kind.TRADE)
        rows = rows[np.unique(rows["venue_seq"], return_index=True)[1]]
        assert rows["venue_seq"].tolist()[-1] >= mine[-1][0]
        held = {int(r["venue_seq"]): r for r in rows}
        scale_price, scale_size = 10**-instrument.price_exponent, 10**-instrument.size_exponent
        for trade_id, price, size, time in mine:
            row = held[trade_id]
            assert int(row["price"]) == price * scale_price
            assert int(row["size"]) == size * scale_size
            assert int(row["event_time"]) == time


def test_the_same_trade_from_raw_messages_is_known(
    loaded: tuple[Ledger, dict[str, Any]], shared_data: Path
) -> None:
    """Messages and CSV meet by the venue's id: only what the CSV lacked was appended."""
    _, said = loaded
    csv = pd.read_csv(shared_data / SIX)
    for file, market, symbol in ((SPOT, "spot", "BTCUSDT"), (USDM, "usdm", "ETHUSDT")):
        with gzip.open(shared_data / file) as lines:
            messages = [json.loads(line.split(b" ", 1)[1]) for line in lines if line.strip()]
        kinds = [str(m.get("data", {}).get("e", "")) for m in messages]
        quotes = [m for m in messages if str(m.get("stream", "")).endswith("bookTicker")]
        trades = {m["data"]["t"] for m, k in zip(messages, kinds, strict=True) if k == "trade"}
        same = (csv["market"] == market) & (csv["symbol"] == symbol)
        counts = said[file].counts
        assert counts.read == len(messages)
        assert counts.known == len(trades & set(csv["trade_id"][same]))
        assert counts.appended == len(trades - set(csv["trade_id"][same])) + len(quotes)
        assert counts.quarantined == 0


def test_no_repeated_row_of_spy_is_lost(
    loaded: tuple[Ledger, dict[str, Any]], shared_data: Path
) -> None:
    """451,545 trades, of which 129,674 repeat another row in full; prices and sizes as read."""
    led, said = loaded
    assert said[SPY].counts.appended == 451_545
    with zipfile.ZipFile(shared_data / SPY) as archive:
        raw = io.BytesIO(archive.read(archive.namelist()[0]))
    names = ["ms", "price", "size", "exchange", "condition", "suspicious"]
    frame = pd.read_csv(raw, header=None, names=names, dtype={"condition": str})
    rows = _rows(led, "SPY.USA", Kind.TRADE)
    midnight = pd.Timestamp("2013-10-08", tz="America/New_York").value
    assert len(rows) == len(frame)
    order = np.lexsort((frame["size"], frame["price"], frame["ms"]))
    mine = np.lexsort((rows["size"], rows["price"], rows["event_time"]))
    exponent = led.instruments()[led.control.catalog.instrument_id("SPY.USA")].price_exponent
    assert (rows["event_time"][mine] == midnight + frame["ms"].to_numpy()[order] * 1_000_000).all()
    ours = rows["price"][mine] * 10 ** (4 + exponent)
    assert (ours == frame["price"].to_numpy()[order]).all()
    assert (rows["size"][mine] == frame["size"].to_numpy()[order]).all()
    suspicious = (rows["flags"] & Flag.SUSPICIOUS) != 0
    assert suspicious.sum() == (frame["suspicious"] == 1).sum()


@pytest.mark.parametrize(
    ("file", "symbol", "rows"),
    [
        ("equity_ticks/lean_ibm_20131008_trade.zip", "IBM.USA", 33_381),
        ("equity_ticks/lean_ibm_20131008_quote.zip", "IBM.USA", 125_750),
        ("fx_quotes/lean_fxcm_eurusd_20140501_quote.zip", "EURUSD.FXCM", 51_053),
        ("fx_quotes/lean_fxcm_eurusd_20140502_quote.zip", "EURUSD.FXCM", 96_406),
    ],
)
def test_other_tick_files_are_whole(
    loaded: tuple[Ledger, dict[str, Any]], file: str, symbol: str, rows: int
) -> None:
    """Every row is read and accounted for, and none is quarantined."""
    led, said = loaded
    counts = said[file].counts
    assert counts.holds
    assert (counts.read, counts.appended, counts.quarantined) == (rows, rows, 0)
    assert led.control.catalog.find(symbol) is not None


def test_loading_everything_again_adds_nothing(
    loaded: tuple[Ledger, dict[str, Any]], shared_data: Path, tmp_path: Path
) -> None:
    """The same files, one of them renamed and zipped anew: all known, nothing appended."""
    led, _ = loaded
    events = led.archive.totals()
    renamed = tmp_path / "20131008_ibm_trade_again.zip"
    with (
        zipfile.ZipFile(shared_data / FILES[4]) as source,
        zipfile.ZipFile(renamed, "w", zipfile.ZIP_STORED) as target,
    ):
        name = source.namelist()[0]
        target.writestr(name, source.read(name))
    for file in [*(shared_data / f for f in FILES if f != FILES[4]), renamed]:
        result = led.load(file, define=True)
        assert result.counts.appended == 0, file
        assert result.counts.quarantined == 0, file
        assert result.counts.known + result.counts.skipped == result.counts.read
    led.wait_for_archive()
    facts = [t for t in events if t.kind in ("trade", "quote", "bar", "gap")]
    assert facts == [t for t in led.archive.totals() if t.kind in ("trade", "quote", "bar", "gap")]
    assert led.archive.repeats(30) == 0


def test_everything_loaded_verifies(loaded: tuple[Ledger, dict[str, Any]]) -> None:
    """Both stores hold the same bytes, and the working tables are what the events say."""
    led, _ = loaded
    report = verify(led.settings, deep=True)
    assert report.clean, report.findings[:5]
    assert report.events > 900_000


def test_imported_bars_need_their_instrument_and_interval(
    loaded: tuple[Ledger, dict[str, Any]], shared_data: Path
) -> None:
    """The FTX minutes, with the zone said. Six volumes carry eleven decimals (a float's residue),
    which no int64 holds beside the largest: they are in quarantine and nothing was rounded."""
    led, _ = loaded
    options = LoadOptions(
        ReadOptions(kind="bars", instrument="BTC-PERP.FTX", tz="UTC", interval_ns=60 * 10**9),
        define=True,
    )
    file = shared_data / "ohlcv_1m/ftx_btc-perp-20211231-20220201_1m.csv.gz"
    counts = led.load(file, options=options).counts
    assert (counts.read, counts.appended, counts.quarantined) == (45_031, 45_025, 6)
    led.wait_for_archive()
    rows = _rows(led, "BTC-PERP.FTX", Kind.BAR)
    frame = pd.read_csv(file, dtype=str)
    frame = frame[frame["volume"].str.partition(".")[2].str.len() < 11]
    instrument = led.instruments()[led.control.catalog.instrument_id("BTC-PERP.FTX")]
    exponents = {"volume": instrument.size_exponent}
    for name in ("open", "high", "low", "close", "volume"):
        scale = Decimal(10) ** -exponents.get(name, instrument.price_exponent)
        assert rows[name].tolist() == [int(Decimal(text) * scale) for text in frame[name]], name


def test_two_processes_loading_one_file_know_the_same(
    engines: Addresses, tmp_path: Path, shared_data: Path
) -> None:
    """Both at once, then one alone in another ledger: equal digests, each sum holds, and status
    counts what was physically repeated."""
    found = []
    for processes in (2, 1):
        settings = unique_settings(engines, tmp_path)
        migrate(settings, reason="test")
        with archiving(settings), Ledger(settings) as led:
            command = ["load", str(shared_data / SIX), "--define", "--json"]
            both = [_start(led, command) for _ in range(processes)]
            results = [json.loads(_end(process)) for process in both]
            for r in results:
                assert r["read"] == r["appended"] + r["known"] + r["quarantined"] + r["skipped"]
                assert r["quarantined"] == 0
            led.wait_for_archive()
            status = json.loads(fledger(settings, "status", "--json").stdout)
            appended = sum(r["appended"] for r in results)
            assert status["repeats"] == appended - 78_638
            found.append([d[:3] + d[4:] for d in digests(led, lambda *_: None)])
            assert verify(settings).clean
    assert found[0] == found[1]
    assert sum(d[2] for d in found[0]) == 78_638


def _start(led: Ledger, command: list[str]) -> subprocess.Popen[str]:
    import os

    environment = {
        **os.environ,
        "FLEDGER_HOME": str(led.settings.home),
        "FLEDGER_KAFKA": led.settings.kafka["bootstrap.servers"],
        "FLEDGER_DSN": led.settings.dsn,
        "FLEDGER_PREFIX": led.settings.prefix,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "ledger", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out
