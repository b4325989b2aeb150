"""What a batch of facts says about its feeds: how far each has come, which sequences arrived.

Pure and by whole arrays. The writer folds the results into the working tables `feed` and
`sequence_run` in the transaction of the events.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.rows import ABSENT, Kind, Rows
from ledger.sequences import RUNS_MAX

MAX_AHEAD_NS: Final = 60_000_000_000
"""A fact further past its record's broker time is suspect and moves nothing (semantics 0)."""
NONE_YET: Final = -1
_DENSE_MAX: Final = 2**16

FEED: Final = np.dtype(
    [("source", "<i4"), ("kind", "<i2"), ("instrument", "<i4"), ("interval", "<i8")]
    + [("newest", "<i8"), ("events", "<i8")]
)
RUN: Final = np.dtype(
    [("source", "<i4"), ("instrument", "<i4"), ("kind", "<i2"), ("first", "<i8"), ("last", "<i8")]
    + [("first_time", "<i8"), ("last_time", "<i8")]
)
_FEED_KEY: Final = ("source", "kind", "instrument", "interval")
_SCOPE: Final = ("source", "instrument", "kind")


def feeds_in(kind: Kind, rows: Rows, stamps: NDArray[np.int64], sources: NDArray[np.int32]) -> Rows:
    """The feeds touched by rows of a fact kind or of clocks: dtype FEED, one entry per feed.

    `stamps`, `sources`: the raw broker time (ns) and the source of each row's record, shape (n,).
    """
    if not len(rows):
        return np.zeros(0, FEED)
    keys = [sources, rows["instrument"]]
    if kind is Kind.CLOCK:
        keys += [rows["feed"], rows["interval"]]
    elif kind is Kind.BAR:
        keys.append(rows["interval"])
    order, starts = grouped(keys)
    times = rows["time" if kind is Kind.CLOCK else "event_time"]
    told = np.where(times <= stamps + MAX_AHEAD_NS, times, NONE_YET)
    each, at = np.zeros(len(starts), FEED), order[starts]
    each["source"], each["instrument"] = sources[at], rows["instrument"][at]
    each["kind"] = rows["feed"][at] if kind is Kind.CLOCK else kind
    if "interval" in (rows.dtype.names or ()):
        each["interval"] = rows["interval"][at]
    each["newest"] = np.maximum.reduceat(told[order], starts)
    if kind is not Kind.CLOCK:
        each["events"] = np.diff(np.append(starts, len(rows)))
    return each


