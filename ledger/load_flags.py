"""The remark that a price is far from its neighbours.

The rule. In order of time, a row of a feed is far when its price differs by more than a tenth from
the row before it and from the row after it: of trades the price, of bars the close, of quotes a
side that all three rows have. The first and the last row of a load have one neighbour only and are
not judged, nor are late rows. Known rows are neighbours too, so repeating a load judges the same.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.drafts import Bools, Ints
from ledger.rows import ABSENT, Flag, Kind, Rows

FAR_SHARE: Final = 0.1
_PRICES: Final = {Kind.TRADE: ("price",), Kind.QUOTE: ("bid", "ask"), Kind.BAR: ("close",)}


@dataclass(frozen=True, slots=True)
class Judged:
    """Recognised rows on their way out, with their places, status and the rows they contradict
    (by place); shape (n,)."""

    rows: Rows
    places: Ints
    status: NDArray[np.int8]
    others: dict[int, Rows]

    def __len__(self) -> int:
        return len(self.rows)


class FarWatch:
    """Holds back one row per feed, whose next neighbour is still to come."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._before: Rows | None = None
        self._waiting: Judged | None = None

    def pass_on(self, judged: Judged) -> list[Judged]:
        """The rows whose neighbours are known now, flagged, in order; the last one waits."""
        if len(judged) == 0:
            return []
        waiting = [self._waiting] if self._waiting is not None else []
        before = [self._before] if self._before is not None else []
        parts = [*before, *(one.rows for one in waiting), judged.rows]
        far = self._far(parts)
        out = [_flag(one, far[len(before) : len(before) + 1]) for one in waiting]
        judged = _flag(judged, far[len(far) - len(judged) :])
        last = len(judged) - 1
        out.append(_cut(judged, 0, last))
        if last > 0:
            self._before = judged.rows[last - 1 : last].copy()
        elif waiting:
            self._before = waiting[0].rows
        # A copy, so that one waiting row does not keep its whole batch alive.
        self._waiting = _cut(judged, last, last + 1, copy=True)
        return out

    def finish(self) -> Judged | None:
        """The row that waits, which has no next neighbour."""
        last, self._waiting = self._waiting, None
        return last

    def pending(self) -> list[Ints]:
        return [self._waiting.places] if self._waiting is not None else []

    def _far(self, parts: list[Rows]) -> Bools:
        far: Bools = np.zeros(sum(map(len, parts)), bool)
        for name in _PRICES[self._kind]:
            far |= far_from_neighbours(np.concatenate([part[name] for part in parts]))
        return far


def _flag(judged: Judged, far: Bools) -> Judged:
    if not far.any():
        return judged
    rows = judged.rows.copy()
    rows["flags"][far] |= np.uint32(Flag.FAR_PRICE)
    return Judged(rows, judged.places, judged.status, judged.others)


def far_from_neighbours(prices: Ints) -> Bools:
    """Which of the mantissas (shape (n,), ABSENT where there is none) are far; never the ends."""
    far = np.zeros(len(prices), bool)
    if len(prices) < 3:
        return far
    value = prices.astype(np.float64)
    there = prices != ABSENT
    step = np.abs(np.diff(value))
    size = np.abs(value)
    from_before = step[:-1] > FAR_SHARE * size[:-2]
    from_after = step[1:] > FAR_SHARE * size[2:]
    far[1:-1] = from_before & from_after & there[:-2] & there[1:-1] & there[2:]
    return far


def _cut(judged: Judged, start: int, end: int, *, copy: bool = False) -> Judged:
    rows, places = judged.rows[start:end], judged.places[start:end]
    others = judged.others
    if others:
        kept = set(places.tolist())
        others = {place: row for place, row in others.items() if place in kept}
    if copy:
        rows, places = rows.copy(), places.copy()
    return Judged(rows, places, judged.status[start:end], others)
