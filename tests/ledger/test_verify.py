"""`verify` finds and names whatever somebody changed, however much they may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.engines import Addresses
from ledger.errors import EngineUnreachable, Refused
from ledger.migrate_schema import upgrade
from ledger.settings import Settings
from ledger.verify import verify
from ledger.verify_shapes import FINDINGS_MAX, Finding, Report, Seen
from tests.fixtures_archive import (
    as_role,
    catch_up,
    features,
    fill_with_one_of_each,
    new_ledger,
    send,
    ticks,
    trades,
)


@pytest.fixture(scope="module")
def sound(engines: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A ledger with a bit of everything, archived and sound."""
    settings = new_ledger(engines, tmp_path_factory.mktemp("verify"))
    fill_with_one_of_each(settings)
    send(settings, "m", 0, [trades(ticks(50, first=1 + n * 50)) for n in range(20)])
    send(settings, "f", 0, [features(9_999, range(4)), features(9_999, range(4), run=b"zombie!!")])
    send(settings, "f", 0, [features(9_999, range(2), value=3.0)])
    catch_up(settings)
    assert verify(settings, deep=True).findings == []
    return settings


@pytest.fixture
def ledger(sound: Settings) -> Iterator[Settings]:
    """The sound ledger to be tampered with; afterwards it is as it was."""
    tables = ("frame_e1_m0", "trade_e1_m0", "sink", "frame_e1_f0", "feature_e1_f0", "control_c0",
              "frame_raw_e1_m0", "feed", "tally", "sequence_run")  # fmt: skip
    with as_role(sound, None) as db:
        for table in tables:
            db.execute("ALTER TABLE {table} DISABLE TRIGGER USER", table=table)
            db.execute("CREATE TABLE {kept} AS TABLE {table}", table=table, kept=f"{table}_kept")
    yield sound
    with as_role(sound, None) as db:
        for table in tables:
            db.execute("DELETE FROM {table}", table=table)
            db.execute("INSERT INTO {table} TABLE {kept}", table=table, kept=f"{table}_kept")
            db.execute("DROP TABLE {kept}", kept=f"{table}_kept")


def tampered(settings: Settings, change: str, *, deep: bool = False) -> list[Finding]:
    with as_role(settings, None) as db:
        db.execute(change)  # type: ignore[arg-type]
    return verify(settings, deep=deep).findings


