"""Waiting with a limit, with a word to the person who waits, and with an end by Ctrl-C.

Every wait of the engines goes through one `Patience`: it polls, says what it waits for once the
wait is longer than people like to look at nothing, and gives up at a named limit.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.engines.process import User, popen
from ledger.errors import EngineStartFailed

POLL_SECONDS = 0.02
FIRST_WORD_SECONDS = 2.0
NEXT_WORD_SECONDS = 5.0
OUTPUT_LINES_SHOWN_MAX = 15

type Say = Callable[[str], None]


class Interrupted(Exception):
    """The wait was ended from outside; never leaves `ledger.engines`."""


class Patience(NamedTuple):
    """How this call waits: whom it tells, and whether it has been interrupted."""

    say: Say
    interrupted: threading.Event

    def until[T](
        self, what: str | Callable[[], str], check: Callable[[], T | None], *, seconds_max: float
    ) -> T:
        """The first result of `check` that is not None.

        `what` is the line said after 2 s and every 5 s from then on. Raises `TimeoutError` after
        `seconds_max`, `Interrupted` when the event is set; what `check` raises passes through.
        """
        began = time.monotonic()
        next_word = FIRST_WORD_SECONDS
        while (found := check()) is None:
            waited = time.monotonic() - began
            if waited > seconds_max:
                raise TimeoutError(f"{what if isinstance(what, str) else what()}: {waited:.0f} s")
            if waited >= next_word:
                self.say(f"{what if isinstance(what, str) else what()} ({waited:.0f} s)")
                next_word += NEXT_WORD_SECONDS
            if self.interrupted.wait(POLL_SECONDS):
                raise Interrupted
        return found

    def run(
        self,
        what: str,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        seconds_max: float,
        user: User | None = None,
    ) -> str:
        """What `command` printed. `EngineStartFailed` with its last lines when it fails or hangs.

        Its output goes through an unnamed file, so that a long one cannot block it.
        """
        with tempfile.TemporaryFile() as output:
            child = popen(command, cwd=cwd, env=env, output=output, user=user)
            try:
                code = self.until(what, child.poll, seconds_max=seconds_max)
            except TimeoutError as late:
                raise EngineStartFailed(f"{late}, and it has not finished") from None
            finally:
                if child.poll() is None:
                    child.kill()
                child.wait()
            output.seek(0)
            text = output.read().decode(errors="replace")
        if code != 0:
            last = "\n".join(text.splitlines()[-OUTPUT_LINES_SHOWN_MAX:])
            raise EngineStartFailed(f"{what}: it ended with code {code}\n{last}")
        return text
