"""Frames: bytes in, rows out, and nothing ever raised."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import control
from ledger.frames import (
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    Frame,
    Header,
    Newer,
    Undecodable,
    canonical_json,
    decode,
    encode,
    encode_control,
    rebuild,
    rows_max,
)
from ledger.rows import ABSENT, LAYOUTS, Kind, empty, feature_dtype
from tests.samples import (
    CONTROL_EVENTS,
    ROW_KINDS,
    any_rows,
    golden_records,
    sample_header,
    sample_rows,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "frames_v1.json"


@pytest.mark.parametrize("name", sorted(golden_records()))
def test_golden_bytes_never_change(name: str) -> None:
    """The bytes of every kind of event are those of the first build that wrote it."""
    golden = json.loads(GOLDEN.read_text())
    assert golden_records()[name].hex() == golden[name]


def test_every_kind_and_control_event_has_golden_bytes() -> None:
    """Nothing is shipped without its golden bytes."""
    golden = json.loads(GOLDEN.read_text())
    kinds = {kind.name for kind in Kind if kind is not Kind.CONTROL}
    events = {f"CONTROL {type(event).__name__}" for event in CONTROL_EVENTS}
    assert set(golden) == kinds | events
    assert len(events) == len(control.Event.__args__[0].__args__)  # type: ignore[attr-defined]


@given(st.data(), st.sampled_from(ROW_KINDS))
def test_rows_round_trip(data: st.DataObject, kind: Kind) -> None:
    """decode(encode(rows)) gives the same rows, header and bytes, for every kind."""
    rows = data.draw(any_rows(kind))
    record = encode(sample_header(kind), rows)
    frame = decode(record)
    assert isinstance(frame, Frame), frame
    assert frame.rows.tobytes() == rows.tobytes()
    assert frame.header._replace(crc=0) == sample_header(kind)._replace(count=len(rows))
    assert rebuild(record[:HEADER_BYTES], frame.rows.tobytes()) == record


@given(st.binary(max_size=400))
def test_any_bytes_decode_to_something(record: bytes) -> None:
    """Decoding is total on arbitrary bytes."""
    assert isinstance(decode(record), Frame | Undecodable | Newer)


@given(st.data(), st.sampled_from([*ROW_KINDS, Kind.CONTROL]))
def test_a_mutated_record_never_passes_for_another(data: st.DataObject, kind: Kind) -> None:
    """Any change of bytes is undecodable: the checksum covers header and body."""
    record = bytearray(_record(kind))
    at = data.draw(st.integers(0, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    assert isinstance(decode(bytes(record)), Undecodable)


@given(st.data(), st.sampled_from([*ROW_KINDS, Kind.CONTROL]))
def test_mutation_with_a_mended_checksum_is_total(data: st.DataObject, kind: Kind) -> None:
    """Even a forger's record decodes to a frame whose bytes can be rebuilt, or to none."""
    record = _record(kind)
    body = bytearray(record[HEADER_BYTES:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        body = body[: data.draw(st.integers(0, len(body)))]
    forged = _resealed(record[:HEADER_BYTES], bytes(body))
    frame = decode(forged)
    assert isinstance(frame, Frame | Undecodable | Newer)
    if isinstance(frame, Frame) and frame.control is None:
        assert rebuild(forged[:HEADER_BYTES], frame.rows.tobytes()) == forged
    if isinstance(frame, Frame) and frame.control is not None:
        assert canonical_json(frame.control) == bytes(body)


def _record(kind: Kind) -> bytes:
    if kind is Kind.CONTROL:
        return encode_control(Header(kind), control.dump(CONTROL_EVENTS[2]))
    return encode(sample_header(kind), sample_rows(kind))


def _resealed(header: bytes, body: bytes) -> bytes:
    import google_crc32c

    zeroed = header[:-4] + bytes(4)
    crc = google_crc32c.extend(google_crc32c.value(zeroed), body)
    return header[:-4] + crc.to_bytes(4, "little") + body


@pytest.mark.parametrize(("at", "value"), [(4, 99), (5, 2)])
def test_a_valid_envelope_of_a_later_build_is_newer(at: int, value: int) -> None:
    """An unknown kind or a higher version is told apart from damage."""
    record = _record(Kind.TRADE)
    header = bytearray(record[:HEADER_BYTES])
    header[at] = value
    found = decode(_resealed(bytes(header), record[HEADER_BYTES:]))
    assert found == Newer(header[4], header[5])


@pytest.mark.parametrize(
    ("kind", "field", "value", "reason"),
    [
        (Kind.TRADE, "instrument", -1, "instrument"),
        (Kind.TRADE, "size", -1, "size"),
        (Kind.TRADE, "price", ABSENT, "price"),
        (Kind.TRADE, "event_time", -1, "event_time"),
        (Kind.TRADE, "event_time", 2**62 + 1, "event_time"),
        (Kind.TRADE, "received_at", -5, "received_at"),
        (Kind.TRADE, "aggressor", 3, "aggressor"),
        (Kind.TRADE, "flags", 1 << 31, "flag"),
        (Kind.TRADE, "pad", np.void(b"\0\0\0\0\0\0\1"), "padding"),
        (Kind.QUOTE, "bid_size", -2, "bid size"),
        (Kind.QUOTE, "ask", ABSENT, "ask size without"),
        (Kind.BAR, "high", 0, "high or low"),
        (Kind.BAR, "interval", 0, "interval"),
        (Kind.BAR, "volume", -1, "volume"),
        (Kind.AMEND, "target_kind", 9, "target kind"),
        (Kind.AMEND, "action", 0, "action"),
        (Kind.GAP, "last_seq", 0, "sequence"),
        (Kind.GAP, "time_after", 0, "time range"),
        (Kind.GAP, "feed", 6, "feed"),
        (Kind.GAP, "state", 3, "state"),
        (Kind.CLOCK, "feed", 0, "feed"),
        (Kind.CLOCK, "interval", 5, "interval"),
        (Kind.HEARTBEAT, "reason", 0, "reason"),
        (Kind.FEATURE, "end", 0, "ends before"),
        (Kind.FEATURE, "values", np.uint64(0x7FF8000000000001).view("f8"), "NaN"),
    ],
)
def test_a_field_out_of_range_is_undecodable(
    kind: Kind, field: str, value: object, reason: str
) -> None:
    """Every range check is in the decoder, so whatever comes after it is total."""
    rows = sample_rows(kind)
    rows[field][0] = value
    found = decode(encode(sample_header(kind), rows))
    assert isinstance(found, Undecodable)
    assert reason in found.reason


def test_a_full_frame_stays_inside_the_limit() -> None:
    """The most rows a frame holds fit the byte limit, and one more is refused."""
    for kind, layout in [*LAYOUTS.items(), (Kind.FEATURE, feature_dtype(40))]:
        most = rows_max(layout.itemsize)
        assert len(encode(Header(kind), np.zeros(most, layout))) <= FRAME_BYTES_MAX
        with pytest.raises(ValueError, match="do not fit"):
            encode(Header(kind), np.zeros(most + 1, layout))


def test_no_rows_make_no_frame() -> None:
    """An empty frame would be a record that says nothing."""
    with pytest.raises(ValueError, match="do not fit"):
        encode(Header(Kind.TRADE), empty(Kind.TRADE, 0))


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "Tagged"}',
        b'{"b":1,"a":2,"type":"x"}',
        b"[]",
        b'{"type":1}',
        b'{"type":"x","v":1.5}',
        b'{"type":"x","v":NaN}',
        b'{"type":"\\u0000"}',
        b'{"type":"\\ud800"}',
        b"[" * 200_000,
        b"\xff",
        b'{"type":"x","v":9223372036854775808}',
        b'{"a":1,"a":1,"type":"x"}',
        b"",
    ],
)
def test_only_canonical_control_events_decode(body: bytes) -> None:
    """A control event has one spelling, holds no float, and fits jsonb."""
    header = _record(Kind.CONTROL)[:HEADER_BYTES]
    assert isinstance(decode(_resealed(header, body)), Undecodable)
