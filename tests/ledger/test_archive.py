"""Reading the archive: facts of a feed, how far it is, what it adds up to, in words."""

import json
import threading
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from ledger import control
from ledger.archive import Archive
from ledger.archive_facts import SPAN_GAP_FRAMES_MAX, spans
from ledger.archive_feeds import MAX_AHEAD_NS
from ledger.archive_look import COUNT_SECONDS_MAX
from ledger.archive_write import trim_runs
from ledger.archiver import Archiver
from ledger.engines import Addresses
from ledger.errors import IntegrityBroken, Refused
from ledger.frames import Header, encode
from ledger.postgres import Role
from ledger.rows import ABSENT, GapState, Kind, Rows, empty
from ledger.settings import Settings
from tests.fixtures_archive import (
    SECOND,
    T0,
    as_role,
    catch_up,
    copy_of,
    defined,
    event_record,
    fill_with_one_of_each,
    new_ledger,
    send,
    ticks,
    trades,
)
from tests.samples import WHO, sample_rows


@pytest.fixture
def ledger(engines: Addresses, tmp_path: Path) -> Settings:
    """A fresh ledger of two partitions."""
    return new_ledger(engines, tmp_path)


def gap(first: int, last: int, state: GapState) -> bytes:
    rows = empty(Kind.GAP, 1)
    rows["first_seq"], rows["last_seq"], rows["state"] = first, last, state
    rows["time_before"], rows["time_after"] = T0, T0 + 1
    rows["instrument"], rows["feed"] = 3, Kind.TRADE
    return encode(Header(Kind.GAP), rows)


# ---- facts --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(
    engines: Addresses, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, list[tuple[int, Rows]]]:
    """400 records of two instruments, times in no order, a backfill behind; and what was sent."""
    settings = new_ledger(engines, tmp_path_factory.mktemp("facts"), partitions=1)
    random, sent = np.random.default_rng(7), []
    values = []
    for number in range(400):
        count = int(random.integers(1, 30))
        rows = ticks(count, first=1 + number * 100)
        rows["instrument"] = random.integers(3, 5, count)
        rows["event_time"] = T0 + random.integers(0, 1000, count) + (number % 370) * 500
        values.append(trades(rows))
        sent.append((number + 1, rows))  # behind EpochStarted's copy
    send(settings, "m", 0, values)
    catch_up(settings)
    return settings, sent


@pytest.mark.parametrize(
    ("first", "last"), [(0, 200_000), (0, 0), (5_000, 5_499), (150_000, 160_000), (-9, -1)]
)
def test_facts_between_two_times_are_exactly_those(
    mixed: tuple[Settings, list[tuple[int, Rows]]], first: int, last: int
) -> None:
    """Against the rows that were sent: same bits, same order, right offsets."""
    settings, sent = mixed
    expected, offsets = [], []
    for offset, rows in sent:
        times = rows["event_time"] - T0
        mine = rows[(rows["instrument"] == 3) & (times >= first) & (times <= last)]
        expected.append(mine)
        offsets += [offset] * len(mine)
    with Archive(settings) as archive:
        found, at = archive.facts_between(Kind.TRADE, 3, T0 + first, T0 + last)
    assert found.tobytes() == np.concatenate(expected).tobytes()
    assert at.tolist() == offsets


def test_an_unknown_feed_has_no_facts(mixed: tuple[Settings, list[tuple[int, Rows]]]) -> None:
    """Empty arrays of the right type, and no newest."""
    with Archive(mixed[0]) as archive:
        rows, offsets = archive.facts_between(Kind.QUOTE, 3, 0, 2**62)
        assert (len(rows), len(offsets), rows.dtype) == (0, 0, empty(Kind.QUOTE, 0).dtype)
        assert archive.newest(Kind.QUOTE, 3) is None


