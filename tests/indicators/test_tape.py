"""The tape: data with one canonical form, shared sub-expressions, and refusals of anything else."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators import ops
from indicators.catalogue import named
from indicators.errors import BadParameter, IndicatorError, TapeUnreadable, UnknownPrimitive
from indicators.indicator import tape
from indicators.tape import from_bytes

MACD_DIGEST = "fa1c226ae9e9b93edf8d2734d4beec94d49d0d9dac15704af01517416832fa54"


def test_a_tape_survives_its_bytes() -> None:
    """Reading the canonical bytes gives the same tape and digest."""
    view = tape([named("macd")(), named("bbands")(20), named("adx")()])
    again = from_bytes(view.to_bytes())
    assert again.to_bytes() == view.to_bytes()
    assert again.digest == view.digest


def test_the_digest_of_a_formula_is_golden() -> None:
    """The version of macd's defaults is what it was when this was written."""
    assert tape([named("macd")()]).digest == MACD_DIGEST


def test_the_same_sub_expression_is_one_row() -> None:
    """atr, natr and adx share the true range; asking twice adds outputs, not rows."""
    one = tape([named("atr")()])
    both = tape([named("atr")(), named("atr")(alias="again")])
    assert len(both.code) == len(one.code)
    shared = tape([named("atr")(), named("natr")(mamode="rma")])
    apart = len(one.code) + len(tape([named("natr")(mamode="rma")]).code)
    assert len(shared.code) < apart


def test_equal_views_have_equal_digests_and_others_do_not() -> None:
    """Defaults written out are no other view; another length is."""
    assert tape([named("rsi")()]).digest == tape([named("rsi")(14)]).digest
    assert tape([named("rsi")()]).digest != tape([named("rsi")(15)]).digest


def test_rows_that_nothing_reads_are_left_out() -> None:
    """The histogram alone needs no row for the two worlds of an epsilon it never sees."""
    view = tape([named("sma")(5)])
    assert [row[0] for row in view.code.tolist()] == [ops.SMA]


def test_two_outputs_of_one_name_are_refused() -> None:
    """The same feature twice needs an alias."""
    with pytest.raises(BadParameter, match="RSI_14"):
        tape([named("rsi")(), named("rsi")()])


def test_an_unknown_primitive_is_named() -> None:
    """A tape of a newer release says which number is missing."""
    held = json.loads(tape([named("sma")()]).to_bytes())
    held["code"][0][0] = 4000
    with pytest.raises(UnknownPrimitive, match="4000"):
        from_bytes(json.dumps(held, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [(0, 1, 7), (0, 2, 0), (0, 2, 10**6), (0, 4, 9), (0, 7, 1), (0, 4, -1)],
    ids=["slot", "no length", "long", "register", "spare operand", "negative"],
)
def test_a_tape_that_reads_outside_is_refused(row: int, column: int, value: int) -> None:
    """State, registers and lengths are checked before any kernel sees them."""
    held = json.loads(tape([named("sma")()]).to_bytes())
    held["code"][row][column] = value
    with pytest.raises(TapeUnreadable):
        from_bytes(json.dumps(held, sort_keys=True, separators=(",", ":")).encode())


@given(st.integers(0, 700), st.integers(0, 255))
def test_decoding_is_total(at: int, byte: int) -> None:
    """Any byte changed: a tape whose bytes those are, or a refusal; never another error."""
    data = bytearray(tape([named("macd")()]).to_bytes())
    data[at % len(data)] = byte
    with contextlib.suppress(IndicatorError):
        assert from_bytes(bytes(data)).to_bytes() == bytes(data)


def test_the_listing_reads_like_the_formula() -> None:
    """explain prints names, not registers."""
    text = tape([named("macd")()]).listing()
    assert "ema(close, 0.153846, n=12)" in text
    assert "MACDh_12_26_9 = " in text
