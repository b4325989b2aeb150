"""Making a ledger: schema, topics, its id, and the first event of each partition.

Idempotent, and safe to repeat after a crash anywhere: what is there is checked and left alone.
"""

import os
from typing import NamedTuple

from ledger.archive import Archive
from ledger.control import EpochStarted
from ledger.control_log import ControlLog, send_copies
from ledger.errors import AttachRefused, ForeignLedger
from ledger.kafka import topic_facts
from ledger.migrate_schema import TopicMade, add_streams, ddl, establish_ledger, upgrade
from ledger.positions import LedgerId
from ledger.postgres import Database, Role
from ledger.settings import Settings
from ledger.topics import control_topic, make, plan
from ledger.version import TOOL

LEDGER_ID_BYTES = 16


class Migrated(NamedTuple):
    """What a migration found or made."""

    ledger: LedgerId
    epoch: int
    topics: dict[str, bool]
    """Topic name → whether it was made now."""


def migrate(settings: Settings, *, reason: str = "") -> Migrated:
    """Make what is missing. Raises AttachRefused or ForeignLedger for topics and an archive that
    do not belong together, Refused with the SQL for an administrator where rights are missing."""
    upgrade(settings)
    epoch = _epoch(settings)
    made = {topic.name: fresh for topic, fresh in make(settings, epoch)}
    log = ControlLog(settings)
    try:
        log.refresh()
        ledger = _settle_id(settings, log)
        _enter_streams(settings, epoch)
        if log.catalog.ledger is None:
            log.append(_first_event(settings, ledger, epoch, reason))
        with Archive(settings) as archive:
            send_copies(log, archive.archived)
    finally:
        log.close()
    return Migrated(ledger, epoch, made)


def dry_run(settings: Settings) -> str:
    """Everything a migration would do to empty engines: DDL and topic settings, as text."""
    lines = [ddl(settings), "-- topics"]
    for topic in plan(settings, 1):
        lines.append(
            f"-- {topic.name}: partitions {topic.partitions}, replication {settings.replication}"
        )
        lines += [f"--   {key}={value}" for key, value in sorted(topic.config.items())]
    return "\n".join(lines)


def _epoch(settings: Settings) -> int:
    """The epoch in force, 1 before there is any."""
    name = control_topic(settings.prefix)
    if name not in topic_facts(settings.kafka, [name]):
        return 1
    log = ControlLog(settings)
    try:
        log.refresh()
        return log.catalog.epoch or 1
    finally:
        log.close()


def _settle_id(settings: Settings, log: ControlLog) -> LedgerId:
    """One id for topics and archive: the topics' where they have one, else the archive's, else a
    new one. An archive that was already filled from a control topic is not joined to an empty one.
    """
    in_topics = log.catalog.ledger
    wanted = in_topics or LedgerId(os.urandom(LEDGER_ID_BYTES))
    ledger = establish_ledger(settings, wanted)
    if in_topics is not None and ledger != in_topics:
        raise ForeignLedger(
            f"the archive is of ledger {ledger.hex()}, the topics are of {in_topics.hex()}",
            remedy="two ledgers on one broker or database need two prefixes (FLEDGER_PREFIX)",
        )
    if in_topics is None and _control_was_archived(settings):
        raise AttachRefused(
            "the archive holds control events and the control topic is empty: it was made again",
            remedy="restore the topic, or point FLEDGER_KAFKA at the broker this archive was "
            "filled from",
        )
    return ledger


def _control_was_archived(settings: Settings) -> bool:
    with Database(settings.dsn, settings.prefix, Role.READER) as db:
        found = db.value(
            "SELECT max(next_offset) FROM sink JOIN stream USING (stream) WHERE letter = 'c'"
        )
    return bool(found)


def _enter_streams(settings: Settings, epoch: int) -> None:
    plans = plan(settings, epoch)
    facts = topic_facts(settings.kafka, [topic.name for topic in plans])
    add_streams(
        settings,
        [
            TopicMade(t.letter, epoch, t.name, facts[t.name].topic_id, facts[t.name].partitions)
            for t in plans
        ],
    )


def _first_event(settings: Settings, ledger: LedgerId, epoch: int, reason: str) -> EpochStarted:
    return EpochStarted(
        actor=settings.actor,
        reason=reason or "first migration",
        tool=TOOL,
        ledger=ledger.hex(),
        epoch=epoch,
        partitions=settings.partitions,
    )
