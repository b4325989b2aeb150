"""What happened: the log of a feature ledger, and the one object through which people use it.

    import ledger as fl

    led = fl.connect()                                   # arguments, environment, file, home
    led.load("trades.csv.gz", define=True)               # read 78638 = appended 78638 + known 0 + …
    led.append(fl.trades("BTCUSDT.BINANCE", frame))      # pandas, polars, Arrow or an iterable

The ledger is an ordered log of immutable events; everything else is a fold over a prefix of it.
Kafka's partition order is the authority for what was accepted and when; PostgreSQL is the permanent
archive; `verify` proves that both hold the same bytes. Invariants: an identity is appended once
whatever repeats it, archived offsets tile without a hole, nothing is ever changed or deleted.

Where to start reading: `rows` (what an event is), `frames` (what a record is), `appender` (into the
log), `archiver` (into tables), `verify` (the proof). This package imports neither `projections` nor
`indicators`; names below are imported when they are first used.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.batches import bars, quotes, trades
    from ledger.client import Ledger, connect
    from ledger.errors import LedgerError
    from ledger.instruments import Instrument
    from ledger.positions import Cut, Position

__all__ = [
    "Cut",
    "Instrument",
    "Ledger",
    "LedgerError",
    "Position",
    "bars",
    "connect",
    "quotes",
    "trades",
]

_HOMES = {
    "bars": "ledger.batches",
    "quotes": "ledger.batches",
    "trades": "ledger.batches",
    "Ledger": "ledger.client",
    "connect": "ledger.client",
    "LedgerError": "ledger.errors",
    "Instrument": "ledger.instruments",
    "Cut": "ledger.positions",
    "Position": "ledger.positions",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ledger' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def _refuse_shadows() -> None:
    """Every trader has an `indicators.py`: found before ours, it would break us in odd places."""
    ours = Path(__file__).resolve().parents[1]
    for package in ("projections", "indicators"):
        spec = importlib.util.find_spec(package)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is not None and found.parents[1] != ours:
            raise ImportError(
                f"{found} hides the package {package!r} of fledger: rename your file, "
                "or start Python from another folder"
            )


_refuse_shadows()
