"""Ledgers for the archive's tests: small, on the run's engines, filled by a plain producer."""

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka
import numpy as np

from ledger import control
from ledger.archiver import Archiver
from ledger.engines import Addresses
from ledger.frames import FrameFlag, Header, encode, encode_control
from ledger.instruments import Instrument
from ledger.migrate import migrate
from ledger.postgres import Database, Role
from ledger.rows import Kind, Rows, empty, feature_dtype
from ledger.settings import Settings
from ledger.topics import control_topic, features_topic, market_topic
from tests.samples import ROW_KINDS, WHO, sample_header, sample_rows

_NUMBERS = itertools.count()
T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def new_ledger(engines: Addresses, home: Path, *, partitions: int = 2) -> Settings:
    """A migrated ledger of its own."""
    settings = Settings(
        home=home,
        kafka={"bootstrap.servers": engines.kafka},
        dsn=engines.dsn,
        prefix=f"a{os.getpid()}_{next(_NUMBERS)}_{time.time_ns() % 1_000_000}",
        partitions=partitions,
        actor="test",
        embedded=False,
    )
    migrate(settings, reason="test")
    return settings


def topic_of(settings: Settings, letter: str) -> str:
    """The topic of a stream's letter in epoch 1."""
    if letter == "c":
        return control_topic(settings.prefix)
    make = market_topic if letter == "m" else features_topic
    return make(settings.prefix, 1)


def send(settings: Settings, letter: str, partition: int, values: Sequence[bytes]) -> list[int]:
    """Append records as they are, by a plain producer; returns their offsets."""
    producer = confluent_kafka.Producer({**settings.kafka, "linger.ms": 0, "log_level": 0})
    offsets: list[int] = []

    def done(error: object, message: confluent_kafka.Message) -> None:
        assert error is None, error
        offsets.append(message.offset() or 0)

    for value in values:
        producer.produce(topic_of(settings, letter), value, partition=partition, on_delivery=done)
    assert producer.flush(30) == 0
    return offsets


def catch_up(settings: Settings) -> None:
    """Archive what the logs hold now."""
    Archiver(settings).catch_up(60)


@contextmanager
def as_role(settings: Settings, role: Role | None) -> Iterator[Database]:
    """A connection as a role; None is the superuser."""
    with Database(settings.dsn, settings.prefix, role) as db:
        yield db


def ticks(count: int, *, instrument: int = 3, first: int = 1, step_ns: int = 1000) -> Rows:
    """Trades numbered from `first`, each at T0 + number · step."""
    rows = empty(Kind.TRADE, count)
    numbers = np.arange(first, first + count)
    rows["instrument"], rows["size"], rows["aggressor"] = instrument, 5, 1
    rows["event_time"] = T0 + numbers * step_ns
    rows["price"] = 100_000 + numbers
    rows["venue_seq"] = numbers
    ids = np.zeros(count, [("space", ">i8"), ("number", ">i8")])
    ids["number"] = numbers
    rows["id"] = ids.view("V16")
    return rows


def trades(rows: Rows, *, source: int = 1) -> bytes:
    """One record of trades."""
    return encode(Header(Kind.TRADE, source=source), rows)


def features(
    cause: int, ordinals: range, *, view: int = 5, value: float = 1.0, run: bytes = b"run-0001"
) -> bytes:
    """One record of feature rows with these keys."""
    rows = np.zeros(len(ordinals), feature_dtype(2))
    rows["start"] = T0 + np.arange(ordinals.start, ordinals.stop) * SECOND
    rows["end"] = rows["start"] + SECOND
    rows["instrument"], rows["values"] = 3, value
    header = Header(
        Kind.FEATURE, cause=cause, view=view, first_ordinal=ordinals.start, total=99, run=run
    )
    return encode(header, rows)


def newer_record() -> bytes:
    """A whole record of a kind that this build does not know."""
    return encode(Header(77), sample_rows(Kind.TRADE))


def copy_of(sequence: int, event: control.Control) -> bytes:
    """An in-band copy of a control event."""
    header = Header(Kind.CONTROL, flags=FrameFlag.COPY, cause=sequence)
    return encode_control(header, control.dump(event))


def event_record(event: control.Control) -> bytes:
    """A control event for the control topic."""
    return encode_control(Header(Kind.CONTROL), control.dump(event))


def defined(symbol: str, **more: Any) -> control.InstrumentDefined:
    """The definition of an instrument with two decimals of price and three of size."""
    exponents = {"price_exponent": -2, "size_exponent": -3}
    return control.InstrumentDefined(
        **WHO, instrument=Instrument(symbol=symbol, **exponents, **more)
    )


def one_of_each() -> dict[str, list[bytes]]:
    """Records of every kind, decodable or not, by the letter of the topic they belong in."""
    market = [encode(sample_header(k), sample_rows(k)) for k in ROW_KINDS if k < Kind.FEATURE]
    # Progress is the last key of its cause: it comes behind the features.
    ours = [encode(sample_header(k), sample_rows(k)) for k in (Kind.FEATURE, Kind.PROGRESS)]
    strange = [b"abc", newer_record()]
    tag = control.Tagged(**WHO, name="q1", cut="e1@0:1,1:1")
    return {
        "m": [*market, copy_of(1, tag), *strange],
        "f": [*ours, copy_of(1, tag), *strange],
        "c": [event_record(tag), *strange],
    }


def fill_with_one_of_each(settings: Settings) -> None:
    """One record of every kind in every partition of every topic."""
    for letter, values in one_of_each().items():
        for partition in range(1 if letter == "c" else settings.partitions):
            send(settings, letter, partition, values)
