"""Both engines together: started side by side, under the home's lock, interruptible."""

import concurrent.futures
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ledger.engines import Addresses, EngineState, kafka, postgres, postgres_cluster, process
from ledger.engines import home as homes
from ledger.engines.home import Home
from ledger.engines.patience import Interrupted, Patience, Say
from ledger.errors import EngineStartFailed


def start(path: Path, say: Say, engines: Sequence[str]) -> Addresses:
    """See `ledger.engines.start`."""
    patience = Patience(say, threading.Event())
    environment = dict(os.environ)
    with homes.locked(path, patience) as home:
        ours = [name for name in engines if process.alive(home.pid_file(name)) is None]
        starts: dict[str, Callable[[], str]] = {
            kafka.NAME: lambda: kafka.start(home, patience, environment),
            postgres.NAME: lambda: postgres.start(home, patience, environment),
        }
        try:
            found = _all({name: starts[name] for name in engines}, patience)
        except (EngineStartFailed, OSError) as error:
            _stop(home, ours, patience)
            if isinstance(error, EngineStartFailed):
                raise
            raise EngineStartFailed(
                f"the engines of {home.path} could not be started: {error}",
                remedy="mend what the message names (space, permissions), then repeat",
            ) from error
    return Addresses(kafka=found.get(kafka.NAME, ""), dsn=found.get(postgres.NAME, ""))


def stop(path: Path, say: Say) -> None:
    """See `ledger.engines.stop`."""
    if homes.at(path).record_file.exists():
        patience = Patience(say, threading.Event())
        with homes.locked(path, patience) as home:
            _stop(home, (postgres.NAME, kafka.NAME), patience)


def running(path: Path, engines: Sequence[str]) -> Addresses | None:
    """See `ledger.engines.running`."""
    home = homes.at(path)
    looks = {kafka.NAME: kafka.running, postgres.NAME: postgres.running}
    found = {name: looks[name](home) for name in engines}
    if any(address is None for address in found.values()):
        return None
    return Addresses(kafka=found.get(kafka.NAME) or "", dsn=found.get(postgres.NAME) or "")


def states(path: Path) -> list[EngineState]:
    """See `ledger.engines.states`."""
    home = homes.at(path)
    known = (
        (
            postgres.NAME,
            postgres.running(home),
            home.record().postgres.version or postgres_cluster.MAJOR,
        ),
        (kafka.NAME, kafka.running(home), kafka.version()),
    )
    return [
        EngineState(
            name=name,
            running=address is not None,
            pid=process.alive(home.pid_file(name)),
            address=address,
            log=home.log_file(name),
            version=version,
        )
        for name, address, version in known
    ]


def _stop(home: Home, names: Sequence[str], patience: Patience) -> None:
    environment = dict(os.environ)
    stops: dict[str, Callable[[], bool]] = {
        kafka.NAME: lambda: kafka.stop(home, patience, environment),
        postgres.NAME: lambda: postgres.stop(home, patience),
    }
    _all({name: stops[name] for name in names}, patience)


def _all[T](jobs: dict[str, Callable[[], T]], patience: Patience) -> dict[str, T]:
    """Does all jobs side by side. Ctrl-C ends their waits; the first error is raised when all
    have ended."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(jobs))) as pool:
        going = {name: pool.submit(job) for name, job in jobs.items()}
        try:
            concurrent.futures.wait(going.values())
        except BaseException:
            patience.interrupted.set()
            raise
    errors = [error for one in going.values() if (error := one.exception()) is not None]
    for error in errors:
        if not isinstance(error, Interrupted):
            raise error
    return {name: one.result() for name, one in going.items()}
