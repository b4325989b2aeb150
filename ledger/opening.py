"""Bringing a ledger up: engines, schema and topics, supervisor."""

from collections.abc import Callable
from typing import NamedTuple

from ledger.addresses import engines_wanted
from ledger.migrate import Migrated, migrate
from ledger.settings import Settings
from ledger.supervisor import start_supervisor


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
    else:
        settings.home.mkdir(parents=True, exist_ok=True)  # the supervisor's pid file and log
    made = migrate(settings, reason="fledger up")
    pid = start_supervisor(settings, say) if supervised else None
    return Opened(settings, made, pid)
