"""One at a time, across processes: a lock file that the system lets go when its holder dies."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from ledger.engines.patience import Patience
from ledger.errors import EngineStartFailed

LOCK_SECONDS_MAX = 1800.0
"""As long as the longest thing done under a lock: fetching Kafka over a slow network."""


@contextlib.contextmanager
def held(path: Path, what: str, patience: Patience) -> Iterator[None]:
    """Holds the lock; `what` is said to whoever has to wait for it.

    Raises `OSError` when the file cannot be written, `EngineStartFailed` after 30 minutes.
    """
    lock = filelock.FileLock(path)

    def taken() -> bool | None:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return None
        return True

    try:
        patience.until(what, taken, seconds_max=LOCK_SECONDS_MAX)
    except TimeoutError as late:
        raise EngineStartFailed(
            str(late), remedy="end that fledger, then repeat; `fledger status` shows what runs"
        ) from None
    try:
        yield
    finally:
        lock.release()
