"""The seam of the readers: what every format is, and the table of what is known of each.

| reader             | kind           | namespace   | native id       | contiguous | unit |
|--------------------|----------------|-------------|-----------------|------------|------|
| binance-trades-csv | trades         | VENUE/trade | trade_id        | yes        | ms   |
| binance-messages   | trades         | VENUE/trade | `t`             | yes        | ms   |
| binance-messages   | quotes         | VENUE/quote | `u`             | no         | ms   |
| lean               | trades, quotes | (content)   | –               | no         | ms   |
| table              | trades         | VENUE/trade | column for `id` | as told    | file |
| table              | quotes         | VENUE/quote | column for `id` | as told    | file |
| table, no id       | trades, quotes | (content)   | –               | no         | file |
| table              | bars           | VENUE/bar   | the interval    | no         | file |

"unit" is the coarsest in which the venue gives event times; "file": that of the file, ms at most.
VENUE is what stands behind the dot of the instrument's symbol. The content of a trade is event
time, price, size, conditions, aggressor; of a quote event time, bid, ask, their sizes, conditions
(`ledger.content`). Binance writes ms before 2025 and µs after, so ms is its coarsest unit.
"""

from typing import Any, Final, Protocol

from ledger.drafts import Facts, Parsed
from ledger.rows import Kind
from ledger.sources.lines import Lines

MILLISECOND_NS: Final = 1_000_000

BINANCE_CSV: Final = Facts("binance-trades-csv", Kind.TRADE, "trade_id", True, MILLISECOND_NS)
BINANCE_TRADES: Final = Facts("binance-messages", Kind.TRADE, "t", True, MILLISECOND_NS)
BINANCE_QUOTES: Final = Facts("binance-messages", Kind.QUOTE, "u", False, MILLISECOND_NS)
LEAN_TRADES: Final = Facts("lean-trades", Kind.TRADE, "", False, MILLISECOND_NS)
LEAN_QUOTES: Final = Facts("lean-quotes", Kind.QUOTE, "", False, MILLISECOND_NS)

READERS: Final = (BINANCE_CSV, BINANCE_TRADES, BINANCE_QUOTES, LEAN_TRADES, LEAN_QUOTES)


class Format(Protocol):
    """How the lines of one file are read. Pure: the same lines give the same drafts, whatever the
    chunk they come in, and a single row can be read again years later from `describe()`."""

    @property
    def name(self) -> str:
        """The reader's name, for people and for the table."""

    @property
    def header_lines(self) -> int:
        """How many lines before the first row."""

    @property
    def time_unit(self) -> str:
        """The unit of the file's times, or how they are written, for people."""

    @property
    def single(self) -> bool:
        """Whether the file speaks of one instrument only."""

    def parse(self, lines: Lines) -> Parsed:
        """The drafts of these lines; every line is in a draft, broken, or skipped."""

    def describe(self) -> dict[str, Any]:
        """What `ledger.sources.formats.from_description` makes an equal format of; JSON."""
