"""Frames already in Kafka → archived, beside COPY of the same rows; then `verify --deep`.

The floor takes the rows as numpy arrays, makes binary buffers, COPYs them into the same table with
its key, in the archiver's batch size, over one connection, and commits each batch. Ours decodes,
checks and hashes every record, keeps manifest, feeds and sequences, and moves the mark. Both run in
turn on fresh ledgers, so a machine that changes its speed changes both.

    python benchmarks/archive.py [--rounds 5] [--rows 2000000]
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ledger import engines
from ledger.archive_columns import layout
from ledger.archive_intake import BATCH_ROWS_MAX
from ledger.archive_streams import streams
from ledger.archiver import Archiver
from ledger.frames import Header, encode, rows_max
from ledger.kafka import LogProducer
from ledger.migrate import migrate
from ledger.postgres import Database, Role
from ledger.rows import TRADE, Kind, Rows, empty
from ledger.settings import Settings
from ledger.topics import market_topic
from ledger.verify import verify

PARTITIONS, INSTRUMENTS = 4, 6
FRAME_ROWS = rows_max(TRADE.itemsize)


def ticks(partition: int, count: int) -> Rows:
    """Trades of six instruments in turn, each numbered without holes."""
    random, numbers = np.random.default_rng(partition), np.arange(count)
    rows = empty(Kind.TRADE, count)
    rows["instrument"] = numbers % INSTRUMENTS * PARTITIONS + partition
    rows["event_time"] = 1_723_161_255_342_000_000 + numbers * 1_000_000
    rows["received_at"] = rows["event_time"] + 5
    rows["price"], rows["size"] = random.integers(1, 10**9, count), random.integers(1, 10**6, count)
    rows["venue_seq"], rows["aggressor"] = numbers // INSTRUMENTS, 1 + numbers % 2
    rows["id"] = np.frombuffer(random.bytes(16 * count), "V16")
    return rows


def fresh(home: Path, found: engines.Addresses, number: int) -> Settings:
    """A ledger of its own on the engines."""
    kafka = {"bootstrap.servers": found.kafka}
    settings = Settings(
        home, kafka, found.dsn, f"bench{number}", PARTITIONS, actor="bench", embedded=False
    )
    migrate(settings, reason="bench")
    return settings


def produce(settings: Settings, rows: dict[int, Rows]) -> None:
    producer, topic = LogProducer(settings.kafka), market_topic(settings.prefix, 1)
    for partition, mine in rows.items():
        for at in range(0, len(mine), FRAME_ROWS):
            record = encode(Header(Kind.TRADE, source=1), mine[at : at + FRAME_ROWS])
            while not producer.produce(topic, partition, record, lambda *_: None):
                producer.poll(0.01)
    while len(producer):
        producer.poll(0.1)


def floor(settings: Settings, rows: dict[int, Rows]) -> float:
    """Seconds of: binary buffer, COPY into the same leaf, commit, batch by batch."""
    form = layout(Kind.TRADE)
    with Database(settings.dsn, settings.prefix, Role.WRITER) as db:
        leaves = {s.partition: s for s in streams(db) if s.letter == "m"}
        began = time.perf_counter()
        for partition, mine in rows.items():
            leaf = leaves[partition].leaf(form.table)
            for at in range(0, len(mine), BATCH_ROWS_MAX):
                part = mine[at : at + BATCH_ROWS_MAX]
                offset, index = np.divmod(at + np.arange(len(part)), FRAME_ROWS)
                places = {"stream": leaves[partition].stream, "offset": offset, "index": index}
                with db.transaction():
                    db.copy_in(leaf, form.names, [form.pack(part, places)])
        return time.perf_counter() - began


def archive(settings: Settings) -> float:
    """Seconds from starting an archiver until it has everything: attaching included."""
    began = time.perf_counter()
    Archiver(settings).catch_up(600)
    return time.perf_counter() - began


def spread(values: list[float]) -> str:
    return f"min {min(values):.2f}  median {statistics.median(values):.2f}  max {max(values):.2f}"


def measure(home: Path, found: engines.Addresses, rounds: int, rows: dict[int, Rows]) -> None:
    count, ours, floors, verified = sum(map(len, rows.values())), [], [], []
    for number in range(rounds + 1):  # the first warms both and is not counted
        first, second = (fresh(home, found, 2 * number + n) for n in (0, 1))
        produce(second, rows)
        floors.append(floor(first, rows))
        ours.append(archive(second))
        report = verify(second, deep=True)
        assert report.clean, report.findings[:5]
        assert report.events >= count
        verified.append(report.seconds)
        with Database(found.dsn, first.prefix, None) as db:
            for settings in (first, second):
                db.execute("DROP SCHEMA {schema} CASCADE", schema=settings.prefix)
    ratios = [least / took for least, took in zip(floors[1:], ours[1:], strict=True)]
    print(f"archiver alone: {count:,} rows, {rounds} rounds in turn")
    print(f"  ours  s     {spread(ours[1:])}  ({count / min(ours[1:]):,.0f} rows/s)")
    print(f"  floor s     {spread(floors[1:])}  ({count / min(floors[1:]):,.0f} rows/s)")
    print(f"  ratio       {spread(ratios)}  (to reach 0.8)")
    print(f"verify --deep: {spread(verified[1:])} s  ({count / min(verified[1:]):,.0f} events/s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2_000_000)
    given = parser.parse_args()
    rows = {p: ticks(p, given.rows // PARTITIONS) for p in range(PARTITIONS)}
    home = Path(tempfile.mkdtemp(prefix="fledger-bench-"))
    home.chmod(0o711)
    try:
        found = engines.start(home / "home", lambda text: print(text, file=sys.stderr))
        measure(home / "home", found, given.rounds, rows)
    finally:
        engines.stop(home / "home", lambda _: None)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