def test_suspect_facts_are_as_if_not_appended(ledger: Settings) -> None:
    """A tick far ahead of the broker's clock is left out of look-ups and moves no newest."""
    ahead = ticks(2)
    ahead["event_time"] = [T0, time.time_ns() + MAX_AHEAD_NS + 3600 * SECOND]
    send(ledger, "m", 0, [trades(ahead)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        rows, _ = archive.facts_between(Kind.TRADE, 3, 0, 2**62)
        assert rows["event_time"].tolist() == [T0]
        assert archive.newest(Kind.TRADE, 3) == T0


def test_gaps_and_clocks_are_facts_of_their_instrument_too(ledger: Settings) -> None:
    """Kinds that are no feed are found by their own times."""
    send(ledger, "m", 0, [gap(5, 9, GapState.OPEN)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        rows, offsets = archive.facts_between(Kind.GAP, 3, T0 + 1, T0 + 9)
    assert (rows["first_seq"].tolist(), offsets.tolist()) == ([5], [1])


def test_a_clock_counts_for_newest(ledger: Settings) -> None:
    """Nothing before a Clock follows: what comes is measured against it."""
    clock = empty(Kind.CLOCK, 1)
    clock["instrument"], clock["feed"], clock["time"] = 3, Kind.TRADE, T0 + SECOND
    send(ledger, "m", 0, [trades(ticks(1)), encode(Header(Kind.CLOCK), clock)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.newest(Kind.TRADE, 3) == T0 + SECOND
        assert archive.newest(Kind.TRADE, 3, interval_ns=60) is None


def test_spans_join_neighbours_and_part_what_is_far() -> None:
    """A few reads cover the frames; a backfill far behind does not read what lies between."""
    far = SPAN_GAP_FRAMES_MAX + 10
    frames = np.zeros(4, [("offset", "<i8"), ("stamp", "<i8"), ("count", "<i4")])
    frames["offset"] = [5, 7, 7 + far, 8 + far]
    frames["count"] = 10
    assert spans(frames) == [(5, 7), (7 + far, 8 + far)]
    frames["count"] = 600_000
    assert len(spans(frames)) >= 3, "one read stays below the limit of a block"
    assert spans(frames[:0]) == []


def test_many_facts_are_read_quickly(ledger: Settings) -> None:
    """What a second load of a big file asks for: 290,000 rows come in well under 3 s."""
    send(ledger, "m", 0, [trades(ticks(2900, first=1 + n * 2900)) for n in range(100)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        began = time.monotonic()
        rows, _ = archive.facts_between(Kind.TRADE, 3, 0, 2**62)
        took = time.monotonic() - began
    assert (np.diff(rows["venue_seq"]) == 1).all()
    assert len(rows) == 290_000
    assert took < 3


# ---- sequences and gaps -------------------------------------------------------------------------


def test_runs_survive_batches_and_restarts(ledger: Settings) -> None:
    """What arrived is kept as runs, joined over batches, per source."""
    send(ledger, "m", 0, [trades(ticks(3, first=1)), trades(ticks(3, first=7))])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert [run[:2] for run in archive.runs(1, Kind.TRADE, 3)] == [(1, 3), (7, 9)]
        assert archive.runs(1, Kind.TRADE, 3)[1].first_time == T0 + 7000
    send(ledger, "m", 0, [trades(ticks(3, first=4)), trades(ticks(1, first=20), source=2)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert [run[:2] for run in archive.runs(1, Kind.TRADE, 3)] == [(1, 9)]
        assert archive.last_sequences(1, Kind.TRADE, [3, 4]).tolist() == [9, 0]
        assert archive.last_sequences(2, Kind.TRADE, [3]).tolist() == [20]


def test_stored_runs_are_bounded_like_those_in_memory(ledger: Settings) -> None:
    """A scope beyond the limit joins its oldest runs, as the appender's memory does."""
    send(ledger, "m", 0, [trades(ticks(2, first=n)) for n in (1, 11, 21, 31, 41)])
    send(ledger, "m", 0, [trades(ticks(2, first=n), source=2) for n in (1, 11)])
    catch_up(ledger)
    with as_role(ledger, Role.WRITER) as db:
        stream = db.value("SELECT stream FROM stream WHERE letter = 'm' AND partition = 0")
        trim_runs(db, stream, 3)
        trim_runs(db, stream, 3)
    with Archive(ledger) as archive:
        mine = archive.runs(1, Kind.TRADE, 3)
        assert [run[:2] for run in mine] == [(1, 22), (31, 32), (41, 42)]
        assert (mine[0].first_time, mine[0].last_time) == (T0 + 1000, T0 + 22_000)
        assert [run[:2] for run in archive.runs(2, Kind.TRADE, 3)] == [(1, 2), (11, 12)]


def test_the_feeds_of_a_source_are_those_it_brought(ledger: Settings) -> None:
    """A Clock for a source goes to its feeds and to no others."""
    send(ledger, "m", 0, [trades(ticks(3)), trades(ticks(2, instrument=4), source=2)])
    send(ledger, "m", 1, [trades(ticks(2, instrument=5), source=2)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert [(feed.instrument, feed.events) for feed in archive.feeds_of(2)] == [(4, 2), (5, 2)]
        assert archive.feeds_of(99) == []


def test_an_appender_starts_with_what_is_archived(ledger: Settings) -> None:
    """Runs, open gaps and newest times seed the watch: a restart finds no gap twice."""
    send(ledger, "m", 0, [trades(ticks(3, first=1)), trades(ticks(3, first=7))])
    send(ledger, "m", 0, [gap(4, 6, GapState.OPEN), gap(90, 91, GapState.OPEN)])
    send(ledger, "m", 0, [gap(90, 91, GapState.CLOSED)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.open_gaps() == 1
        watch = archive.gap_watch()
    assert not len(watch.due(1, ended=True)), "the gap is known, and still open"
    watch.observe(1, Kind.TRADE, ticks(3, first=4))
    closing = watch.due(1)
    assert (closing["state"].tolist(), closing["first_seq"].tolist()) == ([GapState.CLOSED], [4])


# ---- how far, when ------------------------------------------------------------------------------


def test_the_first_offset_known_since_a_time(ledger: Settings) -> None:
    """A search by halves agrees with looking at every frame; before and after are told apart."""
    for number in range(1, 30):
        send(ledger, "m", 0, [trades(ticks(1, first=number))])
    catch_up(ledger)
    with Archive(ledger) as archive:
        known = archive.db.rows('SELECT known_at FROM frame_e1_m0 ORDER BY "offset"')
        times = [moment for (moment,) in known]
        for moment in {0, times[0], times[-1], *times, *(t + 1 for t in times)}:
            expected = next((at for at, time in enumerate(times) if time >= moment), None)
            assert archive.first_known_since(0, moment) == expected


def test_an_empty_stream_knows_no_moment(ledger: Settings) -> None:
    """Nothing archived: no offset, rather than offset 0."""
    with Archive(ledger) as archive:
        assert archive.first_known_since(0, 0) is None


def test_places_and_totals_say_what_the_tables_hold(ledger: Settings) -> None:
    """The maintained sums equal what counting would say."""
    fill_with_one_of_each(ledger)
    catch_up(ledger)
    with Archive(ledger) as archive:
        places = {f"{place.letter}{place.partition}": place for place in archive.places()}
        assert list(places) == ["c0", "m0", "m1", "f0", "f1"]
        assert [place.partition for place in archive.market_streams()] == [0, 1]
        assert places["m0"].next_offset == archive.archived(0).next_offset
        assert archive.undecodable() == 5
        for total in archive.totals():
            if total.kind not in ("undecodable", "newer"):
                assert total.events == archive.db.value(
                    "SELECT count(*) FROM {table}", table=total.kind
                )
        market = archive.db.value("SELECT sum(count) FROM frame WHERE stream IN (2, 3)")
        assert archive.event_count() == market
        assert archive.feed_count() == len(archive.feeds())


def test_accepted_copies_are_part_of_the_mark(ledger: Settings) -> None:
    """The relay learns from the archive which copy a partition wants next."""
    tag = control.Tagged(**WHO, name="t", cut="e1@0:1,1:1")
    send(ledger, "m", 1, [copy_of(1, tag), copy_of(3, tag)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.archived(0) == (1, 0)
        assert archive.archived(1) == (3, 1)


def test_whoever_archives_is_seen(ledger: Settings) -> None:
    """Status tells a running archiver from none."""
    with Archive(ledger) as archive:
        assert not archive.archiver_runs()
        stop = threading.Event()
        thread = threading.Thread(target=lambda: Archiver(ledger).run(stop))
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not archive.archiver_runs():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            stop.set()
            thread.join()


def test_a_reader_can_ask_the_relay_for_a_heartbeat(ledger: Settings) -> None:
    """The bell rings across processes, and only when somebody rings it."""
    with Archive(ledger) as relay, Archive(ledger) as reader:
        assert not relay.beat_was_asked_for(0.01)
        reader.ask_for_beat()
        assert relay.beat_was_asked_for(5)
        assert not relay.beat_was_asked_for(0.01)


def test_a_stream_that_is_not_there_is_refused(ledger: Settings) -> None:
    """Partition 9 of two: named, with a remedy."""
    with Archive(ledger) as archive, pytest.raises(Refused, match="m9"):
        archive.archived(9)


# ---- exact repeats, definitions, words ----------------------------------------------------------


def test_repeats_are_counted_exactly(ledger: Settings) -> None:
    """The same identities appended twice are physical rows, and one fact each."""
    send(ledger, "m", 0, [trades(ticks(10)), trades(ticks(4, first=7)), trades(ticks(1))])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.repeats() == 5
        assert COUNT_SECONDS_MAX > 0


def test_identity_floors_the_time_to_the_venue_s_unit(ledger: Settings) -> None:
    """One id at two times of one millisecond is one fact where the venue counts milliseconds."""
    event = defined("COIN.SIM", time_unit_ns=1_000_000)
    (offset,) = send(ledger, "c", 0, [event_record(event)])
    rows = ticks(3, instrument=offset)
    rows["id"] = rows["id"][0]
    rows["event_time"] = [T0, T0 + 999_999, T0 + 1_000_000]
    send(ledger, "m", 0, [trades(rows)])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.repeats() == 1


def test_control_events_come_in_sequence(ledger: Settings) -> None:
    """What `fledger log` shows is in the archive too."""
    send(ledger, "c", 0, [event_record(defined("COIN.SIM"))])
    catch_up(ledger)
    with Archive(ledger) as archive:
        events = archive.control_events()
        assert [event.sequence for event in events] == [0, 1]
        assert events[0].event["ledger"] == (archive.ledger_id() or b"").hex()
        assert events[1].event["instrument"]["symbol"] == "COIN.SIM"


def test_the_event_view_speaks_in_words(ledger: Settings) -> None:
    """Positions, symbols, exact decimals and times; absent is null."""
    (number,) = send(ledger, "c", 0, [event_record(defined("COIN.SIM"))])
    rows = ticks(2, instrument=number)
    rows["price"], rows["size"] = [123_456, -5], [7, 2**62]
    rows["received_at"] = [ABSENT, T0 + 7]
    quotes = sample_rows(Kind.QUOTE)
    quotes["instrument"] = number
    send(ledger, "m", 0, [trades(rows), encode(Header(Kind.QUOTE), quotes)])
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        found = db.rows(
            "SELECT position, kind, symbol, event_time::text, payload::text FROM event"
            " WHERE letter = 'm' AND partition = 0 ORDER BY \"offset\", index"
        )
    first = json.loads(found[1][4], parse_float=Decimal)
    assert found[1][:4] == ("m0:1:0", "trade", "COIN.SIM", "2023-11-14 22:13:20.000001+00")
    assert (first["price"], first["size"], first["aggressor"]) == (
        Decimal("1234.56"),
        Decimal("0.007"),
        "buy",
    )
    assert first["received_at"] is None
    second = json.loads(found[2][4], parse_float=Decimal)
    assert (second["price"], second["size"]) == (Decimal("-0.05"), Decimal("4611686018427387.904"))
    assert json.loads(found[4][4])["bid"] is None


def test_every_kind_shows_in_the_event_view(ledger: Settings) -> None:
    """Nothing that is archived as rows is missing from the view, and every row has a payload."""
    fill_with_one_of_each(ledger)
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        shown = dict(db.rows("SELECT kind, count(*) FROM event GROUP BY kind"))
        for kind, count in shown.items():
            assert count == db.value("SELECT count(*) FROM {table}", table=kind)
        assert len(shown) == 10
        assert not db.value("SELECT count(*) FROM event WHERE payload IS NULL")
        infinite = db.value("SELECT payload -> 'values' FROM event WHERE kind = 'feature' LIMIT 1")
    assert infinite == [1.5, "-Infinity", 0.0]


# ---- rebuilding ---------------------------------------------------------------------------------


def test_part_of_a_stream_is_rebuilt_as_it_was(ledger: Settings) -> None:
    """A worker that found a hole asks for [first, end) and gets exactly these offsets."""
    values = [trades(ticks(5, first=1 + n * 5)) for n in range(20)]
    send(ledger, "m", 0, values)
    catch_up(ledger)
    with Archive(ledger) as archive:
        stream = archive.stream("m", 0)
        found = list(archive.rebuild(stream, 7, 11))
        assert found == [(7, values[6]), (8, values[7]), (9, values[8]), (10, values[9])]
        assert list(archive.rebuild(stream, 5, 5)) == []
        assert list(archive.rebuild(stream, 99, 120)) == []


def test_a_record_that_cannot_be_given_back_is_an_error_with_its_position(
    ledger: Settings,
) -> None:
    """A missing row is never papered over."""
    send(ledger, "m", 0, [trades(ticks(5))])
    catch_up(ledger)
    with as_role(ledger, None) as db:
        db.execute("ALTER TABLE trade_e1_m0 DISABLE TRIGGER ALL")
        db.execute("DELETE FROM trade_e1_m0 WHERE index = 2")
    with Archive(ledger) as archive, pytest.raises(IntegrityBroken) as broken:
        list(archive.rebuild(archive.stream("m", 0), 0, 2))
    assert broken.value.position == "m0:1:0"
