"""Files into the ledger: `load`.

    plan → (look: what would have to be defined?) → read → draft → rows → sort window → delivery

One reading when the instruments are known, two when they are to be defined. The first reading
appends nothing. A load can be repeated whenever and however it ended: what is known is recognised,
so the same ledger comes out.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.draft_rows import convert
from ledger.drafts import Ints
from ledger.load_delivery import Delivery
from ledger.load_feeds import Feeds, by_feed
from ledger.load_late import LateRows, Numbered, rows_at
from ledger.load_look import drafts, undefined
from ledger.load_options import LoadOptions, Progress, Talk
from ledger.load_ports import Ports
from ledger.load_result import FileResult, LoadResult
from ledger.load_tally import Tally
from ledger.load_trail import FileEntry, Trail
from ledger.load_window import Feed
from ledger.sources.parts import Damaged
from ledger.sources.reading import Chunk, Planned, plan, read

EMPTY: Final = "holds no rows"
OPEN: Final = "the last bars stay open until later data closes them (--complete says none comes)"


def load(
    paths: Sequence[Path],
    ports: Ports,
    options: LoadOptions | None = None,
    *,
    talk: Talk | None = None,
    now_ns: int | None = None,
) -> LoadResult:
    """Load files and folders as one source, and wait until everything is acknowledged.

    Instruments that are not defined are defined when `options.define` says so; else the result
    holds the definitions that would be made and nothing is appended. `now_ns` is the time after
    which no day has ended. Raises FormatError or NaiveTime before the first append,
    EngineUnreachable when an engine goes away: repeat it then.
    """
    chosen = options or LoadOptions()
    planned = plan(paths, chosen.read)
    meter = _Meter(talk or Talk(), chosen.chunk_bytes, _bytes_of(planned), time.monotonic())
    name = chosen.source or f"files/{planned[0].format.name}"
    result = LoadResult(load_id=uuid.uuid4().hex, source=name)
    registry = ports.registry
    wanted = undefined(planned, registry.catalog, meter.read, all_rows=chosen.define)
    if wanted and not chosen.define:
        result.definitions = wanted
    else:
        if wanted:
            registry.define(wanted)
        meter.restart()
        _Load(planned, ports, chosen, meter, result).run(now_ns or time.time_ns())
    result.seconds = time.monotonic() - meter.started
    return result


@dataclass
class _Meter:
    """Reads, and tells how far it is."""

    talk: Talk
    chunk_bytes: int
    bytes_total: int
    started: float
    rows: int = 0
    bytes_done: int = 0

    def read(self, planned: Planned) -> Iterator[Chunk]:
        for chunk in read(planned, self._step, self.chunk_bytes):
            yield chunk
            self.rows += chunk.size
            seconds = time.monotonic() - self.started
            self.talk.progress(Progress(self.rows, self.bytes_done, self.bytes_total, seconds))

    def restart(self) -> None:
        self.rows = self.bytes_done = 0

    def _step(self, count: int) -> None:
        self.bytes_done += count


class _Load:
    """The reading that appends."""

    def __init__(
        self,
        planned: list[Planned],
        ports: Ports,
        options: LoadOptions,
        meter: _Meter,
        result: LoadResult,
    ) -> None:
        self._planned, self._options, self._meter, self._result = planned, options, meter, result
        self._catalog, self._known = ports.registry.catalog, ports.known
        self._trail = Trail()
        self._tally = Tally(result, self._trail, ports.quarantine)
        source = ports.registry.source_id(result.source)
        self._delivery = Delivery(ports, source, self._tally, meter.talk)
        self._late = LateRows(self._delivery, ports.known, self._tally)
        self._feeds = Feeds(ports, options)

    def run(self, now_ns: int) -> None:
        self._known.settle()  # what an interrupted load left in the log must be known
        base = 0
        for planned in self._planned:
            base = self._load_part(planned, base)
        self._settle(None)
        self._finish(now_ns)

    def _load_part(self, planned: Planned, base: int) -> int:
        """One file; returns the place of its last line."""
        form = planned.format
        result = FileResult(planned.part.label, form.name, form.time_unit)
        self._result.files.append(result)
        entry = FileEntry(base, result, planned.head, form.describe())
        self._trail.begin(entry)
        place = base
        try:
            for chunk in self._meter.read(planned):
                place = base + chunk.through
                self._take(chunk, entry)
                self._settle(place)
        except Damaged as damage:
            result.damage, result.damage_line = damage.reason, damage.line
        if result.counts.read == 0 and not result.damage:
            self._result.warnings.append(f"{result.file} {EMPTY}")
        return place

    def _take(self, chunk: Chunk, entry: FileEntry) -> None:
        entry.result.counts.read += chunk.size
        self._tally.skipped(entry, chunk.parsed.skipped)
        self._tally.broken(entry, chunk.parsed.broken)
        for draft in chunk.parsed.drafts:
            found = convert(draft, self._catalog)
            self._tally.refused(entry, draft, found.refusals)
            places = self._trail.add(draft, entry.base)
            self._feeds.push(draft, found, places[found.at])

    def _settle(self, through: int | None) -> None:
        """Let go what can go when the source was read up to this place; None: to its end."""
        for state in self._feeds:
            settled = state.window.settle(through)
            self._delivery.take(state, settled)
            self._late.take(state, settled.late)
        if through is not None:
            self._delivery.flush()
            waiting = [*self._feeds.waiting(), *self._late.pending()]
            self._trail.let_go(through - self._options.sort_rows, waiting)

    def _finish(self, now_ns: int) -> None:
        states, result = list(self._feeds), self._result
        for state in states:
            last = state.far.finish()
            if last is not None:
                self._delivery.route(state, last)
            result.out_of_order += state.window.belief.out_of_order
            result.worst_lag_ns = max(result.worst_lag_ns, state.window.belief.worst_lag_ns)
        self._delivery.flush()
        self._late.append_named()
        times = self._late.times()
        if times:
            self._late.quarantine_unnamed(self._again(times))
        if self._options.complete:
            result.warnings += self._delivery.clocks(states, now_ns)
        elif result.counts.appended:
            result.warnings.append(OPEN)
        self._delivery.wait()
        self._tally.flush()

    def _again(self, times: dict[Feed, Ints]) -> Iterator[Numbered]:
        """The rows of some times, from a second reading of the source."""
        for planned, entry in zip(self._planned, self._trail.files, strict=True):
            for draft in drafts(planned, self._meter.read):
                found = convert(draft, self._catalog)
                places = entry.base + draft.origin.numbers[draft.at[found.at]]
                for feed, held in by_feed(draft, found, places):
                    unit = self._catalog.instruments[feed.instrument].time_unit_ns
                    at = rows_at(times, feed, held.rows, unit)
                    if len(at):
                        yield Numbered(feed, held.rows[at], held.places[at])


def _bytes_of(planned: Sequence[Planned]) -> int:
    return sum(path.stat().st_size for path in {one.part.path for one in planned})
