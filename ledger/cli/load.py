"""`fledger load`: files of ticks or bars, once."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from ledger.cli.common import REASON_OPTION, Console, command, table
from ledger.cli.progress import Show, progress_bar
from ledger.errors import EngineUnreachable, UsageError
from ledger.load_options import LoadOptions, Progress, Talk
from ledger.load_result import LoadResult
from ledger.sources.mapping import ReadOptions
from ledger.times import parse_interval

_SHOWN_MAX = 20


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """--map price=px,size=qty, repeated or not, as one mapping."""
    found = {}
    for item in ",".join(values).split(","):
        if item:
            ours, equals, theirs = item.partition("=")
            if not (ours and equals and theirs):
                raise click.BadParameter(f"{item!r} is not ours=theirs, such as price=px")
            found[ours.strip()] = theirs.strip()
    return found


@command(
    click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option("--define", is_flag=True, help="Define unknown instruments as the rows suggest."),
    click.option("--complete", is_flag=True, help="Nothing more of these days comes: close bars."),
    click.option("--source", help="Name of the source; default: that of the format."),
    click.option("--kind", type=click.Choice(["trades", "quotes", "bars"]), help="What it holds."),
    click.option("--map", "mapping", multiple=True, callback=_pairs, help="price=px,size=qty,…"),
    click.option("--columns", help="Names for a file without a header: time,price,size,…"),
    click.option("--instrument", help="All rows are of this instrument."),
    click.option("--market", help="The market all rows are of, such as spot or usdm."),
    click.option("--tz", help="The zone of local times, such as America/New_York."),
    click.option("--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Of the times."),
    click.option("--interval", help="Of bars, such as 1m."),
    click.option("--bar-time", type=click.Choice(["start", "end"]), default="start"),
    click.option("--delimiter", help="Between columns; default: found out."),
    click.option("--sequenced", is_flag=True, help="Ids count without holes: a hole is a gap."),
    click.option("--trade-feed", type=click.Choice(["trades", "aggregates"]), default="trades"),
    click.option("--sort-rows", type=int, help="How many rows too late a row may stand."),
    REASON_OPTION,
)
def load_command(console: Console, files: tuple[Path, ...], reason: str, **given: Any) -> int:
    """Load FILES (or folders: one source each) of trades, quotes or bars.

    Always: read = appended + known + quarantined + skipped. Loading again adds nothing. Exit 4 when
    rows were quarantined, input was damaged, or instruments have to be defined first.
    """
    from ledger.client import connect

    options = _options(given)
    with connect(console.settings.home) as led, progress_bar(console, "loading") as show:
        talk = Talk(_shown(show), console.say)
        try:
            result = led.load(*files, options=options, talk=talk, reason=reason)
        except EngineUnreachable as error:
            again = shlex.join(["fledger", *sys.argv[1:]])
            raise EngineUnreachable(
                error.message, remedy=f"see fledger status and the disk's space, then: {again}"
            ) from error
    console.data(result.as_json(), _text(result))
    return result.exit_code


def _options(given: dict[str, Any]) -> LoadOptions:
    columns, interval = given["columns"], given["interval"]
    read = ReadOptions(
        kind=given["kind"],
        mapping=given["mapping"],
        columns=tuple(columns.split(",")) if columns else None,
        market=given["market"],
        instrument=given["instrument"],
        tz=given["tz"],
        time_unit=given["time_unit"],
        interval_ns=parse_interval(interval) if interval else None,
        bar_time=given["bar_time"],
        delimiter=given["delimiter"],
        sequenced=given["sequenced"],
        trade_feed=given["trade_feed"],
    )
    rest: dict[str, Any] = {k: given[k] for k in ("define", "complete", "source")}
    if given["sort_rows"] is not None:
        if given["sort_rows"] < 1:
            raise UsageError("--sort-rows must be at least 1", remedy="leave it out")
        rest["sort_rows"] = given["sort_rows"]
    return LoadOptions(read, **rest)


def _shown(show: Show) -> Any:
    def progress(p: Progress) -> None:
        left = "" if p.seconds_left is None else f", {p.seconds_left:.0f} s left"
        text = f"{p.rows:,} rows, {p.rows_per_second:,.0f}/s{left}"
        show(p.bytes_done, p.bytes_total, text)

    return progress


def _text(result: LoadResult) -> str:
    if result.definitions:
        columns = ["symbol", "price_exponent", "size_exponent", "time_unit_ns", "aliases"]
        rows = [
            [d.symbol, d.price_exponent, d.size_exponent, d.time_unit_ns, ", ".join(d.aliases)]
            for d in result.definitions
        ]
        return (
            "not defined yet; nothing was appended. The rows suggest:\n"
            f"{table(columns, rows)}\n"
            "accept them with --define, or define others: fledger instruments add"
        )
    lines = [str(result.counts)]
    for file in result.files:
        unit = f", times in {file.time_unit}" if file.time_unit else ""
        lines.append(f"  {file.file} ({file.format}{unit}): {file.counts}")
        lines += [f"    skipped {n}: {why}" for why, n in file.skipped.items()]
        if file.damage:
            lines.append(f"    damaged at line {file.damage_line}: {file.damage}")
    for why, n in sorted(result.reasons.items(), key=lambda r: -r[1])[:_SHOWN_MAX]:
        lines.append(f"  quarantined {n}: {why}")
    lines += [f"  flagged {n}: {what}" for what, n in result.flagged.items() if n]
    if result.out_of_order:
        worst = result.worst_lag_ns / 1e9
        lines.append(f"  {result.out_of_order} out of order, the worst by {worst:g} s")
    if result.deferred:
        lines.append(f"  {result.deferred} deferred: behind the horizon until a restate")
    if result.clocks:
        lines.append(f"  {result.clocks} clocks: the days are complete")
    lines += [f"  note: {warning}" for warning in result.warnings]
    return "\n".join(lines)
