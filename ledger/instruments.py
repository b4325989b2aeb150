"""What is traded, and how its numbers are written.

One id per venue *and market*: `BTCUSDT.BINANCE` (spot) and `BTCUSDT-PERP.BINANCE` (USD-M) share a
name at the venue and trade at different prices. A definition never changes: exponents, horizon and
time unit are part of what recorded numbers mean.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9_/:\-]{0,39}\.[A-Z][A-Z0-9\-]{0,19}")
EXPONENT_MIN: Final = -18  # the smallest unit an int64 mantissa can usefully carry
MINUTE_NS: Final = 60_000_000_000

Exponent = Annotated[int, Field(ge=EXPONENT_MIN, le=0)]


class Instrument(BaseModel):
    """A definition. Prices and sizes are int64 mantissas: value = mantissa · 10^exponent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    symbol: str
    aliases: tuple[str, ...] = ()
    price_exponent: Exponent
    size_exponent: Exponent
    time_unit_ns: Literal[1, 1_000, 1_000_000, 1_000_000_000] = 1
    """The venue's coarsest time unit: identity floors event_time to it."""
    revise_within_ns: Annotated[int, Field(gt=0)] = 2 * MINUTE_NS
    """How far behind its feed's newest time a fact is still folded in."""
    identity_limit: Annotated[int, Field(ge=1_000)] = 1_000_000
    """How many identities a fold remembers per feed, at most."""
    trade_feed: Literal["trades", "aggregates"] = "trades"
    """Which of the venue's two counts of the same volume this instrument takes."""
    allow_negative: bool = False
    """Prices at or below zero are facts here (spreads, power) and not mistakes."""
    calendar: str = "24/7"

    @field_validator("symbol")
    @classmethod
    def _symbol_form(cls, symbol: str) -> str:
        if not SYMBOL.fullmatch(symbol):
            raise ValueError(
                f"{symbol!r} is not NAME.VENUE in capitals, such as BTCUSDT-PERP.BINANCE"
            )
        return symbol

    @field_validator("aliases", mode="before")
    @classmethod
    def _aliases_from_list(cls, aliases: Any) -> Any:
        return tuple(aliases) if isinstance(aliases, list) else aliases

    @property
    def venue(self) -> str:
        return self.symbol.rpartition(".")[2]
