"""`fledger quarantine`: rows that were refused, and a second try."""

import click

from ledger.cli.common import REASON_OPTION, Console, command, table

_RAW_SHOWN_MAX = 60


@click.group("quarantine")
def quarantine_command() -> None:
    """Rows that could not become facts: nothing is lost, each has its reason."""


@command(
    click.option("--all", "everything", is_flag=True, help="Resolved entries, too."),
    click.option("--limit", type=int, default=100, show_default=True, help="Entries shown."),
)
def list_(console: Console, everything: bool, limit: int) -> None:
    """Refused rows with file, line, raw text and reason."""
    from ledger.client import connect
    from ledger.loading import writer_of
    from ledger.quarantine import PostgresQuarantine

    with connect(console.settings.home) as led, writer_of(led) as writer:
        found = PostgresQuarantine(writer).entries(None if everything else "open")[:limit]
    columns = ["id", "state", "file", "line", "reason", "raw"]
    rows = [
        [e.id, e.state, e.row.file, e.row.line, e.row.reason, e.row.raw[:_RAW_SHOWN_MAX]]
        for e in found
    ]
    facts = [
        {
            "id": e.id,
            "state": e.state,
            "load_id": e.row.load_id,
            "source": e.row.source,
            "file": e.row.file,
            "line": e.row.line,
            "reason": e.row.reason,
            "raw": e.row.raw,
            "detail": dict(e.row.detail),
        }
        for e in found
    ]
    console.data(facts, table(columns, rows))


@command(
    click.argument("ids", nargs=-1, type=int),
    click.option("--accept-jumps", is_flag=True, help="Times that jump ahead are right."),
    REASON_OPTION,
)
def retry(console: Console, ids: tuple[int, ...], accept_jumps: bool, reason: str) -> int:
    """Try open entries again (IDS, or all) with the definitions there are now.

    What is a fact now is appended and resolved; the rest stays. Exit 4 when something is left.
    """
    from ledger.client import connect

    with connect(console.settings.home) as led:
        result = led.retry_quarantine(*ids, accept_jumps=accept_jumps, reason=reason)
    lines = [f"tried {result.tried} = appended {result.appended} + known {result.known} + left "]
    lines[0] += str(sum(result.left.values()))
    lines += [f"  left {count}: {why}" for why, count in result.left.items()]
    facts = {
        "tried": result.tried,
        "appended": result.appended,
        "known": result.known,
        "left": result.left,
    }
    console.data(facts, "\n".join(lines))
    return 4 if result.left else 0


quarantine_command.add_command(list_, "list")
quarantine_command.add_command(retry)
