"""Ledgers of their own for tests: a fresh prefix on the run's engines, archived when asked for."""

import functools
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.client import Ledger
from ledger.engines import Addresses
from ledger.instruments import Instrument
from ledger.migrate import migrate
from ledger.relay import Relay
from ledger.settings import Settings

_NUMBERS = itertools.count()

COIN = Instrument(symbol="COIN00USD.SIM", price_exponent=-2, size_exponent=-3)
OTHER = Instrument(symbol="COIN01USD.SIM", price_exponent=-2, size_exponent=-3)

NewSettings = Callable[..., Settings]


def unique_settings(engines: Addresses, home: Path, **changes: object) -> Settings:
    """Settings of a ledger nobody else has; not migrated."""
    prefix = f"t{os.getpid()}_{next(_NUMBERS)}_{time.time_ns() % 1_000_000}"
    values: dict[str, object] = {
        "home": home,
        "kafka": {"bootstrap.servers": engines.kafka},
        "dsn": engines.dsn,
        "prefix": prefix,
        "actor": "test",
        "embedded": False,
        **changes,
    }
    return Settings(**values)  # type: ignore[arg-type]


@pytest.fixture
def new_settings(engines: Addresses, tmp_path: Path) -> NewSettings:
    """Makes settings of a ledger nobody else has; not migrated."""
    return functools.partial(unique_settings, engines, tmp_path)


@pytest.fixture
def settings(new_settings: NewSettings) -> Settings:
    """A migrated ledger of its own."""
    made = new_settings()
    migrate(made, reason="test")
    return made


@pytest.fixture
def led(settings: Settings) -> Iterator[Ledger]:
    """A connected ledger of its own, with archiver and relay running in threads."""
    with archiving(settings), Ledger(settings) as opened:
        yield opened


@contextmanager
def archiving(settings: Settings, *, relay: bool = True) -> Iterator[list[str]]:
    """Archiver and relay in threads; yields what they say. Their failure fails the test."""
    from ledger.archive import Archive
    from ledger.archiver import Archiver

    stop, said, failures = threading.Event(), list[str](), list[BaseException]()

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        return run

    def relaying() -> None:
        with Archive(settings) as archive:
            Relay(settings, archive.archived).run(stop, said.append)

    work = [lambda: Archiver(settings, say=said.append).run(stop)]
    if relay:
        work.append(relaying)
    threads = [threading.Thread(target=guarded(job)) for job in work]
    for thread in threads:
        thread.start()
    try:
        yield said
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
