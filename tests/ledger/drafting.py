"""Small catalogs and tables that tests of drafts and loads share."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ledger import batches
from ledger.drafts import Draft
from ledger.instruments import Instrument
from ledger.sources.mapping import ReadOptions
from tests.ledger.memory_ledger import MemoryLedger

T0 = 1_723_161_255_342  # 2024-08-08T23:54:15.342Z in milliseconds
NAME = "ABC.TEST"
HEADER = "time,price,size,id\n"


def instrument(symbol: str = NAME, **facts: Any) -> Instrument:
    """Two digits for prices, three for sizes, milliseconds."""
    values = {"price_exponent": -2, "size_exponent": -3, "time_unit_ns": 1_000_000, **facts}
    return Instrument(symbol=symbol, **values)


def ledger(*instruments: Instrument) -> MemoryLedger:
    """An empty ledger that knows these instruments, or ABC.TEST."""
    made = MemoryLedger()
    made.define(instruments or (instrument(),))
    return made


def write(path: Path, text: str | bytes) -> Path:
    """A file of that content."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def trade_lines(count: int, start: int = 0, step_ms: int = 10) -> str:
    """Trades with ids, in order, a line each."""
    return "".join(
        f"{T0 + n * step_ms},{100 + n % 7}.{n % 100:02d},{1 + n % 5}.5,{1000 + n}\n"
        for n in range(start, start + count)
    )


def nameless_lines(rows: list[tuple[int, str, str]]) -> str:
    """Trades without ids: (milliseconds after T0, price, size)."""
    return "".join(f"{T0 + at},{price},{size}\n" for at, price, size in rows)


def reading(**options: Any) -> ReadOptions:
    """Options that name the instrument."""
    return ReadOptions(**{"instrument": NAME, **options})


def trades(**columns: list[Any]) -> Draft:
    """A draft of trades of ABC.TEST from columns of text."""
    return batches.trades(NAME, pa.table(columns))
