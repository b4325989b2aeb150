"""Refused rows read again, with the definitions there are now.

A row is read by the format it was read by, gets the identity it would have had, and is compared
with the archive; what is a fact now is appended, what the ledger has already is settled as well.
Retrying twice, or after a crash in the middle, ends in the same ledger. A jump in time is not
forgiven for standing alone: it needs `accept_jumps`. A conflict stays: an `Amend` cures it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from ledger.content import identify_at
from ledger.draft_rows import convert
from ledger.drafts import Draft, Ints
from ledger.instruments import Instrument
from ledger.load_delivery import CONFLICT
from ledger.load_feeds import by_feed
from ledger.load_jumps import UNCONFIRMED
from ledger.load_ports import Ports, Waiting
from ledger.load_recognise import Status, recognise
from ledger.load_window import Feed
from ledger.quarantine import NO_ORDINAL, StoredRow
from ledger.rows import Rows
from ledger.sources.format import Format
from ledger.sources.lines import join
from ledger.sources.reading import from_description

NUMBERLESS: Final = "its number among equal rows is not known: load the file again"


@dataclass
class RetryResult:
    """tried = appended + known + what is left, by reason."""

    tried: int = 0
    appended: int = 0
    known: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def leave(self, reason: str, count: int = 1) -> None:
        self.left[reason] = self.left.get(reason, 0) + count


class _Ready(NamedTuple):
    """Rows of one feed that are facts now, in order of time, with their entries."""

    feed: Feed
    instrument: Instrument
    rows: Rows
    entries: list[int]
    contiguous: bool


def retry(ports: Ports, ids: tuple[int, ...] = (), *, accept_jumps: bool = False) -> RetryResult:
    """Try open entries again (`ids` empty: all of them) and resolve those that are in the ledger.

    Raises EngineUnreachable when an engine goes away; repeat it then.
    """
    result, after = RetryResult(), 0
    while page := ports.quarantine.entries("open", ids, after=after):
        after = page[-1].id
        result.tried += len(page)
        ports.known.settle()
        page.sort(key=_way)
        for _, group in groupby(page, key=_way):
            _retry_group(ports, list(group), result, accept_jumps)
    return result


def _way(stored: StoredRow) -> tuple[str, str]:
    """Entries that are read the same way, from the same source."""
    return stored.row.source, json.dumps(stored.row.options, sort_keys=True)


def _retry_group(
    ports: Ports, group: list[StoredRow], result: RetryResult, accept_jumps: bool
) -> None:
    willing = []
    for stored in group:
        reason = stored.row.reason
        if reason == CONFLICT or (reason == UNCONFIRMED and not accept_jumps):
            result.leave(reason)
        else:
            willing.append(stored)
    if not willing:
        return
    form = from_description(dict(willing[0].row.options))
    source = ports.registry.source_id(willing[0].row.source)
    resolved: list[int] = []
    under_way: list[Waiting] = []
    for ready in _ready(ports, form, willing, result):
        known = _archived(ports, ready)
        found = recognise(ready.feed.kind, ready.rows, known, ready.instrument.time_unit_ns)
        fresh = found.status == Status.FRESH
        result.appended += int(fresh.sum())
        result.known += int((found.status == Status.KNOWN).sum())
        conflicts = int((found.status == Status.CONFLICT).sum())
        if conflicts:
            result.leave(CONFLICT, conflicts)
        if fresh.any():
            under_way.append(
                ports.sink.append(
                    ready.feed.kind,
                    ready.rows[fresh],
                    source=source,
                    loaded=True,
                    sequenced=ready.contiguous,
                )
            )
        settled = np.flatnonzero(found.status != Status.CONFLICT).tolist()
        resolved += [ready.entries[row] for row in settled]
    for waiting in under_way:
        waiting.result()
    ports.quarantine.resolve(resolved)


def _ready(
    ports: Ports, form: Format, group: list[StoredRow], result: RetryResult
) -> Iterator[_Ready]:
    parsed = form.parse(join([stored.row.raw for stored in group]))
    for broken in parsed.broken:
        result.leave(broken.reason)
    for reason, count in parsed.skipped.items():
        result.leave(reason, count)
    for draft in parsed.drafts:
        yield from _facts(ports, draft, group, result)


def _facts(
    ports: Ports, draft: Draft, group: list[StoredRow], result: RetryResult
) -> Iterator[_Ready]:
    catalog = ports.registry.catalog
    found = convert(draft, catalog)
    for row in np.flatnonzero(~found.refusals.good).tolist():
        result.leave(found.refusals.reason(row))
    places: Ints = draft.origin.numbers[draft.at[found.at]] - 1
    for feed, held in by_feed(draft, found, places):
        instrument = catalog.instruments[feed.instrument]
        rows = held.rows
        numbers = np.array([group[place].row.ordinal for place in held.places.tolist()], np.int64)
        if found.by_content:
            numbered = numbers != NO_ORDINAL
            if not numbered.all():
                result.leave(NUMBERLESS, int((~numbered).sum()))
            held, rows, numbers = held.take(numbered), rows[numbered], numbers[numbered]
            rows = identify_at(rows, instrument.time_unit_ns, numbers)
        order = np.argsort(rows["event_time"], kind="stable")
        entries = [group[place].id for place in held.places[order].tolist()]
        if entries:
            yield _Ready(feed, instrument, rows[order], entries, draft.facts.contiguous)


def _archived(ports: Ports, ready: _Ready) -> Rows:
    """The facts that these rows could repeat: looked up time by time, they may lie far apart."""
    unit, kind = ready.instrument.time_unit_ns, ready.feed.kind
    starts = np.unique(ready.rows["event_time"] // unit * unit).tolist()
    parts = []
    for start in starts:
        end = start + unit - 1
        found, offsets = ports.known.facts_between(kind, ready.feed.instrument, start, end)
        parts.append(found[np.argsort(offsets, kind="stable")])
    return np.concatenate(parts) if parts else ready.rows[:0]
