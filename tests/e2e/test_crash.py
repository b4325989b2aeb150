"""Kill -9 of each part during a load: afterwards nothing is lost and nothing doubled.

Engines of its own, a supervisor, and the real loader in processes; the victim is killed at a random
moment of the load (the seed is in the test's id), `fledger up` and the same load are repeated, and
the ledger must be that of an undisturbed load.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

ROWS = 60_000
FILE = "ticks.csv"
SEED = int(os.environ.get("FLEDGER_TEST_SEED", "20261121"))
VICTIMS = ("loader", "archiver", "kafka", "postgres", "supervisor")


class Home:
    """A ledger in a home of its own, used through the command line alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {**os.environ, "FLEDGER_HOME": str(path / "home")}

    def run(self, *words: str, code: int | None = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "ledger", *words, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert code is None or done.returncode == code, f"{words}: {done.stdout} {done.stderr}"
        return json.loads(done.stdout)

    def load(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ledger", "load", str(self.path / FILE), "--define", "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pid(self, name: str) -> int:
        for process in self.run("status", code=None)["processes"]:
            if process["name"] == name and process["pid"]:
                return int(process["pid"])
        raise AssertionError(f"{name} does not run")

    def archiver_pid(self) -> int:
        children = psutil.Process(self.pid("supervisor")).children(recursive=True)
        return next(c.pid for c in children if "archiver" in c.cmdline())


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Engines of its own, where the unprivileged user PostgreSQL runs as under root may enter:
    pytest closes its own folders to others whenever another run begins."""
    path = Path(tempfile.mkdtemp(prefix="fledger-crash-"))
    path.chmod(0o711)
    made = Home(path)
    try:
        made.run("up")
        yield made
    finally:
        made.run("down")
        shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, start: int) -> None:
    """Trades with ids and prices that differ, for an instrument of this start's own."""
    base = 1_700_000_000_000_000_000
    with path.open("w") as out:
        out.write("instrument,time,price,size,id\n")
        for n in range(ROWS):
            out.write(
                f"KILL{start}.SIM,{base + n * 1_000_000},{100 + n % 977}.25,{1 + n % 13},{n}\n"
            )


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_during_a_load_loses_and_doubles_nothing(home: Home, victim: str) -> None:
    """Whatever dies in the middle: up again, load again, and all is there exactly once."""
    chance = random.Random(f"{SEED} {victim}")
    number = VICTIMS.index(victim)
    _write(home.path / FILE, number)
    pid = _pid_of(home, victim)
    loader = home.load()
    time.sleep(chance.uniform(0.4, 1.6))
    os.kill(loader.pid if pid is None else pid, signal.SIGKILL)
    out, err = loader.communicate(timeout=60)
    assert loader.returncode in (0, 3, 4, -signal.SIGKILL), f"{out} {err}"
    home.run("up")
    again = home.run("load", str(home.path / FILE), "--define")
    assert again["read"] == ROWS == again["appended"] + again["known"]
    third = home.run("load", str(home.path / FILE))
    assert third["known"] == ROWS
    feed = next(f for f in home.run("digest") if f["instrument"] == f"KILL{number}.SIM")
    assert feed["facts"] == ROWS
    report = home.run("verify", "--deep")
    assert report["findings"] == []
    status = home.run("status")
    events = next(t["events"] for t in status["totals"] if t["kind"] == "trade")
    assert events - status["repeats"] == ROWS * (number + 1)


def _pid_of(home: Home, victim: str) -> int | None:
    if victim == "loader":
        return None
    return home.archiver_pid() if victim == "archiver" else home.pid(victim)
