"""Positions and cuts: printed, parsed, compared."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ForeignLedger, UsageError
from ledger.positions import Cut, LedgerId, Position, partition_of

OURS, THEIRS = LedgerId(bytes(range(16))), LedgerId(bytes(16))
offsets = st.integers(0, 2**62)
cuts = st.builds(Cut, st.integers(1, 9), st.lists(offsets, min_size=1, max_size=40).map(tuple))
positions = st.builds(
    Position, st.sampled_from("mfc"), st.integers(0, 999), offsets, st.integers(0, 4095)
)


@given(cuts)
def test_a_cut_reads_back_from_both_forms(cut: Cut) -> None:
    """parse(str(cut)) and parse(cite) give the cut, for few and for many partitions."""
    assert Cut.parse(str(cut)) == cut
    assert Cut.parse(cut.cite(OURS), ledger=OURS) == cut


@given(positions, st.integers(1, 9))
def test_a_position_reads_back_from_both_forms(position: Position, epoch: int) -> None:
    """The short form inside a ledger, the full form everywhere."""
    assert Position.parse(str(position)) == position
    assert Position.parse(position.cite(OURS, epoch), ledger=OURS) == position


def test_the_text_forms_are_golden() -> None:
    """People cite these; they never change."""
    assert str(Position("m", 2, 9031, 17)) == "m2:9031:17"
    assert Position("f", 0, 1, 0).cite(OURS, 1) == f"L{OURS.hex()}/e1/f0:1:0"
    assert str(Cut(2, (9031, 8800))) == "e2@0:9031,1:8800"
    assert (
        str(Cut(1, tuple(range(126, 143)))) == "e1~fn-AAYEBggGDAYQBhQGGAYcBiAGJAYoBiwGMAY0BjgFIozE7"
    )


@given(cuts, st.data())
def test_a_damaged_long_cut_is_refused(cut: Cut, data: st.DataObject) -> None:
    """The check finds a changed or shortened cut."""
    text = str(Cut(cut.epoch, cut.offsets * 17))
    at = data.draw(st.integers(text.index("~") + 1, len(text) - 6))
    other = "A" if text[at] != "A" else "B"
    with pytest.raises(UsageError):
        Cut.parse(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    "text",
    ["", "e1", "e1@", "e1@1:5", "e1@0:5,2:6", "e0@0:1", "e1@0:-1", "e1~", "x1@0:1", "e1@0:5,"],
)
def test_what_is_no_cut_is_refused(text: str) -> None:
    """The message shows how one looks."""
    with pytest.raises(UsageError) as caught:
        Cut.parse(text)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "m2:9031", "x2:1:0", "m-1:0:0", "2:9031:17"])
def test_what_is_no_position_is_refused(text: str) -> None:
    """A bare offset names no event: two topics have the same partitions."""
    with pytest.raises(UsageError):
        Position.parse(text)


def test_another_ledgers_cut_is_refused_by_name() -> None:
    """A citation knows where it comes from."""
    with pytest.raises(ForeignLedger, match=THEIRS.hex()):
        Cut.parse(Cut(1, (5,)).cite(THEIRS), ledger=OURS)
    with pytest.raises(ForeignLedger, match=THEIRS.hex()):
        Position.parse(Position("m", 0, 1).cite(THEIRS, 1), ledger=OURS)


@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=3, max_size=3))
def test_cuts_are_partly_ordered(vectors: list[list[int]]) -> None:
    """≤ is reflexive, antisymmetric and transitive, and compare names what holds."""
    a, b, c = (Cut(1, tuple(v)) for v in vectors)
    assert a <= a
    assert (a <= b and b <= a) == (a == b)
    assert not (a <= b and b <= c) or a <= c
    assert {"=": a == b, "<": a < b, ">": a > b, "incomparable": not (a <= b or b <= a)}[
        a.compare(b)
    ]


def test_a_later_epoch_contains_the_earlier() -> None:
    """Order across epochs is lexicographic, whatever the number of partitions."""
    assert Cut(1, (100, 100)) < Cut(2, (0, 0, 0, 0))


@given(st.text(min_size=1, max_size=30), st.integers(1, 64))
def test_partitioning_is_the_written_rule(symbol: str, partitions: int) -> None:
    """SHA-256 of the symbol, its first 8 bytes little-endian, modulo the partitions."""
    digest = hashlib.sha256(symbol.encode()).digest()
    assert partition_of(symbol, partitions) == int.from_bytes(digest[:8][::-1]) % partitions


def test_partitions_of_known_instruments_are_golden() -> None:
    """Moving an instrument to another partition would split its history."""
    found = {s: partition_of(s, 4) for s in ("BTCUSDT.BINANCE", "BTCUSDT-PERP.BINANCE", "SPY.USA")}
    assert found == {"BTCUSDT.BINANCE": 2, "BTCUSDT-PERP.BINANCE": 1, "SPY.USA": 1}
