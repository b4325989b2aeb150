"""The archiver: copies every record of every stream into PostgreSQL, in order, once.

One thread reads Kafka and makes batches, another writes them; so the two engines work at the same
time. Offsets live in PostgreSQL beside the events they count. A stream that cannot be archived is
refused by name; the others go on.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ledger.archive_attach import Verdict, attach, refusals
from ledger.archive_drain import Archived, Drain
from ledger.archive_intake import Intake
from ledger.archive_streams import Stream, ledger_id, streams
from ledger.errors import ArchiveBehind, EngineUnreachable, LedgerError, Refused
from ledger.kafka import LogReader, OffsetGone, Record
from ledger.postgres import Database, Role
from ledger.settings import Settings

READ_RECORDS_MAX: Final = 64
READ_SECONDS: Final = 0.02
RETRY_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 5.0
"""How often the log ends are asked for while records come; they also show that Kafka is there."""
RECHECK_SECONDS: Final = 30.0
"""How often streams that are new or were refused are looked at again."""

Say = Callable[[str], None]


class Lag(NamedTuple):
    """How far one stream is archived, of how much the log held when it was last asked."""

    stream: Stream
    next_offset: int
    log_end: int
    refused: LedgerError | None


class Archiver:
    """`run` until told to stop, or `catch_up`. One per ledger; a second takes over."""

    def __init__(
        self,
        settings: Settings,
        *,
        say: Say = lambda _: None,
        on_batch: Callable[[Archived], None] = lambda _: None,
    ) -> None:
        self.settings, self.say = settings, say
        self.refused: dict[Stream, LedgerError] = {}
        self._drain = Drain(settings, say, on_batch)
        self._intake: Intake | None = None
        self._ends: dict[Stream, int] = {}
        self._looked = self._checked = 0.0
        self._said = ""

    def lag(self) -> list[Lag]:
        """How far each stream is; safe to call from another thread."""
        marks = {s: hold.mark.next_offset for s, hold in dict(self._drain.holds).items()}
        refused = {**self.refused, **self._drain.refused}
        return [
            Lag(stream, offset, self._ends.get(stream, offset), refused.get(stream))
            for stream, offset in marks.items()
        ]

    def run(self, stop: threading.Event) -> None:
        """Archive until `stop` is set; engines that go away are waited for.

        Raises Fenced when another archiver took over, and the first refusal when nothing is left
        to archive.
        """
        self._loop(stop, until_caught_up=False)

    def catch_up(self, seconds_max: float = 60.0) -> None:
        """Archive what the logs hold now, then return. Raises ArchiveBehind when that took longer,
        and the first refusal if any stream was refused."""
        stop = threading.Event()
        timer = threading.Timer(seconds_max, stop.set)
        timer.start()
        try:
            caught_up = self._loop(stop, until_caught_up=True)
        finally:
            timer.cancel()
        for refusal in {**self.refused, **self._drain.refused}.values():
            raise refusal
        if not caught_up:
            raise ArchiveBehind(
                f"the archive did not reach the end of the log within {seconds_max:.0f} s",
                remedy="fledger status; run the archiver longer",
            )

    def _loop(self, stop: threading.Event, *, until_caught_up: bool) -> bool:
        """True when it ended because everything is archived."""
        caught_up, whole = False, False
        # Questions about log ends go over a connection of their own: on the one that fetches they
        # would wait behind the long poll.
        with LogReader(self.settings.kafka) as reader, LogReader(self.settings.kafka) as asker:
            self._asker = asker
            try:
                while not stop.is_set() and not caught_up and self._drain.failure is None:
                    self._guarded_turn(reader, stop)
                    caught_up = until_caught_up and self._is_caught_up()
                self._flush(stop)
                whole = not stop.is_set() and self._drain.failure is None
            finally:
                self._drain.finish(at_once=not whole)
        if self._drain.failure is not None:
            raise self._drain.failure
        return caught_up

    def _guarded_turn(self, reader: LogReader, stop: threading.Event) -> None:
        try:
            self._turn(reader, stop)
        except EngineUnreachable as error:
            if self._said != error.message:
                self.say(f"archiver waits: {error.message}")
            self._said = error.message
            self._checked = 0.0  # attach again: what went away may come back as another
            stop.wait(RETRY_SECONDS)
        except OffsetGone:
            self._checked = 0.0
        else:
            if self._said:
                self.say("archiver goes on: the engines answer again")
            self._said = ""

    def _turn(self, reader: LogReader, stop: threading.Event) -> None:
        """Read what is there, hand over what is worth a transaction."""
        now = time.monotonic()
        if not self._checked:
            self._attach_all(reader)
        elif now - self._checked > RECHECK_SECONDS:
            self._attach_more(reader)
        intake = self._intake
        if intake is None or not self._checked:
            return
        for record in reader.read(READ_RECORDS_MAX, READ_SECONDS):
            stream = intake.stream_of(record)
            if stream is not None:
                self._take(reader, intake, stream, record)
                for batch in intake.full(stream):
                    self._drain.hand_over(batch, stop)
        while self._drain.has_room() and (stream := intake.due()) is not None:
            self._drain.hand_over(intake.take(stream), stop)
        if now - self._looked > LOOK_SECONDS:
            self._look(reader)
        for stream in set(self._drain.refused) - set(self.refused):
            self._refuse(reader, stream, self._drain.refused[stream])

    def _take(self, reader: LogReader, intake: Intake, stream: Stream, record: Record) -> None:
        try:
            intake.add(stream, record)
        except Refused as error:
            self._refuse(reader, stream, error)

    def _attach_all(self, reader: LogReader) -> None:
        """Begin, or begin again after an engine was away: every stream from its archived mark."""
        if not self._drain.is_idle():
            time.sleep(READ_SECONDS)
            return  # what was read before is still being written; the marks move until then
        if self._intake is not None:
            for stream in self._drain.holds:
                self._intake.drop(stream)
        self._attach(reader, lambda _: True)

    def _attach_more(self, reader: LogReader) -> None:
        """Look again at streams that are new or were refused."""
        self._attach(reader, lambda stream: not self._takes(stream))

    def _takes(self, stream: Stream) -> bool:
        return self._intake is not None and self._intake.takes(stream)

    def _attach(self, reader: LogReader, which: Callable[[Stream], bool]) -> None:
        """Take over streams that are new, check the chosen, read on where each is."""
        with Database(self.settings.dsn, self.settings.prefix, Role.READER) as db:
            intake = self._intake = self._intake or Intake(ledger_id(db))
            known = streams(db)
            if not known:
                raise Refused("the archive knows no stream yet", remedy="fledger migrate")
            fresh = [stream for stream in known if stream not in self._drain.holds]
            if fresh:
                self._drain.holds.update(self._drain.take_over(fresh))
                self._drain.start()
            wanted = {stream: self._drain.holds[stream] for stream in known if which(stream)}
            if wanted:
                self._judge(attach(reader, db, wanted, known), intake)
        self._checked = time.monotonic()
        if wanted:
            self._assign(reader)

    def _judge(self, verdict: Verdict, intake: Intake) -> None:
        known = refusals(self.refused)
        for message, line in refusals(verdict.refused).items():
            if message not in known:
                self.say(f"archiver refuses: {line}")
        for stream, error in verdict.refused.items():
            self.refused[stream] = error
            intake.drop(stream)
        for stream, hold in verdict.attached.items():
            if stream not in self._drain.refused:
                self.refused.pop(stream, None)
                intake.begin(stream, hold.mark)

    def _assign(self, reader: LogReader) -> None:
        assert self._intake is not None
        starts = self._intake.starts()
        if not starts:
            raise next(iter(self.refused.values()))
        reader.assign(starts)

    def _refuse(self, reader: LogReader, stream: Stream, error: LedgerError) -> None:
        self.refused[stream] = error
        self.say(f"archiver refuses: {error}")
        assert self._intake is not None
        self._intake.drop(stream)
        self._assign(reader)

    def _look(self, reader: LogReader) -> None:
        """Ask for the log ends, and cover markers that stand at them: no record will follow soon
        to tell of them."""
        assert self._intake is not None
        for stream in self._drain.holds:
            if self._intake.takes(stream):
                place = (stream.topic, stream.partition)
                self._intake.skip_to(stream, reader.position(*place) or 0)
                self._ends[stream] = self._asker.bounds(*place)[1]
        self._looked = time.monotonic()

    def _is_caught_up(self) -> bool:
        if not self._checked or not self._drain.is_idle():
            return False
        behind = [
            stream
            for stream, hold in self._drain.holds.items()
            if stream not in self.refused and hold.mark.next_offset < self._ends.get(stream, 0)
        ]
        return bool(self._ends or self.refused) and not behind

    def _flush(self, stop: threading.Event) -> None:
        intake = self._intake
        if intake is not None and self._drain.failure is None:
            for stream in intake.waiting():
                self._drain.hand_over(intake.take(stream), stop)
