"""Putting rows in order of event time, in bounded memory.

The rule, by lines and not by chunks, so that it is the same however a file is cut: a row is *late*
when its time is below the newest believed time of its feed among the rows at least `sort_rows`
lines before it. Everything else leaves in order of time, equal times in the order of the file, and
all rows of one time leave together: so ordinals among equals and repeats inside a file are decided
within what leaves at once. Times are compared floored to the venue's coarsest unit, as identities
are.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from ledger.content import floored
from ledger.drafts import Bools, Ints
from ledger.errors import Refused
from ledger.load_jumps import INTERVALS, NEVER, Belief
from ledger.rows import Kind, Rows, empty

FEED_ROWS_MAX: Final = 1_000_000  # of one feed in memory: as many rows may share one time


class Feed(NamedTuple):
    """An instrument's trades, quotes, or bars of one length."""

    kind: Kind
    instrument: int
    interval_ns: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of one feed with their places in the source; shape (n,) each."""

    rows: Rows
    places: Ints
    unbelieved: Bools
    by_content: Bools

    def take(self, chosen: Bools | Ints | slice) -> "Held":
        return Held(
            self.rows[chosen],
            self.places[chosen],
            self.unbelieved[chosen],
            self.by_content[chosen],
        )

    def __len__(self) -> int:
        return len(self.rows)


def none_held(kind: Kind) -> Held:
    none = np.zeros(0, bool)
    return Held(empty(kind, 0), np.zeros(0, np.int64), none, none)


def join(parts: list[Held]) -> Held:
    """One after the other; at least one part."""
    if len(parts) == 1:
        return parts[0]
    return Held(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.unbelieved for part in parts]),
        np.concatenate([part.by_content for part in parts]),
    )


class Settled(NamedTuple):
    """What leaves a window: rows in order (unbelieved ones among them), and late rows."""

    ordered: Held
    late: Held


class FeedWindow:
    """The rows of one feed that cannot leave yet."""

    def __init__(self, feed: Feed, unit_ns: int, sort_rows: int, jump_ns: int) -> None:
        self.feed, self.unit_ns, self.sort_rows = feed, unit_ns, sort_rows
        self.belief = Belief(max(jump_ns, INTERVALS * feed.interval_ns))
        self._fresh: list[Held] = []
        self._gone: Bools = np.zeros(
            0, bool
        )  # fresh rows that left early; they still confirm jumps
        self._held = none_held(feed.kind)
        self._peak_places: Ints = np.zeros(0, np.int64)
        self._peaks: Ints = np.zeros(0, np.int64)
        self._floor = NEVER

    def push(self, held: Held) -> None:
        """Rows in the order of the source."""
        self._fresh.append(held)
        self._gone = np.concatenate((self._gone, np.zeros(len(held), bool)))
        if len(self._gone) + len(self._held) > FEED_ROWS_MAX:
            raise Refused(
                f"more than {FEED_ROWS_MAX:,} rows of one instrument share one time "
                f"or stand ahead of it (line {int(held.places[-1])} of the source)",
                remedy="check the column of times (--map time=…) and --time-unit",
            )

    def settle(self, through: int | None) -> Settled:
        """What can leave when the source was read up to line `through`; None: to its end."""
        if not self._fresh and through is not None:
            return Settled(none_held(self.feed.kind), none_held(self.feed.kind))
        fresh = join(self._fresh) if self._fresh else none_held(self.feed.kind)
        last = None if through is None else through - self.sort_rows
        count = len(fresh) if last is None else int(np.searchsorted(fresh.places, last, "right"))
        self._judge(fresh, count)
        settled = self._settled_now(fresh, count)
        late = self._late(settled)
        self._held = join([self._held, settled.take(~late)])
        self._forget(fresh, count, last)
        return Settled(self._leave(last is None), settled.take(late))

    def pending(self) -> list[Ints]:
        """The places of all rows that have not left."""
        waiting = [held.places for held in self._fresh]
        if waiting and self._gone.any():
            waiting = [np.concatenate(waiting)[~self._gone]]
        return [*waiting, self._held.places]

    def _judge(self, fresh: Held, count: int) -> None:
        times = fresh.rows["event_time"]
        believed, peaks = self.belief.judge(times, fresh.places, count, self.sort_rows)
        fresh.unbelieved[:count] = ~believed
        self._peak_places = np.concatenate((self._peak_places, fresh.places[:count]))
        self._peaks = np.concatenate((self._peaks, floored(peaks, self.unit_ns)))

    def _settled_now(self, fresh: Held, count: int) -> Held:
        """Rows far enough back, and those so old that nothing about them is open."""
        now: Bools = ~self._gone
        if self.belief.newest is not None:
            times = floored(fresh.rows["event_time"][count:], self.unit_ns)
            now[count:] &= times < self._bound()
        else:
            now[count:] = False
        self._gone |= now
        return fresh.take(now)

    def _bound(self) -> int:
        newest = self.belief.newest
        assert newest is not None
        return newest - newest % self.unit_ns

    def _late(self, held: Held) -> Bools:
        before = np.searchsorted(self._peak_places, held.places - self.sort_rows, "right") - 1
        peaks = self._peaks[before] if len(self._peaks) else np.zeros(len(held), np.int64)
        newest = np.where(before >= 0, peaks, self._floor)
        late: Bools = floored(held.rows["event_time"], self.unit_ns) < newest
        return late & ~held.unbelieved

    def _forget(self, fresh: Held, count: int, last: int | None) -> None:
        self._fresh = [fresh.take(slice(count, None))] if count < len(fresh) else []
        self._gone = self._gone[count:]
        if last is not None:
            old = int(np.searchsorted(self._peak_places, last + 1 - self.sort_rows, "right"))
            if old > 1:
                self._floor = int(self._peaks[old - 2])
                self._peak_places = self._peak_places[old - 1 :]
                self._peaks = self._peaks[old - 1 :]

    def _leave(self, ended: bool) -> Held:
        """Held rows that nothing can come before any more, in order of time."""
        held = self._held
        if ended:
            chosen: Bools = np.ones(len(held), bool)
        elif self.belief.newest is None:
            return none_held(self.feed.kind)
        else:
            chosen = floored(held.rows["event_time"], self.unit_ns) < self._bound()
        leaving = held if chosen.all() else held.take(chosen)
        self._held = none_held(self.feed.kind) if chosen.all() else held.take(~chosen)
        times = leaving.rows["event_time"]
        if (times[1:] >= times[:-1]).all():
            return self._in_file_order(leaving)
        order = np.lexsort((leaving.places, times))
        return leaving.take(order)

    @staticmethod
    def _in_file_order(leaving: Held) -> Held:
        """Early leavers may stand behind rows of their time that came before them in the file."""
        places, times = leaving.places, leaving.rows["event_time"]
        swapped = (times[1:] == times[:-1]) & (places[1:] < places[:-1])
        return leaving.take(np.lexsort((places, times))) if swapped.any() else leaving
