"""The feeds of a load: each with its sort window, fed from drafts."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from ledger.draft_rows import Converted
from ledger.drafts import Draft, Ints
from ledger.load_delivery import FeedState
from ledger.load_flags import FarWatch
from ledger.load_options import LoadOptions
from ledger.load_ports import Ports
from ledger.load_window import Feed, FeedWindow, Held
from ledger.rows import ABSENT, Kind


class Feeds:
    """Every feed that the load has met."""

    def __init__(self, ports: Ports, options: LoadOptions) -> None:
        self._ports, self._options = ports, options
        self._states: dict[Feed, FeedState] = {}

    def __iter__(self) -> Iterator[FeedState]:
        return iter(self._states.values())

    def push(self, draft: Draft, found: Converted, places: Ints) -> None:
        """The good rows of a draft into the windows of their feeds."""
        for feed, held in by_feed(draft, found, places):
            state = self._states.get(feed) or self._begin(feed)
            state.contiguous = draft.facts.contiguous
            state.window.push(held)

    def waiting(self) -> list[Ints]:
        """The places of all rows that have not left."""
        sources: list[Callable[[], list[Ints]]] = []
        for state in self:
            sources += [state.window.pending, state.far.pending]
        return [places for source in sources for places in source()]

    def _begin(self, feed: Feed) -> FeedState:
        instrument = self._ports.registry.catalog.instruments[feed.instrument]
        newest = self._ports.known.newest(feed.kind, feed.instrument, feed.interval_ns)
        options, unit = self._options, instrument.time_unit_ns
        state = FeedState(
            feed=feed,
            instrument=instrument,
            window=FeedWindow(feed, unit, options.sort_rows, options.jump_ns),
            far=FarWatch(feed.kind),
            archived_newest=newest,
            newest=ABSENT if newest is None else newest,
        )
        self._states[feed] = state
        return state


def by_feed(draft: Draft, found: Converted, places: Ints) -> Iterator[tuple[Feed, Held]]:
    """The good rows of a draft (places: shape of `found.rows`), feed by feed, in file order."""
    rows = found.rows
    if len(rows) == 0:
        return
    instruments = rows["instrument"]
    interval = draft.interval_ns if draft.kind is Kind.BAR else 0
    alone = bool((instruments == instruments[0]).all())
    order = np.arange(len(rows)) if alone else np.argsort(instruments, kind="stable")
    ranked = instruments[order]
    edges = [0, *(np.flatnonzero(np.diff(ranked)) + 1).tolist(), len(rows)]
    for start, end in pairwise(edges):
        chosen = slice(start, end) if alone else order[start:end]
        unjudged, by_content = np.zeros(end - start, bool), np.full(end - start, found.by_content)
        held = Held(rows[chosen], places[chosen], unjudged, by_content)
        yield Feed(draft.kind, int(ranked[start]), interval), held
