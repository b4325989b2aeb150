"""`fledger migrate`: the schema and the topics."""

import click

from ledger.addresses import with_engines
from ledger.cli.common import REASON_OPTION, Console, command
from ledger.migrate import dry_run, migrate


@command(
    click.option(
        "--dry-run", "dry", is_flag=True, help="Print DDL and topic settings; change nothing."
    ),
    REASON_OPTION,
)
def migrate_command(console: Console, dry: bool, reason: str) -> None:
    """Make the schema and the topics, or check those that are there. Nothing is ever altered.

    Partitions, retention, replication and min.insync come from fledger.toml or the environment.
    """
    if dry:
        text = dry_run(console.settings)
        console.data({"plan": text}, text)
        return
    made = migrate(with_engines(console.settings), reason=reason)
    lines = [f"{name}: {'made' if fresh else 'checked'}" for name, fresh in made.topics.items()]
    console.data(
        {"ledger": made.ledger.hex(), "epoch": made.epoch, "topics": made.topics},
        "\n".join([f"ledger {made.ledger.hex()}, epoch {made.epoch}", *lines]),
    )
