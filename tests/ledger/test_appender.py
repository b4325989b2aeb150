"""The appender on a real broker: order, positions, frames, back-pressure, failure."""

import asyncio
import threading

import numpy as np
import pytest

from ledger.appender import Appender, Target
from ledger.errors import AppendStalled, Refused, UnknownInstrument
from ledger.frames import Frame, decode
from ledger.kafka import read_range
from ledger.packing import LINGER_SECONDS_MAX, RECORDS_PER_SECOND_THIN, Pace
from ledger.rows import GapState, Kind, Rows, empty
from ledger.settings import Settings
from ledger.topics import market_topic

T0 = 1_700_000_000_000_000_000


def ticks(count: int, *, instrument: int = 7, first: int = 1) -> Rows:
    rows = empty(Kind.TRADE, count)
    rows["instrument"] = instrument
    rows["event_time"] = T0 + np.arange(first, first + count)
    rows["price"] = np.arange(first, first + count)
    rows["size"] = 1
    rows["venue_seq"] = np.arange(first, first + count)
    return rows


@pytest.fixture
def target(settings: Settings) -> Target:
    """Instrument 7 in partition 1, instrument 8 in partition 2."""
    return Target(market_topic(settings.prefix, 1), settings.kafka, {7: 1, 8: 2})


def frames_in(settings: Settings, partition: int) -> list[tuple[int, Frame]]:
    topic = market_topic(settings.prefix, 1)
    from ledger.control_log import ControlLog

    log = ControlLog(settings)
    log.refresh()
    end = log.ends()[partition]
    log.close()
    records = read_range(settings.kafka, topic, partition, 0, end)
    decoded = [(record.offset, decode(record.value)) for record in records]
    assert all(isinstance(frame, Frame) for _, frame in decoded)
    return [(o, f) for o, f in decoded if isinstance(f, Frame) and f.kind is not Kind.CONTROL]


def test_positions_name_the_rows(settings: Settings, target: Target) -> None:
    """Each returned position holds exactly the row that was handed over, in order."""
    rows = np.concatenate([ticks(5000), ticks(10, instrument=8), ticks(3, first=9000)])
    with Appender(target) as appender:
        found = appender.append(Kind.TRADE, rows, source=3, loaded=True).result(20)
    held = {(p, o): f for p in (1, 2) for o, f in frames_in(settings, p)}
    for row, partition, offset, index in zip(
        rows, found.partition, found.offset, found.index, strict=True
    ):
        assert held[int(partition), int(offset)].rows[index] == row
    assert {f.header.source for f in held.values()} == {3}
    assert all(f.loaded for f in held.values())
    mine = found.partition == 1
    order = list(zip(found.offset[mine], found.index[mine], strict=True))
    assert order == sorted(order)


def test_results_can_be_awaited(target: Target) -> None:
    """A coroutine waits for positions without blocking its loop."""

    async def append() -> int:
        with Appender(target) as appender:
            pending = [appender.append(Kind.TRADE, ticks(1), source=1) for _ in range(5)]
            return len({int((await p).offset[0]) for p in pending})

    assert asyncio.run(append()) >= 1


