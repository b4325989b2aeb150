"""Decimal texts to mantissas and back, against the standard library's Decimal."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.decimal_spread import spread
from ledger.decimals import Fault, decimal_text, mantissa, mantissas, mantissas_at
from ledger.rows import ABSENT

EXPONENTS = st.integers(-18, 0)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
JUNK = st.one_of(st.text(max_size=12), st.sampled_from(["nan", "-inf", "1e", "--1", "0x1f", "1_0"]))
INT64 = st.integers(-(2**63) + 1, 2**63 - 1)


def expected(text: str, exponent: int) -> int | Fault:
    """The same judgement by Decimal, slowly."""
    number = Decimal(text)
    if not number:
        return 0
    with localcontext(prec=1_000):  # scaling must not round
        scaled = number.scaleb(-exponent) if abs(number.adjusted()) < 400 else number
    whole = int(scaled)
    if abs(number.adjusted()) >= 400:
        return Fault.TOO_LARGE if number.adjusted() > 0 else Fault.TOO_FINE
    if whole != scaled:
        return Fault.TOO_FINE
    return whole if abs(whole) < 2**63 else Fault.TOO_LARGE


def column_result(column: Any, exponent: int) -> list[int | Fault]:
    values, faults = mantissas(column, exponent)
    return [
        int(value) if fault == Fault.NONE else Fault(fault)
        for value, fault in zip(values.tolist(), faults.tolist(), strict=True)
    ]


@given(st.lists(DECIMALS, max_size=200), EXPONENTS)
def test_a_column_is_read_as_decimal_reads_it(numbers: list[Decimal], exponent: int) -> None:
    """Every value is exact, or refused for the reason Decimal gives."""
    texts = [str(number) for number in numbers]
    found = column_result(pa.array(texts, pa.string()), exponent)
    assert found == [expected(text, exponent) for text in texts]


@given(st.lists(st.one_of(DECIMALS.map(str), JUNK), max_size=300), EXPONENTS)
def test_bad_rows_do_not_touch_their_neighbours(texts: list[str], exponent: int) -> None:
    """A column with junk in it reads like its rows one by one."""
    one_by_one = [mantissa(text, exponent) for text in texts]
    assert column_result(pa.array(texts, pa.string()), exponent) == one_by_one


@given(st.lists(INT64, max_size=50), EXPONENTS)
def test_text_of_a_mantissa_reads_back(values: list[int], exponent: int) -> None:
    """`decimal_text` and `mantissas` are inverse."""
    texts = [decimal_text(value, exponent) for value in values]
    assert column_result(pa.array(texts, pa.string()), exponent) == values
    with localcontext(prec=1_000):
        assert [Decimal(text) for text in texts] == [Decimal(v).scaleb(exponent) for v in values]


@given(st.lists(st.tuples(DECIMALS, EXPONENTS), max_size=100))
def test_each_row_may_have_an_exponent_of_its_own(rows: list[tuple[Decimal, int]]) -> None:
    """Rows of many instruments in one column read as each alone would."""
    column = pa.array([str(number) for number, _ in rows], pa.string())
    exponents = np.array([exponent for _, exponent in rows], np.int64)
    values, faults = mantissas_at(column, exponents)
    for row, (number, exponent) in enumerate(rows):
        alone = mantissa(str(number), exponent)
        found = Fault(faults[row]) if faults[row] else int(values[row])
        assert found == alone
        assert (values[row] == ABSENT) == bool(faults[row])


@pytest.mark.parametrize(
    ("text", "exponent", "found"),
    [
        ("61837.63000000", -2, 6183763),
        ("61837.63", -8, 6183763000000),
        ("1." + "0" * 60, 0, 1),
        ("5e-3", -3, 5),
        ("1.5E1", 0, 15),
        ("1e-2", -1, Fault.TOO_FINE),
        ("61837.631", -2, Fault.TOO_FINE),
        ("9223372036854775807", 0, 2**63 - 1),
        ("9223372036854775808", 0, Fault.TOO_LARGE),
        ("-9223372036854775808", 0, Fault.TOO_LARGE),  # the pattern of "absent"
        ("1e400", 0, Fault.TOO_LARGE),
        ("1e999999999999", 0, Fault.TOO_LARGE),
        ("NaN", 0, Fault.NOT_FINITE),
        ("-Infinity", 0, Fault.NOT_FINITE),
        ("", 0, Fault.MISSING),
        ("  ", 0, Fault.MISSING),
        (" 1.5 ", -1, 15),
        ("1,5", -1, Fault.NOT_A_NUMBER),
        ("0x10", 0, Fault.NOT_A_NUMBER),
        ("٣", 0, Fault.NOT_A_NUMBER),
        ("-0", 0, 0),
        ("1674200", 2, 16742),
        ("1674201", 2, Fault.TOO_FINE),
    ],
)
def test_readable_cases(text: str, exponent: int, found: int | Fault) -> None:
    """What a person would expect of each text."""
    assert column_result(pa.array([text]), exponent) == [found]


def test_a_float_is_read_at_the_digits_it_holds() -> None:
    """Shortest text, at most 15 digits: the noise of arithmetic is not a price."""
    column = pa.array([0.1, 0.0016200800000000001, 0.1 + 0.2, 1e-5, None, float("nan")])
    found = column_result(column, -8)
    assert found == [10**7, 162008, 3 * 10**7, 1000, Fault.MISSING, Fault.NOT_FINITE]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("1.50"), None]),
        pa.array(["1.5", None], pa.large_string()),
        pa.array(["1.5", None]).dictionary_encode(),
        pa.chunked_array([["1.5"], [None]]),
        pa.array([1.5, None], pa.float32()),
    ],
    ids=["decimal", "large text", "dictionary", "chunks", "float32"],
)
def test_any_kind_of_column_is_read(column: Any) -> None:
    """Text, decimals, floats, in any layout."""
    assert column_result(column, -1) == [15, Fault.MISSING]


def test_whole_numbers_are_scaled() -> None:
    """An integer column at a finer exponent."""
    column = pa.array([3, -7, 2**62], pa.int64())
    assert column_result(column, -2) == [300, -700, Fault.TOO_LARGE]


@pytest.mark.parametrize(
    ("text", "written", "needed"),
    [
        ("61837.63000000", 8, 2),
        *[("5", 0, 0), ("100", 0, 0), ("1e-5", 5, 5), ("x", 0, 0), ("", 0, 0)],
        *[("1e999999999", 0, 0), ("10e-999999999", 999_999_999, 999_999_998), ("0e-5", 5, 0)],
    ],
)
def test_spread_counts_digits(text: str, written: int, needed: int) -> None:
    """Digits after the point, as written and without zeros at the end."""
    found = spread(pa.array([text, "0"]))
    assert (int(found.written[0]), int(found.needed[0])) == (written, needed)
