"""The demo's two halves: what feeds the appender, and what the screen shows.

Every number on the screen is read from the broker or the database, never from our own memory,
except what the feed itself says it handed over.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from ledger.client import Ledger
from ledger.load_options import LoadOptions, Progress, Talk
from ledger.packing import Pending
from ledger.rows import Kind, Rows
from ledger.settings import Settings
from ledger.simulate import Counts, Market, simulated_instruments
from ledger.sources.mapping import ReadOptions

INSTRUMENTS: Final = 24
STEP_SECONDS: Final = 0.05
PENDING_MAX: Final = 64
SOURCE: Final = "simulator"


class StreamLine(NamedTuple):
    """One partition as broker and database hold it; `lag` in records."""

    name: str
    kafka_records: int
    archived_records: int
    archived_events: int
    lag: int


class Glance(NamedTuple):
    """One moment of the screen."""

    handed_over: int
    acknowledged: int
    per_second: float
    streams: list[StreamLine]
    gaps: int
    quarantined: int
    lag_seconds: float

    @property
    def events(self) -> int:
        return sum(line.archived_events for line in self.streams)

    @property
    def lag(self) -> int:
        return sum(line.lag for line in self.streams)


class Stopped(Exception):
    """The demo's time is over in the middle of a file."""


@dataclass
class Feed:
    """What was handed to the appender, and what the broker has acknowledged of it."""

    handed_over: int = 0
    acknowledged: int = 0
    counts: Counts | None = None
    result: str = ""
    failure: BaseException | None = None
    ended: bool = False

    def says(self) -> str:
        """What the feed did, in words."""
        if self.counts is None:
            return self.result or f"reading a file: {self.handed_over:,} rows so far"
        c = self.counts
        return (
            f"the market made {c.made:,}: {c.late:,} late, {c.repeated:,} repeated, "
            f"{c.lost:,} lost, {c.recovered:,} of them brought later"
        )


def feed_simulated(led: Ledger, feed: Feed, stop: threading.Event, rate: float, seed: int) -> None:
    """Run the simulated market into the appender until `stop` is set."""
    ids = np.array(led.define(*simulated_instruments(INSTRUMENTS), reason="demo"), np.int32)
    source = led.source(SOURCE)
    market = Market(ids, seed=seed, ticks_per_second=rate)
    market.go_on_from(led.archive.last_sequences(source, Kind.TRADE, ids))
    pending: list[tuple[int, Pending]] = []
    step_ns, due = int(STEP_SECONDS * 1e9), time.monotonic()
    try:
        while not stop.is_set():
            rows = market.step(time.time_ns(), step_ns)
            pending.append((len(rows), _append(led, rows, source, feed)))
            pending = _settle(pending, feed, PENDING_MAX)
            feed.counts = market.counts
            due += STEP_SECONDS
            stop.wait(max(0.0, due - time.monotonic()))
        pending.append((0, _append(led, market.drain(), source, feed)))
        led.appender.end_of_source(source)
        led.appender.flush()
        _settle(pending, feed, 0)
    except BaseException as error:
        feed.failure = error
    finally:
        feed.ended = True


def feed_file(
    settings: Settings, feed: Feed, stop: threading.Event, path: Path, instrument: str | None
) -> None:
    """Load a real file, defining what it needs, until its end or until `stop` is set."""
    from ledger.client import Ledger

    def advance(progress: Progress) -> None:
        feed.handed_over = progress.rows
        if stop.is_set():
            raise Stopped

    try:
        # A connection of its own: the screen asks on the other one at the same time.
        with Ledger(settings) as led:
            talk = Talk(progress=advance)
            options = LoadOptions(ReadOptions(instrument=instrument), define=True)
            result = led.load(path, options=options, talk=talk, reason="demo")
        feed.acknowledged = result.counts.appended
        feed.result = str(result.counts)
    except Stopped:
        pass
    except BaseException as error:
        feed.failure = error
    finally:
        feed.ended = True


def _append(led: Ledger, rows: Rows, source: int, feed: Feed) -> Pending:
    feed.handed_over += len(rows)
    return led.appender.append(Kind.TRADE, rows, source=source, sequenced=True)


def _settle(pending: list[tuple[int, Pending]], feed: Feed, most: int) -> list[tuple[int, Pending]]:
    """Count what is acknowledged; wait only when more than `most` appends are under way."""
    while pending and (pending[0][1].done() or len(pending) > most):
        feed.acknowledged += len(pending.pop(0)[1].result(30))
    return pending


class Watch:
    """Takes glances; remembers the last one for the rate."""

    def __init__(self, led: Ledger, feed: Feed, now: Callable[[], float] = time.monotonic) -> None:
        self._led, self._feed, self._now = led, feed, now
        self._before = (now(), led.archive.event_count())

    def glance(self) -> Glance:
        """Ask the broker and the database now."""
        archive, ends = self._led.archive, self._led.control.ends()
        lines = []
        for stream in archive.market_streams():
            end = ends[stream.partition]
            lines.append(
                StreamLine(
                    f"market {stream.partition}",
                    end,
                    stream.next_offset,
                    stream.events,
                    max(0, end - stream.next_offset),
                )
            )
        now, events = self._now(), sum(line.archived_events for line in lines)
        then, before = self._before
        rate = (events - before) / (now - then) if now > then else 0.0
        self._before = (now, events)
        return Glance(
            self._feed.handed_over,
            self._feed.acknowledged,
            rate,
            lines,
            archive.open_gaps(),
            archive.quarantined(),
            archive.lag_seconds() if any(line.lag for line in lines) else 0.0,
        )
