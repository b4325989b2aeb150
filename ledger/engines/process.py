"""Processes that outlive the command that starts them: start, find again, stop.

A pid alone names nobody, since the kernel gives it away again. So a pid file holds the pid, the
moment of birth, and the folder the file was written in (a copy of a folder owns no process). It is
written before the command runs: the child waits behind a gate until its pid file is on disk, so
whoever is killed at whatever moment, there is no running process without a pid file.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

LOG_BYTES_MAX = 16 * 1024 * 1024
LOG_LINES_SHOWN_MAX = 15
LOG_TAIL_BYTES_MAX = 64 * 1024
STOP_POLL_SECONDS = 0.02

ENVIRONMENT_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")

# The child reads one line from its starter; end of file instead (it died) means: do not.
GATE = 'read -r go && exec "$@" </dev/null'


class User(NamedTuple):
    """Whom a process runs as, when not as the caller (only root can ask for that)."""

    name: str
    uid: int
    gid: int


class Step(NamedTuple):
    """One rung of a stop: the signal, and how long to wait for its effect."""

    signal: signal.Signals
    seconds_max: float


class Started(NamedTuple):
    """A process just started; `log_offset` is where its own output begins in the log file."""

    pid: int
    log_offset: int


class Identity(NamedTuple):
    """Which process a pid file means: pid, moment of birth, and the file's own folder (inode)."""

    pid: int
    born: str
    folder: int


def plain_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What an engine may know of our environment: no secrets, no PG… or JAVA… options."""
    return {key: environment[key] for key in ENVIRONMENT_KEPT if key in environment}


def popen(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: IO[bytes],
    user: User | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """A child in a session of its own (the terminal's Ctrl-C does not reach it), private files."""
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o077,
        user=None if user is None else user.uid,
        group=None if user is None else user.gid,
        extra_groups=None if user is None else [],
    )


def start(
    command: Sequence[str],
    *,
    pid_file: Path,
    log_file: Path,
    cwd: Path,
    env: Mapping[str, str],
    user: User | None = None,
) -> Started:
    """Starts `command` detached, its output appended to `log_file` (one old log of 16 MiB kept).

    Returns at once; whether the command works shows in `alive` and in the log. Raises `OSError`
    when no process can be made; then nothing runs.
    """
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES_MAX:
        log_file.replace(log_file.with_name(log_file.name + ".1"))
    with log_file.open("ab") as log:
        offset = log.tell()
        child = popen(
            ["/bin/sh", "-c", GATE, "sh", *command],
            cwd=cwd,
            env=env,
            output=log,
            user=user,
            stdin=subprocess.PIPE,
        )
    assert child.stdin is not None
    with child.stdin as gate:
        try:
            claim(pid_file, child.pid)
        except BaseException:
            child.kill()
            child.wait()
            raise
        gate.write(b"go\n")
    # Detached on purpose: without this, Popen warns at exit that nobody waited for it.
    child.returncode = 0
    return Started(child.pid, offset)


def claim(pid_file: Path, pid: int) -> None:
    """Writes the pid file of a process that runs. Raises `ProcessLookupError` when it does not."""
    born = _born(pid)
    if born is None:
        raise ProcessLookupError(f"process {pid} has ended")
    written = pid_file.with_name(pid_file.name + ".new")
    who = Identity(pid, born, pid_file.parent.stat().st_ino)
    written.write_text(json.dumps(who._asdict()) + "\n", encoding="utf-8")
    written.replace(pid_file)


def alive(pid_file: Path) -> int | None:
    """The pid of the process `pid_file` means, if that very process still runs; else None."""
    try:
        who = Identity(**json.loads(pid_file.read_text(encoding="utf-8")))
        if who.folder != pid_file.parent.stat().st_ino:
            return None
    except (OSError, ValueError, TypeError):
        # No file, or one that we did not write: it speaks of no process.
        return None
    return who.pid if _born(who.pid) == who.born else None


def resume(pid_file: Path) -> bool:
    """Wakes the process of `pid_file` should it be suspended; whether it runs."""
    pid = alive(pid_file)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return pid is not None


def stop(pid_file: Path, ladder: Sequence[Step]) -> signal.Signals | None:
    """Ends the process of `pid_file`; removes the file. Returns and raises as `end` does."""
    pid = alive(pid_file)
    sent = None if pid is None else end([pid], ladder)
    pid_file.unlink(missing_ok=True)
    return sent


def end(pids: Iterable[int], ladder: Sequence[Step]) -> signal.Signals | None:
    """Ends processes, rung by rung; returns the last signal sent, None when none was alive.

    Raises `TimeoutError` when one outlives the last rung.
    """
    left = {pid: born for pid in pids if (born := _born(pid)) is not None}
    sent = None
    for step in ladder:
        if not left:
            return sent
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, step.signal)
                os.kill(pid, signal.SIGCONT)  # one that is suspended would never see it
        sent = step.signal
        deadline = time.monotonic() + step.seconds_max
        while left and time.monotonic() < deadline:
            time.sleep(STOP_POLL_SECONDS)
            left = {pid: born for pid, born in left.items() if _born(pid) == born}
    if left:
        raise TimeoutError(f"processes {sorted(left)} do not end")
    return sent


def inside(folder: Path, names: frozenset[str]) -> list[int]:
    """Processes of these program names that work in `folder` or below: ours without a pid file.
    By name, since a person's shell may stand in the folder too."""
    import psutil

    found = []
    for one in psutil.process_iter(["name"]):
        if one.info["name"] not in names:
            continue
        try:
            where = Path(one.cwd())
        except (psutil.Error, OSError):
            # Another user's process, or one that has just ended: not ours either way.
            continue
        if where.is_relative_to(folder) and one.status() != psutil.STATUS_ZOMBIE:
            found.append(one.pid)
    return found


def last_lines(log_file: Path, offset: int = 0) -> str:
    """The last lines of a log from `offset` on, for the end of an error message."""
    try:
        with log_file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(offset, size - LOG_TAIL_BYTES_MAX))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError as error:
        return f"({error})"
    return "\n".join(lines[-LOG_LINES_SHOWN_MAX:])


def _born(pid: int) -> str | None:
    """When the process was born, as text that two processes never share; None when it has ended.

    On Linux boot and clock ticks since then, which a change of the system's clock does not move.
    """
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)  # if it is a child of ours and has ended, let it go
    try:
        # The program's name, in brackets, may hold anything: fields are counted from its end.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return _born_elsewhere(pid)
    except ProcessLookupError:
        return None
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _born_elsewhere(pid: int) -> str | None:
    """The same where there is no /proc/…/stat: either it has ended, or this is not Linux."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        one = psutil.Process(pid)
        return None if one.status() == psutil.STATUS_ZOMBIE else repr(one.create_time())
    return None
