"""Kafka, and nothing else: the one file that imports confluent_kafka.

Producers here write the ledger: idempotent, `acks=all`, gapless, no message timeout. A delivery
that cannot be made is noticed by the caller's stall limit, never by librdkafka dropping a record
between two others.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from ledger.errors import AttachRefused, EngineUnreachable, SettingsError

REQUEST_SECONDS_MAX: Final = 10.0
CONNECT_SECONDS_MAX: Final = 1.0
QUEUE_KBYTES_MAX: Final = 64 * 1024  # undelivered bytes a producer holds before it pushes back
FETCH_BYTES: Final = 8 * 1024 * 1024
_SECRET: Final = re.compile(r"password|secret|pem$|token|assertion|^sasl\.oauthbearer\.config$")

Options = Mapping[str, str]
OnDelivery = Callable[[str, int, int], None]
"""(what failed or "", offset, the broker's append time in ns)"""


class Record(NamedTuple):
    """One record as the broker holds it; `stamp_ns` is the broker's append time."""

    topic: str
    partition: int
    offset: int
    stamp_ns: int
    value: bytes


class TopicFacts(NamedTuple):
    """What the broker says of a topic. `topic_id` changes when a topic is made again."""

    name: str
    topic_id: str
    partitions: int
    config: dict[str, str]


class OffsetGone(AttachRefused):
    """The offset asked for is no longer, or not yet, in the partition."""


def _unreachable(options: Options, error: object) -> EngineUnreachable:
    return EngineUnreachable(
        f"Kafka at {options.get('bootstrap.servers')} does not answer: {error}",
        remedy="fledger up (own brokers: see that they run and that FLEDGER_KAFKA names them)",
    )


def _quiet(options: Options) -> dict[str, Any]:
    """librdkafka writes connection errors to stderr by default; we raise ours instead."""
    return {"log_level": 0, "socket.keepalive.enable": True, **options}


def _made[Client](
    make: Callable[[dict[str, Any]], Client], options: Options, ours: Mapping[str, Any]
) -> Client:
    """A client of librdkafka. Raises SettingsError for an option that it refuses."""
    try:
        return make({**_quiet(options), **ours})
    except (KafkaException, TypeError, AttributeError) as error:  # not text: a callback's name
        cause = error.args[0]
        if isinstance(cause, KafkaError) and cause.code() == KafkaError._CRIT_SYS_RESOURCE:
            raise _unreachable(options, cause.str()) from error
        text = cause.str() if isinstance(cause, KafkaError) else str(cause)
    # Outside the handler: the original error may quote a value, and a value may be a secret.
    text = re.sub(r'Invalid value ".*" for', "Invalid value for", text, flags=re.DOTALL)
    for value in (value for key, value in options.items() if value and _SECRET.search(key)):
        text = text.replace(value, "…")
    raise SettingsError(
        f"the [kafka] settings are refused: {text}",
        remedy="mend [kafka] in fledger.toml, or the arguments",
    )


class LogProducer:
    """Appends records to explicit partitions; delivery is reported in the order of production."""

    def __init__(self, kafka: Options) -> None:
        self.options = kafka
        self.fatal = ""
        self._producer = _made(
            Producer,
            kafka,
            {
                "acks": "all",
                "enable.idempotence": True,
                "enable.gapless.guarantee": True,
                "message.timeout.ms": 0,
                "linger.ms": 0,
                "compression.type": "none",
                "queue.buffering.max.kbytes": QUEUE_KBYTES_MAX,
                "queue.buffering.max.messages": 200_000,
                "message.max.bytes": 1_000_000,
                "batch.size": 900_000,
                "error_cb": self._on_error,
            },
        )
        # Idempotence asks the broker for an id, and asks again only half a second later when no
        # broker was connected yet. A broker that is away is the stall limit's to tell.
        with suppress(KafkaException):
            self._producer.list_topics(timeout=CONNECT_SECONDS_MAX)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self.fatal = str(error)

    def produce(self, topic: str, partition: int, value: bytes, done: OnDelivery) -> bool:
        """Hand one record over; False when the queue is full (serve with `poll`, then repeat)."""

        def deliver(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                done(str(error), -1, 0)
            else:
                done("", _known(message.offset()), message.timestamp()[1] * 1_000_000)

        try:
            self._producer.produce(topic, value=value, partition=partition, on_delivery=deliver)
        except BufferError:
            return False
        except KafkaException as error:
            raise _unreachable(self.options, error) from error
        return True

    def poll(self, seconds: float) -> int:
        """Serve delivery reports; how many were served."""
        return self._producer.poll(seconds)

    def __len__(self) -> int:
        return len(self._producer)

    def purge(self) -> None:
        """Forget what is not delivered; after a stall nothing more may leave this process."""
        self._producer.purge(in_flight=True)
        self._producer.poll(0)


class LogReader:
    """Reads partitions from explicit offsets; no group, no commit, no automatic reset."""

    def __init__(self, kafka: Options) -> None:
        self.options = kafka
        self._ends: dict[tuple[str, int], int] = {}
        self._consumer = _made(
            Consumer,
            kafka,
            {
                "group.id": "fledger-reader",  # required by the client, never joined
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 100,
                "fetch.max.bytes": FETCH_BYTES,
                "max.partition.fetch.bytes": FETCH_BYTES,
                "queued.max.messages.kbytes": QUEUE_KBYTES_MAX,
                "fetch.error.backoff.ms": 100,
                "check.crcs": True,
                "isolation.level": "read_uncommitted",  # offsets tile: nothing is hidden from us
                "enable.partition.eof": True,  # the only news of a marker at the end of the log
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close()

    def assign(self, starts: Mapping[tuple[str, int], int]) -> None:
        """Read exactly these partitions from exactly these offsets."""
        self._ends = {}
        self._consumer.assign([TopicPartition(t, p, o) for (t, p), o in starts.items()])

    def pause(self, topic: str, partition: int) -> None:
        self._consumer.pause([TopicPartition(topic, partition)])

    def resume(self, topic: str, partition: int) -> None:
        self._consumer.resume([TopicPartition(topic, partition)])

    def read(self, records_max: int, timeout_seconds: float) -> list[Record]:
        """Wait for the first record, then take what is there: `consume(n, t)` alone would wait
        for n. Raises OffsetGone, or EngineUnreachable for an error that does not pass."""
        first = self._consumer.poll(timeout_seconds)
        if first is None:
            return []
        rest = self._consumer.consume(records_max - 1, 0) if records_max > 1 else []
        return [record for message in (first, *rest) if (record := self._record(message))]

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is None:
            return Record(
                str(message.topic()),
                _known(message.partition()),
                _known(message.offset()),
                message.timestamp()[1] * 1_000_000,
                message.value() or b"",
            )
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise OffsetGone(
                f"{message.topic()} partition {message.partition()}: {error.str()}",
                remedy="fledger status shows what the topic still holds",
            )
        if error.code() == KafkaError._PARTITION_EOF:
            place = (str(message.topic()), _known(message.partition()))
            self._ends[place] = _known(message.offset())
            return None
        if error.retriable() or error.code() in _PASSING:
            return None
        raise _unreachable(self.options, error)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """(first offset still held, offset after the last), asked of the broker now."""
        try:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=REQUEST_SECONDS_MAX, cached=False
            )
        except KafkaException as error:
            raise _unreachable(self.options, error) from error
        return low, high

    def position(self, topic: str, partition: int) -> int | None:
        """The offset after the last record handed out (a broker's marker counts), if any was."""
        offset = self._consumer.position([TopicPartition(topic, partition)])[0].offset
        end = self._ends.get((topic, partition), OFFSET_INVALID)
        return None if max(offset, end) == OFFSET_INVALID else int(max(offset, end))


_PASSING: Final = (
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._RESOLVE,
)


def _known(value: int | None) -> int:
    assert value is not None
    return value


def read_range(
    kafka: Options, topic: str, partition: int, first: int, end: int
) -> Iterable[Record]:
    """The records of [first, end) of one partition, in order.

    Raises OffsetGone when the partition does not hold them, EngineUnreachable when nothing came
    for the request limit.
    """
    if first >= end:
        return
    with LogReader(kafka) as reader:
        reader.assign({(topic, partition): first})
        last_news = time.monotonic()
        while True:
            for record in reader.read(1000, 0.5):
                last_news = time.monotonic()
                if record.offset < end:
                    yield record
            if (reader.position(topic, partition) or first) >= end:
                return
            if time.monotonic() - last_news > REQUEST_SECONDS_MAX:
                raise _unreachable(kafka, f"{topic} partition {partition} sends nothing")


def read_one(kafka: Options, topic: str, partition: int, offset: int) -> Record | None:
    """One record, or None when that offset holds none (a broker's own marker)."""
    for record in read_range(kafka, topic, partition, offset, offset + 1):
        return record
    return None


def topic_facts(kafka: Options, names: Sequence[str]) -> dict[str, TopicFacts]:
    """The topics of `names` that exist."""
    admin = _made(AdminClient, kafka, {})
    try:
        asked = admin.describe_topics(
            TopicCollection(list(names)), request_timeout=REQUEST_SECONDS_MAX
        )
        found = {}
        for name, future in asked.items():
            try:
                found[name] = future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
        configs = _configs(admin, list(found))
    except KafkaException as error:
        raise _unreachable(kafka, error.args[0].str()) from error
    return {
        name: TopicFacts(name, str(topic.topic_id), len(topic.partitions), configs[name])
        for name, topic in found.items()
    }


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    asked = admin.describe_configs(resources, request_timeout=REQUEST_SECONDS_MAX)
    return {
        resource.name: {entry.name: str(entry.value) for entry in future.result().values()}
        for resource, future in asked.items()
    }


def create_topic(
    kafka: Options, name: str, partitions: int, replication: int, config: Mapping[str, str]
) -> bool:
    """Make a topic; False when it is there already. Returns when the broker serves it."""
    admin = _made(AdminClient, kafka, {})
    topic = NewTopic(name, partitions, replication, config=dict(config))
    future = admin.create_topics([topic], operation_timeout=REQUEST_SECONDS_MAX)[name]
    try:
        future.result(REQUEST_SECONDS_MAX * 2)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise _unreachable(kafka, error.args[0].str()) from error
    _wait_until_served(kafka, name)
    return True


def _wait_until_served(kafka: Options, name: str) -> None:
    deadline = time.monotonic() + REQUEST_SECONDS_MAX
    while name not in topic_facts(kafka, [name]):
        if time.monotonic() > deadline:
            raise _unreachable(kafka, f"topic {name} was created but is not served")
        time.sleep(0.05)
