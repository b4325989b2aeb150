"""A primitive's arithmetic never changes under its number."""

import json

import pytest

from tests.indicators import golden

HELD: dict[str, str] = json.loads(golden.FILE.read_text())


@pytest.mark.usefixtures("folding")
@pytest.mark.parametrize("number", golden.numbers())
def test_the_bits_of_a_primitive_are_golden(number: int) -> None:
    """Folded over seeded prices with ties, each primitive gives the bytes it always gave."""
    assert golden.bits_of(number) == HELD[str(number)]


def test_no_number_was_ever_taken_away() -> None:
    """What has golden bits is still in the instruction set."""
    assert {int(number) for number in HELD} == set(golden.numbers())
