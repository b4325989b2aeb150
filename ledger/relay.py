"""The relay: finishes the in-band copies a crash left, and sends heartbeats.

A task of the archiver's process. Heartbeats go on while PostgreSQL is away: they are how a reader
tells a quiet market from a dead pipe, and how a moment becomes a cut.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ledger.archive import Archive
from ledger.control_log import Archived, ControlLog, send_copies
from ledger.errors import EngineUnreachable, LedgerError
from ledger.frames import Header, encode
from ledger.rows import Beat, Kind, empty
from ledger.settings import Settings
from ledger.topics import market_topic

BEAT_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 45.0
STATEMENT_SECONDS_MAX: Final = 5.0


class Pulse(NamedTuple):
    """The last heartbeat of one partition: the log end behind it, when, and why."""

    end: int
    at_seconds: float
    reason: Beat


def next_beat(pulse: Pulse | None, end: int, now: float, *, requested: bool = False) -> Beat | None:
    """Whether a heartbeat is due in a partition whose log ends at `end`, and why.

    Every second while anything but our heartbeats was appended, once when that stops, rarely when
    idle, at once when asked for.
    """
    if pulse is None:
        return Beat.STARTED
    if requested:
        return Beat.REQUESTED
    since = now - pulse.at_seconds
    if since < BEAT_SECONDS:
        return None
    if end > pulse.end:
        return Beat.ACTIVE
    if pulse.reason is Beat.ACTIVE:
        return Beat.QUIET
    return Beat.IDLE if since >= IDLE_SECONDS else None


def heartbeat(reason: Beat, control_through: int) -> bytes:
    """The record of one heartbeat; `sent_at` is information, no fold reads it."""
    rows = empty(Kind.HEARTBEAT, 1)
    rows["sent_at"], rows["control_through"] = time.time_ns(), control_through
    rows["reason"] = reason
    return encode(Header(Kind.HEARTBEAT), rows)


class Places:
    """How far the archive has each partition, over a connection made when it is needed and made
    anew after it broke."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._archive: Archive | None = None

    def __call__(self, partition: int) -> Archived:
        """Raises EngineUnreachable while PostgreSQL is away."""
        if self._archive is None:
            self._archive = Archive(self._settings, statement_seconds_max=STATEMENT_SECONDS_MAX)
        try:
            return self._archive.archived(partition)
        except EngineUnreachable:
            self.close()
            raise

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


class Relay:
    """Runs until told to stop; engines that go away are waited for."""

    def __init__(self, settings: Settings, archived: Callable[[int], Archived]) -> None:
        """`archived` tells how far the archive has a partition; it may raise EngineUnreachable, and
        hang while PostgreSQL does, without stopping the heartbeats."""
        self.settings = settings
        self._archived = archived
        self._log = ControlLog(settings)
        self._copies = ControlLog(settings)
        self._pulses: dict[int, Pulse] = {}
        self._requested = threading.Event()

    def request_beat(self) -> None:
        """A reader waits for a heartbeat."""
        self._requested.set()

    def run(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        """Beat and copy until `stop` is set, then send the last heartbeats."""
        copying = threading.Thread(
            target=self._repeat, args=(self.finish_copies, stop, say), name="copies", daemon=True
        )
        copying.start()
        if self._repeat(self.beat, stop, say):
            self._send(dict.fromkeys(range(self._log.catalog.partitions), Beat.STOPPED), 0.0)

    def _repeat(
        self, turn: Callable[[], object], stop: threading.Event, say: Callable[[str], None]
    ) -> bool:
        """One turn a second; what goes away is waited for. Whether the last turn went well."""
        lost = ""
        while not stop.is_set():
            began = time.monotonic()
            try:
                turn()
                lost = ""
            except LedgerError as error:
                if lost != error.message:
                    say(f"relay waits: {error.message}")
                lost = error.message
            self._wait(stop, began)
        return not lost

    def _wait(self, stop: threading.Event, began: float) -> None:
        while not stop.is_set() and not self._requested.is_set():
            left = began + BEAT_SECONDS - time.monotonic()
            if left <= 0:
                return
            stop.wait(min(left, 0.05))

    def finish_copies(self) -> int:
        """Send the copies some partition lacks; how many were sent."""
        self._copies.refresh()
        return send_copies(self._copies, self._archived)

    def beat(self) -> dict[int, Beat]:
        """Send the heartbeats that are due; which partitions got one, and why."""
        now, due = time.monotonic(), {}
        self._log.refresh()
        requested = self._requested.is_set()
        self._requested.clear()
        for partition, end in self._log.ends().items():
            reason = next_beat(self._pulses.get(partition), end, now, requested=requested)
            if reason is not None:
                due[partition] = reason
        self._send(due, now)
        return due

    def _send(self, due: dict[int, Beat], now: float) -> None:
        if not due:
            return
        topic = market_topic(self.settings.prefix, self._log.catalog.epoch)
        through = len(self._log.events) - 1
        records = [(topic, p, heartbeat(reason, through)) for p, reason in due.items()]
        offsets = self._log.send(records)
        # Stamped with the beginning of the turn: stamped later, every other turn would come early.
        for (partition, reason), offset in zip(due.items(), offsets, strict=True):
            self._pulses[partition] = Pulse(offset + 1, now, reason)
