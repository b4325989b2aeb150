"""`fledger cut`, `tag`, `clock` and `log`: moments, their names, and who changed what."""

import re

import click

from ledger.cli.common import REASON_OPTION, Console, command, table
from ledger.client import connect
from ledger.positions import Cut
from ledger.times import format_time, parse_time


@command(click.argument("of", default=""))
def cut_command(console: Console, of: str) -> None:
    """The cut of now, or of OF: a time with its zone, a tag, or a cut.

    A cut is what people cite: the same answer for ever. A time becomes a cut once every partition
    has passed it.
    """
    with connect(console.settings.home) as led:
        cut = led.cut(of or None)
        cited = cut.cite(led.id)
    facts = {"cut": str(cut), "cite": cited, "epoch": cut.epoch, "offsets": list(cut.offsets)}
    console.data(facts, cited)


@command(
    click.argument("name"),
    click.option("--at", default="", help="A time, a tag or a cut; default: now."),
    REASON_OPTION,
)
def tag_command(console: Console, name: str, at: str, reason: str) -> None:
    """Give a cut the unique name NAME, for ever."""
    with connect(console.settings.home) as led:
        cut: Cut | None = led.cut(at) if at else None
        held = led.tag(name, cut, reason=reason)
        console.data({"tag": name, "cut": held.cite(led.id)}, f"{name} = {held.cite(led.id)}")


@command(click.argument("source"), click.argument("moment"))
def clock_command(console: Console, source: str, moment: str) -> None:
    """Say that nothing of SOURCE before MOMENT follows: its quiet bars close."""
    at = parse_time(moment)
    with connect(console.settings.home) as led:
        feeds = led.clock(source, at)
    console.data(
        {"source": source, "time": at, "feeds": feeds},
        f"clock of {source} at {format_time(at)} for {feeds} feeds",
    )


@command(
    click.option("--since", default="", help="Only what was known at or after this time."),
    click.option("--type", "kind", default="", help="Only this type, such as InstrumentDefined."),
)
def log_command(console: Console, since: str, kind: str) -> None:
    """Control events in order: who changed what, when and why."""
    start = parse_time(since) if since else 0
    with connect(console.settings.home) as led:
        found = [
            {
                "sequence": n.sequence,
                "position": f"c0:{n.offset}:0",
                "known_at": format_time(n.stamp_ns),
                **n.body,
            }
            for n in led.log()
            if n.stamp_ns >= start and kind in ("", n.body["type"])
        ]
    columns = ["sequence", "known_at", "type", "actor", "what", "reason"]
    rows = [[{**event, "what": _what(event)}[c] for c in columns] for event in found]
    console.data(found, table(columns, rows))


_CITED = re.compile(r"L[0-9a-f]{32}/")
_SHARED = ("sequence", "position", "known_at", "type", "actor", "reason", "tool")


def _what(event: dict[str, object]) -> str:
    """The event's own fields in one short line, without the ledger's id in its cuts."""
    instrument = event.get("instrument")
    if isinstance(instrument, dict):
        return str(instrument["symbol"])
    own = {key: value for key, value in event.items() if key not in _SHARED and value is not None}
    text = " ".join(f"{key}={_CITED.sub('', str(own[key]))}" for key in sorted(own, reverse=True))
    return text if len(text) <= 60 else text[:59] + "…"
