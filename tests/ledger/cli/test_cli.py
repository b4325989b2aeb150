"""The command line: the same manners everywhere, and exit codes that mean what they say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ledger import errors
from ledger.cli.common import command
from ledger.cli.main import VERBS, cli
from ledger.client import Ledger
from ledger.settings import Settings

ROOT = Path(__file__).parents[3]


def _commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None, name
        if isinstance(found, click.Group):
            yield from _commands(found, (*path, name))
        else:
            yield " ".join((*path, name)), found


COMMANDS = dict(_commands(cli))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_home_and_json(name: str) -> None:
    """No command is without --help, --home and --json, and each says what it does."""
    found = COMMANDS[name]
    options = {flag for parameter in found.params for flag in parameter.opts}
    assert {"--home", "--json"} <= options
    assert found.help
    result = CliRunner().invoke(cli, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert "--home" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    """An option without words is a riddle, unless its choices say it."""
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            told = parameter.help or isinstance(parameter.type, click.Choice)
            assert told or parameter.show_default, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_readme(name: str) -> None:
    """Whoever reads the README has seen every command."""
    assert name.split()[0] in (ROOT / "README.md").read_text()


def test_the_root_help_lists_every_verb_and_exit_code() -> None:
    """All verbs with a line each, and what the exit codes mean."""
    result = CliRunner().invoke(cli, ["--help"])
    assert all(verb in result.output for verb in VERBS)
    assert all(f"  {code} " in result.output for code in (0, 1, 2, 3, 4, 5, 130))


@pytest.mark.parametrize(
    "error", [errors.UsageError, errors.EngineUnreachable, errors.Refused, errors.IntegrityBroken]
)
def test_errors_end_with_their_exit_code_and_remedy(
    error: type[errors.LedgerError], tmp_path: Path
) -> None:
    """The message and what to do on stderr; with --json also as data."""

    @command()
    def failing(_: object) -> None:
        raise error("it broke", remedy="mend it", position="m0:1:0")

    result = CliRunner().invoke(failing, ["--home", str(tmp_path), "--json"])
    assert result.exit_code == error.exit_code
    assert "it broke (at m0:1:0)" in result.stderr
    assert "try: mend it" in result.stderr
    assert json.loads(result.stdout)["error"] == error.__name__


def test_ctrl_c_is_130(tmp_path: Path) -> None:
    """An interrupted command says so."""

    @command()
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    assert CliRunner().invoke(interrupted, ["--home", str(tmp_path)]).exit_code == 130


def test_engines_that_do_not_run_are_exit_3_with_the_command_to_run(tmp_path: Path) -> None:
    """The first thing a newcomer forgets."""
    result = CliRunner().invoke(cli, ["cut", "--home", str(tmp_path)])
    assert result.exit_code == 3
    assert "fledger up" in result.stderr


def test_a_bad_setting_is_exit_2_and_names_the_key(tmp_path: Path) -> None:
    """Before anything else happens."""
    (tmp_path / "fledger.toml").write_text("[ledger]\npartitons = 4\n")
    result = CliRunner().invoke(cli, ["status", "--home", str(tmp_path)])
    assert result.exit_code == 2
    assert "'partitons'" in result.stderr


def fledger(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """The real command, in a process of its own, on the test's ledger."""
    environment = {
        **os.environ,
        "FLEDGER_HOME": str(settings.home),
        "FLEDGER_KAFKA": settings.kafka["bootstrap.servers"],
        "FLEDGER_DSN": settings.dsn,
        "FLEDGER_PREFIX": settings.prefix,
    }
    command = [sys.executable, "-m", "ledger", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_instruments_tags_and_log_tell_one_story(led: Ledger) -> None:
    """Define, tag, and read both back with who and why."""
    words = ["BTCUSDT.BINANCE", "--price-exponent", "-8", "--size-exponent", "-8"]
    made = fledger(led.settings, "instruments", "add", *words, "--reason", "first", "--json")
    assert made.returncode == 0, made.stderr
    again = fledger(led.settings, "instruments", "add", *words, "--json")
    assert json.loads(again.stdout)["id"] == json.loads(made.stdout)["id"]
    other = fledger(led.settings, "instruments", "add", *words[:-1], "-3")
    assert other.returncode == 4
    assert "already defined" in other.stderr
    tagged = fledger(led.settings, "tag", "q1", "--reason", "audit", "--json")
    assert fledger(led.settings, "cut", "q1", "--json").returncode == 0
    log = json.loads(fledger(led.settings, "log", "--json").stdout)
    assert [(e["type"], e["reason"]) for e in log[1:]] == [
        ("InstrumentDefined", "first"),
        ("Tagged", "audit"),
    ]
    assert log[2]["cut"] == json.loads(tagged.stdout)["cut"]
    shown = fledger(led.settings, "instruments", "list", "btc")
    assert "BTCUSDT.BINANCE" in shown.stdout


def test_migrate_dry_run_prints_ddl_and_topics(settings: Settings) -> None:
    """For those who may not create them: everything an administrator has to run."""
    done = fledger(settings, "migrate", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "CREATE TABLE trade" in done.stdout
    assert f"{settings.prefix}.market.e1: partitions 4" in done.stdout
    assert "message.timestamp.type=LogAppendTime" in done.stdout


def test_status_tells_what_the_logs_and_the_archive_hold(led: Ledger) -> None:
    """As data and as tables; the archive follows the log."""
    led.wait_for_archive(10)
    facts = json.loads(fledger(led.settings, "status", "--json").stdout)
    assert facts["ledger"] == led.id.hex()
    assert facts["archiver_runs"]
    assert {s["stream"] for s in facts["streams"]} >= {"c0", "m0", "m3", "f0"}
    assert fledger(led.settings, "status").returncode == 0
