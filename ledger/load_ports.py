"""What a load needs from the rest of the ledger, as seams.

The appender, the archive and the quarantine stand behind these; tests put memory there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.catalog import Catalog
from ledger.drafts import Ints
from ledger.instruments import Instrument
from ledger.quarantine import QuarantineStore
from ledger.rows import Kind, Rows


class Waiting(Protocol):
    """An append that is under way."""

    def result(self) -> object:
        """Wait until every row of it is acknowledged. Raises AppendStalled."""


class Sink(Protocol):
    """Where facts go. It blocks while too much is undelivered."""

    def append(
        self, kind: Kind, rows: Rows, *, source: int, loaded: bool = False, sequenced: bool = False
    ) -> Waiting:
        """Hand over rows, identities filled in."""


class Known(Protocol):
    """What the archive holds already."""

    def settle(self) -> None:
        """Wait until the archive holds everything that was in the log when this was called.

        Raises ArchiveBehind after a bounded wait.
        """

    def facts_between(
        self, kind: Kind, instrument: int, first_ns: int, last_ns: int
    ) -> tuple[Rows, Ints]:
        """The facts with event time in [first, last], in the order of the log, suspect ones left
        out; and their offsets."""

    def newest(self, kind: Kind, instrument: int, interval_ns: int = 0) -> int | None:
        """The feed's newest event time, Clocks included; None where nothing is known of it."""


class Registry(Protocol):
    """Who defines instruments and sources; returns when their copies stand in the partitions."""

    @property
    def catalog(self) -> Catalog:
        """What is defined, up to date."""

    def define(self, instruments: Sequence[Instrument]) -> None:
        """Define them. Raises DefinitionConflict."""

    def source_id(self, name: str) -> int:
        """The id of a source, defined if it is new."""


@dataclass(frozen=True)
class Ports:
    """Everything a load talks to."""

    registry: Registry
    sink: Sink
    known: Known
    quarantine: QuarantineStore
