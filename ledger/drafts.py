"""A draft: rows of one kind as a source gives them, before they are facts of this ledger.

A draft is columns: instruments by name, times already in nanoseconds UTC, numbers still in exact
decimal text (or whatever the source holds), ids as the venue writes them. Each row remembers its
line and its raw text, because a row that cannot become a fact is kept as it was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ledger.listings import Listing
from ledger.rows import Kind

Column = Any  # an Arrow array
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
TradeFeed = Literal["trades", "aggregates"]
TimeUnit = Literal[1, 1_000, 1_000_000, 1_000_000_000]  # nanoseconds


class Origin(Protocol):
    """Where the rows of a draft stand in their file."""

    @property
    def numbers(self) -> Ints:
        """The line (or row) number of each place, from 1."""

    def raw(self, place: int) -> str:
        """The text of that place as it was read."""


@dataclass(frozen=True)
class Facts:
    """What is known of a kind of source beforehand: one line of the table of readers.

    The namespace of its ids is (venue, trade | aggregate | quote | bar), never the source, so a
    trade meets itself whether it comes from a socket, a file or another file.
    """

    reader: str
    kind: Kind
    id_column: str
    """The column that holds the venue's own id; "" where identity comes from the content."""
    contiguous: bool
    """Whether the venue numbers these rows without holes per instrument, so a hole is a gap."""
    time_unit_ns: TimeUnit
    """The coarsest unit in which this venue gives event times."""
    trade_feed: TradeFeed = "trades"


class Number(NamedTuple):
    """A column of decimals: value = what is written · 10^shift."""

    column: Column
    shift: int = 0


@dataclass
class Refusals:
    """Which rows cannot become facts, and why: the first reason found stands."""

    codes: NDArray[np.int16]
    reasons: list[str] = field(default_factory=lambda: [""])

    @classmethod
    def none(cls, count: int) -> "Refusals":
        return cls(np.zeros(count, np.int16))

    def refuse(self, mask: Bools, reason: str) -> None:
        """Refuse the rows of `mask` (shape (n,)) that are not refused yet."""
        fresh = mask & (self.codes == 0)
        if fresh.any():
            if reason not in self.reasons:
                self.reasons.append(reason)
            self.codes[fresh] = self.reasons.index(reason)

    def reason(self, row: int) -> str:
        return self.reasons[int(self.codes[row])]

    def copy(self) -> "Refusals":
        return Refusals(self.codes.copy(), list(self.reasons))

    @property
    def good(self) -> Bools:
        good: Bools = self.codes == 0
        return good


@dataclass(frozen=True)
class Draft:
    """Rows of one kind; arrays of shape (n,). Optional integers are ABSENT where there is none."""

    facts: Facts
    listings: tuple[Listing, ...]
    which: NDArray[np.int32]
    """The listing of each row."""
    event_time: Ints
    numbers: Mapping[str, Number]
    """By field of the row's layout: price, size, bid, … A null is a missing value."""
    origin: Origin
    at: Ints
    """The place of each row in `origin`."""
    refusals: Refusals
    """What the reader itself could not make sense of."""
    received_at: Ints | None = None
    ids: Column | None = None
    venue_seq: Ints | None = None
    source_seq: Ints | None = None
    aggressor: NDArray[np.uint8] | None = None
    conditions: NDArray[np.uint64] | None = None
    flags: NDArray[np.uint32] | None = None
    interval_ns: int = 0
    """Of bars: their length."""

    @property
    def kind(self) -> Kind:
        return self.facts.kind

    def __len__(self) -> int:
        return len(self.event_time)

    def line(self, row: int) -> int:
        return int(self.origin.numbers[self.at[row]])

    def raw(self, row: int) -> str:
        return self.origin.raw(int(self.at[row]))


class RefusedRow(NamedTuple):
    """A row that did not become a fact: where it stood, what it said, why not."""

    line: int
    raw: str
    reason: str


class Parsed(NamedTuple):
    """What a reader makes of some lines: every one is in a draft, broken, or skipped."""

    drafts: list[Draft]
    broken: list[RefusedRow]
    skipped: dict[str, int]


NUMBERS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.TRADE: ("price", "size"),
    Kind.QUOTE: ("bid", "ask", "bid_size", "ask_size"),
    Kind.BAR: ("open", "high", "low", "close", "volume", "taker_buy_volume", "trade_count"),
}
PRICES: Final = frozenset(("price", "bid", "ask", "open", "high", "low", "close"))
COUNTS: Final = frozenset(("trade_count",))  # whole numbers, whatever the instrument
REQUIRED: Final = frozenset(("price", "size", "open", "high", "low", "close"))
