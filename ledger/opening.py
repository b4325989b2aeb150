"""Bringing a ledger up: engines, schema and topics, supervisor."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ledger.addresses import engines_wanted
from ledger.errors import EngineStartFailed
from ledger.migrate import Migrated, migrate
from ledger.settings import Settings
from ledger.supervisor import start_supervisor

ARCHIVER_SECONDS_MAX: Final = 15.0


class Opened(NamedTuple):
    """A ledger that is up."""

    settings: Settings
    made: Migrated
    supervisor_pid: int | None


def bring_up(settings: Settings, say: Callable[[str], None], *, supervised: bool = True) -> Opened:
    """Start the embedded engines that are wanted, make or check the ledger, start archiver and
    relay. Idempotent; engines named in the settings are not started, only checked."""
    wanted = engines_wanted(settings)
    if wanted:
        from ledger import engines

        found = engines.start(settings.home, say, engines=wanted)
        settings = settings.with_engines(found.kafka, found.dsn)
    made = migrate(settings, reason="fledger up")
    pid = start_supervisor(settings, say) if supervised else None
    if supervised:
        _wait_for_archiver(settings)
    return Opened(settings, made, pid)


def _wait_for_archiver(settings: Settings) -> None:
    """A ledger is up when it archives: appending before that would be refused."""
    from ledger.archive import Archive

    deadline = time.monotonic() + ARCHIVER_SECONDS_MAX
    with Archive(settings) as archive:
        while not archive.archiver_runs():
            if time.monotonic() > deadline:
                raise EngineStartFailed(
                    f"the archiver does not run {ARCHIVER_SECONDS_MAX:.0f} s after it was started",
                    remedy=f"read {settings.home}/log/supervisor.log; fledger run archiver",
                )
            time.sleep(0.05)
