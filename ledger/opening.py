"""Bringing a ledger up: engines, schema and topics, supervisor."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ledger.addresses import engines_wanted
from ledger.errors import EngineStartFailed
from ledger.migrate import Migrated, migrate
from ledger.settings import Settings
from ledger.supervisor import start_supervisor, stop_supervisor, supervisor_pid

ARCHIVER_SECONDS_MAX: Final = 15.0
ARCHIVER_SECONDS_KNOWN: Final = 3.0  # of a supervisor that was running already


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
    if not supervised:
        return Opened(settings, made, None)
    was_running = supervisor_pid(settings.home) is not None
    pid = start_supervisor(settings, say)
    if was_running and not _archives_within(settings, ARCHIVER_SECONDS_KNOWN):
        # It tends nothing any more: its archiver was refused, or fenced by one that has ended.
        say("the supervisor runs without an archiver; starting it anew")
        stop_supervisor(settings.home, say)
        pid = start_supervisor(settings, say)
    if not _archives_within(settings, ARCHIVER_SECONDS_MAX):
        raise EngineStartFailed(
            f"the archiver does not run {ARCHIVER_SECONDS_MAX:.0f} s after it was started",
            remedy=f"read {settings.home}/log/supervisor.log; fledger run archiver",
        )
    return Opened(settings, made, pid)


def _archives_within(settings: Settings, seconds: float) -> bool:
    """A ledger is up when it archives: appending before that would be refused."""
    from ledger.archive import Archive

    deadline = time.monotonic() + seconds
    with Archive(settings) as archive:
        while not archive.archiver_runs():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
    return True
