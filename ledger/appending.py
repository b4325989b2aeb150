"""From a connected ledger to an appender, and from a batch to rows it takes."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

from ledger.appender import Appender, Target
from ledger.archive import Archive
from ledger.catalog import Catalog
from ledger.control_log import ControlLog
from ledger.draft_rows import to_rows
from ledger.drafts import Draft
from ledger.errors import ArchiveBehind, Refused, UnknownInstrument
from ledger.rows import Rows
from ledger.topics import market_topic
from ledger.version import BUILD

REFUSED_SHOWN_MAX: Final = 3
ARCHIVER_GRACE_SECONDS: Final = 3.0  # it may have been started a moment ago
_POLL_SECONDS: Final = 0.02


def open_appender(
    control: ControlLog, archive: Archive, partition_of: Mapping[int, int]
) -> Appender:
    """An appender that goes on where the archive stands.

    Raises ArchiveBehind when nobody archives and the archive is behind: Kafka would forget what
    nobody has copied.
    """
    deadline = time.monotonic() + ARCHIVER_GRACE_SECONDS
    while not archive.archiver_runs() and lag(control, archive):
        if time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            continue
        raise ArchiveBehind(
            "no archiver runs, and the archive is behind the log: appending would let Kafka's "
            "retention overtake it",
            remedy="fledger up, or fledger run archiver",
        )
    settings, catalog = control.settings, control.catalog
    target = Target(
        market_topic(settings.prefix, catalog.epoch),
        settings.kafka,
        partition_of,
        build=BUILD,
        run=os.urandom(8),
        semantics=catalog.semantics,
    )
    return Appender(target, archive.gap_watch())


def rows_or_refuse(draft: Draft, catalog: Catalog) -> Rows:
    """The rows of a batch, identities filled in; raises before anything is appended when one of
    them cannot be a fact, naming the first."""
    rows, refused = to_rows(draft, catalog)
    if refused:
        shown = "; ".join(f"row {r.line}: {r.reason}: {r.raw}" for r in refused[:REFUSED_SHOWN_MAX])
        unknown = refused[0].reason.startswith("no instrument")
        raise (UnknownInstrument if unknown else Refused)(
            f"{len(refused)} of {len(draft)} rows cannot be facts, nothing was appended: {shown}",
            remedy="mend or leave out these rows; instruments are defined by led.define(…)",
        )
    return rows


def lag(control: ControlLog, archive: Archive) -> dict[int, int]:
    """Per market partition that is behind: how many records the archive has still to copy."""
    behind = {p: end - archive.archived(p).next_offset for p, end in control.ends().items()}
    return {p: records for p, records in behind.items() if records > 0}


def wait_for_archive(
    control: ControlLog, archive: Archive, seconds_max: float, progress: Callable[[int], None]
) -> None:
    """Wait until the archive holds all that is in the log now; `progress` gets what is left.

    Raises ArchiveBehind when it does not move for `seconds_max`.
    """
    ends, owed, moved = control.ends(), -1, time.monotonic()
    while True:
        left = sum(max(0, end - archive.archived(p).next_offset) for p, end in ends.items())
        if not left:
            return
        if left != owed:
            owed, moved = left, time.monotonic()
            progress(left)
        if time.monotonic() - moved > seconds_max:
            raise ArchiveBehind(
                f"the archive is {left} records behind and does not move",
                remedy="fledger status; fledger up, or fledger run archiver",
            )
        time.sleep(_POLL_SECONDS)
