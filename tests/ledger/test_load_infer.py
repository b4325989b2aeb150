"""Definitions from rows: digits, headroom, aliases."""

import pyarrow as pa
import pytest

from ledger import batches
from ledger.catalog import Catalog
from ledger.errors import FormatError
from ledger.instruments import Instrument
from ledger.load_infer import infer
from tests.ledger.drafting import NAME, T0, instrument, ledger


def inferred(prices: list[str], sizes: list[str]) -> Instrument:
    table = pa.table({"time": [T0] * len(prices), "price": prices, "size": sizes})
    (found,) = infer([batches.trades(NAME, table)], Catalog())
    return found


@pytest.mark.parametrize(
    ("prices", "sizes", "exponents"),
    [
        (["61837.63000000"], ["0.02000000"], (-8, -8)),  # as written: room for the next file
        (["100", "99.5", "1e-3"], ["1", "10"], (-3, 0)),
        (["1"], ["54000000.00000000"], (0, -5)),  # a million of these must fit the mantissa
        (["1"], ["54000000000000.12345678"], (0, -5)),  # never coarser than what is needed fits
        (["abc", "NaN", "1.5"], ["", "-", "2"], (-1, 0)),
        (["0.00000000000000000000001"], ["1"], (-18, 0)),
        (["1e999999999", "1.5"], ["1e999999999999999999999", "2"], (-1, 0)),  # counts as nothing
    ],
)
def test_exponents(prices: list[str], sizes: list[str], exponents: tuple[int, int]) -> None:
    """From every row, with room for larger numbers."""
    count = max(len(prices), len(sizes))
    found = inferred((prices * count)[:count], (sizes * count)[:count])
    assert (found.price_exponent, found.size_exponent) == exponents


def test_all_drafts_count() -> None:
    """The finest of any chunk; quotes and trades of one instrument are one definition."""
    trades = [
        batches.trades(NAME, pa.table({"time": [T0], "price": [price], "size": ["1"]}))
        for price in ("1.5", "1.25", "2")
    ]
    quotes = batches.quotes(NAME, pa.table({"time": [T0 * 1000], "bid": ["1.125"], "ask": ["2"]}))
    (found,) = infer([*trades, quotes], Catalog())
    assert (found.price_exponent, found.time_unit_ns) == (-3, 1_000)


def test_what_is_defined_is_not_inferred() -> None:
    """By symbol or alias."""
    table = pa.table({"time": [T0], "price": ["1"], "size": ["1"], "symbol": ["abc"]})
    draft = batches.trades(None, table, market="test")
    assert infer([draft], ledger().catalog) == []
    other = ledger(instrument("OTHER.X", aliases=("test:abc",)))
    assert infer([draft], other.catalog) == []


def test_aliases_that_are_taken_are_left_out() -> None:
    """ccxt's name belongs to the venue that had it first."""
    table = pa.table({"time": [T0], "price": ["1"], "size": ["1"], "symbol": ["BTCUSDT"]})
    draft = batches.trades(None, table, market="binance-spot")
    (free,) = infer([draft], Catalog())
    assert free.aliases == ("binance.spot:BTCUSDT", "BTC/USDT")
    taken = ledger(instrument("BTCUSDT.OTHER", aliases=("BTC/USDT",)))
    (found,) = infer([draft], taken.catalog)
    assert found.aliases == ("binance.spot:BTCUSDT",)
    assert taken.catalog.clash(found) is None


def test_a_name_that_no_instrument_can_have_is_refused() -> None:
    """With what to do instead."""
    draft = batches.trades("abc", pa.table({"time": [T0], "price": ["1"], "size": ["1"]}))
    with pytest.raises(FormatError, match="--instrument"):
        infer([draft], Catalog())
