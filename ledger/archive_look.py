"""Sums and small tables of the archive: what screens, status and a starting appender ask for.

Functions over a reader's connection; every one is answered from working tables or small event
tables, except `repeats`, which counts and has a time limit.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.postgres import Database, TookTooLong
from ledger.rows import FEEDS, GapState, Kind
from ledger.sequences import GapWatch, Hole, Run
from ledger.times import DAY_NS

COUNT_SECONDS_MAX: Final = 5.0
_NO_KIND: Final = {0: "undecodable", -1: "newer", -2: "void"}


class Place(NamedTuple):
    """How far one stream is archived."""

    letter: str
    partition: int
    topic: str
    epoch: int
    next_offset: int
    events: int


class Total(NamedTuple):
    """How much of one kind is archived."""

    kind: str
    records: int
    events: int


class Feed(NamedTuple):
    """One feed: its newest accepted time (ns, -1 for none) and its events, repeats included."""

    kind: Kind
    instrument: int
    interval: int
    newest: int
    events: int


class ControlEvent(NamedTuple):
    """One event of the control topic that folds take."""

    sequence: int
    offset: int
    event: dict[str, Any]


def places(db: Database) -> list[Place]:
    """Every stream and how far it is, from the maintained sums."""
    found = db.rows(
        "SELECT letter, partition, topic, epoch, next_offset,"
        " coalesce((SELECT sum(events) FROM tally t WHERE t.stream = s.stream), 0)::bigint"
        " FROM stream s JOIN sink USING (stream) ORDER BY stream"
    )
    return [Place(*row) for row in found]


def totals(db: Database) -> list[Total]:
    """Records and stored events by kind, over all streams."""
    found = db.rows(
        "SELECT kind, sum(frames)::bigint, sum(events)::bigint FROM tally"
        " GROUP BY kind ORDER BY kind"
    )
    return [Total(_name(kind), records, events) for kind, records, events in found]


def _name(kind: int) -> str:
    return _NO_KIND[kind] if kind in _NO_KIND else Kind(kind).name.lower()


def undecodable(db: Database) -> int:
    """Records that nobody can decode, now or later."""
    return int(db.value("SELECT coalesce(sum(frames), 0)::bigint FROM tally WHERE kind = 0"))


def feeds(db: Database) -> list[Feed]:
    """Every feed of every instrument, over all streams."""
    found = db.rows(
        "SELECT kind, instrument, interval, max(newest), sum(events)::bigint FROM feed"
        " GROUP BY kind, instrument, interval ORDER BY instrument, kind, interval"
    )
    return [Feed(Kind(kind), *rest) for kind, *rest in found]


def feeds_of(db: Database, source: int) -> list[Feed]:
    """The feeds that a source has brought facts of; `newest` and `events` are what it brought."""
    found = db.rows(
        "SELECT kind, instrument, interval, max(newest), sum(events)::bigint FROM feed"
        " WHERE source = %s AND events > 0 GROUP BY kind, instrument, interval"
        " ORDER BY instrument, kind, interval",
        [source],
    )
    return [Feed(Kind(kind), *rest) for kind, *rest in found]


def newest(db: Database, kind: Kind, instrument: int, interval_ns: int = 0) -> int | None:
    """The feed's newest event time, Clocks included, suspect ones not; None where there is none."""
    found: int | None = db.value(
        "SELECT max(newest) FROM feed WHERE kind = %s AND instrument = %s AND interval = %s"
        " AND newest >= 0",
        [int(kind), instrument, interval_ns],
    )
    return found


def days(db: Database, kind: Kind, instrument: int) -> list[int]:
    """The UTC days (their first nanosecond) on which a feed has facts, in order."""
    found = db.rows(
        "SELECT DISTINCT event_time / %s FROM {table} WHERE instrument = %s ORDER BY 1",
        [DAY_NS, instrument],
        table=kind.name.lower(),
    )
    return [day * DAY_NS for (day,) in found]


