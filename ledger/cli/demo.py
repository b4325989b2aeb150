"""`fledger demo`: ticks through both stores on one screen, then the proof."""

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ledger.cli.common import Console, command, table
from ledger.demo import Feed, Glance, Watch, feed_file, feed_simulated

if TYPE_CHECKING:
    from ledger.client import Ledger

SCREEN_SECONDS: Final = 0.5
LINE_SECONDS: Final = 5.0
ARCHIVE_SECONDS_MAX: Final = 30.0


@command(
    click.option("--data", type=click.Path(path_type=Path), help="A real file instead."),
    click.option("--instrument", help="The instrument of a file that does not name it."),
    click.option("--seconds", type=float, default=30.0, show_default=True, help="How long."),
    click.option("--rate", type=float, default=2000.0, show_default=True, help="Ticks a second."),
    click.option("--seed", type=int, default=7, show_default=True, help="Of the simulated market."),
)
def demo_command(
    console: Console,
    data: Path | None,
    instrument: str | None,
    seconds: float,
    rate: float,
    seed: int,
) -> int:
    """Start everything, feed it, watch both stores, and prove that they hold the same bytes.

    Stops after --seconds, at the file's end, or at Ctrl-C. The engines keep running: fledger down.
    """
    from ledger.client import connect
    from ledger.opening import bring_up

    bring_up(console.settings, console.say)
    with connect(console.settings.home) as led:
        feed, stop = Feed(), threading.Event()
        if data is None:
            thread = threading.Thread(target=feed_simulated, args=(led, feed, stop, rate, seed))
        else:
            thread = threading.Thread(
                target=feed_file, args=(led.settings, feed, stop, data, instrument)
            )
        thread.start()
        try:
            _show(console, Watch(led, feed), feed, time.monotonic() + seconds)
        except KeyboardInterrupt:
            console.say("stopping")
        finally:
            stop.set()
            thread.join()
        if feed.failure is not None:
            raise feed.failure
        return _conclude(console, led, feed)


def _show(console: Console, watch: Watch, feed: Feed, until: float) -> None:
    """The live screen on a terminal; off it, a line every five seconds."""
    if not console.is_terminal:
        while time.monotonic() < until and not feed.ended:
            _wait(feed, min(until, time.monotonic() + LINE_SECONDS))
            console.say(_line(watch.glance()))
        return
    from rich.console import Console as Terminal
    from rich.live import Live

    with Live(console=Terminal(stderr=True), refresh_per_second=8, transient=False) as live:
        while time.monotonic() < until and not feed.ended:
            _wait(feed, time.monotonic() + SCREEN_SECONDS)
            live.update(_screen(watch.glance(), feed, until - time.monotonic()))


def _wait(feed: Feed, until: float) -> None:
    while time.monotonic() < until and not feed.ended:
        time.sleep(0.05)


def _line(glance: Glance) -> str:
    return (
        f"in {glance.handed_over:,}  acknowledged {glance.acknowledged:,}  "
        f"kafka {sum(s.kafka_records for s in glance.streams):,} records  "
        f"postgres {sum(s.archived_records for s in glance.streams):,} records, "
        f"{glance.events:,} events ({glance.per_second:,.0f}/s)  "
        f"lag {glance.lag:,} records, {glance.lag_seconds:.2f} s"
    )


def _screen(glance: Glance, feed: Feed, left: float) -> Any:
    from rich.table import Table

    grid = Table(
        title=f"the feature ledger, {max(0, left):.0f} s left (Ctrl-C stops)",
        min_width=90,
        caption_justify="left",
    )
    for name in ("partition", "kafka records", "postgres records", "postgres events", "lag"):
        grid.add_column(name, justify="left" if name == "partition" else "right")
    for s in glance.streams:
        numbers = (s.kafka_records, s.archived_records, s.archived_events, s.lag)
        grid.add_row(s.name, *(f"{n:,}" for n in numbers))
    caption = (
        f"handed over {glance.handed_over:,} ticks, acknowledged {glance.acknowledged:,}; "
        f"{glance.per_second:,.0f} events/s into PostgreSQL; {glance.lag_seconds:.2f} s behind\n"
        f"{feed.says()}; open gaps {glance.gaps}, in quarantine {glance.quarantined}"
    )
    grid.caption = caption
    return grid


def _conclude(console: Console, led: "Ledger", feed: Feed) -> int:
    """Wait for the archive, compare both stores byte by byte, and say what to try next."""
    from ledger.verify import verify

    led.wait_for_archive(ARCHIVE_SECONDS_MAX)
    report = verify(led.settings, deep=True)
    rows = [[kind, records, events] for kind, records, events in led.archive.totals()]
    console.say(feed.says())
    console.say(table(["kind", "records", "events"], rows))
    facts: dict[str, Any] = {
        "handed_over": feed.handed_over,
        "acknowledged": feed.acknowledged,
        "events": sum(row[2] for row in rows),
        "verified_records": report.records,
        "findings": [str(finding) for finding in report.findings],
    }
    if report.findings:
        console.data(facts, "\n".join(facts["findings"]))
        return 5
    home = led.settings.home
    console.data(
        facts,
        f"Kafka and PostgreSQL hold the same {report.records:,} records, byte for byte.\n\n"
        f"The engines keep running. Try next, after\n"
        f"  . {sys.prefix}/bin/activate; export FLEDGER_HOME={home}\n\n"
        "  fledger status            what runs, how far the archive is\n"
        "  fledger instruments list  what is traded\n"
        "  fledger log               who defined what, when\n"
        "  fledger cut               a citation of everything known now\n"
        "  fledger verify --deep     the proof again\n"
        "  fledger down              stop everything",
    )
    return 0
