"""The README's examples run, and print what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from ledger.engines import Addresses
from ledger.postgres import Database, Role
from ledger.settings import read_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VENV = Path(os.sys.executable).parent  # type: ignore[attr-defined]


def _masked(text: str) -> list[str]:
    """What may differ from ledger to ledger: ids, digests, numbers, times, names of users, widths.

    Counts of rows stay: they are what the tour is about."""
    lines = []
    for line in text.strip().splitlines():
        if not line.startswith(("read ", "  trades.csv", "  quarantined")):
            line = re.sub(r"\b[0-9a-f]{32,64}\b|L[0-9a-f]{32}", "H", line)
            line = re.sub(r"\d[\d:.,TZ-]*", "N", line)
        lines.append(re.sub(r"\s+", " ", line).strip())
    return lines


@pytest.fixture
def environment(engines: Addresses, tmp_path: Path) -> dict[str, str]:
    """The settings a newcomer would have, on the test's engines."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("FLEDGER_")},
        "FLEDGER_HOME": str(tmp_path / "home"),
        "FLEDGER_KAFKA": engines.kafka,
        "FLEDGER_DSN": engines.dsn,
        "FLEDGER_PREFIX": f"readme{os.getpid()}",
        "FLEDGER_ACTOR": "root",
        "PATH": f"{VENV}:{os.environ['PATH']}",
    }


def _run(command: str, cwd: Path, environment: dict[str, str]) -> tuple[str, int]:
    done = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode in (0, 4), f"{command}: {done.stderr}"
    return done.stdout, done.returncode


def _run_console(block: str, cwd: Path, environment: dict[str, str], code: int) -> int:
    """Each `$ command`, its output compared line by line."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        if command == "echo $?":
            assert code == int(expected)
            continue
        out, code = _run(command, cwd, environment)
        assert _masked(out) == _masked(expected), command
    return code


def test_the_tour_runs_as_written(environment: dict[str, str], tmp_path: Path) -> None:
    """Files, commands with their output and exit codes, Python and SQL, in the README's order."""
    tour = README[README.index("## A tour") : README.index("## How a tick travels")]
    code, seen = 0, set()
    subprocess.run(["fledger", "up"], cwd=tmp_path, env=environment, check=True)
    try:
        for language, name, body in BLOCK.findall(tour):
            seen.add(language)
            if language == "csv":
                (tmp_path / name).write_text(body)
            elif language == "console":
                code = _run_console(body, tmp_path, environment, code)
            elif language == "python":
                (tmp_path / "example.py").write_text(body)
                _run("python example.py", tmp_path, environment)
            elif language == "sql":
                _run_sql(body, environment)
    finally:
        subprocess.run(["fledger", "down"], cwd=tmp_path, env=environment, check=True)
    assert seen == {"csv", "console", "python", "sql"}


def _run_sql(block: str, environment: dict[str, str]) -> None:
    settings = read_settings(environment=environment)
    with Database(settings.dsn, settings.prefix, Role.READER) as db:
        for statement in block.split(";"):
            if statement.strip() and not statement.strip().startswith("SET"):
                assert db.rows(statement), statement  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["Decisions", "exit code", "Settings", "Words", "make demo"])
def test_the_readme_has_what_a_reader_looks_for(word: str) -> None:
    """Set-up, words, settings, exit codes, decisions."""
    assert word in README