# m0: offset 0 EpochStarted's copy, 1..7 market kinds, 8 copy, 9 undecodable, 10 newer, then trades.
TAMPERS = {
    "a price": (
        'UPDATE trade_e1_m0 SET price = price + 1 WHERE "offset" = 13 AND index = 7',
        [("m0:13:0", "leaf"), ("m0:13:7", "price")],
    ),
    "an event time": (
        'UPDATE trade_e1_m0 SET event_time = event_time + 1 WHERE "offset" = 13 AND index = 7',
        [("m0:13:0", "leaf"), ("m0:13:7", "event_time")],
    ),
    "a byte that would read the same": (
        'UPDATE trade_e1_m0 SET aggressor = aggressor + 256 WHERE "offset" = 13 AND index = 7',
        [("m0:13:7", "row of trade")],
    ),
    "an id": (
        'UPDATE trade_e1_m0 SET id = gen_random_uuid() WHERE "offset" = 13 AND index = 7',
        [("m0:13:7", "id")],
    ),
    "a row taken away": (
        'DELETE FROM trade_e1_m0 WHERE "offset" = 13 AND index = 7',
        [("m0:13:0", "rows")],
    ),
    "the last row of a frame taken away": (
        'DELETE FROM trade_e1_m0 WHERE "offset" = 13 AND index = 49',
        [("m0:13:0", "rows")],
    ),
    "a row added": (
        'INSERT INTO trade_e1_m0 SELECT stream, 50, instrument, "offset", event_time, received_at,'
        " price, size, id, venue_seq, source_seq, conditions, flags, aggressor FROM trade_e1_m0"
        ' WHERE "offset" = 13 AND index = 7',
        [("m0:13:0", "rows")],
    ),
    "a row of no frame": (
        "INSERT INTO trade_e1_m0 SELECT stream, index, instrument, 5000, event_time, received_at,"
        " price, size, id, venue_seq, source_seq, conditions, flags, aggressor FROM trade_e1_m0"
        ' WHERE "offset" = 13 AND index = 7',
        [("m0:5000:7", "row of trade")],
    ),
    "two rows swapped": (
        'UPDATE trade_e1_m0 SET index = 99 WHERE "offset" = 13 AND index = 28;'
        'UPDATE trade_e1_m0 SET index = 28 WHERE "offset" = 13 AND index = 29;'
        'UPDATE trade_e1_m0 SET index = 29 WHERE "offset" = 13 AND index = 99',
        [("m0:13:0", "leaf"), ("m0:13:28", "price")],
    ),
    "a frame's rows moved to another offset": (
        'UPDATE trade_e1_m0 SET "offset" = 9 WHERE "offset" = 13',
        [("m0:13:0", "rows")],
    ),
    "a frame taken away": (
        'DELETE FROM frame_e1_m0 WHERE "offset" = 13',
        [("m0:13:0", "manifest"), ("m0:13:0", "row of trade")],
    ),
    "a frame and its rows taken away": (
        'WITH gone AS (DELETE FROM trade_e1_m0 WHERE "offset" = 13)'
        ' DELETE FROM frame_e1_m0 WHERE "offset" = 13',
        [("m0:13:0", "manifest")],
    ),
    "a leaf": (
        "UPDATE frame_e1_m0 SET leaf = sha256('x') WHERE \"offset\" = 13",
        [("m0:13:0", "leaf")],
    ),
    "a row and its leaf": (
        'UPDATE trade_e1_m0 SET price = price + 1 WHERE "offset" = 13 AND index = 7',
        [("m0:13:7", "price")],
    ),
    "a header": (
        "UPDATE frame_e1_m0 SET header = overlay(header placing '\\xff' from 13)"
        ' WHERE "offset" = 13',
        [("m0:13:0", "leaf"), ("m0:13:0", "header")],
    ),
    "a count": (
        'UPDATE frame_e1_m0 SET count = 49 WHERE "offset" = 13',
        [("m0:13:0", "rows")],
    ),
    "a kind": (
        'UPDATE frame_e1_m0 SET kind = 2 WHERE "offset" = 13',
        [("m0:13:0", "rows"), ("m0:13:0", "row of trade")],
    ),
    "a kind nobody knows": (
        'UPDATE frame_e1_m0 SET kind = 99 WHERE "offset" = 13',
        [("m0:13:0", "rows")],
    ),
    "a broker time": (
        'UPDATE frame_e1_m0 SET stamp = stamp - 1 WHERE "offset" = 13',
        [("m0:13:0", "stamp")],
    ),
    "a known_at": (
        'UPDATE frame_e1_m0 SET known_at = known_at + 1 WHERE "offset" = 13',
        [("m0:13:0", "known_at")],
    ),
    "a time range of the manifest": (
        'UPDATE frame_e1_m0 SET event_last = event_last - 1 WHERE "offset" = 13',
        [("m0:13:0", "event_last")],
    ),
    "a raw record": (
        "UPDATE frame_raw_e1_m0 SET raw = 'xyz' WHERE reason = 'too short'",
        [("m0:9:0", "leaf"), ("m0:9:0", "record")],
    ),
    "a raw record taken away": (
        "DELETE FROM frame_raw_e1_m0 WHERE reason = 'too short'",
        [("m0:9:0", "rows")],
    ),
    "an undecodable record called void": (
        'UPDATE frame_e1_m0 SET kind = -2 WHERE "offset" = 9',
        [("m0:9:0", "leaf of a void offset"), ("m0:9:0", "void offset")],
    ),
    "next_offset moved back": (
        "UPDATE sink SET next_offset = 20 WHERE stream = 2",
        [("m0:20:0", "next_offset")],
    ),
    "next_offset moved ahead": (
        "UPDATE sink SET next_offset = next_offset + 5 WHERE stream = 2",
        [("m0:31:0", "manifest"), ("m0:31:0", "end of the log")],
    ),
    "a feature's value": (
        'UPDATE feature_e1_f0 SET "values"[1] = 2 WHERE cause = 9999 AND ordinal = 2',
        [("f0:5:0", "leaf"), ("f0:5:2", "values"), ("f0:6:0", "leaf")],
    ),
    "a feature's key": (
        "UPDATE feature_e1_f0 SET cause = 9998 WHERE cause = 9999 AND ordinal = 2",
        [("f0:5:2", "row of feature")],
    ),
    "a feature's number of values": (
        'UPDATE feature_e1_f0 SET "values" = "values" || 1.0 WHERE cause = 9999 AND ordinal = 2',
        [("f0:5:0", "leaf")],
    ),
    "a control event to query": (
        'UPDATE control_c0 SET event = event || \'{"reason": "another"}\' WHERE "offset" = 1',
        [("c0:1:0", "control event")],
    ),
    "a control event's bytes": (
        "UPDATE control_c0 SET body = 'x' WHERE \"offset\" = 1",
        [("c0:1:0", "leaf"), ("c0:1:0", "control event"), ("c0:1:0", "record")],
    ),
}


@pytest.mark.parametrize("what", TAMPERS)
def test_a_change_is_found_and_named(ledger: Settings, what: str) -> None:
    """A superuser changes one thing: verify names where, what was expected, what is there."""
    change, expected = TAMPERS[what]
    if what == "a row and its leaf":
        forge_leaf(ledger, change)
        change = "SELECT 1"
    found = tampered(ledger, change)
    places = [(finding.position, finding.what) for finding in found]
    assert [place for place in expected if place not in places] == [], places
    assert all(finding.expected != finding.found for finding in found), found
    assert len(found) < 120


def forge_leaf(settings: Settings, change: str) -> None:
    """Change a row and write the leaf that belongs to it: only the log can tell now."""
    from ledger.archive import Archive
    from ledger.archive_shapes import leaf_of

    with as_role(settings, None) as db:
        db.execute(change)  # type: ignore[arg-type]
        with Archive(settings) as archive:
            ((_, record),) = archive.rebuild(archive.stream("m", 0), 13, 14)
        assert record is not None
        db.execute('UPDATE frame_e1_m0 SET leaf = %s WHERE "offset" = 13', [leaf_of(record)])
    assert verify(settings, log=False).findings == []


