"""One batch, one transaction: rows, manifest, proof leaves, working tables and the mark.

The mark is moved last and only from where this archiver left it, under its fence. So a batch is
archived once or not at all, whoever is killed when; and after a lost connection the mark alone
tells which.
"""

from typing import Final

import numpy as np

from ledger.archive_columns import TABLES, frame_layout
from ledger.archive_feeds import RUN, merge_runs
from ledger.archive_repeats import Diverged, settle
from ledger.archive_shapes import Batch
from ledger.archive_streams import Hold, holds, move
from ledger.errors import Fenced, IntegrityBroken
from ledger.postgres import Database, RowExists
from ledger.rows import Rows
from ledger.sequences import RUNS_MAX

TRIM_EVERY_BATCHES: Final = 256


class Writer:
    """Writes batches over one connection (role writer)."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batches = 0

    def commit(self, batch: Batch, hold: Hold) -> list[Diverged]:
        """Archive one batch. Raises Fenced when another archiver took the stream over, and
        IntegrityBroken when rows stand where none may be; then nothing was written."""
        try:
            with self._db.transaction():
                diverged = self._write(batch)
                if not move(self._db, batch.stream.stream, hold, batch.after):
                    raise self._lost(batch, hold)
        except RowExists as error:
            # Two archivers at once meet here before the mark does: the later one stops.
            raise self._lost(batch, hold, error.message) from error
        self._batches += 1
        if self._batches % TRIM_EVERY_BATCHES == 0:
            trim_runs(self._db, batch.stream.stream)
        return diverged

    def _write(self, batch: Batch) -> list[Diverged]:
        leaf, stream = batch.stream.leaf, batch.stream.stream
        for block in batch.blocks:
            self._db.copy_in(leaf(TABLES[block.kind]), block.names, [block.packed])
        for row in batch.controls:
            self._db.execute(
                "INSERT INTO {leaf} (stream, index, accepted, {offset}, sequence, event, body)"
                " VALUES (%s, 0, %s, %s, %s, convert_from(%s, 'UTF8')::jsonb, %s)",
                [stream, row.accepted, row.offset, row.sequence, row.body, row.body],
                leaf=leaf("control"),
                offset="offset",
            )
        diverged = settle(self._db, batch)
        manifest = frame_layout()
        packed = manifest.pack(batch.frames, {"stream": stream})
        self._db.copy_in(leaf("frame"), manifest.names, [packed])
        raws = [*batch.raws, *(raw for raw, _ in diverged)]
        for raw in raws:
            self._db.execute(
                "INSERT INTO {leaf} VALUES (%s, %s, %s, %s)",
                [stream, *raw],
                leaf=leaf("frame_raw"),
            )
        self._count(batch)
        self._note_feeds(batch)
        self._note_runs(batch)
        return [report for _, report in diverged]

    def _count(self, batch: Batch) -> None:
        kinds, places = np.unique(batch.frames["kind"], return_inverse=True)
        stored = batch.frames["count"].copy()
        stored[[repeat.at for repeat in batch.repeats]] = 0
        repeated = batch.frames["repeat_of"] >= 0
        sums = [np.bincount(places, weight) for weight in (repeated * 0 + 1, stored, repeated)]
        self._db.execute(
            "INSERT INTO tally SELECT %s, * FROM unnest(%s::int2[], %s::int8[], %s::int8[],"
            " %s::int8[]) ON CONFLICT (stream, kind) DO UPDATE SET"
            " frames = tally.frames + excluded.frames, events = tally.events + excluded.events,"
            " repeats = tally.repeats + excluded.repeats",
            [batch.stream.stream, kinds.tolist(), *(part.astype(int).tolist() for part in sums)],
        )

    def _note_feeds(self, batch: Batch) -> None:
        if len(batch.feeds):
            self._db.execute(
                "INSERT INTO feed (stream, source, kind, instrument, interval, newest, events)"
                " SELECT %s, * FROM unnest(%s::int4[], %s::int2[], %s::int4[], %s::int8[],"
                " %s::int8[], %s::int8[]) ON CONFLICT (stream, instrument, kind, interval, source)"
                " DO UPDATE SET newest = greatest(feed.newest, excluded.newest),"
                " events = feed.events + excluded.events",
                [batch.stream.stream, *_columns(batch.feeds)],
            )

    def _note_runs(self, batch: Batch) -> None:
        if not len(batch.runs):
            return
        stream, kept = batch.stream.stream, _touching(self._db, batch.stream.stream, batch.runs)
        merged = merge_runs(np.concatenate((kept, batch.runs)))
        key = ["source", "instrument", "kind", "first"]
        gone = kept[~np.isin(kept[key], merged[key])] if len(kept) else kept
        if len(gone):
            self._db.execute(
                "DELETE FROM sequence_run r USING unnest(%s::int4[], %s::int4[], %s::int2[],"
                " %s::int8[]) g (source, instrument, kind, first) WHERE r.stream = %s"
                " AND r.source = g.source AND r.instrument = g.instrument AND r.kind = g.kind"
                " AND r.first = g.first",
                [*_columns(gone)[:4], stream],
            )
        self._db.execute(
            "INSERT INTO sequence_run (stream, source, instrument, kind, first, last, first_time,"
            " last_time) SELECT %s, * FROM unnest(%s::int4[], %s::int4[], %s::int2[], %s::int8[],"
            " %s::int8[], %s::int8[], %s::int8[])"
            " ON CONFLICT (stream, source, instrument, kind, first) DO UPDATE SET"
            " last = excluded.last, first_time = excluded.first_time,"
            " last_time = excluded.last_time",
            [stream, *_columns(merged)],
        )

    def _lost(self, batch: Batch, hold: Hold, why: str = "") -> Fenced | IntegrityBroken:
        stream = batch.stream
        found = holds(self._db)[stream.stream]
        position = str(stream.position(batch.before.next_offset))
        if found.fence != hold.fence:
            return Fenced(
                f"another archiver took {stream.topic} partition {stream.partition} over",
                position=position,
                remedy="one archiver is enough: leave the other running",
            )
        return IntegrityBroken(
            f"the archive of {stream.topic} partition {stream.partition} says its next offset is "
            f"{found.mark.next_offset}, yet {why or 'somebody moved it'}",
            position=position,
            remedy="fledger verify",
        )


def _columns(each: Rows) -> list[list[int]]:
    return [each[name].tolist() for name in each.dtype.names or ()]


def _touching(db: Database, stream: int, runs: Rows) -> Rows:
    """The stored runs that overlap or touch these."""
    found = db.rows(
        "SELECT DISTINCT source, instrument, kind, first, last, first_time, last_time FROM"
        " unnest(%s::int4[], %s::int4[], %s::int2[], %s::int8[], %s::int8[]) b (s, i, k, f, l)"
        " CROSS JOIN LATERAL ("
        "  (SELECT * FROM sequence_run WHERE stream = %s AND source = s AND instrument = i"
        "   AND kind = k AND first < f ORDER BY first DESC LIMIT 1)"
        "  UNION ALL"
        "  SELECT * FROM sequence_run WHERE stream = %s AND source = s AND instrument = i"
        "   AND kind = k AND first >= f AND first - 1 <= l) r WHERE r.last >= f - 1",
        [*_columns(runs)[:5], stream, stream],
    )
    return np.array(found, RUN)


def trim_runs(db: Database, stream: int, limit: int = RUNS_MAX) -> None:
    """Join the oldest runs of scopes that have more than the limit, as if nothing were missing."""
    db.execute(
        "WITH aged AS (SELECT *, row_number() OVER (PARTITION BY source, instrument, kind"
        "  ORDER BY first DESC) AS age FROM sequence_run WHERE stream = %s),"
        " old AS (SELECT source, instrument, kind, min(first) AS low, max(last) AS high,"
        "  max(last_time) AS high_time FROM aged WHERE age >= %s"
        "  GROUP BY source, instrument, kind HAVING count(*) > 1),"
        " gone AS (DELETE FROM sequence_run r USING old o WHERE r.stream = %s"
        "  AND r.source = o.source AND r.instrument = o.instrument AND r.kind = o.kind"
        "  AND r.first > o.low AND r.first <= o.high)"
        " UPDATE sequence_run r SET last = o.high, last_time = o.high_time FROM old o"
        " WHERE r.stream = %s AND r.source = o.source AND r.instrument = o.instrument"
        " AND r.kind = o.kind AND r.first = o.low",
        [stream, limit, stream, stream],
    )
