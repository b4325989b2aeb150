"""What a venue calls an instrument, and what we call it.

BTCUSDT trades on Binance in two markets at different prices, so a name alone is no instrument. A
listing carries our symbol and the other names that resolve to it: the venue's own name within its
market (`binance.usdm:BTCUSDT`) and that of ccxt (`BTC/USDT:USDT`).
"""

import re
from typing import Final, NamedTuple

from ledger.instruments import SYMBOL

BINANCE_MARKETS: Final = {
    "spot": "spot",
    "binance": "spot",
    "binance-spot": "spot",
    "usdm": "usdm",
    "um": "usdm",
    "binance-usdm": "usdm",
    "coinm": "coinm",
    "cm": "coinm",
    "binance-coinm": "coinm",
}
# Binance writes base and quote as one word; these are the words it ends with.
_QUOTES: Final = (
    *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "DAI"),
    *("USD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "GBP"),
)


class Listing(NamedTuple):
    """What a source says an instrument is. `symbol` is ours ("" when no valid one can be made),
    `native` the venue's name within its market: rows are looked up by these two alone, because
    the names in `also` (ccxt's) are the same at every venue. `written` is the source's text."""

    symbol: str
    native: str
    also: tuple[str, ...]
    written: str

    @property
    def aliases(self) -> tuple[str, ...]:
        """All other names, for a definition."""
        names = (self.native, *self.also)
        return tuple(name for name in names if name != self.symbol)


def binance_listing(native: str, market: str) -> Listing:
    """The listing of a Binance symbol in `spot`, `usdm` or `coinm`."""
    name, dated, expiry = native.upper().partition("_")
    alias = f"binance.{market}:{native.upper()}"
    if market == "spot":
        return _listing(f"{native.upper()}.BINANCE", alias, _ccxt(name, ""), native)
    venue = "BINANCE" if market == "usdm" else "BINANCE-COINM"
    perpetual = not dated or expiry == "PERP"
    symbol = f"{name}-{'PERP' if perpetual else expiry}.{venue}"
    others = _ccxt(name, market) if perpetual else ()
    return _listing(symbol, alias, others, native)


def plain_listing(native: str, market: str) -> Listing:
    """The listing of a name at a venue we know nothing about: `BTC-PERP`, `ftx` → BTC-PERP.FTX."""
    name = re.sub(r"[^A-Z0-9_/:\-]", "-", native.strip().upper())
    return _listing(f"{name}.{market.strip().upper()}", f"{market.lower()}:{native}", (), native)


def market_listing(native: str, market: str) -> Listing:
    """The listing of a name in a market as a user or a column writes it."""
    binance = BINANCE_MARKETS.get(market.strip().lower())
    return binance_listing(native, binance) if binance else plain_listing(native, market)


def named_listing(name: str) -> Listing:
    """The listing of an instrument that is named by its symbol or by one of its aliases."""
    return _listing(name, name, (), name)


def _listing(symbol: str, native: str, also: tuple[str, ...], written: str) -> Listing:
    return Listing(symbol if SYMBOL.fullmatch(symbol) else "", native, also, written)


def _ccxt(name: str, market: str) -> tuple[str, ...]:
    """`BTC/USDT`, `BTC/USDT:USDT` (settled in the quote), `BTC/USD:BTC` (settled in the base)."""
    for quote in _QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            base = name.removesuffix(quote)
            settled = {"usdm": f":{quote}", "coinm": f":{base}"}.get(market, "")
            return (f"{base}/{quote}{settled}",)
    return ()