def runs(db: Database, source: int, kind: Kind, instrument: int) -> list[Run]:
    """The venue sequences of one source and feed that arrived, in order."""
    found = db.rows(
        "SELECT first, last, first_time, last_time FROM sequence_run"
        " WHERE source = %s AND kind = %s AND instrument = %s ORDER BY first",
        [source, int(kind), instrument],
    )
    return [Run(*row) for row in found]


def last_sequences(
    db: Database, source: int, kind: Kind, instruments: Sequence[int]
) -> NDArray[np.int64]:
    """The greatest venue sequence of each instrument, 0 where none arrived; shape (n,)."""
    found = dict(
        db.rows(
            "SELECT instrument, max(last) FROM sequence_run WHERE source = %s AND kind = %s"
            " AND instrument = ANY(%s) GROUP BY instrument",
            [source, int(kind), [int(number) for number in instruments]],
        )
    )
    return np.array([found.get(int(number), 0) for number in instruments], np.int64)


def gap_watch(db: Database) -> GapWatch:
    """What an appender must know to find gaps from here on."""
    watch = GapWatch()
    scopes: dict[tuple[int, int, int], list[Run]] = {}
    for source, instrument, kind, *run in db.rows(
        "SELECT source, instrument, kind, first, last, first_time, last_time FROM sequence_run"
    ):
        scopes.setdefault((source, instrument, kind), []).append(Run(*run))
    for (source, instrument, kind), arrived in scopes.items():
        watch.seed(source, (instrument, kind), arrived)
    for feed, hole in open_gaps(db):
        watch.seed_open(feed, hole)
    for known in feeds(db):
        if known.kind in FEEDS and known.newest >= 0:
            at = (known.instrument, int(known.kind))
            watch.newest[at] = max(known.newest, watch.newest.get(at, 0))
    return watch


def open_gaps(db: Database) -> list[tuple[tuple[int, int], Hole]]:
    """Gaps announced and not closed: ((instrument, kind), hole)."""
    found = db.rows(
        "SELECT instrument, feed, first_seq, last_seq, min(time_before), max(time_after) FROM gap"
        " GROUP BY instrument, feed, first_seq, last_seq HAVING max(state) = %s",
        [int(GapState.OPEN)],
    )
    return [((instrument, feed), Hole(*hole)) for instrument, feed, *hole in found]


def quarantined(db: Database) -> int:
    """Input rows that wait in quarantine."""
    return int(db.value("SELECT count(*) FROM quarantine WHERE state = 'open'"))


def control_events(db: Database) -> list[ControlEvent]:
    """The control topic as far as it is archived, in sequence."""
    found = db.rows(
        'SELECT sequence, "offset", event FROM control JOIN stream USING (stream)'
        " WHERE letter = 'c' AND accepted ORDER BY sequence"
    )
    return [ControlEvent(*row) for row in found]


def repeats(db: Database, seconds_max: float = COUNT_SECONDS_MAX) -> int | None:
    """Facts that repeat an identity archived before, exactly; None when counting took too long."""
    try:
        with db.transaction(frozen=True):
            db.execute(
                "SELECT set_config('statement_timeout', %s, true)", [f"{int(seconds_max * 1000)}"]
            )
            return sum(_repeats_of(db, kind.name.lower()) for kind in FEEDS)
    except TookTooLong:
        return None


def _repeats_of(db: Database, table: str) -> int:
    """Identity: instrument, time floored to the venue's coarsest unit, id; and a bar's interval."""
    extra = "interval" if table == "bar" else "instrument"
    found = db.value(
        "SELECT count(*) - count(DISTINCT (t.instrument, t.id, t.{extra},"
        " t.event_time - t.event_time %% coalesce(i.time_unit_ns, 1)))"
        " FROM {table} t LEFT JOIN instrument i USING (instrument)",
        [],
        table=table,
        extra=extra,
    )
    return int(found)
