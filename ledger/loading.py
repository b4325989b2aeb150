"""A connected ledger as the ports of a load: appender, archive, definitions, quarantine."""

from collections.abc import Sequence
from typing import Final

from ledger.catalog import Catalog
from ledger.client import Ledger
from ledger.drafts import Ints
from ledger.instruments import Instrument
from ledger.load_ports import Ports
from ledger.postgres import Database, Role
from ledger.quarantine import PostgresQuarantine
from ledger.rows import Kind, Rows

ARCHIVE_STANDS_SECONDS_MAX: Final = 10.0


class _Registry:
    """Definitions go through the control topic, and are in every partition when this returns."""

    def __init__(self, led: Ledger, reason: str) -> None:
        self._led, self._reason = led, reason

    @property
    def catalog(self) -> Catalog:
        return self._led.control.catalog

    def define(self, instruments: Sequence[Instrument]) -> None:
        self._led.define(*instruments, reason=self._reason)

    def source_id(self, name: str) -> int:
        return self._led.source(name)


class _Known:
    """What the archive holds; it is waited for before it is asked."""

    def __init__(self, led: Ledger) -> None:
        self._led = led

    def settle(self) -> None:
        self._led.appender.flush()
        self._led.wait_for_archive(ARCHIVE_STANDS_SECONDS_MAX)

    def facts_between(
        self, kind: Kind, instrument: int, first_ns: int, last_ns: int
    ) -> tuple[Rows, Ints]:
        return self._led.archive.facts_between(kind, instrument, first_ns, last_ns)

    def newest(self, kind: Kind, instrument: int, interval_ns: int = 0) -> int | None:
        return self._led.archive.newest(kind, instrument, interval_ns)


def ports(led: Ledger, writer: Database, *, reason: str) -> Ports:
    """The seams of `ledger.load`, on real engines; `writer` may write the quarantine."""
    return Ports(_Registry(led, reason), led.appender, _Known(led), PostgresQuarantine(writer))


def writer_of(led: Ledger) -> Database:
    """A connection that may write working tables."""
    return Database(led.settings.dsn, led.settings.prefix, Role.WRITER)
