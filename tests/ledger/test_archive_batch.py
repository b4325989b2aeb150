"""From records to batches: tiling, proof leaves, verdicts, against a small model."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from ledger import control
from ledger.archive_batch import VOID_OFFSETS_MAX, Builder
from ledger.archive_columns import NEWER, UNDECODABLE, VOID
from ledger.archive_shapes import NO_EVENT_TIME, Batch
from ledger.archive_streams import LAST_VIEW, Key, Mark, Stream
from ledger.errors import AttachRefused, ForeignLedger
from ledger.frames import Header, encode, encode_control
from ledger.kafka import Record
from ledger.positions import LedgerId
from ledger.rows import Kind
from tests.fixtures_archive import T0, copy_of, event_record, features, newer_record, ticks, trades
from tests.samples import CONTROL_EVENTS, WHO, sample_header, sample_rows

STREAMS = {
    "m": Stream(1, 1, "m", 0, "t.market.e1", "id"),
    "f": Stream(2, 1, "f", 0, "t.features.e1", "id"),
    "c": Stream(3, 0, "c", 0, "t.control", "id"),
}
OURS = LedgerId(bytes.fromhex("7f" * 16))
VALUES = [
    trades(ticks(3)),
    trades(ticks(1, instrument=9, first=5)),
    encode(sample_header(Kind.QUOTE), sample_rows(Kind.QUOTE)),
    encode(sample_header(Kind.GAP), sample_rows(Kind.GAP)),
    encode(sample_header(Kind.HEARTBEAT), sample_rows(Kind.HEARTBEAT)),
    copy_of(0, CONTROL_EVENTS[0]),
    copy_of(1, CONTROL_EVENTS[3]),
    features(4, range(2)),
    newer_record(),
    b"",
    b"fldg and nothing behind it",
]


def record(offset: int, value: bytes, *, stamp: int = T0) -> Record:
    return Record("t", 0, offset, stamp, value)


def batch_of(*values: bytes, letter: str = "m", before: Mark | None = None) -> Batch:
    start = before or Mark()
    builder = Builder(STREAMS[letter], start, OURS)
    for at, value in enumerate(values):
        builder.add(record(start.next_offset + at, value, stamp=T0 + at))
    return builder.build()


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """A log with holes, broker clocks that jump, and records of every sort."""
    offset, out = 0, []
    for _ in range(draw(st.integers(1, 12))):
        offset += draw(st.sampled_from([0, 0, 0, 1, 3]))
        stamp = T0 + draw(st.integers(-5, 5))
        out.append(record(offset, draw(st.sampled_from(VALUES)), stamp=stamp))
        offset += 1
    return out


@profile(max_examples=200, deadline=None)
@given(log=logs(), cuts=st.sets(st.integers(1, 11)))
def test_batches_tile_the_log_however_it_is_split(log: list[Record], cuts: set[int]) -> None:
    """Every offset is once in the manifest, with its own leaf; splitting changes nothing."""
    bounds = sorted({0, *(cut for cut in cuts if cut < len(log)), len(log)})
    mark, frames, batches = Mark(), [], []
    for first, end in pairwise(bounds):
        builder = Builder(STREAMS["m"], mark, OURS)
        for item in log[first:end]:
            builder.add(item)
        batches.append(builder.build())
        assert batches[-1].before == mark
        mark = batches[-1].after
        frames += batches[-1].frames.tolist()
    assert [frame[0] for frame in frames] == list(range(log[-1].offset + 1))
    held = {item.offset: item for item in log}
    running = 0
    for offset, kind, _, _, _, stamp, known_at, leaf, _, _ in frames:
        item = held.get(offset)
        running = max(running, item.stamp_ns if item else 0)
        assert known_at == running
        assert (kind == VOID) == (item is None)
        value = item.value if item else None
        expected = bytes(32) if value is None else hashlib.sha256(b"\0" + value).digest()
        assert (leaf, stamp) == (expected, item.stamp_ns if item else 0)
    whole = Builder(STREAMS["m"], Mark(), OURS)
    for item in log:
        whole.add(item)
    assert whole.build().frames.tolist() == frames
    assert whole.build().after == mark


@profile(max_examples=100, deadline=None)
@given(log=logs())
def test_every_row_of_every_frame_has_its_place(log: list[Record]) -> None:
    """Rows plus raw records plus control events are all there is, each at its offset."""
    builder = Builder(STREAMS["m"], Mark(), OURS)
    for item in log:
        builder.add(item)
    batch = builder.build()
    rows = {}
    for block in batch.blocks:
        for offset, index in zip(
            np.asarray(block.places["offset"]), np.asarray(block.places["index"]), strict=True
        ):
            assert (offset, index) not in rows
            rows[int(offset), int(index)] = block.kind
    raws = {raw.offset for raw in batch.raws}
    controls = {row.offset for row in batch.controls}
    for offset, kind, count, *_ in batch.frames.tolist():
        here = [index for at, index in rows if at == offset]
        if kind <= 0:
            assert not here
            assert (offset in raws) == (kind != VOID)
        elif kind == Kind.CONTROL:
            assert offset in controls
        else:
            assert sorted(here) == list(range(count))


def test_undecodable_and_newer_records_are_kept_whole() -> None:
    """The archive covers their offsets, says why, and goes on."""
    batch = batch_of(b"abc", newer_record(), trades(ticks(1)))
    assert batch.frames["kind"].tolist() == [UNDECODABLE, NEWER, Kind.TRADE]
    assert [raw.reason for raw in batch.raws] == ["too short", "newer: kind 77, version 1"]
    assert [raw.raw for raw in batch.raws] == [b"abc", newer_record()]


@pytest.mark.parametrize(
    ("letter", "value"),
    [("m", features(1, range(1))), ("f", trades(ticks(1))), ("c", trades(ticks(1)))],
)
def test_a_frame_in_the_wrong_topic_is_kept_raw(letter: str, value: bytes) -> None:
    """A fold would not look for it there; it is no event, and no byte of it is lost."""
    batch = batch_of(value, letter=letter)
    assert batch.raws[0].reason.startswith("misplaced: ")
    assert batch.frames["kind"].tolist() == [UNDECODABLE]
    assert not batch.blocks


def test_event_ranges_are_those_of_the_rows() -> None:
    """Look-ups by time go through the manifest; what has no event time overlaps nothing."""
    beat = encode(sample_header(Kind.HEARTBEAT), sample_rows(Kind.HEARTBEAT))
    batch = batch_of(trades(ticks(5)), beat, trades(ticks(2, first=9)))
    ranges = batch.frames[["event_first", "event_last"]].tolist()
    assert ranges == [(T0 + 1000, T0 + 5000), NO_EVENT_TIME, (T0 + 9000, T0 + 10_000)]


def test_copies_are_accepted_in_sequence_only() -> None:
    """Go-back-N: a repeat and a jump are archived and have no effect."""
    events = [copy_of(sequence, CONTROL_EVENTS[3]) for sequence in (0, 1, 1, 3, 2)]
    batch = batch_of(*events)
    assert [row.accepted for row in batch.controls] == [True, True, False, False, True]
    assert batch.after.control_through == 2


def test_control_events_are_numbered_by_their_place() -> None:
    """In the control topic the sequence counts the decodable events, whatever a build makes of
    their type, and nothing else."""
    strange = encode(Header(Kind.TRADE), ticks(1))
    unknown = encode_control(Header(Kind.CONTROL), {"type": "OfALaterBuild"})
    first, last = event_record(CONTROL_EVENTS[3]), event_record(CONTROL_EVENTS[4])
    batch = batch_of(first, b"?", unknown, strange, last, letter="c")
    numbered = [(row.sequence, row.accepted) for row in batch.controls]
    assert numbered == [(0, True), (1, True), (2, True)]
    assert batch.after.control_through == 2


def test_another_ledgers_beginning_is_refused() -> None:
    """EpochStarted names its ledger; a foreign one is refused by name and position."""
    foreign = control.EpochStarted(**WHO, ledger="ab" * 16, epoch=1, partitions=1)
    for letter, value in (("c", event_record(foreign)), ("m", copy_of(0, foreign))):
        with pytest.raises(ForeignLedger, match="abab") as refused:
            batch_of(value, letter=letter)
        assert refused.value.position == f"{letter}0:0:0"


def test_a_hole_no_broker_leaves_is_refused() -> None:
    """A marker or two is a void; a hundred thousand offsets are a broken log."""
    builder = Builder(STREAMS["m"], Mark(), OURS)
    with pytest.raises(AttachRefused, match="no records"):
        builder.add(record(VOID_OFFSETS_MAX + 1, b""))


def test_known_feature_keys_are_repeats() -> None:
    """Only a frame behind the greatest key is expanded; the greatest key goes on with the mark."""
    first = batch_of(features(4, range(3)), features(4, range(3)), letter="f")
    assert [repeat.record.offset for repeat in first.repeats] == [1]
    assert first.after.key == Key(4, 5, 2)
    second = batch_of(features(4, range(3)), features(5, range(1)), letter="f", before=first.after)
    assert [repeat.record.offset for repeat in second.repeats] == [2]
    assert second.after.key == Key(5, 5, 0)


def test_rows_behind_the_greatest_key_are_new_even_in_a_repeating_frame() -> None:
    """A frame that begins with known keys keeps its bytes, and its new rows are expanded."""
    batch = batch_of(features(4, range(3)), features(4, range(1, 5)), letter="f")
    (block,) = batch.blocks
    assert np.asarray(block.places["ordinal"]).tolist() == [0, 1, 2, 3, 4]
    assert np.asarray(block.places["index"]).tolist() == [0, 1, 2, 2, 3]
    assert [raw.reason for raw in batch.raws] == ["overlap"]


def test_progress_is_the_last_key_of_its_cause() -> None:
    """Features of the same cause cannot follow it; those of the next can."""
    progress = encode(Header(Kind.PROGRESS, cause=4, view=-1), sample_rows(Kind.PROGRESS))
    batch = batch_of(progress, features(4, range(1)), features(5, range(1)), letter="f")
    assert [repeat.record.offset for repeat in batch.repeats] == [1]
    assert batch_of(progress, letter="f").after.key == Key(4, LAST_VIEW, 1)
