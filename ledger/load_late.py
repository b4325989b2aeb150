"""Rows that stand too late in their source for the sort window.

With a venue's id a late row is a fact like any other: it is compared with the archive, after the
archive has caught up with this load, and appended. Without one its number among equals is only
known from the whole source: the source is read a second time, just for the rows of those times. A
late row without id is quarantined; retrying it, or loading again with a larger window, gives it
the identity that this number says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from ledger.content import floored, identify_at, ordinals
from ledger.drafts import Ints
from ledger.load_delivery import Delivery, FeedState
from ledger.load_flags import Judged
from ledger.load_ports import Known
from ledger.load_recognise import Status, recognise
from ledger.load_tally import Tally
from ledger.load_window import Feed, Held, join
from ledger.quarantine import NO_ORDINAL
from ledger.rows import Rows
from ledger.times import MINUTE_NS

LATE_ROWS_MAX: Final = 65_536  # kept back before they are looked up
RUN_ROWS: Final = 8_192  # about as many rows share a look-up
QUIET_NS: Final = MINUTE_NS  # a gap that parts two look-ups
TOO_LATE: Final = "stands too far behind newer rows to be sorted in, and has no id"


class Numbered(NamedTuple):
    """Rows of one feed with their places, from the second reading."""

    feed: Feed
    rows: Rows
    places: Ints


@dataclass
class LateRows:
    """Late rows of a load, by feed."""

    delivery: Delivery
    known: Known
    tally: Tally
    _named: dict[Feed, list[Held]] = field(default_factory=dict)
    _unnamed: dict[Feed, list[Held]] = field(default_factory=dict)
    _texts: dict[int, str] = field(default_factory=dict)
    _states: dict[Feed, FeedState] = field(default_factory=dict)
    _count: int = 0

    def take(self, state: FeedState, late: Held) -> None:
        """Keep late rows back until there are many, or the source ends."""
        if len(late) == 0:
            return
        self._states[state.feed] = state
        named = late.take(~late.by_content)
        if len(named):
            self._named.setdefault(state.feed, []).append(named)
            self._count += len(named)
        self._keep_unnamed(state.feed, late.take(late.by_content))
        if self._count >= LATE_ROWS_MAX:
            self.append_named()

    def pending(self) -> list[Ints]:
        return [held.places for kept in self._named.values() for held in kept]

    def append_named(self) -> None:
        """Compare the rows with ids with everything in the log, and append what is new."""
        if not self._named:
            return
        self.delivery.flush()
        self.delivery.wait()
        self.known.settle()
        for feed, kept in self._named.items():
            held = join(kept)
            state = self._states[feed]
            for run in _runs(held, state.instrument.time_unit_ns):
                self._append_run(state, run)
        self.delivery.flush()
        self._named, self._count = {}, 0

    def times(self) -> dict[Feed, Ints]:
        """The times whose rows the second reading has to number."""
        return {
            feed: np.unique(np.concatenate([held.rows["event_time"] for held in kept]))
            for feed, kept in self._unnamed.items()
        }

    def quarantine_unnamed(self, again: Iterator[Numbered]) -> None:
        """Give rows without ids their numbers, from all rows of their times, and quarantine those
        that the archive does not have."""
        seen: dict[Feed, list[Numbered]] = {}
        for part in again:
            seen.setdefault(part.feed, []).append(part)
        self.delivery.flush()
        self.delivery.wait()
        self.known.settle()
        for feed, kept in self._unnamed.items():
            state, held = self._states[feed], join(kept)
            numbers, unit = _numbers(state, held, seen.get(feed, [])), state.instrument.time_unit_ns
            named = replace(held, rows=identify_at(held.rows, unit, numbers))
            number_of = dict(zip(held.places.tolist(), numbers.tolist(), strict=True))
            for run in _runs(named, unit):
                self._decide(state, run, number_of)
        self._unnamed, self._texts = {}, {}
        self.tally.flush()

    def _keep_unnamed(self, feed: Feed, held: Held) -> None:
        room = LATE_ROWS_MAX - len(self._texts)
        for place in held.places[room:].tolist():
            self.tally.refuse(place, TOO_LATE, ordinal=NO_ORDINAL)
        kept = held.take(slice(0, max(0, room)))
        if len(kept):
            for place in kept.places.tolist():
                self._texts[place] = self.tally.trail.where(place).raw
            self._unnamed.setdefault(feed, []).append(kept)

    def _append_run(self, state: FeedState, held: Held) -> None:
        archived = self.delivery.archived(state, held.rows, always=True)
        kind, unit = state.feed.kind, state.instrument.time_unit_ns
        found = recognise(kind, held.rows, archived, unit)
        others = {int(held.places[n]): row for n, row in found.others.items()}
        self.delivery.route(state, Judged(held.rows, held.places, found.status, others))

    def _decide(self, state: FeedState, held: Held, numbers: dict[int, int]) -> None:
        archived = self.delivery.archived(state, held.rows, always=True)
        unit = state.instrument.time_unit_ns
        status = recognise(state.feed.kind, held.rows, archived, unit).status
        for row, place in enumerate(held.places.tolist()):
            number = numbers[place]
            if status[row] == Status.KNOWN and number != NO_ORDINAL:
                self.tally.known(held.places[row : row + 1])
            else:
                self.tally.refuse(place, TOO_LATE, ordinal=number, raw=self._texts[place])


def _numbers(state: FeedState, held: Held, seen: list[Numbered]) -> Ints:
    """The number of each held row among the equals of the whole source; shape (n,)."""
    if not seen:
        return np.full(len(held), NO_ORDINAL, np.int64)
    rows = np.concatenate([part.rows for part in seen])
    places = np.concatenate([part.places for part in seen])
    numbers = ordinals(rows, state.instrument.time_unit_ns)
    at = np.minimum(np.searchsorted(places, held.places), len(places) - 1)
    return np.where(places[at] == held.places, numbers[at], NO_ORDINAL)


def _runs(held: Held, unit_ns: int) -> Iterator[Held]:
    """Held rows in order of time, cut where there is a gap and where there are many, never within
    one time."""
    ordered = held.take(np.argsort(held.rows["event_time"], kind="stable"))
    steps = np.diff(floored(ordered.rows["event_time"], unit_ns))
    start = 0
    for end in (np.flatnonzero(steps) + 1).tolist():
        if steps[end - 1] > QUIET_NS or end - start >= RUN_ROWS:
            yield ordered.take(slice(start, end))
            start = end
    if start < len(ordered):
        yield ordered.take(slice(start, None))


def rows_at(times: dict[Feed, Ints], feed: Feed, rows: Rows, unit_ns: int) -> Ints:
    """The indices of the rows whose floored time is one of those to be numbered."""
    wanted = times.get(feed)
    if wanted is None:
        return np.zeros(0, np.int64)
    units = floored(wanted, unit_ns)
    return np.flatnonzero(np.isin(floored(rows["event_time"], unit_ns), units))
