"""From rows in order to facts in the log: identity, recognition, remarks, appending.

What comes out of the sort windows is named (by venue or by content), compared with the archive and
with itself, judged against its neighbours, and handed to the sink, the books or the quarantine.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ledger.content import floored, identify_at, ordinals
from ledger.decimals import decimal_text
from ledger.drafts import COUNTS, NUMBERS, PRICES, Bools, Ints
from ledger.instruments import Instrument
from ledger.load_flags import FarWatch, Judged
from ledger.load_jumps import UNCONFIRMED
from ledger.load_options import Talk
from ledger.load_ports import Ports, Waiting
from ledger.load_recognise import Status, recognise
from ledger.load_tally import Tally
from ledger.load_window import Feed, FeedWindow, Held, Settled
from ledger.quarantine import NO_ORDINAL
from ledger.rows import ABSENT, Kind, Rows, clock_rows
from ledger.times import day_end, format_time

PENDING_MAX: Final = 64  # appends under way before the oldest is waited for
CONFLICT: Final = "same identity as another row, other content"
Outbox = dict[tuple[Kind, bool], list[tuple[Rows, Ints]]]


@dataclass
class FeedState:
    """One feed during a load."""

    feed: Feed
    instrument: Instrument
    window: FeedWindow
    far: FarWatch
    archived_newest: int | None
    """What the archive knew when the load began; a row behind it may be known."""
    newest: int
    """The newest event time of the feed so far, archived or appended here."""
    last: int = ABSENT
    """The newest event time in this load."""
    contiguous: bool = False
    announced: bool = False


class Delivery:
    """Takes settled rows of any feed; `flush` after every chunk, `finish` at the end."""

    def __init__(self, ports: Ports, source: int, tally: Tally, talk: Talk) -> None:
        self._ports, self._source, self._tally, self._talk = ports, source, tally, talk
        self._outbox: Outbox = {}
        self._under_way: deque[Waiting] = deque()

    def take(self, state: FeedState, settled: Settled) -> None:
        """Rows in order; late ones are not this method's business."""
        held = settled.ordered
        if len(held) == 0:
            return
        rows, numbers = name_rows(held, state.instrument.time_unit_ns)
        archived = self.archived(state, rows)
        believed = ~held.unbelieved
        if not believed.all():
            self._refuse_jumps(state, held, rows, numbers, archived)
            rows, held = rows[believed], held.take(believed)
        unit, distinct = state.instrument.time_unit_ns, bool(held.by_content.all())
        found = recognise(state.feed.kind, rows, archived, unit, distinct=distinct)
        others = {int(held.places[n]): row for n, row in found.others.items()}
        for judged in state.far.pass_on(Judged(rows, held.places, found.status, others)):
            self.route(state, judged)

    def archived(self, state: FeedState, rows: Rows, *, always: bool = False) -> Rows:
        """The archived facts that rows of a feed (in order of time) could repeat."""
        newest, unit = state.archived_newest, state.instrument.time_unit_ns
        if len(rows) == 0:
            return rows
        first = int(rows["event_time"][0]) // unit * unit
        last = int(rows["event_time"][-1]) // unit * unit + unit - 1
        if not always and (newest is None or first > newest):
            return rows[:0]
        found, offsets = self._ports.known.facts_between(
            state.feed.kind, state.feed.instrument, first, last
        )
        return found[np.argsort(offsets, kind="stable")]

    def route(self, state: FeedState, judged: Judged) -> None:
        """Recognised rows to where they belong."""
        if len(judged) == 0:
            return
        known, fresh = judged.status == Status.KNOWN, judged.status == Status.FRESH
        state.last = max(state.last, int(judged.rows["event_time"].max()))
        if known.any():
            self._tally.known(judged.places[known])
        for row in np.flatnonzero(judged.status == Status.CONFLICT).tolist():
            place = int(judged.places[row])
            self._conflict(state, judged.rows[row], judged.others[place][0], place)
        if fresh.any():
            chosen: Any = slice(None) if fresh.all() else fresh
            self._append(state, judged.rows[chosen], judged.places[chosen])

    def flush(self) -> None:
        """Hand over what has gathered, in order of time over all feeds."""
        for (kind, sequenced), parts in self._outbox.items():
            rows = np.concatenate([part for part, _ in parts]) if len(parts) > 1 else parts[0][0]
            times = rows["event_time"]
            if (times[1:] < times[:-1]).any():
                rows = rows[np.argsort(times, kind="stable")]
            self._send(kind, rows, sequenced)
            for part, places in parts:
                self._tally.appended(part, places)
        self._outbox = {}
        self._tally.flush()

    def wait(self) -> None:
        """Until everything handed over is acknowledged. Raises what the sink raises."""
        while self._under_way:
            self._under_way.popleft().result()

    def clocks(self, states: list[FeedState], now_ns: int) -> list[str]:
        """Close the days loaded: a Clock per feed at the end of its last UTC day. Returns what was
        not done, for people."""
        refused, rows = [], []
        for state in states:
            if state.last == ABSENT:
                continue
            within = state.last - (1 if state.feed.kind is Kind.BAR else 0)  # a bar's end is not in
            time = day_end(within)
            if time > now_ns:
                symbol = state.instrument.symbol
                refused.append(f"{symbol}: its day lasts until {format_time(time)}; not completed")
            elif state.newest < time:
                rows.append(
                    (time, state.feed.interval_ns, state.feed.instrument, int(state.feed.kind))
                )
        if rows:
            self._send(Kind.CLOCK, clock_rows(rows), False)
            self._tally.result.clocks = len(rows)
        return refused

    def _send(self, kind: Kind, rows: Rows, sequenced: bool) -> None:
        while len(self._under_way) >= PENDING_MAX:
            self._under_way.popleft().result()
        self._under_way.append(
            self._ports.sink.append(
                kind, rows, source=self._source, loaded=True, sequenced=sequenced
            )
        )

    def _append(self, state: FeedState, rows: Rows, places: Ints) -> None:
        self._count_deferred(state, rows)
        key = (state.feed.kind, state.contiguous)
        self._outbox.setdefault(key, []).append((rows, places))

    def _count_deferred(self, state: FeedState, rows: Rows) -> None:
        """Rows behind the horizon, said before they are appended."""
        times = floored(rows["event_time"], state.instrument.time_unit_ns)
        newest = np.maximum(np.maximum.accumulate(times), state.newest)
        behind: Bools = times < newest - state.instrument.revise_within_ns
        count = int(behind.sum())
        state.newest = int(newest[-1])
        if not count:
            return
        self._tally.result.deferred += count
        if not state.announced:
            state.announced = True
            self._talk.notice(
                f"{state.instrument.symbol}: rows such as that of "
                f"{format_time(int(rows['event_time'][behind][0]))} are behind the horizon of its "
                f"{state.feed.kind.name.lower()} feed (newest {format_time(int(newest[0]))}): they "
                "are appended as deferred and change nothing until a restate (comes with a later "
                "release)"
            )

    def _refuse_jumps(
        self, state: FeedState, held: Held, rows: Rows, numbers: Ints, archived: Rows
    ) -> None:
        at = np.flatnonzero(held.unbelieved)
        found = recognise(state.feed.kind, rows[at], archived, state.instrument.time_unit_ns)
        for row, status in zip(at.tolist(), found.status.tolist(), strict=True):
            place = int(held.places[row])
            if status == Status.KNOWN:
                self._tally.known(held.places[row : row + 1])
            else:
                self._tally.refuse(place, UNCONFIRMED, ordinal=int(numbers[row]))

    def _conflict(self, state: FeedState, row: Any, other: Any, place: int) -> None:
        detail = {
            "row": content_text(state.feed.kind, row, state.instrument),
            "stands": content_text(state.feed.kind, other, state.instrument),
        }
        self._tally.refuse(place, CONFLICT, ordinal=NO_ORDINAL, detail=detail)


def name_rows(held: Held, unit_ns: int) -> tuple[Rows, Ints]:
    """Rows with their ids, and the number of each among equals (0 where the venue names it)."""
    numbers: Ints = np.zeros(len(held), np.int64)
    chosen = held.by_content
    if not chosen.any():
        return held.rows, numbers
    if chosen.all():
        numbers = ordinals(held.rows, unit_ns)
        return identify_at(held.rows, unit_ns, numbers), numbers
    rows = held.rows.copy()
    numbers[chosen] = ordinals(rows[chosen], unit_ns)
    rows[chosen] = identify_at(rows[chosen], unit_ns, numbers[chosen])
    return rows, numbers


def content_text(kind: Kind, row: Any, instrument: Instrument) -> dict[str, str]:
    """What a row says, in exact decimals, for people."""
    said = {"event_time": format_time(int(row["event_time"]))}
    for name in NUMBERS[kind]:
        value = int(row[name])
        if value == ABSENT:
            continue
        exponent = instrument.price_exponent if name in PRICES else instrument.size_exponent
        said[name] = decimal_text(value, 0 if name in COUNTS else exponent)
    if "aggressor" in row.dtype.names:
        said["aggressor"] = ("none", "buy", "sell")[int(row["aggressor"])]
    return said
