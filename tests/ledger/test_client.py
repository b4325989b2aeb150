"""One connected ledger on real engines: define, append, cite, clock."""

import contextlib
import threading
import time

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import ledger as fl
from ledger.archive import Archive
from ledger.client import Ledger
from ledger.control_log import Archived, ControlLog, copies, send_copies
from ledger.errors import (
    ArchiveBehind,
    DefinitionConflict,
    EngineUnreachable,
    NaiveTime,
    NotYetKnown,
    Refused,
    UnknownInstrument,
    UsageError,
)
from ledger.frames import Header, encode_control
from ledger.known_now import digests
from ledger.positions import Cut, partition_of
from ledger.postgres import Database
from ledger.relay import Places
from ledger.rows import Beat, Kind
from ledger.settings import Settings
from ledger.times import format_time
from ledger.topics import market_topic
from tests.fixtures_ledger import COIN, OTHER, archiving

ROWS = [
    {"time": "2026-03-01T12:00:00Z", "id": 1, "price": "100.25", "size": "0.500"},
    {"time": "2026-03-01T12:00:01Z", "id": 2, "price": "100.26", "size": "1.5"},
]


def test_define_then_append_at_once(led: Ledger) -> None:
    """When define returns, every partition knows the instrument."""
    number = led.define(COIN)[0]
    assert led.define(COIN) == [number]
    found = led.append(fl.trades(COIN.symbol, ROWS))
    assert found.partition.tolist() == [partition_of(COIN.symbol, 4)] * 2
    with pytest.raises(DefinitionConflict):
        led.define(COIN.model_copy(update={"price_exponent": -3}))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist, list])
def test_every_kind_of_table_is_the_same_batch(led: Ledger, make: object) -> None:
    """pandas, polars, Arrow and plain rows give the same facts."""
    led.define(COIN)
    led.append(fl.trades(COIN.symbol, make(ROWS)))  # type: ignore[operator]
    led.wait_for_archive()
    instrument = led.control.catalog.instrument_id(COIN.symbol)
    rows, _ = led.archive.facts_between(Kind.TRADE, instrument, 0, 2**62)
    assert rows["price"].tolist() == [10025, 10026]
    assert rows["size"].tolist() == [500, 1500]
    assert rows["venue_seq"].tolist()[0] in (1, -(2**63))


def test_a_batch_with_a_bad_row_appends_nothing(led: Ledger) -> None:
    """The error names the row and the reason, and the log is as it was."""
    led.define(COIN)
    before = led.cut()
    bad = [*ROWS, {"time": "2026-03-01T12:00:02Z", "id": 3, "price": "-1", "size": "1"}]
    with pytest.raises(Refused, match=r"1 of 3 rows.*row 3.*price"):
        led.append(fl.trades(COIN.symbol, bad))
    with pytest.raises(UnknownInstrument, match="NOBODY"):
        led.append(fl.trades("NOBODY.SIM", ROWS))
    assert led.archive.gap_watch() is not None
    trades = [t for t in led.archive.totals() if t.kind == "trade"]
    assert trades == []
    assert before <= led.cut()


def test_known_now_is_the_same_whatever_is_appended_again(led: Ledger) -> None:
    """L6: an identity again, from any source, changes no digest."""
    led.define(COIN, OTHER)
    led.append(fl.trades(COIN.symbol, ROWS))
    led.wait_for_archive()
    before = digests(led, lambda *_: None)
    led.append(fl.trades(COIN.symbol, ROWS[::-1]), source="another")
    led.wait_for_archive()
    after = digests(led, lambda *_: None)
    assert [d.digest for d in before] == [d.digest for d in after]
    assert [d.repeats for d in after] == [2]


def test_a_time_becomes_one_cut_for_ever(led: Ledger) -> None:
    """Asked again later, and after more was appended, the same cut; what was known then is in."""
    led.define(COIN)
    led.append(fl.trades(COIN.symbol, ROWS[:1]))
    time.sleep(0.02)
    moment = format_time(time.time_ns())
    first = led.cut(moment)
    led.append(fl.trades(COIN.symbol, ROWS[1:]))
    assert led.cut(moment) == first
    assert first < led.cut()
    with Ledger(led.settings) as other:
        assert other.cut(moment) == first


def test_cuts_of_no_moment_are_refused(led: Ledger) -> None:
    """The future, a naive time, and a name nobody gave."""
    with pytest.raises(NotYetKnown, match="future"):
        led.cut("2100-01-01T00:00Z")
    with pytest.raises(NaiveTime):
        led.cut("2026-03-01T12:00")
    with pytest.raises(UsageError, match="no tag"):
        led.cut("nobody")


def test_a_tag_names_one_cut(led: Ledger) -> None:
    """A second cut under the same name is refused; the name resolves everywhere."""
    held = led.tag("q1", reason="audit")
    assert led.cut("q1") == led.tag("q1", held) == held
    with pytest.raises(Refused, match="q1"):
        led.tag("q1", Cut(1, (0, 0, 0, 0)))
    led.define(COIN)
    with pytest.raises(Refused, match="q1"):
        led.tag("q1")  # now is another cut


@pytest.mark.parametrize("name", ["", "e1@0:1,1:1,2:1,3:1", "2026-01-01T00:00Z", "a b", "x" * 65])
def test_a_tag_can_be_taken_for_nothing_else(led: Ledger, name: str) -> None:
    """A name that reads as a cut or a time would change what they mean, for ever."""
    with pytest.raises(UsageError):
        led.tag(name)


