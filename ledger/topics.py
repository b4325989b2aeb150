"""The topics of a ledger: their names, what they must be like, and making them.

Existing topics are checked, never altered.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from ledger.errors import AttachRefused
from ledger.kafka import TopicFacts, create_topic, topic_facts
from ledger.settings import Settings

HOUR_MS: Final = 3_600_000


class TopicPlan(NamedTuple):
    """A topic as it should be."""

    letter: str
    name: str
    partitions: int
    config: dict[str, str]


def control_topic(prefix: str) -> str:
    return f"{prefix}.control"


def market_topic(prefix: str, epoch: int) -> str:
    return f"{prefix}.market.e{epoch}"


def features_topic(prefix: str, epoch: int) -> str:
    return f"{prefix}.features.e{epoch}"


def plan(settings: Settings, epoch: int) -> list[TopicPlan]:
    """The three topics of an epoch. The control topic is small and kept for ever: it is read whole
    by everyone who needs the definitions."""
    common = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(settings.min_insync),
        "compression.type": "producer",
    }
    kept = {**common, "retention.ms": str(settings.retention_hours * HOUR_MS)}
    prefix = settings.prefix
    return [
        TopicPlan("c", control_topic(prefix), 1, {**common, "retention.ms": "-1"}),
        TopicPlan("m", market_topic(prefix, epoch), settings.partitions, kept),
        TopicPlan("f", features_topic(prefix, epoch), settings.partitions, kept),
    ]


def make(settings: Settings, epoch: int) -> Iterator[tuple[TopicPlan, bool]]:
    """Create what is missing, check what is there; yields each topic and whether it was made."""
    plans = plan(settings, epoch)
    existing = topic_facts(settings.kafka, [topic.name for topic in plans])
    for topic in plans:
        if topic.name in existing:
            check(topic, existing[topic.name])
            yield topic, False
        else:
            made = create_topic(
                settings.kafka, topic.name, topic.partitions, settings.replication, topic.config
            )
            yield topic, made


def check(wanted: TopicPlan, found: TopicFacts) -> None:
    """Refuse a topic the ledger cannot stand on; what is merely tuned otherwise is accepted."""
    if found.partitions != wanted.partitions:
        raise AttachRefused(
            f"topic {found.name} has {found.partitions} partitions, this ledger {wanted.partitions}"
            " (I6): adding partitions moves instruments",
            remedy=f"set partitions = {found.partitions}, or start a new epoch",
        )
    if "compact" in found.config.get("cleanup.policy", ""):
        raise AttachRefused(
            f"topic {found.name} is compacted: Kafka would remove events",
            remedy=f"kafka-configs --alter --topic {found.name} --add-config cleanup.policy=delete",
        )
    if found.config.get("message.timestamp.type") != "LogAppendTime":
        raise AttachRefused(
            f"topic {found.name} takes its times from clients; known_at needs the broker's",
            remedy=f"kafka-configs --alter --topic {found.name} "
            "--add-config message.timestamp.type=LogAppendTime",
        )
