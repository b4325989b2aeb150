"""Real Kafka and real PostgreSQL on this machine, from packages alone: start, stop, look.

No Docker, no root, no system Java or database. Both run detached, in a home folder, on the
loopback (Kafka) and a private Unix socket (PostgreSQL), and survive whoever started them.
Whatever was killed at whatever moment, the next `start` works or says what to do.

Importing this imports no heavy library; calling it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ENGINES: Final = ("postgres", "kafka")


class Addresses(NamedTuple):
    """Where the engines answer; empty for an engine that was not asked for."""

    kafka: str
    """`127.0.0.1:PORT`"""
    dsn: str
    """libpq conninfo of the superuser, over a Unix socket in a private folder"""


class EngineState(NamedTuple):
    """One engine of a home, for people: `pid` and `address` are None while it does not run."""

    name: str
    running: bool
    pid: int | None
    address: str | None
    log: Path
    version: str


def start(home: Path, say: Callable[[str], None], *, engines: Sequence[str] = ENGINES) -> Addresses:
    """Starts what does not run yet, both at once; returns when both answer as this home's.

    Safe to call again, and by several processes at once. `say` gets a line for whatever takes
    longer than 2 s. Raises `EngineStartFailed` (and stops what this call had started),
    `SettingsError` for a home that cannot be one, `Refused` for a newer one.
    """
    from ledger.engines import starting

    return running(home, engines=engines) or starting.start(home, say, engines)


def stop(home: Path, say: Callable[[str], None]) -> None:
    """Stops what runs, cleanly; kills what does not stop within 60 s, and says so."""
    from ledger.engines import starting

    starting.stop(home, say)


def running(home: Path, *, engines: Sequence[str] = ENGINES) -> Addresses | None:
    """The addresses if all these engines run now, are this home's, and answer; else None."""
    from ledger.engines import starting

    return starting.running(home, engines)


def states(home: Path) -> list[EngineState]:
    """Each engine of this home, running or not; makes nothing, waits for nothing."""
    from ledger.engines import starting

    return starting.states(home)
