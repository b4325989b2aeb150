"""The control topic: read whole, appended to, and copied into every market partition.

Whoever appends a control event writes its copies and returns when they are acknowledged; the relay
finishes what a crash left. Both call `send_copies`, and calling it twice, at once or after a kill
between any two copies, is harmless: a fold accepts the next sequence only.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from ledger.catalog import Catalog, CopyGate
from ledger.control import Control, dump, parse
from ledger.errors import AppendStalled, AttachRefused, Refused
from ledger.frames import Frame, FrameFlag, Header, Newer, decode, encode_control
from ledger.kafka import LogProducer, LogReader, OnDelivery, Record, read_range
from ledger.positions import Position
from ledger.rows import Kind
from ledger.settings import Settings
from ledger.topics import control_topic, market_topic

ACKNOWLEDGE_SECONDS_MAX: Final = 10.0


class Numbered(NamedTuple):
    """A control event with its place: the sequence is its ordinal among decodable events. `event`
    is None for a type or shape that this build does not know."""

    sequence: int
    offset: int
    stamp_ns: int
    event: Control | None
    body: dict[str, Any]


class Archived(NamedTuple):
    """How far the archive has one market partition, and which copies its fold has accepted."""

    next_offset: int
    control_through: int


class ControlLog:
    """The control events of a ledger, as far as they were read, and their fold."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.topic = control_topic(settings.prefix)
        self.events: list[Numbered] = []
        self.catalog = Catalog()
        self._next_offset = 0
        self._reader = LogReader(settings.kafka)
        self._sender = Sender(settings)

    def close(self) -> None:
        self._reader.close()

    def ends(self) -> dict[int, int]:
        """The log end of each market partition, asked of the broker now."""
        topic = market_topic(self.settings.prefix, self.catalog.epoch)
        return {p: self._reader.bounds(topic, p)[1] for p in range(self.catalog.partitions)}

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """(first offset still held, log end) of one partition, asked of the broker now."""
        return self._reader.bounds(topic, partition)

    def send(self, records: Sequence[tuple[str, int, bytes]]) -> list[int]:
        """Append records of (topic, partition, bytes) and wait for all; returns their offsets."""
        return self._sender.send(records)

    def refresh(self) -> list[Numbered]:
        """Read what was appended since; returns the new events."""
        start, end = self._reader.bounds(self.topic, 0)
        if start > 0:
            raise AttachRefused(
                f"the control topic begins at offset {start}: definitions are missing",
                remedy="restore the topic; its retention must be unlimited (retention.ms = -1)",
            )
        fresh = []
        for record in read_range(self.settings.kafka, self.topic, 0, self._next_offset, end):
            numbered = self._number(record)
            if numbered is not None:
                fresh.append(numbered)
        self._next_offset = max(end, self._next_offset)
        return fresh

    def _number(self, record: Record) -> Numbered | None:
        frame = decode(record.value)
        if isinstance(frame, Newer):
            raise Refused(
                f"a control event of kind {frame.kind}, version {frame.version} is newer than this "
                "build",
                position=str(Position("c", 0, record.offset)),
                remedy="upgrade fledger",
            )
        if not isinstance(frame, Frame) or frame.control is None:
            return None  # it has no sequence: nobody can read it, now or later
        event: Control | None
        try:
            event = parse(frame.control)
        except ValueError:
            event = None  # it has a number for every build, and no effect in this one
        numbered = Numbered(len(self.events), record.offset, record.stamp_ns, event, frame.control)
        self.catalog.apply(numbered.sequence, event)
        self.events.append(numbered)
        return numbered

    def append(self, *events: Control) -> None:
        """Append events and read on until the last of them. An event stands even where it changes
        nothing: look at the catalog for what holds."""
        records = [encode_control(Header(Kind.CONTROL), dump(event)) for event in events]
        last = max(self.send([(self.topic, 0, record) for record in records]), default=-1)
        while self._next_offset <= last:
            self.refresh()


class Sender:
    """Appends a few records and waits. After a failure it starts anew: nothing stale may follow."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._producer: LogProducer | None = None

    def send(self, records: Sequence[tuple[str, int, bytes]]) -> list[int]:
        """The offsets of the records, in their order. Raises AppendStalled."""
        if self._producer is None:
            self._producer = LogProducer(self.settings.kafka)
        producer = self._producer
        offsets, failures = [-1] * len(records), list[str]()

        def done_at(index: int) -> OnDelivery:
            def done(failed: str, offset: int, _: int) -> None:
                offsets[index] = offset
                if failed:
                    failures.append(failed)

            return done

        for index, (topic, partition, record) in enumerate(records):
            while not producer.produce(topic, partition, record, done_at(index)):
                producer.poll(0.01)
        deadline = time.monotonic() + ACKNOWLEDGE_SECONDS_MAX
        while len(producer) and not failures and time.monotonic() < deadline:
            producer.poll(0.05)
        if failures or len(producer):
            self._producer = None
            producer.purge()
            raise AppendStalled(
                f"Kafka does not acknowledge: {(failures or ['no answer'])[0]}",
                remedy="fledger status; then repeat the command",
            )
        return offsets


def accepted_copies(settings: Settings, epoch: int, partition: int, archived: Archived) -> int:
    """The last control sequence a fold of this partition has accepted: what the archive knows,
    and the tail of the partition behind it."""
    topic = market_topic(settings.prefix, epoch)
    with LogReader(settings.kafka) as reader:
        _, end = reader.bounds(topic, partition)
    gate = CopyGate(archived.control_through)
    for record in read_range(settings.kafka, topic, partition, archived.next_offset, end):
        accept_copy(gate, record.value)
    return gate.last


def accept_copy(gate: CopyGate, record: bytes) -> None:
    """Show one record of a market partition to its gate; everything but copies passes by."""
    if len(record) > 4 and record[4] == Kind.CONTROL:
        frame = decode(record)
        if isinstance(frame, Frame) and frame.is_copy:
            gate.accept(frame.header.cause)


def copies(events: Iterable[Numbered], after: int) -> Iterable[bytes]:
    """The in-band copies of the events behind sequence `after`, in order."""
    for numbered in events:
        if numbered.sequence > after:
            header = Header(Kind.CONTROL, flags=FrameFlag.COPY, cause=numbered.sequence)
            yield encode_control(header, numbered.body)


def send_copies(log: ControlLog, archived: Callable[[int], Archived]) -> int:
    """Bring every market partition up to the newest event read; returns how many were sent.

    `archived` tells how far the archive has a partition. Returns when all are acknowledged.
    """
    catalog, newest = log.catalog, len(log.events) - 1
    topic = market_topic(log.settings.prefix, catalog.epoch)
    owed = []
    for partition in range(catalog.partitions):
        known = archived(partition)
        if known.control_through < newest:
            after = accepted_copies(log.settings, catalog.epoch, partition, known)
            owed += [(topic, partition, record) for record in copies(log.events, after)]
    if owed:
        log.send(owed)
    return len(owed)
