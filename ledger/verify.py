"""`fledger verify`: is the archive what the log was, whole and unchanged?

Per stream: offsets tile [0, next) without a hole; every record is rebuilt from its rows and its
leaf computed anew; every record that Kafka still holds equals the rebuilt bytes. `deep` also
computes the working tables again (they are caches, but screens and loads stand on them).
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from ledger.archive_streams import Mark, Stream, holds, streams
from ledger.errors import Refused
from ledger.kafka import topic_facts
from ledger.postgres import Database, Role
from ledger.settings import Settings
from ledger.verify_log import LogCheck
from ledger.verify_shapes import Report, Seen
from ledger.verify_stream import check_archive
from ledger.verify_working import WorkingCheck

Progress = Callable[[Seen], None]


def verify(
    settings: Settings,
    deep: bool = False,
    progress: Progress = lambda _: None,
    *,
    log: bool = True,
) -> Report:
    """Verify every stream; findings are in the report, nothing is changed.

    `log=False` looks at the archive alone. Raises EngineUnreachable when an engine does not answer,
    Refused where there is no archive.
    """
    began, report = time.monotonic(), Report()
    with Database(settings.dsn, settings.prefix, Role.READER) as db:
        known = streams(db)
        if not known:
            raise Refused("the archive knows no stream yet", remedy="fledger migrate")
        facts = topic_facts(settings.kafka, sorted({s.topic for s in known})) if log else {}
        for stream in known:
            # One moment per stream: an archiver may go on beside us.
            with db.transaction(frozen=True):
                mark = holds(db)[stream.stream].mark
                beside = (
                    LogCheck(settings.kafka, stream, mark, facts.get(stream.topic), report)
                    if log
                    else None
                )
                working = WorkingCheck(stream) if deep else None
                _verify_stream(db, Task(stream, mark, beside, working), report, progress)
            report.streams += 1
    report.seconds = time.monotonic() - began
    return report


class Task(NamedTuple):
    """What one stream is compared with, besides itself."""

    stream: Stream
    mark: Mark
    log: LogCheck | None
    working: WorkingCheck | None


def _verify_stream(db: Database, task: Task, report: Report, progress: Progress) -> None:
    place = f"{task.stream.letter}{task.stream.partition}"
    for checked in check_archive(db, task.stream, task.mark, report):
        if task.log is not None:
            task.log.compare(checked.chunk, checked.rebuilt)
        if task.working is not None:
            task.working.take(checked.chunk)
        offset = int(checked.chunk.frames["offset"][-1]) + 1
        progress(Seen(place, offset, task.mark.next_offset, report.events))
    if task.working is not None:
        task.working.compare(db, task.mark, report)
