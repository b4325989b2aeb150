"""File → durable in Kafka and PostgreSQL, beside the floor: COPY of the same rows.

The floor takes the rows as numpy arrays, makes binary buffers, COPYs them into the same table with
its key, in the archiver's batch size, over one connection, and commits each batch. Both run in
turn on fresh ledgers, so a machine that changes its speed changes both. Ours is everything: read,
parse, judge, identify, sort, append, acknowledge, archive (in a process of its own), until the
archive holds all of it.

    python benchmarks/load.py [--rounds 5] [--rows 600000]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ledger import engines
from ledger.archive_columns import layout
from ledger.archive_intake import BATCH_ROWS_MAX
from ledger.archive_streams import streams
from ledger.client import Ledger
from ledger.frames import rows_max
from ledger.migrate import migrate
from ledger.postgres import Database, Role
from ledger.rows import TRADE, Kind, Rows
from ledger.settings import Settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SPY = DATA / "equity_ticks/lean_spy_20131008_trade.zip"


class Case(NamedTuple):
    name: str
    path: Path
    reach: float


def generated(folder: Path, rows: int) -> Path:
    """Trades with venue ids in the columns of the Binance file: six instruments, in order."""
    path, random = folder / "trades.csv", np.random.default_rng(7)
    names = ["spot,BTCUSDT", "spot,ETHUSDT", "usdm,BTCUSDT", "usdm,ETHUSDT", "cm,BTCUSD_PERP"]
    names.append("cm,ETHUSD_PERP")
    which, times = random.integers(0, 6, rows), 1_723_161_255_342_000_000 + np.arange(rows) * 10**6
    price, size = random.integers(10**8, 10**9, rows), random.integers(1, 10**6, rows)
    seen = np.zeros(6, np.int64)
    header = "market,symbol,trade_id,price,size,aggressor,ts_event_ns,ts_send_ns,ts_recv_ns,"
    with path.open("w") as out:
        out.write(header + "order_type,source_file,source_line\n")
        for k, t, p, s in zip(which.tolist(), times.tolist(), price, size, strict=True):
            seen[k] += 1
            out.write(
                f"{names[k]},{seen[k]},{p // 10000}.{p % 100:02d},{s}.0,{'BS'[p % 2]},"
                f"{t},{t},{t},,x,1\n"
            )
    return path


def fresh(home: Path, found: engines.Addresses, number: int) -> Settings:
    """A ledger of its own on the engines."""
    settings = Settings(
        home,
        {"bootstrap.servers": found.kafka},
        found.dsn,
        prefix=f"bench{os.getpid()}_{number}",
        actor="bench",
        embedded=False,
    )
    migrate(settings, reason="bench")
    return settings


def archiver(settings: Settings) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "FLEDGER_KAFKA": settings.kafka["bootstrap.servers"],
        "FLEDGER_DSN": settings.dsn,
        "FLEDGER_PREFIX": settings.prefix,
    }
    command = [sys.executable, "-m", "ledger", "run", "archiver", "--home", str(settings.home)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def ours(settings: Settings, path: Path) -> tuple[float, dict[int, Rows]]:
    """Seconds from the call until all is archived; and the rows of each market partition."""
    process = archiver(settings)
    try:
        with Ledger(settings) as led:
            # The instruments are defined beforehand: one reading of the file, as in daily use.
            led.define(*led.load(path).definitions, reason="bench")
            led.appender.flush()
            led.wait_for_archive()
            began = time.perf_counter()
            result = led.load(path)
            led.wait_for_archive(60)
            seconds = time.perf_counter() - began
            assert result.counts.appended == result.counts.read
            return seconds, _rows(led)
    finally:
        process.terminate()
        process.wait()


def _rows(led: Ledger) -> dict[int, Rows]:
    from ledger.positions import partition_of

    found: dict[int, list[Rows]] = {}
    for number, instrument in led.instruments().items():
        partition = partition_of(instrument.symbol, led.control.catalog.partitions)
        rows, _ = led.archive.facts_between(Kind.TRADE, number, 0, 2**62)
        found.setdefault(partition, []).append(rows)
    return {partition: np.concatenate(parts) for partition, parts in found.items()}


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
                offset, index = np.divmod(at + np.arange(len(part)), rows_max(TRADE.itemsize))
                places = {"stream": leaves[partition].stream, "offset": offset, "index": index}
                with db.transaction():
                    db.copy_in(leaf, form.names, [form.pack(part, places)])
        return time.perf_counter() - began


def spread(values: list[float]) -> str:
    return f"min {min(values):.2f}  median {statistics.median(values):.2f}  max {max(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=600_000, help="of the generated file")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="fledger-bench-"))
    home.chmod(0o711)
    number = 0
    try:
        found = engines.start(home / "home", lambda text: print(text, file=sys.stderr))
        cases = [
            Case("ids from venue", generated(home, given.rows), 0.5),
            Case("ids from content (SPY)", SPY, 0.35),
        ]
        for case in cases:
            ratios, seconds, floors = [], [], []
            for _ in range(given.rounds + 1):  # the first warms both and is not counted
                number += 2
                took, rows = ours(fresh(home / "home", found, number), case.path)
                least = floor(fresh(home / "home", found, number + 1), rows)
                count = sum(map(len, rows.values()))
                seconds.append(took)
                floors.append(least)
                ratios.append(least / took)
            print(f"{case.name}: {count:,} rows, {given.rounds} rounds in turn")
            print(f"  ours  s     {spread(seconds[1:])}  ({count / min(seconds[1:]):,.0f} rows/s)")
            print(f"  floor s     {spread(floors[1:])}  ({count / min(floors[1:]):,.0f} rows/s)")
            print(f"  ratio       {spread(ratios[1:])}  (to reach {case.reach})")
    finally:
        engines.stop(home / "home", lambda _: None)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
