"""`fledger verify` and `digest`: the proof, and what is known now as one number per feed."""

from typing import Any

import click

from ledger.cli.common import Console, command, table
from ledger.cli.progress import progress_bar


@command(
    click.option("--deep", is_flag=True, help="Compute the working tables again, too."),
)
def verify_command(console: Console, deep: bool) -> int:
    """Prove that the archive and the log hold the same bytes.

    Per stream: offsets without a hole, every record rebuilt from its rows and its leaf computed
    anew, every record Kafka still holds equal to the rebuilt bytes. Exit 5 with positions when
    something is wrong.
    """
    from ledger.addresses import with_engines
    from ledger.verify import verify

    settings = with_engines(console.settings)
    with progress_bar(console, "verifying") as show:
        report = verify(
            settings, deep, lambda s: show(s.offset, s.end, f"{s.stream}, {s.events:,} events")
        )
    facts: dict[str, Any] = {
        "streams": report.streams,
        "records": report.records,
        "events": report.events,
        "compared_with_kafka": report.compared,
        "seconds": round(report.seconds, 3),
        "findings": [f._asdict() for f in report.findings],
        "findings_not_shown": report.findings_beyond,
    }
    lines = [str(finding) for finding in report.findings]
    summary = (
        f"{report.records:,} records, {report.events:,} events rebuilt and hashed, "
        f"{report.compared:,} compared with Kafka, {len(report.findings)} findings "
        f"({report.seconds:.1f} s)"
    )
    console.data(facts, "\n".join([*lines, summary]))
    return 0 if report.clean else 5


@command()
def digest_command(console: Console) -> None:
    """The digest of what is known now, per feed: equal facts, equal digests, whatever the order,
    repeats and sources by which they came."""
    from ledger.client import connect
    from ledger.known_now import digests

    with connect(console.settings.home) as led, progress_bar(console, "reading") as show:
        found = digests(led, lambda done, total, name: show(done, total, name))
    rows = [[d.instrument, d.feed, d.facts, d.repeats, d.digest] for d in found]
    columns = ["instrument", "feed", "facts", "repeats", "digest"]
    console.data([d._asdict() for d in found], table(columns, rows))