def test_a_cut_beyond_the_log_or_of_another_shape_is_refused(led: Ledger) -> None:
    """An offset nobody reached, an epoch nobody began, a partition too few."""
    for text in ("e1@0:9999999,1:1,2:1,3:1", "e9@0:1,1:1,2:1,3:1"):
        with pytest.raises(NotYetKnown):
            led.cut(text)
    with pytest.raises(UsageError, match="4"):
        led.cut("e1@0:1")
    with pytest.raises(NotYetKnown):
        led.tag("future", Cut(1, (9_999_999, 1, 1, 1)))


def test_a_clock_speaks_for_every_feed_of_its_source(led: Ledger) -> None:
    """One Clock row per feed that the source has appended to, and none for another's."""
    led.define(COIN, OTHER)
    led.append(fl.trades(COIN.symbol, ROWS), source="mine")
    led.append(fl.trades(OTHER.symbol, ROWS), source="theirs")
    moment = 1_772_366_500_000_000_000
    assert led.clock("mine", moment) == 1
    led.wait_for_archive()
    instrument = led.control.catalog.instrument_id(COIN.symbol)
    assert led.archive.newest(Kind.TRADE, instrument) == moment
    other = led.control.catalog.instrument_id(OTHER.symbol)
    assert led.archive.newest(Kind.TRADE, other) != moment
    with pytest.raises(UsageError, match="mine"):
        led.clock("nobody", moment)
    with pytest.raises(UsageError, match="suspect"):
        led.clock("mine", time.time_ns() + 3_600_000_000_000)


def test_an_appender_does_not_start_when_nobody_archives(settings: Settings) -> None:
    """With the archive behind and no archiver, Kafka would forget what nobody copied."""
    with Ledger(settings) as led:
        led.define(COIN)
        with pytest.raises(ArchiveBehind, match="no archiver"):
            led.append(fl.trades(COIN.symbol, ROWS))


def test_the_relay_finishes_what_a_crash_left(settings: Settings) -> None:
    """A definition whose copies were sent to one partition only reaches the others."""
    from ledger.control import InstrumentDefined

    log = ControlLog(settings)
    log.refresh()
    log.append(InstrumentDefined(actor="a", reason="b", tool="c", instrument=COIN))
    topic = market_topic(settings.prefix, 1)
    log.send([(topic, 1, record) for record in copies(log.events, 0)])
    with archiving(settings), Archive(settings) as archive:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if all(archive.archived(p).control_through == 1 for p in range(4)):
                break
            time.sleep(0.05)
        assert [archive.archived(p).control_through for p in range(4)] == [1] * 4
    log.close()


def test_an_event_of_a_later_build_has_a_number_and_no_effect(led: Ledger) -> None:
    """It is copied and counted, so builds that differ agree on every sequence after it."""
    record = encode_control(Header(Kind.CONTROL), {"type": "OfALaterBuild"})
    led.control.send([(led.control.topic, 0, record)])
    number = led.define(COIN)[0]
    assert [n.event is None for n in led.log()] == [False, True, False]
    assert number == 2
    led.append(fl.trades(COIN.symbol, ROWS))
    led.wait_for_archive()
    assert min(led.archive.archived(p).control_through for p in range(4)) > number


def test_copies_sent_twice_and_out_of_turn_have_no_effect(settings: Settings) -> None:
    """Two relays at once, one of them with a jump: each partition accepts every event once."""
    from ledger.control import Tagged

    log = ControlLog(settings)
    log.refresh()
    for name in ("a", "b", "c"):
        log.append(Tagged(actor="a", reason="b", tool="c", name=name, cut="e1@0:1"))
    topic = market_topic(settings.prefix, 1)
    log.send([(topic, 0, record) for record in list(copies(log.events, 2))])  # a jump
    nothing_archived = lambda _: Archived(0, -1)  # noqa: E731
    relays = [threading.Thread(target=send_copies, args=(log, nothing_archived)) for _ in range(2)]
    relays[0].start()
    relays[0].join()
    relays[1].start()
    relays[1].join()
    assert send_copies(log, nothing_archived) == 0
    with archiving(settings, relay=False), Archive(settings) as archive:
        deadline = time.monotonic() + 15
        while archive.archived(0).control_through < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert archive.archived(0).control_through == 3
    log.close()


def test_heartbeats_come_every_second_while_events_do(led: Ledger) -> None:
    """Not every other second: each turn of the relay counts from its beginning."""
    led.define(COIN)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        led.append(fl.trades(COIN.symbol, [{**ROWS[0], "id": time.time_ns()}]))
        time.sleep(0.2)
    led.wait_for_archive()
    partition = partition_of(COIN.symbol, 4)
    stamps = led.archive.db.rows(
        "SELECT sent_at FROM heartbeat JOIN stream USING (stream)"
        " WHERE letter = 'm' AND partition = %s AND reason = %s ORDER BY sent_at",
        [partition, int(Beat.ACTIVE)],
    )
    assert 4 <= len(stamps) <= 7


def test_the_relay_outlives_its_connection_to_the_archive(settings: Settings) -> None:
    """PostgreSQL ends the relay's connection: the next turn makes another."""
    places = Places(settings)
    assert places(0).next_offset >= 0
    assert places._archive is not None
    with Database(settings.dsn, settings.prefix, None) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [places._archive.db.pid])
    with contextlib.suppress(EngineUnreachable):
        places(0)
    assert places(0).next_offset >= 0
    places.close()


def test_heartbeats_stand_in_every_partition(led: Ledger) -> None:
    """At start, while events come, and at a reader's request."""
    led.define(COIN)
    led.cut(format_time(time.time_ns()))  # waits for a heartbeat behind this moment
    led.wait_for_archive()
    reasons = {
        int(reason) for (reason,) in led.archive.db.rows("SELECT DISTINCT reason FROM heartbeat")
    }
    streams = led.archive.db.value("SELECT count(DISTINCT stream) FROM heartbeat")
    assert streams == 4
    assert Beat.STARTED in reasons
