"""The root of the command tree. Nothing heavy is imported before a verb is known."""

import importlib
from typing import Final, NamedTuple

import click

EXIT_CODES: Final = """\b
Exit codes:
  0 fine
  1 a discrepancy or a limit was found
  2 usage: the call, a file's format or a setting is wrong; nothing was done
  3 an engine is unreachable; what was acknowledged is safe, repeat the rest
  4 refused, or done in part (rows in quarantine, input damaged)
  5 integrity broken
  130 interrupted"""


class Verb(NamedTuple):
    """Where a command lives, and its line in the help."""

    module: str
    help: str


VERBS: Final = {
    "up": Verb("engines", "Start the engines and the supervisor (archiver and relay)."),
    "down": Verb("engines", "Stop the supervisor and the engines."),
    "status": Verb("status", "What runs, what the logs hold, how far the archive is."),
    "demo": Verb("demo", "Simulated or real ticks through both stores, live on one screen."),
    "run": Verb("run", "Run a part in the foreground: archiver | all."),
    "migrate": Verb("migrate", "Make or check the schema and the topics."),
    "instruments": Verb("instruments", "Define and show instruments: add | list | show."),
    "load": Verb("load", "Load files of ticks or bars, once."),
    "clock": Verb("control", "Say that nothing before a time follows from a source."),
    "quarantine": Verb("quarantine", "Rows that were refused: list | retry."),
    "verify": Verb("verify", "Prove that the archive and the log hold the same bytes."),
    "digest": Verb("verify", "The digest of what is known now, per feed."),
    "cut": Verb("control", "The cut of now, of a time or of a tag."),
    "tag": Verb("control", "Give a cut a name that lasts."),
    "log": Verb("control", "Control events: who changed what, and why."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module = importlib.import_module(f"ledger.cli.{verb.module}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


@click.command(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"max_content_width": 100})
@click.version_option(package_name="fledger", prog_name="fledger")
def cli() -> None:
    """The feature ledger: every tick and every computed feature as an immutable event.

    Data goes to stdout, talk to stderr; every command takes --home and --json.
    """


def main() -> None:
    """The console script."""
    cli(prog_name="fledger")
