"""`fledger instruments`: what is traded, and how its numbers are written."""

from typing import Any

import click
from pydantic import ValidationError

from ledger.cli.common import REASON_OPTION, Console, command, table
from ledger.client import connect
from ledger.errors import UsageError
from ledger.instruments import Instrument
from ledger.positions import partition_of


@click.group("instruments")
def instruments_command() -> None:
    """Define and show instruments. A definition never changes."""


@command(
    click.argument("symbol"),
    click.option("--price-exponent", type=int, required=True, help="Such as -2: cents."),
    click.option("--size-exponent", type=int, required=True, help="Such as -8; 0: whole units."),
    click.option("--alias", "aliases", multiple=True, help="Another name; may be repeated."),
    click.option("--time-unit-ns", type=int, default=1, show_default=True, help="Venue's unit."),
    click.option("--revise-within-ns", type=int, default=None, help="Horizon; default 2 minutes."),
    click.option(
        "--trade-feed",
        type=click.Choice(["trades", "aggregates"]),
        default="trades",
        show_default=True,
        help="Which count of the same volume to take.",
    ),
    click.option("--allow-negative", is_flag=True, help="Prices at or below zero are facts here."),
    click.option("--calendar", default="24/7", show_default=True),
    REASON_OPTION,
)
def add(console: Console, reason: str, aliases: tuple[str, ...], **fields: Any) -> None:
    """Define SYMBOL, such as BTCUSDT-PERP.BINANCE. Defining it alike again does nothing."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        instrument = Instrument(aliases=aliases, **given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "instrument"
        raise UsageError(
            f"{where}: {first['msg']}", remedy="fledger instruments add --help"
        ) from error
    with connect(console.settings.home) as led:
        number = led.define(instrument, reason=reason)[0]
    console.data({"id": number, **instrument.model_dump()}, f"{instrument.symbol} is {number}")


@command(click.argument("search", default=""))
def list_(console: Console, search: str) -> None:
    """Every instrument whose symbol or alias contains SEARCH."""
    with connect(console.settings.home) as led:
        found = [
            {
                "id": number,
                "partition": partition_of(i.symbol, led.control.catalog.partitions),
                **i.model_dump(),
            }
            for number, i in led.instruments().items()
            if any(search.upper() in name.upper() for name in (i.symbol, *i.aliases))
        ]
    columns = ["id", "symbol", "partition", "price_exponent", "size_exponent", "aliases"]
    rows = [[", ".join(i[c]) if c == "aliases" else i[c] for c in columns] for i in found]
    console.data(found, table(columns, rows))


@command(click.argument("name"))
def show(console: Console, name: str) -> None:
    """One instrument, by symbol or alias."""
    with connect(console.settings.home) as led:
        instruments = led.instruments()
        number = led.control.catalog.instrument_id(name)
    facts = {"id": number, **instruments[number].model_dump()}
    console.data(facts, "\n".join(f"{key:18} {value}" for key, value in facts.items()))


instruments_command.add_command(add)
instruments_command.add_command(list_, "list")
instruments_command.add_command(show)