WORKING = {
    "a newest": "UPDATE feed SET newest = newest + 1 WHERE kind = 1 AND stream = 2",
    "a sum": "UPDATE tally SET events = events - 1 WHERE kind = 1 AND stream = 2",
    "a run": "DELETE FROM sequence_run WHERE stream = 2",
    "a copy's verdict": 'UPDATE control_e1_m0 SET accepted = NOT accepted WHERE "offset" = 0',
}


@pytest.mark.parametrize("what", WORKING)
def test_deep_recomputes_the_working_tables(ledger: Settings, what: str) -> None:
    """Screens and loads stand on them: `--deep` computes them anew."""
    if what == "a copy's verdict":
        with as_role(ledger, None) as db:
            db.execute("ALTER TABLE control_e1_m0 DISABLE TRIGGER USER")
    assert tampered(ledger, WORKING[what], deep=True)
    if what == "a copy's verdict":
        assert not tampered(ledger, WORKING[what], deep=True)


def test_a_partition_taken_away_is_found(engines: Addresses, tmp_path: Path) -> None:
    """Detached or dropped: its frames are without rows."""
    settings = new_ledger(engines, tmp_path, partitions=1)
    send(settings, "m", 0, [trades(ticks(5))])
    catch_up(settings)
    found = tampered(settings, "ALTER TABLE trade DETACH PARTITION trade_e1_m0")
    assert ("m0:1:0", "rows") in [(finding.position, finding.what) for finding in found]
    found = tampered(settings, "ALTER TABLE frame DETACH PARTITION frame_e1_m0")
    assert ("m0:0:0", "manifest") in [(finding.position, finding.what) for finding in found]


def test_a_clean_archive_says_how_much_was_looked_at(sound: Settings) -> None:
    """Every record was rebuilt, hashed and compared; progress was told on the way."""
    seen: list[Seen] = []
    report = verify(sound, progress=seen.append)
    assert report.clean
    assert report.streams == 5
    with as_role(sound, None) as db:
        offsets, events = db.rows("SELECT sum(next_offset)::int, 0 FROM sink")[0]
        events = db.value("SELECT sum(count)::int FROM frame")
    assert (report.records, report.compared, report.events) == (offsets, offsets, events)
    assert {step.stream for step in seen} == {"c0", "m0", "m1", "f0", "f1"}
    assert all(step.offset <= step.end for step in seen)


def test_records_not_yet_archived_are_no_finding(sound: Settings) -> None:
    """Being behind is not being wrong."""
    send(sound, "m", 1, [trades(ticks(5))])
    assert verify(sound).clean


def test_a_log_made_again_is_a_finding(engines: Addresses, tmp_path: Path) -> None:
    """Another topic under the name: named, and not compared."""
    settings = new_ledger(engines, tmp_path, partitions=1)
    catch_up(settings)
    with as_role(settings, None) as db:
        db.execute("ALTER TABLE stream DISABLE TRIGGER USER")
    found = tampered(settings, "UPDATE stream SET topic_id = 'other' WHERE letter = 'm'")
    assert [(finding.position, finding.expected) for finding in found] == [("m0:0:0", "other")]


def test_what_the_log_no_longer_holds_is_verified_by_its_leaves(
    engines: Addresses, tmp_path: Path
) -> None:
    """Retention takes records away; the archive still proves itself."""
    from tests.ledger.test_archiver import delete_before

    settings = new_ledger(engines, tmp_path, partitions=1)
    send(settings, "m", 0, [trades(ticks(5, first=1 + n * 5)) for n in range(10)])
    catch_up(settings)
    delete_before(settings, f"{settings.prefix}.market.e1", 0, 6)
    report = verify(settings)
    assert report.clean
    assert report.records - report.compared == 6


def test_an_engine_that_does_not_answer_is_said_so(sound: Settings) -> None:
    """Not finding the log is no finding."""
    from dataclasses import replace

    away = replace(sound, kafka={"bootstrap.servers": "127.0.0.1:1"})
    with pytest.raises(EngineUnreachable):
        verify(away)


def test_an_archive_without_streams_is_refused(engines: Addresses, tmp_path: Path) -> None:
    """There is nothing to verify yet: migrate first."""
    bare = Settings(home=tmp_path, dsn=engines.dsn, prefix=f"v{abs(hash(str(tmp_path))) % 10**9}")
    upgrade(bare)
    with pytest.raises(Refused, match="no stream"):
        verify(bare)


def test_a_report_keeps_a_bounded_number_of_findings() -> None:
    """A destroyed archive does not fill the memory with what is wrong."""
    report = Report()
    for number in range(FINDINGS_MAX + 5):
        report.add(number, "leaf", "a", "b")
    assert (len(report.findings), report.findings_beyond) == (FINDINGS_MAX, 5)
    assert str(report.findings[0]) == "0: leaf: expected a, found b"
