"""Which rows are known already, exactly and a batch at a time.

Identity is (event time floored to the instrument's unit, id16) within a feed. The first of equals
stands: an archived fact, else the first row of the batch. A row of a known identity is *known* if
it says the same and in *conflict* if it says something else; what one of the two does not say (an
aggressor, a volume) cannot contradict.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.content import floored
from ledger.drafts import Bools
from ledger.rows import ABSENT, Kind, Rows, id_words


class Status(IntEnum):
    """What a row is to the ledger."""

    FRESH = 0
    KNOWN = 1
    CONFLICT = 2


class Recognition(NamedTuple):
    """The status of each row, shape (n,), and for each conflict the row it contradicts."""

    status: NDArray[np.int8]
    others: dict[int, Rows]


_MUST_AGREE: Final = {
    Kind.TRADE: ("price", "size"),
    Kind.QUOTE: ("bid", "ask"),
    Kind.BAR: ("open", "high", "low", "close"),
}
# Fields that a source may leave out, with the value that means "not said".
_MAY_BE_UNSAID: Final = {
    Kind.TRADE: {"aggressor": 0, "conditions": 0},
    Kind.QUOTE: {"bid_size": ABSENT, "ask_size": ABSENT, "conditions": 0},
    Kind.BAR: {"volume": ABSENT, "taker_buy_volume": ABSENT, "trade_count": ABSENT},
}


def recognise(
    kind: Kind, rows: Rows, archived: Rows, unit_ns: int, *, distinct: bool = False
) -> Recognition:
    """Compare rows of one feed with archived facts (in the order of the log) and with each other;
    `distinct` says that no two of them can be equal, as ids from content cannot."""
    status = np.full(len(rows), Status.FRESH, np.int8)
    if len(archived) == 0 and (distinct or _strictly_rising(rows)):
        return Recognition(status, {})
    first = _first_of_equals(np.concatenate((archived, rows)), unit_ns)[len(archived) :]
    own = np.arange(len(archived), len(archived) + len(rows))
    seen = np.flatnonzero(first != own)
    if len(seen) == 0:
        return Recognition(status, {})
    earlier = np.concatenate((archived, rows))[first[seen]]
    same = _agree(kind, rows[seen], earlier)
    status[seen] = np.where(same, Status.KNOWN, Status.CONFLICT)
    others = {int(seen[n]): earlier[n : n + 1] for n in np.flatnonzero(~same).tolist()}
    return Recognition(status, others)


def _strictly_rising(rows: Rows) -> bool:
    """Venue sequences that only rise, in rows that are in order of time: no two are equal."""
    sequences = rows["venue_seq"]
    return bool(len(rows) < 2 or (sequences[0] != ABSENT and (np.diff(sequences) > 0).all()))


def _first_of_equals(rows: Rows, unit_ns: int) -> NDArray[np.int64]:
    """The index of the first row of the same identity, shape (n,)."""
    words = id_words(rows["id"])
    keys = (words[:, 1], words[:, 0], floored(rows["event_time"], unit_ns))
    order = np.lexsort(keys)
    fresh = np.ones(len(rows), bool)
    fresh[1:] = False
    for key in keys:
        ranked = key[order]
        fresh[1:] |= ranked[1:] != ranked[:-1]
    index = np.arange(len(rows))
    first = np.empty(len(rows), np.int64)
    first[order] = order[np.maximum.accumulate(np.where(fresh, index, 0))]
    return first


def _agree(kind: Kind, rows: Rows, others: Rows) -> Bools:
    same = np.ones(len(rows), bool)
    for name in _MUST_AGREE[kind]:
        same &= rows[name] == others[name]
    for name, unsaid in _MAY_BE_UNSAID[kind].items():
        silent = (rows[name] == unsaid) | (others[name] == unsaid)
        same &= silent | (rows[name] == others[name])
    return same
