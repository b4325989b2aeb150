"""The thread that writes batches to PostgreSQL, and comes back when PostgreSQL does.

Whatever happens to the connection, the mark in the database tells whether a batch was archived: it
is the batch's end, or its beginning. A third value means that somebody else archives.
"""

import threading
import time
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
KEEP_SECONDS: Final = 2.0
"""How often an idle archiver looks whether it is still connected and still the one."""
FINISH_SECONDS_MAX: Final = 8.0
"""How long the end waits for a PostgreSQL that does not answer; what is not written is in Kafka."""
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
    _thread: threading.Thread | None = None
    _given_up: bool = False
    _began: bool = False
    _db: Database | None = None
    _writer: Writer | None = None

    @property
    def application(self) -> str:
        """The name of this connection, by which a later archiver finds it."""
        return application_of(self.settings.prefix)

    def start(self) -> None:
        """Begin writing, once something was taken over."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
            self._thread.start()

    def take_over(self, which: list[Stream]) -> dict[Stream, Hold]:
        """Raise the fence of these streams. Raises EngineUnreachable."""
        if not self._began:  # once: later, our own connection or a successor's is among them
            settings = self.settings
            with Database(settings.dsn, settings.prefix, None, application=self.application) as db:
                _end_others(db, self.application)
            self._began = True
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
        thread, deadline = self._thread, time.monotonic() + FINISH_SECONDS_MAX
        while thread is not None and thread.is_alive():
            if at_once and time.monotonic() > deadline:
                return  # the process ends, and with it the connection and what it had not committed
            try:
                self._queue.put(None, timeout=_HAND_OVER_SECONDS)
            except Full:
                continue
            thread.join(FINISH_SECONDS_MAX if at_once else None)

    # ---- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._keep()
            while (batch := self._next()) is not None:
                if batch.stream not in self.refused and not self._given_up:
                    self._archive(batch)
                self._queue.task_done()
        except BaseException as error:  # handed to the thread that reads, which raises it
            self.failure = error
            self._drop_queued()
        finally:
            self._disconnect()

    def _next(self) -> Batch | None:
        while True:
            try:
                return self._queue.get(timeout=KEEP_SECONDS)
            except Empty:
                self._keep()

    def _keep(self) -> None:
        """Stay connected, for whoever asks whether an archiver runs; notice a take-over."""
        try:
            found = holds(self._connected())
        except (EngineUnreachable, TookTooLong):
            self._disconnect()  # the next batch will say so, and wait
            return
        for stream, ours in dict(self.holds).items():
            if stream.stream in found and found[stream.stream].fence != ours.fence:
                raise _fenced(stream, ours)

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
                    self._given_up = True
                    return
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
        db = self._connected()
        if self._writer is None:
            self._writer = Writer(db)
        return self._writer.commit(batch, self.holds[batch.stream])

    def _was_archived(self, batch: Batch) -> bool:
        """After a lost connection: whether the commit came through. Raises Fenced."""
        found, ours = holds(self._connected())[batch.stream.stream], self.holds[batch.stream]
        if found.fence != ours.fence:
            raise _fenced(batch.stream, ours)
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

    def _connected(self) -> Database:
        if self._db is None:
            self._db = self._connect()
        return self._db

    def _connect(self) -> Database:
        return Database(
            self.settings.dsn, self.settings.prefix, Role.WRITER, application=self.application
        )

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = self._writer = None


def _fenced(stream: Stream, ours: Hold) -> Fenced:
    return Fenced(
        f"another archiver took {stream.topic} partition {stream.partition} over",
        position=str(stream.position(ours.mark.next_offset)),
        remedy="one archiver is enough: leave the other running",
    )


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
