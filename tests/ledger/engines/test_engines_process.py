"""Detached processes and their pid files, on real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.engines import process

LADDER = (process.Step(signal.SIGTERM, 1.0), process.Step(signal.SIGKILL, 5.0))
type Run = Callable[..., process.Started]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a shell command with pid file `one.pid` and log `one.log`; ends it after the test."""

    def start(script: str) -> process.Started:
        return process.start(
            ["/bin/sh", "-c", script],
            pid_file=tmp_path / "one.pid",
            log_file=tmp_path / "one.log",
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
        )

    yield start
    process.stop(tmp_path / "one.pid", LADDER)


def _until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_alive_names_the_process(run: Run, tmp_path: Path) -> None:
    """A pid file of a running process gives its pid."""
    assert run("exec sleep 60").pid == process.alive(tmp_path / "one.pid")


def test_own_session(run: Run) -> None:
    """A started process has a session of its own, out of the terminal's reach."""
    pid = run("exec sleep 60").pid
    assert os.getsid(pid) == pid != os.getsid(0)


def test_survives_its_starter(tmp_path: Path) -> None:
    """A started process goes on when its starter has ended."""
    script = (
        "import sys; from pathlib import Path; from ledger.engines import process; "
        "here = Path(sys.argv[1]); process.start(['sleep', '60'], pid_file=here / 'one.pid', "
        "log_file=here / 'one.log', cwd=here, env={'PATH': '/usr/bin:/bin'})"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)
    try:
        assert process.alive(tmp_path / "one.pid") is not None
    finally:
        process.stop(tmp_path / "one.pid", LADDER)


def test_ended_process_is_not_alive(run: Run, tmp_path: Path) -> None:
    """A pid file of a process that ended, reaped or not, gives nothing."""
    run("exit 0")
    _until(lambda: process.alive(tmp_path / "one.pid") is None)


def test_pid_given_away(run: Run, tmp_path: Path) -> None:
    """A pid file whose pid is another process by now gives nothing, and that one is not stopped."""
    run("exit 0")
    record = json.loads((tmp_path / "one.pid").read_text())
    time.sleep(0.05)  # births are told apart by the clock tick; no pid comes round in one
    other = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "one.pid").write_text(json.dumps(record | {"pid": other.pid}))
        assert process.alive(tmp_path / "one.pid") is None
        assert process.stop(tmp_path / "one.pid", LADDER) is None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_copied_pid_file(run: Run, tmp_path: Path) -> None:
    """A copy of a folder does not own the process of the original."""
    run("exec sleep 60")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "one.pid").write_bytes((tmp_path / "one.pid").read_bytes())
    assert process.alive(tmp_path / "copy" / "one.pid") is None


@pytest.mark.parametrize("text", ["", "4711", "{}", '{"pid": 1}', "[1, 2, 3]", "\x00\x01"])
def test_pid_file_of_somebody_else(tmp_path: Path, text: str) -> None:
    """A pid file that we did not write gives nothing."""
    (tmp_path / "one.pid").write_text(text)
    assert process.alive(tmp_path / "one.pid") is None


def test_nothing_runs_without_a_pid_file(run: Run, tmp_path: Path) -> None:
    """A command whose pid file cannot be written never runs."""
    (tmp_path / "one.pid.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        run("touch ran; sleep 60")
    time.sleep(0.1)
    assert not (tmp_path / "ran").exists()


def test_starter_killed_before_the_go(tmp_path: Path) -> None:
    """A command whose starter died before its go never runs."""
    child = subprocess.Popen(
        ["/bin/sh", "-c", process.GATE, "sh", "touch", str(tmp_path / "ran")],
        stdin=subprocess.PIPE,
    )
    child.communicate(b"", timeout=10)
    assert child.returncode != 0
    assert not (tmp_path / "ran").exists()


def test_stop_asks_first(run: Run, tmp_path: Path) -> None:
    """Stop sends the first signal only, when that is enough, and removes the pid file."""
    run("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    _until(lambda: "up" in (tmp_path / "one.log").read_text())
    assert process.stop(tmp_path / "one.pid", LADDER) is signal.SIGTERM
    assert (tmp_path / "one.log").read_text().split() == ["up", "bye"]
    assert not (tmp_path / "one.pid").exists()


def test_stop_escalates(run: Run, tmp_path: Path) -> None:
    """A process that ignores the first signal for its time gets the next."""
    run("trap '' TERM; echo up; while :; do sleep 0.05; done")
    _until(lambda: "up" in (tmp_path / "one.log").read_text())
    assert process.stop(tmp_path / "one.pid", LADDER) is signal.SIGKILL


def test_stop_of_a_suspended_process(run: Run, tmp_path: Path) -> None:
    """A suspended process is stopped by the first signal too."""
    os.kill(run("exec sleep 60").pid, signal.SIGSTOP)
    assert process.stop(tmp_path / "one.pid", LADDER) is signal.SIGTERM


def test_inside_finds_by_folder_and_name(run: Run, tmp_path: Path) -> None:
    """A process is found by the folder it works in and its program's name; others are not."""
    pid = run("exec sleep 60").pid
    _until(lambda: process.inside(tmp_path, frozenset({"sleep"})) == [pid])
    assert process.inside(tmp_path, frozenset({"java"})) == []
    assert process.inside(tmp_path / "elsewhere", frozenset({"sleep"})) == []


def test_log_does_not_grow_for_ever(run: Run, tmp_path: Path) -> None:
    """A log above its limit is set aside at the next start, and the new one begins empty."""
    with (tmp_path / "one.log").open("wb") as log:
        log.truncate(process.LOG_BYTES_MAX + 1)
    assert run("echo new").log_offset == 0
    _until(lambda: (tmp_path / "one.log").read_text() == "new\n")
    assert (tmp_path / "one.log.1").stat().st_size == process.LOG_BYTES_MAX + 1


def test_last_lines_of_this_run(run: Run, tmp_path: Path) -> None:
    """The last lines of a log begin where this run began."""
    (tmp_path / "one.log").write_text("yesterday\n")
    offset = run("echo today").log_offset
    _until(lambda: process.last_lines(tmp_path / "one.log", offset) == "today")


def test_no_secrets_for_engines() -> None:
    """An engine's environment has no variable but the few it needs."""
    given = {"PATH": "/bin", "PGPASSWORD": "x", "AWS_SECRET_ACCESS_KEY": "x", "JAVA_OPTS": "x"}
    assert process.plain_environment(given) == {"PATH": "/bin"}