def grouped(keys: Sequence[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(order, starts): rows[order] stands group by group, each in its first order, and the groups
    of equal keys begin at `starts`. Keys of shape (n,), n > 0.

    Ids are small and few change at once, so the keys nearly always fit 16 bits together, and
    sorting those is linear.
    """
    scope, span = np.zeros(len(keys[0]), np.int64), 1
    for key in keys:
        low, width = int(key.min()), int(key.max()) - int(key.min()) + 1
        if width == 1:
            continue
        if span * width > _DENSE_MAX:
            values, dense = np.unique(key, return_inverse=True)
            width = len(values)
        else:
            dense = key.astype(np.int64) - low
        scope, span = scope * width + dense, span * width
    if span == 1:
        return np.arange(len(scope)), np.zeros(1, np.int64)
    order = np.argsort(scope.astype(np.uint16) if span <= _DENSE_MAX else scope, kind="stable")
    ranked = scope[order]
    return order, np.append(0, np.flatnonzero(ranked[1:] != ranked[:-1]) + 1)


def joined_feeds(parts: Sequence[Rows]) -> Rows:
    """One entry per feed of several FEED arrays: greatest newest, summed events."""
    each = np.concatenate(parts) if parts else np.zeros(0, FEED)
    if not len(each):
        return each
    each = _sorted(each, _FEED_KEY)
    starts = np.flatnonzero(_changes(each, _FEED_KEY))
    out = each[starts]
    out["newest"] = np.maximum.reduceat(each["newest"], starts)
    out["events"] = np.add.reduceat(each["events"], starts)
    return out


def runs_in(kind: Kind, rows: Rows, sources: NDArray[np.int32]) -> Rows:
    """The runs of venue sequences among rows of a fact kind (dtype RUN); `sources` per row."""
    sequences = rows["venue_seq"]
    there = sequences != ABSENT
    if not there.all():
        rows, sources, sequences = rows[there], sources[there], sequences[there]
    if not len(rows):
        return np.zeros(0, RUN)
    order, scopes = grouped([sources, rows["instrument"]])
    ranked = sequences[order]
    fresh = np.zeros(len(order), np.bool_)
    fresh[scopes] = True
    if (~fresh[1:] & (ranked[1:] < ranked[:-1])).any():  # not in sequence inside some scope
        order = order[np.lexsort((ranked, np.cumsum(fresh)))]
        ranked = sequences[order]
    fresh[1:] |= (ranked[1:] != ranked[:-1]) & (ranked[1:] - 1 != ranked[:-1])
    begins = np.flatnonzero(fresh)
    ends = np.append(begins[1:], len(order)) - 1
    runs, times = np.zeros(len(begins), RUN), rows["event_time"]
    runs["source"], runs["kind"] = sources[order[begins]], kind
    runs["instrument"] = rows["instrument"][order[begins]]
    runs["first"], runs["last"] = ranked[begins], ranked[ends]
    runs["first_time"], runs["last_time"] = times[order[begins]], times[order[ends]]
    return merge_runs(runs)


def merge_runs(runs: Rows, limit: int = RUNS_MAX) -> Rows:
    """Disjoint runs, sorted by scope and first, of any runs: what overlaps or touches is joined.

    Beyond `limit` runs in a scope its oldest are joined as if nothing were missing between them.
    """
    if not len(runs):
        return runs
    runs = _sorted(runs, (*_SCOPE, "first"))
    fresh = _changes(runs, _SCOPE)
    reach = runs["last"][_furthest(runs["last"], np.cumsum(fresh))]
    starts = fresh.copy()
    starts[1:] |= runs["first"][1:] - 1 > reach[:-1]
    return _join_oldest(_joined(runs, np.flatnonzero(starts)), limit)


def _furthest(lasts: NDArray[np.int64], scope: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each entry the index of the greatest `last` so far in its scope (scopes ascend)."""
    count = len(lasts)
    by_rank = np.argsort(lasts, kind="stable")
    rank = np.empty(count, np.int64)
    rank[by_rank] = np.arange(count)
    # A scope's number times count outranks everything before it, so one running maximum does.
    return by_rank[np.maximum.accumulate(scope * count + rank) - scope * count]


def _joined(runs: Rows, starts: NDArray[np.int64]) -> Rows:
    """Each group of sorted runs beginning at `starts`, as one run."""
    out = runs[starts]
    group = np.zeros(len(runs), np.int64)
    group[starts] = 1
    ends = np.append(starts[1:], len(runs)) - 1
    furthest = _furthest(runs["last"], np.cumsum(group))[ends]
    out["last"], out["last_time"] = runs["last"][furthest], runs["last_time"][furthest]
    return out


def _join_oldest(runs: Rows, limit: int) -> Rows:
    fresh = _changes(runs, _SCOPE)
    begins = np.flatnonzero(fresh)
    counts = np.diff(np.append(begins, len(runs)))
    if counts.max() <= limit:
        return runs
    place = np.arange(len(runs)) - np.repeat(begins, counts)
    return _joined(runs, np.flatnonzero(fresh | (place > np.repeat(counts - limit, counts))))


def _changes(each: Rows, names: Sequence[str]) -> NDArray[np.bool_]:
    """Where any of the fields differs from the entry before; true at the first."""
    out = np.ones(len(each), np.bool_)
    out[1:] = False
    for name in names:
        out[1:] |= each[name][1:] != each[name][:-1]
    return out


def _sorted(each: Rows, names: Sequence[str]) -> Rows:
    """By the fields in order; most feeds arrive in order, and looking is cheaper than sorting."""
    tied = np.ones(max(len(each) - 1, 0), np.bool_)
    falls = ~tied
    for name in names:
        values = each[name]
        falls |= tied & (values[1:] < values[:-1])
        tied &= values[1:] == values[:-1]
    if not falls.any():
        return each
    order = np.lexsort([each[name] for name in reversed(names)])
    out: Rows = each[order]
    return out
