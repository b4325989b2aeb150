"""The appender: rows of facts in, positions out.

`append` checks rows, hands them over and returns at once; one thread serves the broker's answers,
and a result can be waited for in a thread or awaited in a coroutine. Small appends that wait
together leave in one frame, so frames thicken under load: Faust pays per record, not per row.
Memory is bounded, and `append` blocks when the bound is reached.

A delivery that fails or stalls closes the appender for good: what follows a lost frame must not
overtake it. What was acknowledged is in the log; appending the rest again is safe, because a
known identity changes nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.errors import AppendStalled, LedgerError, Refused, UnknownInstrument
from ledger.frames import FrameFlag, Header, encode, rows_max
from ledger.kafka import LogProducer, OnDelivery
from ledger.packing import (
    LINGER_SECONDS_MAX,
    Batch,
    Chosen,
    Item,
    Pace,
    Pending,
    Positions,
    Sort,
    partition_table,
)
from ledger.row_checks import fault
from ledger.rows import FEEDS, Kind, Rows
from ledger.sequences import GapWatch

QUEUE_BYTES_MAX: Final = 32 * 1024 * 1024  # rows taken and not yet acknowledged
STALL_SECONDS_MAX: Final = 8.0  # without any delivery while some are owed
CLOCK_SECONDS_MAX: Final = 5.0  # between the broker's append time and ours
_POLL_SECONDS: Final = 0.001


@dataclass(frozen=True)
class Target:
    """Where and as whom an appender writes."""

    topic: str
    kafka: Mapping[str, str]
    partition_of: Mapping[int, int]
    """Instrument id → market partition, for instruments whose definition stands in it."""
    build: bytes = bytes(8)
    run: bytes = bytes(8)
    semantics: int = 0


@dataclass
class _State:
    queue: deque[Item] = field(default_factory=deque)
    bytes_owed: int = 0
    flying: set[Batch] = field(default_factory=set)
    closing: bool = False
    failure: LedgerError | None = None


class Appender:
    """Appends rows of market events. Use as a context manager, or call `close`."""

    def __init__(self, target: Target, gaps: GapWatch | None = None) -> None:
        self.target = target
        self._gaps = gaps or GapWatch()
        self._partitions = partition_table(target.partition_of)
        self._producer = LogProducer(target.kafka)
        self._state = _State()
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._last_delivery = time.monotonic()
        self._pace = Pace(self._last_delivery)
        self._thread = threading.Thread(target=self._run, name="appender", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Appender":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(
        self, kind: Kind, rows: Rows, *, source: int, loaded: bool = False, sequenced: bool = False
    ) -> Pending:
        """Append rows of one kind (shape (n,), layout of `ledger.rows`), identities filled in.

        `sequenced` says that the source numbers these rows without holes, so a hole is a gap.
        Blocks while too much is undelivered. Raises UnknownInstrument, Refused for rows that would
        not decode, and AppendStalled once a delivery has failed.
        """
        wrong = fault(kind, rows)
        if wrong:
            raise Refused(f"these {kind.name.lower()} rows cannot be appended: {wrong}")
        pending = Pending()
        if not len(rows):
            none = np.zeros(0, np.int32)
            pending.future.set_result(Positions(none, np.zeros(0, np.int64), none))
            return pending
        item = Item(Sort(kind, source, loaded), rows, self._partitions_of(rows), pending)
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(rows.nbytes))
            self._raise_failure()
            if self._state.closing:
                raise Refused("this appender is closed", remedy="connect again")
            self._state.queue.append(item)
            self._state.bytes_owed += rows.nbytes
            if sequenced and kind in FEEDS:
                self._gaps.observe(source, kind, rows)
                self._enqueue_gaps(source, loaded)
        self._pump()
        return pending

    def end_of_source(self, source: int, *, loaded: bool = False) -> None:
        """The source has nothing more to say: holes still open are gaps now."""
        with self._changed:
            self._enqueue_gaps(source, loaded, ended=True)
        self._pump()

    def flush(self) -> None:
        """Wait until everything handed over is acknowledged. Raises AppendStalled."""
        with self._changed:
            self._changed.wait_for(lambda: not self._state.bytes_owed or self._state.failure)
            self._raise_failure()

    def close(self) -> None:
        """Deliver what was handed over, then stop. Raises AppendStalled when that fails."""
        with self._changed:
            self._state.closing = True
            self._changed.notify_all()
        self._thread.join()
        self._raise_failure()

    def knows(self, partition_of: Mapping[int, int]) -> None:
        """Instruments whose definition has come to stand in its partition since."""
        self._partitions = partition_table({**self.target.partition_of, **partition_of})

    def _partitions_of(self, rows: Rows) -> NDArray[np.int32]:
        ids = rows["instrument"]
        known = self._partitions
        inside = ids < len(known)
        partitions: NDArray[np.int32] = known[np.where(inside, ids, 0)]
        if not inside.all() or (partitions < 0).any():
            lost = sorted({int(i) for i in ids[~inside | (partitions < 0)]})
            raise UnknownInstrument(
                f"instrument ids {lost} have no definition in their partition yet",
                remedy="define them first (led.define, fledger instruments add)",
            )
        return partitions

    def _has_room(self, more: int) -> bool:
        state = self._state
        full = state.bytes_owed and state.bytes_owed + more > QUEUE_BYTES_MAX
        return not full or state.failure is not None or state.closing

    def _raise_failure(self) -> None:
        failure = self._state.failure
        if failure is not None:
            raise type(failure)(failure.message, remedy=failure.remedy, position=failure.position)

    def _enqueue_gaps(self, source: int, loaded: bool, *, ended: bool = False) -> None:
        rows = self._gaps.due(source, ended=ended)
        if len(rows):
            sort = Sort(Kind.GAP, source, loaded)
            self._state.queue.append(Item(sort, rows, self._partitions_of(rows), Pending()))
            self._state.bytes_owed += rows.nbytes

    # ---- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except LedgerError as error:
            self._fail(error)
        except BaseException as error:
            self._fail(
                AppendStalled(f"the appender stopped: {error!r}", remedy="repeat the append")
            )
            raise

    def _step(self) -> bool:
        """Send what waits, serve deliveries; False when closed and everything is delivered."""
        self._pump()
        state = self._state
        waiting = bool(state.queue or state.flying)
        if state.closing and not waiting:
            return False
        self._producer.poll(_POLL_SECONDS if waiting else LINGER_SECONDS_MAX)
        self._watch()
        return True

    def _pump(self) -> None:
        """Send what may leave now. The thread that appends does it itself when nobody else is
        sending: a hand-over costs more than the broker's answer."""
        while self._sending.acquire(blocking=False):
            try:
                with self._changed:
                    items = self._take()
                if not items:
                    return
                self._send(Batch(items))
            except BaseException as error:
                # Half a batch may have left: nothing may follow it.
                self._fail(_lost(f"sending was interrupted ({error!r})"))
                raise
            finally:
                self._sending.release()

    def _take(self) -> list[Item]:
        """The items at the head of the queue that share frames, unless more should gather."""
        queue = self._state.queue
        if not queue:
            return []
        limit = rows_max(queue[0].rows.dtype.itemsize)
        at_once = len(queue[0].rows) >= limit or self._state.closing
        if not self._pace.may_send(time.monotonic(), at_once=at_once):
            return []
        sort, taken = queue[0].sort, [queue.popleft()]
        rows = len(taken[0].rows)
        while queue and queue[0].sort == sort and rows + len(queue[0].rows) <= limit:
            rows += len(queue[0].rows)
            taken.append(queue.popleft())
        return taken

    def _send(self, batch: Batch) -> None:
        if not self._state.flying:
            self._last_delivery = time.monotonic()
        self._state.flying.add(batch)
        self._pace.sent(len(batch.frames))
        batch.sent_at = time.time()
        header = self._header(batch.sort)
        for partition, chosen in batch.frames:
            record = encode(header, batch.rows[chosen])
            done = self._on_delivery(batch, chosen)
            while not self._producer.produce(self.target.topic, partition, record, done):
                self._producer.poll(_POLL_SECONDS)
                self._watch()

    def _header(self, sort: Sort) -> Header:
        return Header(
            sort.kind,
            flags=FrameFlag.LOADED if sort.loaded else 0,
            build=self.target.build,
            run=self.target.run,
            source=sort.source,
            semantics=self.target.semantics,
        )

    def _on_delivery(self, batch: Batch, chosen: Chosen) -> OnDelivery:
        def deliver(failed: str, offset: int, stamp_ns: int) -> None:
            if failed:
                self._fail(_lost(failed))
                return
            self._last_delivery = time.monotonic()
            if batch.delivered(chosen, offset):
                self._finish(batch)
            self._check_clock(stamp_ns, batch.sent_at)

        return deliver

    def _finish(self, batch: Batch) -> None:
        with self._changed:
            if batch not in self._state.flying:
                return  # this appender has failed meanwhile, and said so to those who wait
            self._state.flying.remove(batch)
            self._state.bytes_owed -= batch.rows.nbytes
            self._changed.notify_all()
        batch.resolve()

    def _check_clock(self, stamp_ns: int, sent_at: float) -> None:
        """The broker took the record in between our sending it and now, by a right clock."""
        stamp = stamp_ns / 1e9
        off = max(sent_at - stamp, stamp - time.time())
        if off > CLOCK_SECONDS_MAX:
            self._fail(
                Refused(
                    f"the broker's clock and this machine's are {off:.1f} s apart; "
                    "known_at would be wrong",
                    remedy="set both clocks by NTP, then append again",
                )
            )

    def _watch(self) -> None:
        if self._state.failure is not None:
            raise self._state.failure
        stalled = time.monotonic() - self._last_delivery
        if self._state.flying and stalled > STALL_SECONDS_MAX:
            lost = _lost(self._producer.fatal or f"no acknowledgement for {stalled:.0f} s")
            self._fail(lost)
            raise lost

    def _fail(self, error: LedgerError) -> None:
        """Close for good: everything not acknowledged ends with `error`."""
        with self._changed:
            first = self._state.failure is None
            self._state.failure = self._state.failure or error
            waiting = [item.pending for batch in self._state.flying for item in batch.items]
            waiting += [item.pending for item in self._state.queue]
            self._state.queue.clear()
            self._state.flying.clear()
            self._state.closing = True
            self._state.bytes_owed = 0
            self._changed.notify_all()
        if first:
            self._producer.purge()
        for pending in waiting:
            if not pending.done():
                pending.future.set_exception(error)


def _lost(why: str) -> AppendStalled:
    return AppendStalled(
        f"Kafka does not acknowledge: {why}; this appender is closed",
        remedy="fledger status; then repeat the append or load: what is known is not added twice",
    )
