"""Streams and how far each is archived.

A stream is one partition of one topic of one epoch, under a small number. Its `sink` row says how
far it is archived and changes in the same transaction as the events, so the archive never needs
Kafka's own commit.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.positions import LedgerId, Position
from ledger.postgres import Database

LAST_VIEW: Final = 2**31 - 1
"""Stands for the view in the key of a progress row, which is the last of its cause."""


class Stream(NamedTuple):
    """One partition of one topic, as it was entered when the topic was made."""

    stream: int
    epoch: int
    letter: str
    partition: int
    topic: str
    topic_id: str

    def position(self, offset: int, index: int = 0) -> Position:
        return Position(self.letter, self.partition, offset, index)

    def leaf(self, table: str) -> str:
        """The table that holds this stream's rows of `table` (as `add_stream` names it)."""
        life = "" if self.letter == "c" else f"e{self.epoch}_"
        return f"{table}_{life}{self.letter}{self.partition}"


class Key(NamedTuple):
    """What orders feature rows inside a partition."""

    cause: int
    view: int
    ordinal: int


class Mark(NamedTuple):
    """How far a stream is archived, and what the next record is judged by."""

    next_offset: int = 0
    known_at: int = 0
    control_through: int = -1
    key: Key = Key(-1, -1, -1)


class Hold(NamedTuple):
    """A stream's mark and the fence under which it may be moved."""

    mark: Mark
    fence: int


def application_of(prefix: str) -> str:
    """How an archiver's connections are called in pg_stat_activity."""
    return f"fledger archiver {prefix}"


def ledger_id(db: Database) -> LedgerId | None:
    """Which ledger this archive belongs to; None while it is not written down."""
    found = db.value("SELECT id FROM ledger")
    return None if found is None else LedgerId(found.bytes)


def streams(db: Database) -> list[Stream]:
    """All streams, in the order of their numbers."""
    query = "SELECT stream, epoch, letter, partition, topic, topic_id FROM stream ORDER BY stream"
    return [Stream(*row) for row in db.rows(query)]


def holds(db: Database) -> dict[int, Hold]:
    """The mark and fence of every stream, by its number."""
    found = db.rows(
        "SELECT stream, fence, next_offset, known_at, control_through,"
        " key_cause, key_view, key_ordinal FROM sink"
    )
    return {
        stream: Hold(Mark(offset, known_at, control, Key(*key)), fence)
        for stream, fence, offset, known_at, control, *key in found
    }


def take_over(db: Database, which: Sequence[int]) -> dict[int, Hold]:
    """Become the one who may archive these streams; who could before can commit no more."""
    db.execute("UPDATE sink SET fence = fence + 1 WHERE stream = ANY(%s)", [list(which)])
    return {stream: hold for stream, hold in holds(db).items() if stream in which}


def move(db: Database, stream: int, before: Hold, after: Mark) -> bool:
    """Move the mark if nobody else did; False when the fence or the offset is another."""
    moved = db.changed(
        "UPDATE sink SET next_offset = %s, known_at = %s, control_through = %s,"
        " key_cause = %s, key_view = %s, key_ordinal = %s"
        " WHERE stream = %s AND next_offset = %s AND fence = %s",
        [after.next_offset, after.known_at, after.control_through, *after.key]
        + [stream, before.mark.next_offset, before.fence],
    )
    return moved == 1
