"""What a file is, decided before anything is appended, and what is said when it is nothing."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from ledger.errors import FormatError, NaiveTime
from ledger.sources.format import Format
from ledger.sources.mapping import ReadOptions
from ledger.sources.reading import plan
from ledger.sources.table import Table
from tests.ledger.drafting import T0, reading, write


def detect(path: Path, options: ReadOptions | None = None) -> Format:
    (planned,) = plan([path], options or reading())
    return planned.format


def table(path: Path, options: ReadOptions | None = None) -> Table:
    found = detect(path, options)
    assert isinstance(found, Table)
    return found


@pytest.mark.parametrize(
    ("name", "options", "reader", "unit"),
    [
        (
            "crypto_trades/binance_ws_trades_20240808_6symbols.csv.gz",
            {},
            "binance-trades-csv",
            "ns",
        ),
        ("crypto_raw_ws/binance_spot_btcusdt_20240808.gz", {}, "binance-messages", "ms"),
        ("equity_ticks/lean_spy_20131008_trade.zip", {}, "lean", "ms since local midnight"),
        ("fx_quotes/lean_fxcm_eurusd_20140501_quote.zip", {}, "lean", "ms since local midnight"),
        (
            "ohlcv_1m/freqtrade_unittest_btc_1m_gappy.feather",
            {"instrument": "A.B", "interval_ns": 1},
            "table",
            "timestamp",
        ),
        (
            "ohlcv_1m/ftx_btc-perp-20211231-20220201_1m.csv.gz",
            {"instrument": "A.B", "interval_ns": 1, "tz": "UTC"},
            "table",
            "text",
        ),
    ],
)
def test_the_real_files_are_recognised(
    shared_data: Path, name: str, options: dict[str, object], reader: str, unit: str
) -> None:
    """Without being told."""
    found = detect(shared_data / name, ReadOptions(**options))  # type: ignore[arg-type]
    assert (found.name, found.time_unit) == (reader, unit)


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """In any order and case, by a few other names, with any usual delimiter."""
    path = write(tmp_path / "x.csv", f"Qty;ignored;PX;Timestamp\n1;a;2;{T0}\n")
    found = table(path)
    assert found.columns == {"size": "Qty", "price": "PX", "time": "Timestamp"}
    assert (found.delimiter, found.time_form, found.kind) == (";", "ms", "trades")


def test_columns_are_mapped(tmp_path: Path) -> None:
    """`--map` wins over names; an empty one says that there is none."""
    path = write(tmp_path / "x.csv", f"a,b,c,size,side\n{T0},2,3,4,?\n")
    options = reading(mapping={"time": "a", "price": "b", "size": "c", "aggressor": ""})
    assert table(path, options).columns == {"time": "a", "price": "b", "size": "c"}


def test_a_file_without_header_is_given_one(tmp_path: Path) -> None:
    """`--columns`, in the order of the file."""
    path = write(tmp_path / "x.csv", f"{T0},2,3\n")
    found = table(path, reading(columns=("time", "price", "size")))
    assert found.header_lines == 0


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n", {}, ["columns found: a, b", "columns needed: trade", "--map price=COLUMN"]),
        ("time,bid\n1,2\n", {}, ["quotes need ask", "--map ask=COLUMN"]),
        ("time,price,size,qty\n", {"mapping": {"size": "x"}}, ["no column 'x'", "found: time"]),
        ("time,price,px2,size\n", {"mapping": {"cost": "px2"}}, ["we have no column 'cost'"]),
        ("time,timestamp,ts,price,size\n", {"mapping": {"time": ""}}, ["trades need time"]),
        ("ts,timestamp,price,size\n", {}, ["could both be time"]),
        ("time,price,price,size\n", {}, ["price and price could both be price"]),
        ("time,open,high,low,close\n1,1,1,1,1\n", {}, ["of which length", "--interval 1m"]),
        ("time,price,size\n", {"instrument": None}, ["which instrument", "--instrument"]),
        ("time,price,size,symbol\n", {"instrument": None}, ["in which market", "--market"]),
        ("time,price,size\n", {"kind": "ticks"}, ["no kind of row", "trades|quotes|bars"]),
        ("time,price,size\n", {"time_unit": "h"}, ["no unit of time", "s|ms|us|ns"]),
    ],
)
def test_what_is_missing_is_asked_for(
    tmp_path: Path, text: str, options: dict[str, object], said: list[str]
) -> None:
    """Columns found, columns needed, the option that helps; exit code 2."""
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(FormatError) as error:
        detect(path, reading(**options))
    assert error.value.exit_code == 2
    for words in said:
        assert words in str(error.value)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0", b"\0\1\2\3\n", b"PAR1 but not really"]
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    """By the name of the file."""
    path = write(tmp_path / "x.csv", content)
    with pytest.raises(FormatError, match=r"x\.csv"):
        detect(path)


@pytest.mark.parametrize(
    ("time", "form"),
    [
        (str(T0), "ms"),
        (str(T0 * 1000), "us"),
        ("1723161255.342", "s"),
        ("2024-08-08T23:54:15.342Z", "text"),
        ("2024-08-08 23:54:15+02:00", "text"),
    ],
)
def test_the_form_of_times_is_found(tmp_path: Path, time: str, form: str) -> None:
    """Numbers by magnitude, texts by looking."""
    path = write(tmp_path / "x.csv", f"time,price,size\n{time},1,1\n")
    assert table(path).time_form == form
    assert table(path, reading(time_unit="ns")).time_form == "ns"


def test_local_times_are_asked_for_their_zone(tmp_path: Path) -> None:
    """Texts and typed columns alike; exit code 2; `--tz` answers."""
    text = write(tmp_path / "x.csv", "time,price,size\n2024-08-08 23:54:15,1,1\n")
    typed = tmp_path / "x.parquet"
    stamps = pa.array([1723161255], pa.timestamp("s"))
    parquet.write_table(pa.table({"time": stamps, "price": [1.5], "size": [1]}), typed)
    for path in (text, typed):
        with pytest.raises(NaiveTime, match="--tz") as error:
            detect(path)
        assert error.value.exit_code == 2
        assert detect(path, reading(tz="America/New_York"))


def test_the_fingerprint_outlives_name_and_compression(tmp_path: Path) -> None:
    """It is of what is inside; other content has another."""
    text = f"time,price,size\n{T0},1,1\n"
    first = plan([write(tmp_path / "a.csv", text)], reading())[0].head
    second = plan([write(tmp_path / "b.csv.gz", gzip.compress(text.encode()))], reading())[0].head
    third = plan([write(tmp_path / "c.csv", text + text)], reading())[0].head
    assert first == second != third


def test_a_file_that_names_its_instruments_takes_no_other(shared_data: Path) -> None:
    """Nor a market that its venue does not have."""
    with pytest.raises(FormatError, match="names its instruments itself"):
        detect(shared_data / "equity_ticks/lean_spy_20131008_trade.zip", reading())
    with pytest.raises(FormatError, match="no market 'moon'"):
        detect(
            shared_data / "crypto_raw_ws/binance_spot_btcusdt_20240808.gz",
            ReadOptions(market="moon"),
        )
