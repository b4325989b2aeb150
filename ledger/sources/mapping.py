"""Which column of a table means what.

Columns are found by their own names or by `--map`; a few names that mean nothing else are known.
What is missing is asked for, with the columns that are there, before anything is appended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ledger.errors import FormatError
from ledger.rows import Kind

KINDS: Final = {"trades": Kind.TRADE, "quotes": Kind.QUOTE, "bars": Kind.BAR}
NEEDED: Final = {
    Kind.TRADE: ("time", "price", "size"),
    Kind.QUOTE: ("time", "bid", "ask"),
    Kind.BAR: ("time", "open", "high", "low", "close"),
}
OPTIONAL: Final = {
    Kind.TRADE: ("id", "aggressor", "buyer_is_maker"),
    Kind.QUOTE: ("id", "bid_size", "ask_size"),
    Kind.BAR: ("volume", "taker_buy_volume", "trade_count"),
}
ANY_KIND: Final = ("instrument", "symbol", "market", "received_at", "sequence")
# Other names of a column, where they can mean nothing else.
_ALSO: Final[dict[str, tuple[str, ...]]] = {
    "time": ("event_time", "timestamp", "ts", "datetime", "date"),
    "price": ("px",),
    "size": ("qty", "quantity", "amount"),
    "aggressor": ("side",),
    "id": ("trade_id", "tradeid"),
    "bid": ("bid_price",),
    "ask": ("ask_price",),
    "bid_size": ("bid_qty",),
    "ask_size": ("ask_qty",),
    "buyer_is_maker": ("is_buyer_maker",),
}


@dataclass(frozen=True)
class ReadOptions:
    """What a user says about a file, beyond what the file says itself."""

    kind: str | None = None
    """trades, quotes or bars; None: as the columns say."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Our column → the file's; "" says that the file has none, whatever its names."""
    columns: tuple[str, ...] | None = None
    """The names of the columns of a file without a header."""
    market: str | None = None
    instrument: str | None = None
    tz: str | None = None
    """The zone of local times."""
    time_unit: str | None = None
    """s, ms, us or ns; None: from the magnitude."""
    interval_ns: int | None = None
    """Of bars."""
    bar_time: str = "start"
    """Whether a bar's time is its `start` or its `end`."""
    delimiter: str | None = None
    sequenced: bool = False
    """Whether `sequence` (or an integer `id`) counts without holes per instrument."""
    trade_feed: str = "trades"
    """trades or aggregates."""


def find_columns(names: Sequence[str], options: ReadOptions, where: str) -> dict[str, str]:
    """Our column → the file's, for every one of ours that is there.

    Raises FormatError when a mapped column is not there, or two could be meant.
    """
    known = {word for words in (*NEEDED.values(), *OPTIONAL.values(), ANY_KIND) for word in words}
    for ours, theirs in options.mapping.items():
        if ours not in known:
            refuse(f"{where}: --map {ours}={theirs}: we have no column {ours!r}", names)
        if theirs and names.count(theirs) != 1:
            many = "no column" if theirs not in names else "more than one column"
            refuse(f"{where}: --map {ours}={theirs}: there is {many} {theirs!r}", names)
    taken = set(options.mapping.values())
    lower: dict[str, list[str]] = {}
    for name in names:
        if name not in taken:
            lower.setdefault(name.strip().lower(), []).append(name)
    found = {ours: theirs for ours, theirs in options.mapping.items() if theirs}
    for ours in sorted(known - set(options.mapping)):
        meant = lower.get(ours) or [n for word in _ALSO.get(ours, ()) for n in lower.get(word, ())]
        if len(meant) > 1:
            refuse(f"{where}: {' and '.join(meant)} could both be {ours}", names, ours)
        if meant:
            found[ours] = meant[0]
    return found


def kind_of(
    found: Mapping[str, str], options: ReadOptions, names: Sequence[str], where: str
) -> Kind:
    """What the rows are. Raises FormatError when columns for it are missing."""
    if options.kind is not None and options.kind not in KINDS:
        raise FormatError(f"{options.kind!r} is no kind of row", remedy=f"--kind {'|'.join(KINDS)}")
    if options.kind:
        kind = KINDS[options.kind]
    elif {"open", "high", "low"} & set(found):
        kind = Kind.BAR
    else:
        kind = Kind.QUOTE if {"bid", "ask"} & set(found) else Kind.TRADE
    missing = [name for name in NEEDED[kind] if name not in found]
    if missing:
        refuse(
            f"{where}: {kind.name.lower()}s need {', '.join(missing)}", names, *missing, kind=kind
        )
    return kind


def refuse(problem: str, names: Sequence[str], *missing: str, kind: Kind | None = None) -> NoReturn:
    """Raise FormatError: the problem, the columns found, the columns needed, the way out."""
    kinds = NEEDED if kind is None else {kind: NEEDED[kind]}
    needed = "; ".join(f"{k.name.lower()}s: {', '.join(c)}" for k, c in kinds.items())
    example = " ".join(f"--map {name}=COLUMN" for name in missing or ("price",))
    raise FormatError(
        f"{problem}\n  columns found: {', '.join(names) or 'none'}\n  columns needed: {needed}",
        remedy=f"{example}; --columns NAME,NAME,… for a file without a header",
    )


def describe(options: ReadOptions) -> dict[str, Any]:
    """The options that differ from the default, as JSON."""
    default = ReadOptions()
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in vars(options).items()
        if value != getattr(default, name)
    }
