"""A ledger in memory behind the seams of `load`: what it must do, the real one must do too."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ledger.catalog import Catalog
from ledger.control import InstrumentDefined, SourceDefined
from ledger.drafts import Ints
from ledger.instruments import Instrument
from ledger.load_ports import Ports
from ledger.quarantine import PAGE_ROWS, QuarantineRow, State, StoredRow
from ledger.row_checks import fault
from ledger.rows import TIME_FIELDS, Kind, Rows, empty

WHO = {"actor": "test", "reason": "test", "tool": "test"}


class Done:
    """An append that is acknowledged."""

    def result(self) -> object:
        return None


@dataclass
class Append:
    """One call of `append`."""

    kind: Kind
    rows: Rows
    source: int
    loaded: bool
    sequenced: bool


@dataclass
class MemoryLedger:
    """Sink, Known, Registry and QuarantineStore in one."""

    catalog: Catalog = field(default_factory=Catalog)
    appends: list[Append] = field(default_factory=list)
    stored: list[StoredRow] = field(default_factory=list)
    settled: int = 0
    looked_up: int = 0

    @property
    def ports(self) -> Ports:
        return Ports(self, self, self, self)

    # Sink
    def append(
        self, kind: Kind, rows: Rows, *, source: int, loaded: bool = False, sequenced: bool = False
    ) -> Done:
        assert len(rows) > 0
        assert fault(kind, rows) == ""
        self.appends.append(Append(kind, rows.copy(), source, loaded, sequenced))
        return Done()

    # Known
    def settle(self) -> None:
        self.settled += 1

    def rows(self, kind: Kind, instrument: int | None = None) -> Rows:
        """Everything appended of a kind, in the order of the log."""
        found = [one.rows for one in self.appends if one.kind is kind]
        rows = np.concatenate(found) if found else empty(kind, 0)
        return rows if instrument is None else rows[rows["instrument"] == instrument]

    def facts_between(
        self, kind: Kind, instrument: int, first_ns: int, last_ns: int
    ) -> tuple[Rows, Ints]:
        self.looked_up += 1
        rows = self.rows(kind, instrument)
        inside = (rows["event_time"] >= first_ns) & (rows["event_time"] <= last_ns)
        return rows[inside], np.flatnonzero(inside)

    def newest(self, kind: Kind, instrument: int, interval_ns: int = 0) -> int | None:
        rows = self.rows(kind, instrument)
        clocks = self.rows(Kind.CLOCK, instrument)
        if kind is Kind.BAR:
            rows = rows[rows["interval"] == interval_ns]
            clocks = clocks[clocks["interval"] == interval_ns]
        times = rows[TIME_FIELDS[kind].first].tolist()
        times += clocks["time"][clocks["feed"] == kind].tolist()
        return max(times, default=None)

    # Registry
    def define(self, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments:
            clash = self.catalog.clash(instrument)
            if clash:
                raise clash
            event = InstrumentDefined(instrument=instrument, **WHO)
            self.catalog.apply(self.catalog.sequence + 1, event)

    def source_id(self, name: str) -> int:
        if name not in self.catalog.sources:
            self.catalog.apply(self.catalog.sequence + 1, SourceDefined(name=name, **WHO))
        return self.catalog.sources[name]

    # QuarantineStore
    def add_many(self, rows: Sequence[QuarantineRow]) -> int:
        there = {one.row.digest for one in self.stored}
        before = len(self.stored)
        for row in rows:
            if row.digest not in there:
                there.add(row.digest)
                self.stored.append(StoredRow(len(self.stored) + 1, "open", row))
        return len(self.stored) - before

    def entries(
        self,
        state: State | None = "open",
        ids: Sequence[int] = (),
        *,
        after: int = 0,
        limit: int = PAGE_ROWS,
    ) -> list[StoredRow]:
        found = [one for one in self.stored if state is None or one.state == state]
        found = [one for one in found if one.id > after and (not ids or one.id in ids)]
        return found[:limit]

    def resolve(self, ids: Iterable[int]) -> None:
        gone = set(ids)
        self.stored = [
            one._replace(state="resolved") if one.id in gone else one for one in self.stored
        ]

    # for the tests
    def id_of(self, name: str) -> int:
        return self.catalog.instrument_id(name)

    def facts(self) -> list[bytes]:
        """Every fact as bytes, sorted: what two ledgers have in common."""
        kinds = (Kind.TRADE, Kind.QUOTE, Kind.BAR)
        return sorted(row.tobytes() for kind in kinds for row in self.rows(kind))


def with_catalog(other: MemoryLedger) -> MemoryLedger:
    """An empty ledger with the definitions of another."""
    return MemoryLedger(catalog=deepcopy(other.catalog))
