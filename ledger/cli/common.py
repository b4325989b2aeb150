"""What every command shares: --home, --json, exit codes, progress, and where output goes."""

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from ledger.errors import LedgerError
from ledger.settings import Settings, read_settings

INTERRUPTED: Final = 130
REASON_OPTION: Final = click.option("--reason", default="", help="Why; kept with the event.")


@dataclass(frozen=True)
class Console:
    """How one call of a command talks: data to stdout, talk to stderr."""

    settings: Settings
    as_json: bool

    def data(self, value: Any, text: str | None = None) -> None:
        """Print the answer: `value` as JSON with --json, else `text`."""
        if self.as_json:
            click.echo(json.dumps(value, default=str))
        elif text:
            click.echo(text)

    def say(self, text: str) -> None:
        """Talk: what is going on."""
        click.echo(text, err=True)

    @property
    def is_terminal(self) -> bool:
        return sys.stderr.isatty()


def command(*options: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], click.Command]:
    """A command that takes a Console first. LedgerError becomes its exit code; a returned integer
    is the exit code; Ctrl-C is 130."""

    def wrap(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def called(home: str | None, as_json: bool, **arguments: Any) -> NoReturn:
            try:
                console = Console(read_settings(home), as_json)
                code = function(console, **arguments) or 0
            except LedgerError as error:
                _report(error, as_json)
                code = error.exit_code
            except (KeyboardInterrupt, click.Abort):
                click.echo("interrupted", err=True)
                code = INTERRUPTED
            sys.exit(code)

        decorated: Callable[..., Any] = called
        for option in reversed((*_HOME_AND_JSON, *options)):
            decorated = option(decorated)
        name = function.__name__.removesuffix("_command").replace("_", "-")
        return click.command(name, context_settings={"max_content_width": 100})(decorated)

    return wrap


_HOME_AND_JSON: Final = (
    click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=True),
        help="Where embedded engines and settings live (FLEDGER_HOME, else ~/.fledger).",
    ),
    click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout."),
)


def _report(error: LedgerError, as_json: bool) -> None:
    if as_json:
        facts = {
            "error": type(error).__name__,
            "message": error.message,
            "remedy": error.remedy,
            "position": error.position,
        }
        click.echo(json.dumps(facts))
    click.echo(f"{type(error).__name__}: {error}", err=True)


def table(headers: list[str], rows: list[list[Any]]) -> str:
    """Aligned text: numbers to the right, everything else to the left."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(r[i]) for r in [headers, *cells]) for i in range(len(headers))]
    numeric = [
        bool(rows) and all(isinstance(r[i], int | float) for r in rows) for i in range(len(headers))
    ]

    def line(row: list[str]) -> str:
        pairs = zip(row, widths, numeric, strict=True)
        return "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in pairs).rstrip()

    return "\n".join([line(headers), *map(line, cells)])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
