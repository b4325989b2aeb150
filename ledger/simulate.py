"""A seeded market: many instruments, and everything real feeds do wrong.

Ticks come late, out of order and twice; some never come; instruments fall silent. The venue numbers
its trades without holes, so what is missing can be told. Two simulators of one seed and one
sequence of steps give the same rows.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.identity import from_integers
from ledger.instruments import Instrument
from ledger.rows import Kind, Rows, empty

NAMESPACE: Final = "SIM/trade"
LATE_SHARE: Final = 0.02
REPEATED_SHARE: Final = 0.005
LOST_SHARE: Final = 0.001
RECOVERED_SHARE: Final = 0.5  # of what was lost, brought later by a backfill
LATE_SECONDS_MAX: Final = 1.5
BACKFILL_SECONDS: Final = 4.0
QUIET_PER_SECOND: Final = 0.01  # chance that an instrument falls silent
QUIET_SECONDS_MAX: Final = 8.0
_SECOND_NS: Final = 1_000_000_000


class Counts(NamedTuple):
    """What the market did so far, in ticks."""

    made: int = 0
    late: int = 0
    repeated: int = 0
    lost: int = 0
    recovered: int = 0


def simulated_instruments(count: int) -> list[Instrument]:
    """`count` instruments of the venue SIM, prices in cents, sizes in thousandths."""
    return [
        Instrument(symbol=f"COIN{n:02d}USD.SIM", price_exponent=-2, size_exponent=-3)
        for n in range(count)
    ]


@dataclass
class Market:
    """The state of the simulation: per instrument the last price and number, and what waits."""

    instruments: NDArray[np.int32]
    seed: int = 7
    ticks_per_second: float = 2_000.0
    counts: Counts = field(default_factory=Counts)
    _waiting: list[tuple[int, Rows]] = field(default_factory=list)

    def __post_init__(self) -> None:
        many = len(self.instruments)
        self._random = np.random.default_rng(self.seed)
        self._price: NDArray[np.int64] = self._random.integers(1_000, 6_000_000, many)
        self._sequence: NDArray[np.int64] = np.zeros(many, np.int64)
        self._quiet_until: NDArray[np.int64] = np.zeros(many, np.int64)
        weights = 1.0 / np.arange(1, many + 1)  # a few instruments trade most
        self._weights = weights / weights.sum()

    def go_on_from(self, last_sequences: NDArray[np.int64]) -> None:
        """Number on from what an earlier run of this venue reached; shape (instruments,)."""
        self._sequence = last_sequences.astype(np.int64)

    def step(self, now_ns: int, step_ns: int) -> Rows:
        """The trades that arrive between now − step and now; shape (n,), in order of arrival."""
        fresh = self._make(now_ns, step_ns)
        arriving = [fresh[self._hold_back(fresh, now_ns)], *self._due(now_ns)]
        return np.concatenate(arriving)

    def drain(self) -> Rows:
        """Everything that still waits, at the end of the market."""
        waiting, self._waiting = self._waiting, []
        return np.concatenate([empty(Kind.TRADE, 0), *(rows for _, rows in waiting)])

    def _make(self, now_ns: int, step_ns: int) -> Rows:
        random = self._random
        awake = self._awake(now_ns, step_ns)
        count = random.poisson(self.ticks_per_second * step_ns / _SECOND_NS)
        picked = np.sort(random.choice(len(self.instruments), count, p=self._weights))
        picked = picked[awake[picked]]
        rows = empty(Kind.TRADE, len(picked))
        rows["instrument"] = self.instruments[picked]
        rows["event_time"] = now_ns - np.sort(random.integers(0, step_ns, len(picked)))[::-1]
        rows["received_at"] = now_ns
        rows["venue_seq"] = self._number(picked)
        rows["id"] = from_integers(NAMESPACE, rows["venue_seq"])
        rows["price"] = self._walk(picked)
        rows["size"] = random.lognormal(6, 1.5, len(picked)).astype(np.int64)
        rows["aggressor"] = random.integers(1, 3, len(picked))
        self.counts = self.counts._replace(made=self.counts.made + len(picked))
        return rows[np.argsort(rows["event_time"], kind="stable")]

    def _awake(self, now_ns: int, step_ns: int) -> NDArray[np.bool_]:
        random, many = self._random, len(self.instruments)
        falling = random.random(many) < QUIET_PER_SECOND * step_ns / _SECOND_NS
        until = now_ns + (random.random(many) * QUIET_SECONDS_MAX * _SECOND_NS).astype(np.int64)
        self._quiet_until = np.where(falling, until, self._quiet_until)
        return self._quiet_until <= now_ns

    def _number(self, picked: NDArray[np.int64]) -> NDArray[np.int64]:
        """The next numbers of each instrument, without holes."""
        first = np.searchsorted(picked, picked)  # picked is sorted: where its instrument begins
        numbers = self._sequence[picked] + 1 + np.arange(len(picked)) - first
        np.maximum.at(self._sequence, picked, numbers)
        return np.asarray(numbers, np.int64)

    def _walk(self, picked: NDArray[np.int64]) -> NDArray[np.int64]:
        steps = np.rint(self._price[picked] * self._random.normal(0, 2e-5, len(picked)))
        np.add.at(self._price, picked, steps.astype(np.int64))
        self._price = np.maximum(self._price, 1)
        return self._price[picked]

    def _hold_back(self, fresh: Rows, now_ns: int) -> NDArray[np.bool_]:
        """Decide each tick's fate; True for those that arrive now."""
        fate = self._random.random(len(fresh))
        late = fate < LATE_SHARE
        lost = (fate >= LATE_SHARE) & (fate < LATE_SHARE + LOST_SHARE)
        repeated = fate > 1 - REPEATED_SHARE
        for tick in np.flatnonzero(late | repeated):
            delay = int(self._random.random() * LATE_SECONDS_MAX * _SECOND_NS)
            self._waiting.append((now_ns + delay, fresh[tick : tick + 1].copy()))
        recovered = lost & (self._random.random(len(fresh)) < RECOVERED_SHARE)
        for tick in np.flatnonzero(recovered):
            due = now_ns + int(BACKFILL_SECONDS * _SECOND_NS)
            self._waiting.append((due, fresh[tick : tick + 1].copy()))
        done = (late.sum(), repeated.sum(), lost.sum(), recovered.sum())
        self.counts = Counts(
            self.counts.made, *(a + int(b) for a, b in zip(self.counts[1:], done, strict=True))
        )
        return ~(late | lost)

    def _due(self, now_ns: int) -> list[Rows]:
        due = [rows for at, rows in self._waiting if at <= now_ns]
        self._waiting = [(at, rows) for at, rows in self._waiting if at > now_ns]
        return due
