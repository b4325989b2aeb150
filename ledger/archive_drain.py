"""The thread that writes batches to PostgreSQL, and comes back when PostgreSQL does.

Whatever happens to the connection, the mark in the database tells whether a batch was archived: it
is the batch's end, or its beginning. A third value means that somebody else archives.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import Final, NamedTuple

from ledger.archive_repeats import Diverged
from ledger.archive_shapes import Batch
from ledger.archive_streams import Hold, Mark, Stream, application_of, holds, take_over
from ledger.archive_write import Writer
from ledger.errors import EngineUnreachable, Fenced, LedgerError, Refused
from ledger.postgres import Database, Role, TookTooLong
from ledger.settings import Settings

BATCHES_WAITING_MAX: Final = 2
RETRY_SECONDS_MIN: Final = 0.1
RETRY_SECONDS_MAX: Final = 5.0
_HAND_OVER_SECONDS: Final = 0.05


class Archived(NamedTuple):
    """One committed batch, for whoever watches."""

    stream: Stream
    frames: int
    events: int
    mark: Mark
    diverged: list[Diverged]


@dataclass
class Drain:
    """Archives the batches it is handed, in order, from a thread of its own."""

    settings: Settings
    say: Callable[[str], None]
    on_batch: Callable[[Archived], None]
    holds: dict[Stream, Hold] = field(default_factory=dict)
    refused: dict[Stream, LedgerError] = field(default_factory=dict)
    failure: BaseException | None = None
    _queue: Queue[Batch | None] = field(default_factory=lambda: Queue(BATCHES_WAITING_MAX))
    _stop: threading.Event = field(default_factory=threading.Event)
    _idle: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _db: Database | None = None
    _writer: Writer | None = None

    @property
    def application(self) -> str:
        """The name of this connection, by which a later archiver finds it."""
        return application_of(self.settings.prefix)

    def start(self) -> None:
        """Begin writing."""
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
        self._thread.start()

    def take_over(self, which: list[Stream]) -> dict[Stream, Hold]:
        """Raise the fence of these streams. Raises EngineUnreachable."""
        with Database(
            self.settings.dsn, self.settings.prefix, None, application=self.application
        ) as db:
            _end_others(db, self.application)
        with self._connect() as db:
            taken = take_over(db, [stream.stream for stream in which])
        return {stream: taken[stream.stream] for stream in which}

    def has_room(self) -> bool:
        """Whether a batch could be handed over now."""
        return not self._queue.full()

    def is_idle(self) -> bool:
        """Whether everything handed over is archived or refused."""
        return self._queue.unfinished_tasks == 0

    def hand_over(self, batch: Batch, stop: threading.Event) -> bool:
        """Queue a batch, waiting for room; False when told to stop meanwhile."""
        while self.failure is None:
            try:
                self._queue.put(batch, timeout=_HAND_OVER_SECONDS)
            except Full:
                if stop.is_set():
                    return False
            else:
                return True
        return False

    def finish(self, *, at_once: bool = False) -> None:
        """Write what is queued, then end; `at_once` gives up what cannot be written now."""
        if at_once:
            self._stop.set()
        thread = self._thread
        while thread is not None and thread.is_alive():
            try:
                self._queue.put(None, timeout=_HAND_OVER_SECONDS)
                thread.join()
            except Full:
                continue

    # ---- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (batch := self._queue.get()) is not None:
                if batch.stream not in self.refused:
                    self._archive(batch)
                self._queue.task_done()
        except BaseException as error:  # handed to the thread that reads, which raises it
            self.failure = error
            self._drop_queued()
        finally:
            self._disconnect()

    def _drop_queued(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except Empty:
                return

    def _archive(self, batch: Batch) -> None:
        """Try until the batch is archived, refused, or we are told to stop."""
        pause, lost = RETRY_SECONDS_MIN, ""
        while True:
            try:
                if lost and self._was_archived(batch):
                    self._note(batch, [])
                else:
                    self._note(batch, self._write(batch))
            except (EngineUnreachable, TookTooLong) as error:
                if not lost:
                    self.say(f"archiver waits: {error.message}")
                lost = error.message
                self._disconnect()
                if self._stop.wait(pause):
                    raise
                pause = min(2 * pause, RETRY_SECONDS_MAX)
            except Fenced:
                raise
            except LedgerError as error:
                self.refused[batch.stream] = error
                self.say(f"archiver refuses {batch.stream.topic}: {error}")
                return
            else:
                if lost:
                    self.say("archiver goes on: PostgreSQL answers again")
                return

    def _write(self, batch: Batch) -> list[Diverged]:
        if self._writer is None:
            self._db = self._connect()
            self._writer = Writer(self._db)
        return self._writer.commit(batch, self.holds[batch.stream])

    def _was_archived(self, batch: Batch) -> bool:
        """After a lost connection: whether the commit came through. Raises Fenced."""
        self._db = self._db or self._connect()
        self._writer = self._writer or Writer(self._db)
        found, ours = holds(self._db)[batch.stream.stream], self.holds[batch.stream]
        if found.fence != ours.fence:
            raise Fenced(
                f"another archiver took {batch.stream.topic} partition {batch.stream.partition} "
                "over while PostgreSQL was away",
                position=str(batch.stream.position(batch.before.next_offset)),
                remedy="one archiver is enough: leave the other running",
            )
        return found.mark == batch.after

    def _note(self, batch: Batch, diverged: list[Diverged]) -> None:
        hold = self.holds[batch.stream]
        self.holds[batch.stream] = Hold(batch.after, hold.fence)
        for report in diverged:
            self.say(
                f"diverged: {batch.stream.position(report.offset)} repeats known keys of view "
                f"{report.view} with other bits; the first copy stands"
            )
        self.on_batch(
            Archived(batch.stream, len(batch.frames), batch.events, batch.after, diverged)
        )

    def _connect(self) -> Database:
        return Database(
            self.settings.dsn, self.settings.prefix, Role.WRITER, application=self.application
        )

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = self._writer = None


def _end_others(db: Database, application: str) -> None:
    """End the connections of archivers before us: a stopped process inside a transaction would
    hold its rows' keys until a time limit ends it. Where we may not, that limit does it."""
    try:
        db.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
            " AND datname = current_database() AND pid <> pg_backend_pid()",
            [application],
        )
    except Refused:
        return