def test_many_threads_keep_their_own_order(settings: Settings, target: Target) -> None:
    """Rows of one thread stay in its order, whatever others append; none is lost or doubled."""

    def append(appender: Appender, lane: int) -> None:
        for step in range(40):
            rows = ticks(3, first=lane * 1_000_000 + step * 3)
            appender.append(Kind.TRADE, rows, source=1)

    with Appender(target) as appender:
        threads = [threading.Thread(target=append, args=(appender, lane)) for lane in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    prices = np.concatenate([f.rows["price"] for _, f in frames_in(settings, 1)])
    for lane in range(6):
        mine = prices[prices // 1_000_000 == lane]
        assert mine.tolist() == list(range(lane * 1_000_000, lane * 1_000_000 + 120))


def test_small_appends_share_frames_under_load(settings: Settings, target: Target) -> None:
    """A flood of single ticks leaves in far fewer records than ticks."""
    with Appender(target) as appender:
        for number in range(3000):
            appender.append(Kind.TRADE, ticks(1, first=number), source=1)
    found = frames_in(settings, 1)
    assert sum(len(f.rows) for _, f in found) == 3000
    assert len(found) < 1500


def test_pace_is_thin_below_the_rate_and_lingers_above_it() -> None:
    """Below 300 records a second nothing waits; in a flood records are held for the linger."""
    pace, sent = Pace(0.0), 0
    for step in range(1000):  # 200 a second for 5 s
        assert pace.may_send(step / 200, at_once=False)
        pace.sent(1)
    pace = Pace(0.0)
    for step in range(10_000):  # tries every 0.1 ms for 1 s
        if pace.may_send(step / 10_000, at_once=False):
            pace.sent(1)
            sent += 1
    assert sent <= 2 * RECORDS_PER_SECOND_THIN + 1
    pace.sent(1_000_000)
    assert pace.may_send(1 + 2 * LINGER_SECONDS_MAX, at_once=False)


def test_an_undefined_instrument_is_refused_before_anything_is_sent(target: Target) -> None:
    """The definition must stand in the partition before the first tick."""
    rows = np.concatenate([ticks(1), ticks(1, instrument=9), ticks(1, instrument=500)])
    with Appender(target) as appender:
        with pytest.raises(UnknownInstrument, match=r"\[9, 500\]"):
            appender.append(Kind.TRADE, rows, source=1)
        appender.knows({9: 0})
        appender.append(Kind.TRADE, ticks(1, instrument=9), source=1).result(10)


def test_rows_that_would_not_decode_are_refused(target: Target) -> None:
    """What the decoder would refuse never reaches the log."""
    rows = ticks(1)
    rows["size"] = -1
    with Appender(target) as appender, pytest.raises(Refused, match="negative size"):
        appender.append(Kind.TRADE, rows, source=1)


def test_no_rows_need_no_broker(target: Target) -> None:
    """An empty append is answered at once."""
    with Appender(target) as appender:
        assert len(appender.append(Kind.TRADE, ticks(0), source=1).result(0)) == 0


def test_a_missing_sequence_becomes_a_gap_and_its_filling_a_closing(
    settings: Settings, target: Target
) -> None:
    """The gap's frame stands behind the ticks that showed it."""
    with Appender(target) as appender:
        appender.append(Kind.TRADE, ticks(4), source=1, sequenced=True)
        appender.append(Kind.TRADE, ticks(4, first=8), source=1, sequenced=True)
        appender.end_of_source(1)
        appender.append(Kind.TRADE, ticks(3, first=5), source=1, sequenced=True)
    found = [f for _, f in frames_in(settings, 1)]
    kinds = [f.kind for f in found]
    assert kinds == [Kind.TRADE, Kind.TRADE, Kind.GAP, Kind.TRADE, Kind.GAP]
    gaps = [f.rows[0] for f in found if f.kind is Kind.GAP]
    assert [int(g["state"]) for g in gaps] == [GapState.OPEN, GapState.CLOSED]
    assert all((g["first_seq"], g["last_seq"]) == (5, 7) for g in gaps)


def test_a_broker_that_is_not_there_stalls_the_appender_for_good(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing hangs: the append ends with a named error, and so does every later one."""
    monkeypatch.setattr("ledger.appender.STALL_SECONDS_MAX", 1.0)
    nobody = Target(target.topic, {"bootstrap.servers": "127.0.0.1:1"}, target.partition_of)
    appender = Appender(nobody)
    pending = appender.append(Kind.TRADE, ticks(1), source=1)
    with pytest.raises(AppendStalled, match="does not acknowledge"):
        pending.result(10)
    with pytest.raises(AppendStalled):
        appender.append(Kind.TRADE, ticks(1), source=1)
    with pytest.raises(AppendStalled):
        appender.close()


def test_memory_is_bounded_by_back_pressure(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the broker does not answer, append blocks once the bound is reached."""
    monkeypatch.setattr("ledger.appender.STALL_SECONDS_MAX", 2.0)
    monkeypatch.setattr("ledger.appender.QUEUE_BYTES_MAX", 1_000_000)
    nobody = Target(target.topic, {"bootstrap.servers": "127.0.0.1:1"}, target.partition_of)
    appender, taken = Appender(nobody), 0

    def flood() -> None:
        nonlocal taken
        for _ in range(100):
            appender.append(Kind.TRADE, ticks(2000), source=1)
            taken += 1

    with pytest.raises(AppendStalled):
        flood()
    assert taken <= 1_000_000 // (2000 * 88) + 1
    with pytest.raises(AppendStalled):
        appender.close()
