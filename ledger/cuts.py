"""From a moment to a cut: of now, of a time, of a tag."""

import re
import time
from collections.abc import Callable
from typing import Final

from ledger.catalog import Catalog
from ledger.errors import NotYetKnown, UsageError
from ledger.positions import Cut
from ledger.times import format_time, parse_time

WAIT_SECONDS_MAX: Final = 10.0
TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}")
_ASK_SECONDS: Final = 0.1

FirstSince = Callable[[int, int], int | None]
"""(market partition, T in ns) → the first archived offset with known_at ≥ T, or None."""


def cut_of(
    text: str, catalog: Catalog, first_since: FirstSince, ask_for_beat: Callable[[], None]
) -> Cut:
    """The cut that `text` names: a cut itself, a tag, or a time with its zone.

    Raises UsageError (or NaiveTime) for what is none of them, ForeignLedger for another ledger's,
    NotYetKnown for a time some partition has not passed.
    """
    if text in catalog.tags:
        return Cut.parse(catalog.tags[text], ledger=catalog.ledger)
    if text.startswith(("e", "L")) and ("@" in text or "~" in text):
        return Cut.parse(text, ledger=catalog.ledger)
    if not text[:1].isdecimal():
        known = ", ".join(sorted(catalog.tags)) or "none"
        raise UsageError(
            f"{text!r} is no cut, no tag and no time; tags: {known}",
            remedy="fledger tag NAME makes one; a time is written like 2026-03-01T12:00Z",
        )
    return cut_at(parse_time(text), catalog, first_since, ask_for_beat)


def check_tag_name(name: str) -> None:
    """A name that can be taken for nothing else. Raises UsageError."""
    if not TAG.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a tag: a letter first, then letters, digits, _ . -, 64 at most",
            remedy="choose another name",
        )


def check_cut(cut: Cut, catalog: Catalog, ends: dict[int, int]) -> Cut:
    """A cut that this ledger can have. Raises UsageError for another shape, NotYetKnown for one the
    log has not reached."""
    if cut.epoch > catalog.epoch:
        raise NotYetKnown(f"there is no epoch {cut.epoch} yet", remedy="fledger cut shows now")
    if cut.epoch == catalog.epoch and len(cut.offsets) != catalog.partitions:
        raise UsageError(
            f"{cut} names {len(cut.offsets)} partitions, this ledger has {catalog.partitions}",
            remedy="copy it whole",
        )
    late = [p for p, offset in enumerate(cut.offsets) if offset > ends.get(p, offset)]
    if cut.epoch == catalog.epoch and late:
        raise NotYetKnown(
            f"{cut} is beyond the log in partitions {late}", remedy="fledger cut shows now"
        )
    return cut


def cut_at(
    moment_ns: int, catalog: Catalog, first_since: FirstSince, ask_for_beat: Callable[[], None]
) -> Cut:
    """What was known strictly before a moment: in each partition the frames before the first with
    known_at ≥ it. Asked again, it is the same cut for ever.

    Waits, and asks for a heartbeat, while a partition has no such frame.
    """
    if moment_ns > time.time_ns():
        raise NotYetKnown(
            f"{format_time(moment_ns)} is in the future", remedy="ask for a time that has passed"
        )
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        found = [first_since(p, moment_ns) for p in range(catalog.partitions)]
        offsets = tuple(offset for offset in found if offset is not None)
        if len(offsets) == catalog.partitions:
            return Cut(catalog.epoch, offsets)
        if time.monotonic() > deadline:
            late = [p for p, offset in enumerate(found) if offset is None]
            raise NotYetKnown(
                f"market partitions {late} hold nothing known at {format_time(moment_ns)} or "
                f"later after {WAIT_SECONDS_MAX:.0f} s: more may still come before it",
                remedy="see that archiver and relay run: fledger status; fledger up",
            )
        ask_for_beat()
        time.sleep(_ASK_SECONDS)
