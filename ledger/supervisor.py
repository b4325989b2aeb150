"""The supervisor: one process over the parts that must run, starting again what ends.

`fledger up` starts it detached; `fledger run all` is the same in the foreground. A part that was
refused (exit 4 or 5: another archiver took over, topics and archive do not belong together) is not
started again: repeating would not help, and the operator must see it stand still.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ledger.settings import Settings

PARTS: Final = ("archiver",)
DRAIN_SECONDS_MAX: Final = 10.0
RESTART_SECONDS_FIRST: Final = 0.5
RESTART_SECONDS_MAX: Final = 10.0
STEADY_SECONDS: Final = 30.0  # having run this long, a part starts its waits anew
NAME: Final = "supervisor"
_REFUSED: Final = (4, 5)

Say = Callable[[str], None]


def start_supervisor(settings: Settings, say: Say) -> int:
    """The pid of this home's supervisor, started detached when it does not run."""
    from ledger.engines import home as homes
    from ledger.engines import process
    from ledger.engines.patience import Patience

    with homes.locked(settings.home, Patience(say, threading.Event())) as home:
        running = process.alive(home.pid_file(NAME))
        if running is not None:
            return running
        started = process.start(
            [sys.executable, "-m", "ledger", "run", "all", "--home", str(settings.home)],
            pid_file=home.pid_file(NAME),
            log_file=home.log_file(NAME),
            cwd=home.path,
            env=os.environ,
        )
        say(f"supervisor started (pid {started.pid}, log {home.log_file(NAME)})")
        return started.pid


def supervisor_pid(home: Path) -> int | None:
    """The pid of the home's supervisor while it runs."""
    from ledger.engines import home as homes
    from ledger.engines import process

    return process.alive(homes.at(home).pid_file(NAME))


def stop_supervisor(home: Path, say: Say) -> None:
    """Stop it cleanly; kill it when it does not drain. Nothing is lost either way."""
    from ledger.engines import home as homes
    from ledger.engines import process

    ladder = [
        process.Step(signal.SIGTERM, DRAIN_SECONDS_MAX + 5),
        process.Step(signal.SIGKILL, 5),
    ]
    sent = process.stop(homes.at(home).pid_file(NAME), ladder)
    if sent is not None:
        say(f"supervisor stopped ({sent.name})")


class Part:
    """One part as a child process, and when it may be started again."""

    def __init__(self, name: str, home: Path, say: Say) -> None:
        self.name, self._say = name, say
        run = [sys.executable, "-m", "ledger", "run", name, "--home", str(home)]
        self._command = [*run, "--with-parent"]
        self._child: subprocess.Popen[bytes] | None = None
        self._wait_seconds = RESTART_SECONDS_FIRST
        self._started = self._next_start = 0.0
        self.refused = False

    def tend(self, now: float) -> None:
        """Start the part when it is due; notice when it ended."""
        if self._child is None:
            if not self.refused and now >= self._next_start:
                self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
                self._started = now
                self._say(f"{self.name} started (pid {self._child.pid})")
            return
        code = self._child.poll()
        if code is None:
            return
        self._child = None
        self.refused = code in _REFUSED
        if now - self._started > STEADY_SECONDS:
            self._wait_seconds = RESTART_SECONDS_FIRST
        self._next_start = now + self._wait_seconds
        then = "is not started again" if self.refused else f"again in {self._wait_seconds:g} s"
        self._say(f"{self.name} ended with {code}; {then}")
        self._wait_seconds = min(self._wait_seconds * 2, RESTART_SECONDS_MAX)

    def stop(self) -> None:
        """Ask it to drain; kill it when it does not."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(DRAIN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._say(f"{self.name} does not drain in {DRAIN_SECONDS_MAX:g} s; killed")
            child.kill()
            child.wait()


def supervise(home: Path, stop: threading.Event, say: Say) -> None:
    """Keep every part running until `stop` is set, then stop them all."""
    parts = [Part(name, home, say) for name in PARTS]
    try:
        while not stop.wait(0.1):
            for part in parts:
                part.tend(time.monotonic())
    finally:
        for part in parts:
            part.stop()
