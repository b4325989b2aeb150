"""The archive, to read: how far it is, what it holds, the facts of a feed.

Everything is read as the role reader. Ticks come as blocks of bytes and become arrays; sums come
from the working tables, so nobody counts ticks to draw a screen.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ledger import archive_look as look
from ledger.archive_facts import Ints, facts_between
from ledger.archive_rebuild import rebuild
from ledger.archive_streams import Stream, application_of, holds, ledger_id, streams
from ledger.control_log import Archived
from ledger.errors import Refused
from ledger.positions import LedgerId
from ledger.postgres import Database, Role
from ledger.rows import Kind, Rows
from ledger.sequences import GapWatch, Run
from ledger.settings import Settings

BEAT_BELL: Final = "beat"


class Archive:
    """One connection that reads the archive; not shared between threads.

    When it is lost, one call raises EngineUnreachable and the next opens another.
    """

    def __init__(self, settings: Settings, *, statement_seconds_max: float | None = None) -> None:
        """Raises EngineUnreachable, or Refused where there is no archive. A query that takes
        longer than `statement_seconds_max` raises TookTooLong; None waits for it."""
        self.settings = settings
        self.db = Database(
            settings.dsn,
            settings.prefix,
            Role.READER,
            statement_seconds_max=statement_seconds_max,
        )
        self._streams: list[Stream] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.db.close()

    # ---- how far ----------------------------------------------------------------------------

    def ledger_id(self) -> LedgerId | None:
        """Which ledger this is the archive of; None while nothing was written down."""
        return ledger_id(self.db)

    def stream(self, letter: str, partition: int, epoch: int | None = None) -> Stream:
        """One stream, by default of the newest epoch. Raises Refused when there is none."""
        for look_again in (False, True):
            if look_again or not self._streams:
                self._streams = streams(self.db)
            found = [s for s in self._streams if (s.letter, s.partition) == (letter, partition)]
            found = [s for s in found if epoch is None or letter == "c" or s.epoch == epoch]
            if found:
                return max(found, key=lambda s: s.epoch)
        raise Refused(
            f"the archive knows no partition {letter}{partition}", remedy="fledger migrate"
        )

    def next_offsets(self) -> dict[Stream, int]:
        """The first offset of each stream that is not archived yet."""
        found = holds(self.db)
        return {stream: found[stream.stream].mark.next_offset for stream in streams(self.db)}

    def archived(self, partition: int) -> Archived:
        """How far one market partition of the newest epoch is."""
        mark = holds(self.db)[self.stream("m", partition).stream].mark
        return Archived(mark.next_offset, mark.control_through)

    def places(self) -> list[look.Place]:
        """Every stream and how far it is."""
        return look.places(self.db)

    def market_streams(self) -> list[look.Place]:
        """As `places`: the market partitions of the newest epoch."""
        market = [place for place in look.places(self.db) if place.letter == "m"]
        newest = max((place.epoch for place in market), default=0)
        return [place for place in market if place.epoch == newest]

    def archiver_runs(self) -> bool:
        """Whether an archiver of this ledger is connected now."""
        found = self.db.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            " AND datname = current_database()",
            [application_of(self.settings.prefix)],
        )
        return bool(found)

    def lag_seconds(self) -> float:
        """How long ago the broker took the newest record that is archived of the market."""
        newest = self.db.value(
            "SELECT max(known_at) FROM sink JOIN stream USING (stream) WHERE letter = 'm'"
        )
        return max(0.0, time.time() - (newest or 0) / 1e9)

    def first_known_since(self, partition: int, moment_ns: int) -> int | None:
        """The first offset of a market partition (newest epoch) with known_at ≥ moment, ns; None
        while there is none."""
        return self.first_offset_known_since(self.stream("m", partition), moment_ns)

    def first_offset_known_since(self, stream: Stream, moment_ns: int) -> int | None:
        """As `first_known_since`, of any stream. known_at never falls: a search by halves."""
        mark = holds(self.db)[stream.stream].mark
        if not mark.next_offset or mark.known_at < moment_ns:
            return None
        low, high = 0, mark.next_offset - 1
        while low < high:
            middle = (low + high) // 2
            known = self.db.value(
                'SELECT known_at FROM frame WHERE stream = %s AND "offset" = %s',
                [stream.stream, middle],
            )
            low, high = (low, middle) if known >= moment_ns else (middle + 1, high)
        return low

    def ask_for_beat(self) -> None:
        """Ask the relay, wherever it runs, for a heartbeat in every partition."""
        self.db.ring(f"{self.settings.prefix}_{BEAT_BELL}")

    def beat_was_asked_for(self, seconds: float) -> bool:
        """Wait for such a request; call it in a loop on a connection of its own."""
        return self.db.wait_for(f"{self.settings.prefix}_{BEAT_BELL}", seconds)

    # ---- facts ------------------------------------------------------------------------------

    def facts_between(
        self, kind: Kind, instrument: int, first_ns: int, last_ns: int
    ) -> tuple[Rows, Ints]:
        """Rows of one instrument whose event time meets [first, last] (ns), in the order of the
        log, suspect ones left out; and the offset of each. Arrays of shape (n,)."""
        return facts_between(self.db, kind, instrument, first_ns, last_ns)

    def newest(self, kind: Kind, instrument: int, interval_ns: int = 0) -> int | None:
        """The feed's newest event time (ns), Clocks included, suspect ones not; None for none."""
        return look.newest(self.db, kind, instrument, interval_ns)

    def rebuild(self, stream: Stream, first: int, end: int) -> Iterator[tuple[int, bytes | None]]:
        """(offset, exact bytes) of the archived records of [first, end), in order; None for an
        offset that never held a record. Raises IntegrityBroken."""
        return rebuild(self.db, stream, first, end)

    def control_events(self) -> list[look.ControlEvent]:
        """The control topic as far as it is archived, in sequence."""
        return look.control_events(self.db)

    # ---- sums -------------------------------------------------------------------------------

    def totals(self) -> list[look.Total]:
        """Records and stored events by kind, over all streams."""
        return look.totals(self.db)

    def event_count(self) -> int:
        """Events archived of the market partitions, heartbeats and copies included."""
        return sum(place.events for place in look.places(self.db) if place.letter == "m")

    def undecodable(self) -> int:
        """Records that nobody can decode, now or later."""
        return look.undecodable(self.db)

    def feeds(self) -> list[look.Feed]:
        """Every feed of every instrument."""
        return look.feeds(self.db)

    def days(self, kind: Kind, instrument: int) -> list[int]:
        """The UTC days (their first nanosecond) on which a feed has facts, in order."""
        return look.days(self.db, kind, instrument)

    def feeds_of(self, source: int) -> list[look.Feed]:
        """The feeds that a source has brought facts of."""
        return look.feeds_of(self.db, source)

    def feed_count(self) -> int:
        """How many feeds there are."""
        return len(look.feeds(self.db))

    def open_gaps(self) -> int:
        """Gaps announced and not closed."""
        return len(look.open_gaps(self.db))

    def quarantined(self) -> int:
        """Input rows that wait in quarantine."""
        return look.quarantined(self.db)

    def repeats(self, seconds_max: float = look.COUNT_SECONDS_MAX) -> int | None:
        """Facts that repeat an identity archived before, exactly; None when it took too long."""
        return look.repeats(self.db, seconds_max)

    # ---- sequences --------------------------------------------------------------------------

    def runs(self, source: int, kind: Kind, instrument: int) -> list[Run]:
        """The venue sequences of one source and feed that arrived, in order."""
        return look.runs(self.db, source, kind, instrument)

    def last_sequences(
        self, source: int, kind: Kind, instruments: Sequence[int] | NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """The greatest venue sequence of each instrument, 0 where none arrived; shape (n,)."""
        return look.last_sequences(self.db, source, kind, [int(i) for i in instruments])

    def gap_watch(self) -> GapWatch:
        """What an appender must know to find gaps from here on."""
        return look.gap_watch(self.db)
