"""Control events: what a fold must know besides the market, as facts in the same log.

The control topic is the record. Each event is copied, in sequence, into every market partition,
because two topics read side by side interleave differently every time. Copies are go-back-N: a
fold accepts sequence last + 1 only, so a repeat or a jump has no effect and the relay may always
send again from the last accepted.

The control sequence of an event is its ordinal among the decodable events of the control topic,
from 0. Ids of instruments, sources and views are the sequence of their definition.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, TypeAdapter, ValidationError

from ledger.errors import DefinitionConflict, ForeignLedger, UnknownInstrument
from ledger.instruments import Instrument
from ledger.positions import LedgerId

Hex = Annotated[str, "lower-case hexadecimal"]


class Control(BaseModel):
    """What every control event carries: who, why, with which tool."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    actor: str
    reason: str
    tool: str


class EpochStarted(Control):
    type: Literal["EpochStarted"] = "EpochStarted"
    ledger: Hex
    epoch: int
    partitions: int
    previous_end: list[int] | None = None
    feed_states: list[Hex] | None = None


class EpochEnded(Control):
    type: Literal["EpochEnded"] = "EpochEnded"
    epoch: int


class InstrumentDefined(Control):
    type: Literal["InstrumentDefined"] = "InstrumentDefined"
    instrument: Instrument


class SourceDefined(Control):
    """A source is whoever hands facts to the appender: a socket, a set of files, your code."""

    type: Literal["SourceDefined"] = "SourceDefined"
    name: str


class Tagged(Control):
    type: Literal["Tagged"] = "Tagged"
    name: str
    cut: str


class LossAccepted(Control):
    type: Literal["LossAccepted"] = "LossAccepted"
    topic: Literal["m", "f", "c"]
    partition: int
    first: int
    last: int


class SemanticsActivated(Control):
    type: Literal["SemanticsActivated"] = "SemanticsActivated"
    semantics: int


class ViewRegistered(Control):
    type: Literal["ViewRegistered"] = "ViewRegistered"
    name: str
    digest: Hex
    definition: dict[str, Any]
    activate: bool
    description: str = ""
    owner: str = ""
    tags: list[str] = []


class ViewActivated(Control):
    type: Literal["ViewActivated"] = "ViewActivated"
    name: str
    view: int


class ViewRetired(Control):
    type: Literal["ViewRetired"] = "ViewRetired"
    view: int


class ViewFaulted(Control):
    type: Literal["ViewFaulted"] = "ViewFaulted"
    view: int
    partition: int
    position: str
    expected: Hex
    found: Hex


class RolledBack(Control):
    type: Literal["RolledBack"] = "RolledBack"
    name: str
    cut: str


class Resumed(Control):
    type: Literal["Resumed"] = "Resumed"
    name: str


class Restated(Control):
    type: Literal["Restated"] = "Restated"
    restate: int
    slice: int
    view: int
    rows: int
    digest: Hex


class Rebased(Control):
    type: Literal["Rebased"] = "Rebased"
    restate: int
    views: list[int]
    admitted: str
    through: list[int]
    states: list[Hex]


Event = Annotated[
    EpochStarted
    | EpochEnded
    | InstrumentDefined
    | SourceDefined
    | Tagged
    | LossAccepted
    | SemanticsActivated
    | ViewRegistered
    | ViewActivated
    | ViewRetired
    | ViewFaulted
    | RolledBack
    | Resumed
    | Restated
    | Rebased,
    Discriminator("type"),
]
_EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)


def parse(body: dict[str, Any]) -> Event:
    """The typed event of a control frame. Raises ValueError when it is none of this version's."""
    try:
        return _EVENT.validate_python(body)
    except ValidationError as error:
        raise ValueError(f"no control event: {error.errors()[0]['msg']}") from error


def dump(event: Control) -> dict[str, Any]:
    """The body of a control frame: what `parse` reads back."""
    return event.model_dump(mode="json")


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

    def apply(self, sequence: int, event: Event) -> None:
        """Fold one event; sequences must come in order and whole."""
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
