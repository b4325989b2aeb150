"""May this archive go on filling from these topics? Asked before the first record is taken.

Each refusal concerns one stream or one topic, names what was expected and what is there, and does
not stop the others (invariants I4, I5, I6 of two logs that must stay one).
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.archive_columns import VOID
from ledger.archive_shapes import leaf_of
from ledger.archive_streams import Hold, Stream
from ledger.errors import AttachRefused, EngineUnreachable, LedgerError
from ledger.kafka import LogReader, Record, TopicFacts, topic_facts
from ledger.postgres import Database
from ledger.topics import TopicPlan, check

PEEK_SECONDS_MAX: Final = 10.0
_PEEK_RECORDS_MAX: Final = 16

Partition = tuple[str, int]


@dataclass
class Verdict:
    """Which streams may be filled from where, and why the others may not."""

    attached: dict[Stream, Hold] = field(default_factory=dict)
    refused: dict[Stream, LedgerError] = field(default_factory=dict)


def attach(
    reader: LogReader, db: Database, wanted: Mapping[Stream, Hold], known: Sequence[Stream]
) -> Verdict:
    """Check the wanted among all known streams. The reader must be assigned anew afterwards.

    Raises EngineUnreachable when an engine does not answer.
    """
    verdict = Verdict()
    facts = topic_facts(reader.options, sorted({stream.topic for stream in wanted}))
    partitions = Counter(stream.topic for stream in known)
    held = {}  # where the record before the mark can still be compared
    for stream, hold in wanted.items():
        try:
            check_topic(stream, partitions[stream.topic], facts.get(stream.topic))
            start, end = reader.bounds(stream.topic, stream.partition)
            check_bounds(stream, hold, start, end)
        except AttachRefused as error:
            verdict.refused[stream] = error
            continue
        verdict.attached[stream] = hold
        if start < hold.mark.next_offset:
            held[stream] = hold.mark.next_offset - 1
    _check_last_records(reader, db, held, verdict)
    return verdict


def check_topic(stream: Stream, partitions: int, found: TopicFacts | None) -> None:
    """The topic is the one that was entered, with as many partitions. Raises AttachRefused."""
    if found is None:
        raise AttachRefused(
            f"topic {stream.topic} is not there (I5)",
            position=str(stream.position(0)),
            remedy="see that FLEDGER_KAFKA and prefix name the right broker; restore the topic",
        )
    if found.topic_id != stream.topic_id:
        raise AttachRefused(
            f"topic {stream.topic} was made again: its id is {found.topic_id}, the archive was "
            f"filled from {stream.topic_id} (I5)",
            position=str(stream.position(0)),
            remedy="restore the topic, or start a new epoch; offsets would name other events",
        )
    check(TopicPlan(stream.letter, stream.topic, partitions, {}), found)


def check_bounds(stream: Stream, hold: Hold, start: int, end: int) -> None:
    """The log still holds, and already holds, what comes next. Raises AttachRefused."""
    wanted = hold.mark.next_offset
    if wanted < start:
        raise AttachRefused(
            f"{stream.topic} partition {stream.partition} begins at offset {start}, the archive "
            f"needs {wanted}: {start - wanted} records were deleted before they were archived (I4)",
            position=str(stream.position(wanted)),
            remedy="restore the records under their offsets; until then the stream stays refused",
        )
    if wanted > end:
        raise AttachRefused(
            f"{stream.topic} partition {stream.partition} ends at offset {end}, the archive holds "
            f"it up to {wanted}: the log was cut back or restored from an older copy (I4)",
            position=str(stream.position(end)),
            remedy="restore the log, or start a new epoch; offsets would name other events",
        )


def check_last(stream: Stream, leaf: bytes, offset: int, found: Record) -> None:
    """The log's record before the mark is the archived one. Raises AttachRefused."""
    if found.offset != offset or leaf_of(found.value) != leaf:
        raise AttachRefused(
            f"{stream.topic} partition {stream.partition}: the log's record at offset {offset} is "
            "not the archived one (I5)",
            position=str(stream.position(offset)),
            remedy="fledger verify; restore the log, or start a new epoch",
        )


def _check_last_records(
    reader: LogReader, db: Database, held: Mapping[Stream, int], verdict: Verdict
) -> None:
    archived = _last_frames(db, held)
    # A void has no record to compare; the offset behind it may not be there to wait for.
    wanted = {s: offset for s, offset in held.items() if archived[s][0] != VOID}
    found = peek(reader, {(s.topic, s.partition): offset for s, offset in wanted.items()})
    for stream, offset in wanted.items():
        try:
            check_last(stream, archived[stream][1], offset, found[stream.topic, stream.partition])
        except AttachRefused as error:
            verdict.refused[stream] = error
            del verdict.attached[stream]


def _last_frames(db: Database, wanted: Mapping[Stream, int]) -> dict[Stream, tuple[int, bytes]]:
    out = {}
    for stream, offset in wanted.items():
        found = db.rows(
            'SELECT kind, leaf FROM frame WHERE stream = %s AND "offset" = %s',
            [stream.stream, offset],
        )
        out[stream] = found[0] if found else (0, b"")  # a missing row fails the comparison
    return out


def peek(reader: LogReader, wanted: Mapping[Partition, int]) -> dict[Partition, Record]:
    """The first record at or after an offset in each partition; the reader stays assigned to them.

    Raises EngineUnreachable when some did not come in time.
    """
    found: dict[Partition, Record] = {}
    if not wanted:
        return found
    reader.assign(wanted)
    deadline = time.monotonic() + PEEK_SECONDS_MAX
    try:
        while missing := sorted(set(wanted) - set(found)):
            if time.monotonic() > deadline:
                topic, partition = missing[0]
                raise EngineUnreachable(
                    f"Kafka sends nothing of {topic} partition {partition} at offset "
                    f"{wanted[topic, partition]}",
                    remedy="fledger status; see the broker's log",
                )
            for record in reader.read(_PEEK_RECORDS_MAX, 0.2):
                place = (record.topic, record.partition)
                if place not in found:
                    found[place] = record
                    reader.pause(*place)
    finally:
        for place in found:  # a pause would outlive the assignment
            reader.resume(*place)
    return found


def refusals(refused: Mapping[Stream, LedgerError]) -> dict[str, str]:
    """Message → what to say, each once however many streams share it."""
    said: dict[str, str] = {}
    for error in refused.values():
        said.setdefault(error.message, str(error))
    return said
