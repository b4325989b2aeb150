"""Which times of a file are believed.

The rule. A row is a jump when its time is ahead of the newest believed time of its feed by more
than the limit: one day, ten intervals of a bar, or four times the longest step believed so far,
whichever is longest. A jump is believed when at least half of the next 64 rows of its feed inside
the sort window confirm it: they are nearer to it than to the newest believed time, or halfway. So a
gap in the data is confirmed by what follows it, a single bad stamp is not; a jump on the last row
is confirmed by nobody. The first row of a feed is a jump over nothing: it stands unless more than
half of the rows after it are older than it by more than half the limit, and the fall to them is
sudden: a file that goes from the newest to the oldest falls in small steps. Bars once a day, trades
once a week: the longest step so far covers them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.drafts import Bools, Ints

CONFIRM_ROWS: Final = 64
NEVER: Final = -(2**62)  # before every time; far enough from the end of int64 to floor
INTERVALS: Final = 10
STEPS: Final = 4
_SEGMENT_ROWS: Final = 1_024
UNCONFIRMED: Final = "time jumps ahead and the rows after it do not confirm it"


@dataclass
class Belief:
    """What a feed's times have been so far. Lags are of rows behind the newest."""

    limit_ns: int
    newest: int | None = None
    longest_step: int = 0
    out_of_order: int = 0
    worst_lag_ns: int = 0

    @property
    def limit(self) -> int:
        return max(self.limit_ns, STEPS * self.longest_step)

    def judge(self, times: Ints, lines: Ints, count: int, window: int) -> tuple[Bools, Ints]:
        """Judge the first `count` of `times` (shape (n,), file order); the rest are what follows.

        `lines` are their places in the source; confirmation looks `window` lines ahead. Returns
        who is believed and the newest believed time at each row, shape (count,) each.
        """
        believed = np.ones(count, bool)
        newest = np.full(count, NEVER, np.int64)
        at = 0
        while at < count:
            if self.newest is not None:
                at = self._walk(times, at, min(count, at + _SEGMENT_ROWS), newest)
            if at < count and self._is_jump(int(times[at])):
                believed[at] = self._confirmed(times, lines, at, window)
                if believed[at]:
                    self._believe(int(times[at]))
                newest[at] = NEVER if self.newest is None else self.newest
                at += 1
        return believed, newest

    def _is_jump(self, time: int) -> bool:
        return self.newest is None or time - self.newest > self.limit

    def _walk(self, times: Ints, start: int, stop: int, newest: Ints) -> int:
        """Believe rows up to the first jump; returns its place, or `stop`."""
        segment, before = times[start:stop], int(self.newest or 0)
        peaks = np.maximum(np.maximum.accumulate(segment), before)
        steps = segment.copy()
        steps[0] -= before
        steps[1:] -= peaks[:-1]
        jumps = np.flatnonzero(steps > self.limit)
        end = int(jumps[0]) if len(jumps) else len(segment)
        if end:
            newest[start : start + end] = peaks[:end]
            behind = steps[:end] < 0
            self.out_of_order += int(behind.sum())
            self.worst_lag_ns = max(self.worst_lag_ns, -int(steps[:end].min()))
            self.longest_step = max(self.longest_step, int(steps[:end].max()))
            self.newest = int(peaks[end - 1])
        return start + end

    def _believe(self, time: int) -> None:
        if self.newest is not None:
            self.longest_step = max(self.longest_step, time - self.newest)
        self.newest = time

    def _confirmed(self, times: Ints, lines: Ints, at: int, window: int) -> bool:
        end = int(np.searchsorted(lines, lines[at] + window, "right"))
        later = times[at + 1 : min(end, at + 1 + CONFIRM_ROWS)]
        if len(later) == 0:
            return self.newest is None
        if (
            self.newest is None
            and np.diff(times[at : at + 1 + len(later)]).min() > -self.limit // 2
        ):
            return True  # newest first: it goes back in small steps, as a bad stamp never does
        # Rows that go on as before are within the limit of a jump just over it: halfway divides.
        step = self.limit if self.newest is None else int(times[at]) - self.newest
        return bool(2 * (later >= times[at] - step // 2).sum() >= len(later))
