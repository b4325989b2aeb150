"""The relay: finishes the in-band copies a crash left, and sends heartbeats.

A task of the archiver's process. Heartbeats go on while PostgreSQL is away: they are how a reader
tells a quiet market from a dead pipe, and how a moment becomes a cut.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ledger.control_log import Archived, ControlLog, send_copies
from ledger.errors import EngineUnreachable
from ledger.frames import Header, encode
from ledger.rows import Beat, Kind, empty
from ledger.settings import Settings
from ledger.topics import market_topic

BEAT_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 45.0
RETRY_SECONDS: Final = 1.0


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


class Relay:
    """Runs until told to stop; engines that go away are waited for."""

    def __init__(self, settings: Settings, archived: Callable[[int], Archived]) -> None:
        self.settings = settings
        self._archived = archived
        self._log = ControlLog(settings)
        self._pulses: dict[int, Pulse] = {}
        self._requested = threading.Event()

    def request_beat(self) -> None:
        """A reader waits for a heartbeat."""
        self._requested.set()

    def run(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        """Beat and copy until `stop` is set, then send the last heartbeats."""
        lost = ""
        while not stop.is_set():
            began = time.monotonic()
            try:
                self.beat()
                self.finish_copies()
                lost = ""
            except EngineUnreachable as error:
                if lost != error.message:
                    say(f"relay waits: {error.message}")
                lost = error.message
            self._wait(stop, began)
        if not lost:
            self._send(dict.fromkeys(range(self._log.catalog.partitions), Beat.STOPPED))

    def _wait(self, stop: threading.Event, began: float) -> None:
        while not stop.is_set() and not self._requested.is_set():
            left = began + BEAT_SECONDS - time.monotonic()
            if left <= 0:
                return
            stop.wait(min(left, 0.05))

    def finish_copies(self) -> int:
        """Send the copies some partition lacks; how many were sent."""
        self._log.refresh()
        return send_copies(self._log, self._archived)

    def beat(self) -> dict[int, Beat]:
        """Send the heartbeats that are due; which partitions got one, and why."""
        if not self._log.catalog.partitions:
            self._log.refresh()
        requested = self._requested.is_set()
        self._requested.clear()
        now, due = time.monotonic(), {}
        for partition, end in self._log.ends().items():
            reason = next_beat(self._pulses.get(partition), end, now, requested=requested)
            if reason is not None:
                due[partition] = reason
        self._send(due)
        return due

    def _send(self, due: dict[int, Beat]) -> None:
        if not due:
            return
        topic = market_topic(self.settings.prefix, self._log.catalog.epoch)
        through = len(self._log.events) - 1
        records = [(topic, p, heartbeat(reason, through)) for p, reason in due.items()]
        offsets = self._log.send(records)
        now = time.monotonic()
        for (partition, reason), offset in zip(due.items(), offsets, strict=True):
            self._pulses[partition] = Pulse(offset + 1, now, reason)
