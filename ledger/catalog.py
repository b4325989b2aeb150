"""What control events add up to: the copies a partition accepted, the definitions in force."""

from dataclasses import dataclass, field

from ledger.control import (
    EpochStarted,
    Event,
    InstrumentDefined,
    SemanticsActivated,
    SourceDefined,
    Tagged,
)
from ledger.errors import DefinitionConflict, ForeignLedger, UnknownInstrument
from ledger.instruments import Instrument
from ledger.positions import LedgerId


@dataclass
class CopyGate:
    """Go-back-N: which in-band copies a partition's fold accepts."""

    last: int = -1

    def accept(self, sequence: int) -> bool:
        """True when this copy is the next one; repeats and jumps have no effect."""
        if sequence != self.last + 1:
            return False
        self.last = sequence
        return True


@dataclass
class Catalog:
    """The fold of control events that appenders and readers need. The first definition of a name
    stands for ever; a second one changes nothing."""

    ledger: LedgerId | None = None
    epoch: int = 0
    partitions: int = 0
    semantics: int = 0
    sequence: int = -1
    instruments: dict[int, Instrument] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)

    def apply(self, sequence: int, event: Event | None) -> None:
        """Fold one event (None: one this build cannot read); sequences come in order and whole."""
        if sequence != self.sequence + 1:
            raise ValueError(f"control sequence {sequence} after {self.sequence}")
        self.sequence = sequence
        match event:
            case EpochStarted():
                self._start_epoch(event)
            case InstrumentDefined(instrument=instrument):
                self._define(sequence, instrument)
            case SourceDefined(name=name):
                self.sources.setdefault(name, sequence)
            case Tagged(name=name, cut=cut):
                self.tags.setdefault(name, cut)
            case SemanticsActivated(semantics=semantics):
                self.semantics = semantics
            case _:
                pass  # views are folded by projections

    def _start_epoch(self, event: EpochStarted) -> None:
        if self.ledger is not None and event.ledger != self.ledger.hex():
            raise ForeignLedger(
                f"the control topic holds events of ledger {event.ledger} "
                f"after ledger {self.ledger.hex()}",
                remedy="two ledgers on one broker need two prefixes",
            )
        self.ledger = LedgerId(bytes.fromhex(event.ledger))
        self.epoch, self.partitions = event.epoch, event.partitions

    def _define(self, sequence: int, instrument: Instrument) -> None:
        if instrument.symbol not in self._ids:
            self.instruments[sequence] = instrument
            self._ids[instrument.symbol] = sequence
            for alias in instrument.aliases:
                self._ids.setdefault(alias, sequence)

    def find(self, name: str) -> int | None:
        """The id of an instrument by symbol or alias, or None."""
        return self._ids.get(name)

    def instrument_id(self, name: str) -> int:
        """As `find`; raises UnknownInstrument."""
        found = self.find(name)
        if found is None:
            raise UnknownInstrument(
                f"no instrument {name!r} is defined",
                remedy="fledger instruments list; fledger instruments add, or load --define",
            )
        return found

    def clash(self, instrument: Instrument) -> DefinitionConflict | None:
        """Why this definition cannot be added, or None when it can (or already is)."""
        for name in (instrument.symbol, *instrument.aliases):
            known = self.find(name)
            if known is not None and self.instruments[known] != instrument:
                other = self.instruments[known]
                return DefinitionConflict(
                    f"{name} is already defined as {other.model_dump_json()}",
                    remedy="definitions never change: use the one there is, or another name",
                )
        return None
