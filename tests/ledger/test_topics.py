"""Topics: made as they should be, checked when they are there, never altered."""

import pytest

from ledger.errors import AttachRefused, ForeignLedger, Refused
from ledger.kafka import create_topic, topic_facts
from ledger.migrate import migrate
from ledger.positions import LedgerId
from ledger.postgres import Database, Role
from ledger.settings import Settings
from ledger.topics import control_topic, features_topic, market_topic, plan
from tests.fixtures_ledger import NewSettings


def test_topics_are_made_with_what_the_ledger_needs(new_settings: NewSettings) -> None:
    """Partitions, broker time, no compaction, retention as set; control is kept for ever."""
    settings = new_settings(partitions=3, retention_hours=5)
    migrate(settings, reason="test")
    names = [control_topic(settings.prefix)]
    names += [market_topic(settings.prefix, 1), features_topic(settings.prefix, 1)]
    control, market, features = (topic_facts(settings.kafka, names)[name] for name in names)
    assert (control.partitions, market.partitions, features.partitions) == (1, 3, 3)
    for topic in (control, market, features):
        assert topic.config["message.timestamp.type"] == "LogAppendTime"
        assert topic.config["cleanup.policy"] == "delete"
    assert control.config["retention.ms"] == "-1"
    assert market.config["retention.ms"] == str(5 * 3_600_000)


def test_a_second_migration_changes_nothing(settings: Settings) -> None:
    """Same ledger, same topics, nothing made."""
    again = migrate(settings, reason="again")
    assert not any(again.topics.values())
    assert migrate(settings).ledger == again.ledger


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cleanup.policy": "compact"}, "compacted"),
        ({"message.timestamp.type": "CreateTime"}, "broker's"),
    ],
)
def test_a_topic_the_ledger_cannot_stand_on_is_refused(
    new_settings: NewSettings, change: dict[str, str], told: str
) -> None:
    """The message names the topic and the command that mends it; the topic stays as it is."""
    settings = new_settings()
    topic = plan(settings, 1)[1]
    config = {**topic.config, **change}
    create_topic(settings.kafka, topic.name, topic.partitions, 1, config)
    with pytest.raises(AttachRefused, match=told) as caught:
        migrate(settings)
    assert topic.name in str(caught.value)
    assert caught.value.remedy
    found = topic_facts(settings.kafka, [topic.name])[topic.name].config
    assert {key: found[key] for key in change} == change


def test_another_partition_count_is_refused(new_settings: NewSettings) -> None:
    """Adding partitions would move instruments (I6)."""
    settings = new_settings()
    topic = plan(settings, 1)[1]
    create_topic(settings.kafka, topic.name, topic.partitions + 1, 1, topic.config)
    with pytest.raises(AttachRefused, match="5 partitions"):
        migrate(settings)


def test_topics_and_archive_of_two_ledgers_are_refused_by_name(
    settings: Settings, new_settings: NewSettings
) -> None:
    """An archive that already belongs to another ledger is not joined to these topics."""
    other = new_settings(kafka=settings.kafka)
    migrate(other)
    with Database(settings.dsn, settings.prefix, Role.OWNER) as db:
        theirs = db.value("SELECT id FROM ledger")
    ours = migrate(settings).ledger
    assert LedgerId(theirs.bytes) == ours
    mixed = new_settings(prefix=settings.prefix)
    with Database(other.dsn, other.prefix, Role.OWNER) as db:
        foreign = db.value("SELECT id FROM ledger")
    with Database(mixed.dsn, mixed.prefix, None) as db:
        db.execute("SET session_replication_role = replica")
        db.execute("ALTER TABLE ledger DISABLE TRIGGER ALL")
        db.execute("UPDATE ledger SET id = %s", [foreign])
    with pytest.raises(ForeignLedger, match=ours.hex()):
        migrate(mixed)


def test_connecting_where_no_ledger_was_made_says_so(new_settings: NewSettings) -> None:
    """The remedy is the command that makes one."""
    from ledger.client import Ledger

    settings = new_settings()
    create_topic(settings.kafka, control_topic(settings.prefix), 1, 1, {})
    with pytest.raises(Refused, match="no ledger") as caught:
        Ledger(settings)
    assert "migrate" in caught.value.remedy
