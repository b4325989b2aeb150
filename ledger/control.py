"""Control events: what a fold must know besides the market, as facts in the same log.

The control topic is the record. Each event is copied, in sequence, into every market partition,
because two topics read side by side interleave differently every time. Copies are go-back-N: a
fold accepts sequence last + 1 only, so a repeat or a jump has no effect and the relay may always
send again from the last accepted.

The control sequence of an event is its ordinal among the decodable events of the control topic,
from 0. Ids of instruments, sources and views are the sequence of their definition.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    TypeAdapter,
    ValidationError,
)

from ledger.instruments import Instrument
from ledger.storable import storable_tree

Hex = Annotated[str, "lower-case hexadecimal"]
# Arguments and environment need not be UTF-8: who and why never stop an event.
Said = Annotated[str, BeforeValidator(storable_tree)]


class Control(BaseModel):
    """What every control event carries: who, why, with which tool."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    actor: Said
    reason: Said
    tool: str


class EpochStarted(Control):
    """A life of the topics begins; offset 0 of each partition, and where the ledger id is made."""

    type: Literal["EpochStarted"] = "EpochStarted"
    ledger: Hex
    epoch: int
    partitions: int
    previous_end: list[int] | None = None
    feed_states: list[Hex] | None = None


class EpochEnded(Control):
    """The life of the topics ends here; what follows is appended again in the next epoch."""

    type: Literal["EpochEnded"] = "EpochEnded"
    epoch: int


class InstrumentDefined(Control):
    """An instrument may be appended from here on; its id is this sequence."""

    type: Literal["InstrumentDefined"] = "InstrumentDefined"
    instrument: Instrument


class SourceDefined(Control):
    """A source is whoever hands facts to the appender: a socket, a set of files, your code."""

    type: Literal["SourceDefined"] = "SourceDefined"
    name: str


class Tagged(Control):
    """A unique, lasting name for a cut."""

    type: Literal["Tagged"] = "Tagged"
    name: str
    cut: str


class LossAccepted(Control):
    """Offsets first..last of a partition are lost, and the operator says so."""

    type: Literal["LossAccepted"] = "LossAccepted"
    topic: Literal["m", "f", "c"]
    partition: int
    first: int
    last: int


class SemanticsActivated(Control):
    """Folds use these rules from here on."""

    type: Literal["SemanticsActivated"] = "SemanticsActivated"
    semantics: int


class ViewRegistered(Control):
    """A version of a feature view, whole, as data."""

    type: Literal["ViewRegistered"] = "ViewRegistered"
    name: str
    digest: Hex
    definition: dict[str, Any]
    activate: bool
    description: str = ""
    owner: str = ""
    tags: list[str] = []


class ViewActivated(Control):
    """This version now serves the name."""

    type: Literal["ViewActivated"] = "ViewActivated"
    name: str
    view: int


class ViewRetired(Control):
    """This version is folded no more."""

    type: Literal["ViewRetired"] = "ViewRetired"
    view: int


class ViewFaulted(Control):
    """Two workers wrote different bits for one key; the first copy stands."""

    type: Literal["ViewFaulted"] = "ViewFaulted"
    view: int
    partition: int
    position: str
    expected: Hex
    found: Hex


class RolledBack(Control):
    """The name serves the state at this cut until it is resumed."""

    type: Literal["RolledBack"] = "RolledBack"
    name: str
    cut: str


class Resumed(Control):
    """The name serves the live state again."""

    type: Literal["Resumed"] = "Resumed"
    name: str


class Restated(Control):
    """A slice of rows that a restate changed; counts from its Rebased on."""

    type: Literal["Restated"] = "Restated"
    restate: int
    slice: int
    view: int
    rows: int
    digest: Hex


class Rebased(Control):
    """Views change their basis here: the one way to change a running view."""

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
