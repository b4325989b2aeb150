"""`fledger up` and `down`: the engines of a home, and the supervisor over them."""

import click

from ledger.cli.common import Console, command


@command(click.option("--engines-only", is_flag=True, help="Without archiver and relay."))
def up_command(console: Console, engines_only: bool) -> None:
    """Start the engines, make or check the ledger, start archiver and relay. Idempotent.

    Engines that are named by FLEDGER_KAFKA, FLEDGER_DSN or fledger.toml are not started, only
    checked.
    """
    from ledger.opening import bring_up

    opened = bring_up(console.settings, console.say, supervised=not engines_only)
    facts = {
        "ledger": opened.made.ledger.hex(),
        "epoch": opened.made.epoch,
        "kafka": opened.settings.kafka["bootstrap.servers"],
        "home": str(opened.settings.home),
        "supervisor": opened.supervisor_pid,
    }
    console.data(facts, f"ledger {opened.made.ledger.hex()} is up (home {opened.settings.home})")


@command()
def down_command(console: Console) -> None:
    """Stop archiver and relay, then the engines. Idempotent; nothing is lost."""
    from ledger import engines
    from ledger.supervisor import stop_supervisor

    stop_supervisor(console.settings.home, console.say)
    engines.stop(console.settings.home, console.say)
    console.data({"home": str(console.settings.home), "running": False}, "down")
