"""What is known now, as one number per feed.

Facts are effective by identity: the lowest position of an identity is the fact, whatever repeats
it. The digest covers what the venue said and nothing of how it came here (no position, no receipt
time, no remark), so two ledgers filled in any order from any sources agree when they know the same.
"""

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from ledger.client import Ledger
from ledger.rows import Kind, Rows, id_words
from ledger.times import DAY_NS

_HOW_IT_CAME: Final = ("received_at", "source_seq", "flags", "instrument", "pad")


class FeedDigest(NamedTuple):
    """One feed: how many facts, how many physical repeats of them, and the SHA-256 of the facts."""

    instrument: str
    feed: str
    facts: int
    repeats: int
    digest: str


def digests(led: Ledger, progress: Callable[[int, int, str], None]) -> list[FeedDigest]:
    """The digest of every feed, ordered by instrument and kind. Read day by day, so memory holds
    one day of one feed."""
    led.control.refresh()
    led.wait_for_archive()  # never a shorter answer
    catalog, feeds = led.control.catalog, led.archive.feeds()
    pairs = sorted(
        {(catalog.instruments[f.instrument].symbol, f.kind, f.instrument) for f in feeds}
    )
    found = []
    for done, (symbol, kind, instrument) in enumerate(pairs):
        progress(done, len(pairs), f"{symbol} {kind.name.lower()}")
        unit = catalog.instruments[instrument].time_unit_ns
        found.append(_digest(led, symbol, kind, instrument, unit))
    return found


def _digest(led: Ledger, symbol: str, kind: Kind, instrument: int, unit_ns: int) -> FeedDigest:
    whole, facts, repeats = hashlib.sha256(f"{symbol}\0{kind.name}\0".encode()), 0, 0
    for day in led.archive.days(kind, instrument):
        rows, _ = led.archive.facts_between(kind, instrument, day, day + DAY_NS - 1)
        effective = canonical(rows, unit_ns)
        facts += len(effective)
        repeats += len(rows) - len(effective)
        whole.update(said(effective).tobytes())
    return FeedDigest(symbol, kind.name.lower(), facts, repeats, whole.hexdigest())


def canonical(rows: Rows, unit_ns: int) -> Rows:
    """The effective facts of rows in log order, in canonical order: event time, venue sequence,
    id16."""
    words = id_words(rows["id"])
    floored = (rows["event_time"] // unit_ns).view(np.uint64)
    keys = np.stack([floored, words[:, 0], words[:, 1]])
    if "interval" in (rows.dtype.names or ()):  # bars of each interval are a feed of their own
        keys = np.vstack([keys, rows["interval"].astype(np.uint64)])
    order = np.lexsort((np.arange(len(rows)), *keys[::-1]))
    keys = keys[:, order]
    first = np.ones(len(rows), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    kept = rows[order[first]]
    words = id_words(kept["id"])
    in_order = np.lexsort((words[:, 1], words[:, 0], kept["venue_seq"], kept["event_time"]))
    return np.asarray(kept[in_order])


def said(rows: Rows) -> Rows:
    """What the venue said: the rows without how they came here, packed."""
    names = [name for name in rows.dtype.names or () if name not in _HOW_IT_CAME]
    packed = np.empty(len(rows), [(name, rows.dtype[name]) for name in names])
    for name in names:
        packed[name] = rows[name]
    return packed
