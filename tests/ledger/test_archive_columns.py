"""Rows into PostgreSQL and back: the same bits, for every kind, drawn at random."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from ledger.archive_columns import TABLES, layout
from ledger.archive_rebuild import shelve
from ledger.engines import Addresses
from ledger.postgres import Database, Role
from ledger.rows import Kind, Rows, feature_dtype
from ledger.settings import Settings
from tests.fixtures_archive import as_role, new_ledger
from tests.samples import ROW_KINDS, any_rows, sample_rows

_OFFSETS = itertools.count(1_000_000)
BITS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def ledger(engines: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return new_ledger(engines, tmp_path_factory.mktemp("columns"), partitions=1)


def places(count: int, offset: int, kind: Kind, stream: int) -> dict[str, object]:
    base = {"stream": stream, "offset": offset, "index": np.arange(count)}
    if kind in (Kind.FEATURE, Kind.PROGRESS):
        base |= {"view": 7, "cause": offset, "ordinal": np.arange(count)}
    return base


def round_trip(writer: Database, kind: Kind, rows: Rows) -> Rows:
    """Through COPY into the leaf and out of the table again."""
    offset = next(_OFFSETS)
    letter = "f" if kind in (Kind.FEATURE, Kind.PROGRESS) else "m"
    stream = writer.value("SELECT stream FROM stream WHERE letter = %s", [letter])
    outputs = rows["values"].shape[1] if kind is Kind.FEATURE else 0
    form = layout(kind, outputs)
    packed = form.pack(rows, places(len(rows), offset, kind, stream))  # type: ignore[arg-type]
    writer.copy_in(f"{TABLES[kind]}_e1_{letter}0", form.names, [packed])
    (shelf,) = shelve(writer, kind, stream, offset, offset + 1)
    assert shelf.places["index"].tolist() == list(range(len(rows)))
    assert not shelf.strays.any()
    return shelf.rows


@pytest.mark.parametrize("kind", ROW_KINDS)
@profile(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_rows_come_back_bit_for_bit(ledger: Settings, kind: Kind, data: st.DataObject) -> None:
    """COPY in, read out: every field of every kind keeps every bit."""
    rows = data.draw(any_rows(kind))
    with as_role(ledger, Role.WRITER) as writer:
        assert round_trip(writer, kind, rows).tobytes() == rows.tobytes()


@profile(max_examples=50, suppress_health_check=list(HealthCheck), deadline=None)
@given(bits=st.lists(st.lists(BITS, min_size=2, max_size=2), min_size=1, max_size=4))
def test_values_keep_any_bits(ledger: Settings, bits: list[list[int]]) -> None:
    """A feature is its 64 bits: signed zeros, infinities, NaNs of any pattern."""
    rows = np.zeros(len(bits), feature_dtype(2))
    rows["start"] = [next(_OFFSETS) for _ in bits]
    rows["values"] = np.array(bits, "<u8").view("<f8")
    with as_role(ledger, Role.WRITER) as writer:
        assert round_trip(writer, Kind.FEATURE, rows).tobytes() == rows.tobytes()


@pytest.mark.parametrize("count", [1, 20_000])
def test_a_block_of_any_size_comes_back(ledger: Settings, count: int) -> None:
    """One row, or more than one network buffer of them."""
    rows = np.resize(sample_rows(Kind.QUOTE), count)
    rows["venue_seq"] = np.arange(count)
    with as_role(ledger, Role.WRITER) as writer:
        assert round_trip(writer, Kind.QUOTE, rows).tobytes() == rows.tobytes()


def test_a_number_too_large_for_its_field_is_a_stray(ledger: Settings) -> None:
    """258 in a smallint would read as the byte 2: what no frame can hold is told apart."""
    form, rows = layout(Kind.TRADE), sample_rows(Kind.TRADE)
    with as_role(ledger, Role.WRITER) as writer:
        stream = writer.value("SELECT stream FROM stream WHERE letter = 'm'")
        offset = next(_OFFSETS)
        packed = form.pack(rows, places(2, offset, Kind.TRADE, stream))  # type: ignore[arg-type]
        block = np.frombuffer(bytearray(packed), form.copied)
        block["aggressor"][1] = 258
        writer.copy_in("trade_e1_m0", form.names, [block.view(np.uint8).data])
        (shelf,) = shelve(writer, Kind.TRADE, stream, offset, offset + 1)
    assert shelf.strays.tolist() == [False, True]


def test_packing_leaves_nothing_of_the_last_block_behind() -> None:
    """The template is copied, never written: two blocks of other sizes and values are clean."""
    form = layout(Kind.CLOCK)
    rows = sample_rows(Kind.CLOCK)
    first = bytes(form.pack(rows, places(2, 5, Kind.CLOCK, 1)))  # type: ignore[arg-type]
    form.pack(rows[:1], places(1, 99, Kind.CLOCK, 2))  # type: ignore[arg-type]
    assert bytes(form.pack(rows, places(2, 5, Kind.CLOCK, 1))) == first  # type: ignore[arg-type]
