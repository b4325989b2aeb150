"""The archiver on real engines: everything once, whoever dies, whoever else tries."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka
import pytest

from ledger import control
from ledger.archive import Archive
from ledger.archive_drain import Archived, Drain
from ledger.archive_streams import Stream, holds, streams
from ledger.archiver import Archiver
from ledger.engines import Addresses
from ledger.errors import (
    AttachRefused,
    EngineUnreachable,
    Fenced,
    ForeignLedger,
    IntegrityBroken,
)
from ledger.kafka import LogReader, create_topic, read_range, topic_facts
from ledger.migrate_schema import TopicMade, add_streams
from ledger.postgres import Database, Role
from ledger.rows import Kind
from ledger.settings import Settings
from ledger.verify import verify
from tests.fixtures_archive import (
    T0,
    as_role,
    catch_up,
    copy_of,
    features,
    fill_with_one_of_each,
    new_ledger,
    one_of_each,
    send,
    ticks,
    topic_of,
    trades,
)
from tests.samples import WHO


@pytest.fixture
def ledger(engines: Addresses, tmp_path: Path) -> Settings:
    """A fresh ledger of two partitions, migrated, nothing archived."""
    return new_ledger(engines, tmp_path)


def log_of(settings: Settings, stream: Stream) -> list[tuple[int, bytes]]:
    with LogReader(settings.kafka) as reader:
        _, end = reader.bounds(stream.topic, stream.partition)
    records = read_range(settings.kafka, stream.topic, stream.partition, 0, end)
    return [(record.offset, record.value) for record in records]


def whole(settings: Settings) -> None:
    """The archive holds every record of every log, byte for byte, and nothing else."""
    report = verify(settings, deep=True)
    assert report.findings == []
    with Archive(settings) as archive:
        for stream, end in archive.next_offsets().items():
            log = log_of(settings, stream)
            assert list(archive.rebuild(stream, 0, end)) == log, stream.topic


@contextmanager
def running(archiver: Archiver) -> Iterator[list[BaseException]]:
    """An archiver in a thread; yields what ended it."""
    stop, ended = threading.Event(), list[BaseException]()

    def work() -> None:
        try:
            archiver.run(stop)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield ended
    finally:
        stop.set()
        thread.join()


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def archived(settings: Settings, letter: str = "m", partition: int = 0) -> int:
    with Archive(settings) as archive:
        return archive.next_offsets()[archive.stream(letter, partition)]


# ---- everything, once --------------------------------------------------------------------------


def test_every_kind_of_record_is_archived_and_given_back(ledger: Settings) -> None:
    """One record of each kind, undecodable and newer ones among them: the bytes come back."""
    fill_with_one_of_each(ledger)
    catch_up(ledger)
    whole(ledger)
    with Archive(ledger) as archive:
        kinds = {total.kind: total.records for total in archive.totals()}
    assert kinds["undecodable"] == kinds["newer"] == 5
    assert kinds["trade"] == kinds["feature"] == kinds["progress"] == 2


def test_archiving_again_adds_nothing(ledger: Settings) -> None:
    """The next offset stands in the database: a second run begins where the first ended."""
    send(ledger, "m", 0, [trades(ticks(10))])
    catch_up(ledger)
    with Archive(ledger) as archive:
        before = archive.totals()
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.totals() == before


def test_a_batch_reports_what_it_held(ledger: Settings) -> None:
    """Whoever watches gets frames, events and the new mark of every commit."""
    send(ledger, "m", 1, [trades(ticks(10)), trades(ticks(5, first=11))])
    seen: list[Archived] = []
    Archiver(ledger, on_batch=seen.append).catch_up(60)
    mine = [batch for batch in seen if batch.stream.letter == "m" and batch.stream.partition == 1]
    assert sum(batch.frames for batch in mine) == 3  # EpochStarted's copy stands first
    assert sum(batch.events for batch in mine) == 16
    assert mine[-1].mark.next_offset == 3


def test_many_small_and_few_large_frames_arrive_alike(ledger: Settings) -> None:
    """Light load and backfill go through the same door: 2,000 single ticks, 60,000 packed ones."""
    send(ledger, "m", 0, [trades(ticks(1, first=n)) for n in range(1, 2001)])
    send(ledger, "m", 1, [trades(ticks(2000, first=1 + n * 2000)) for n in range(30)])
    catch_up(ledger)
    whole(ledger)


def test_light_load_is_archived_within_a_moment(ledger: Settings) -> None:
    """A single tick does not wait for company: it is in PostgreSQL well within a second."""
    catch_up(ledger)
    with running(Archiver(ledger)):
        until(lambda: archived(ledger) >= 1)
        time.sleep(0.5)
        took = []
        for number in range(1, 6):
            before = archived(ledger)
            send(ledger, "m", 0, [trades(ticks(1, first=number))])
            began = time.monotonic()
            until(lambda before=before: archived(ledger) > before)
            took.append(time.monotonic() - began)
    assert sorted(took)[2] < 0.25


def test_known_at_is_the_running_maximum_of_the_broker_s_times(ledger: Settings) -> None:
    """known_at is ours and never falls; the raw stamp stands beside it."""
    send(ledger, "m", 0, [trades(ticks(1, first=n)) for n in range(1, 20)])
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        found = db.rows('SELECT stamp, known_at FROM frame_e1_m0 ORDER BY "offset"')
    stamps = [stamp for stamp, _ in found]
    assert [known for _, known in found] == [max(stamps[: n + 1]) for n in range(len(stamps))]


def test_an_offset_without_a_record_is_noted_as_void(ledger: Settings) -> None:
    """A transaction's marker takes an offset: the manifest covers it, the end is reached."""
    producer = confluent_kafka.Producer(
        {**ledger.kafka, "transactional.id": ledger.prefix, "log_level": 0}
    )
    producer.init_transactions(20)
    for number in (1, 2):
        producer.begin_transaction()
        producer.produce(topic_of(ledger, "m"), trades(ticks(1, first=number)), partition=0)
        producer.commit_transaction(20)
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        kinds = [kind for (kind,) in db.rows('SELECT kind FROM frame_e1_m0 ORDER BY "offset"')]
    assert kinds[:4] == [Kind.CONTROL, Kind.TRADE, -2, Kind.TRADE]
    send(ledger, "m", 0, [trades(ticks(1, first=3))])
    catch_up(ledger)
    assert verify(ledger, deep=True).findings == []


# ---- features: repeats and divergence -----------------------------------------------------------


def test_a_zombie_s_repeat_is_noted_and_not_counted_twice(ledger: Settings) -> None:
    """Equal rows under known keys: repeat_of, no second row, and its own bytes come back."""
    send(ledger, "f", 0, [features(4, range(3)), features(4, range(3), run=b"zombie!!")])
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        assert db.rows('SELECT repeat_of FROM frame_e1_f0 ORDER BY "offset"') == [(-1,), (0,)]
        assert db.value("SELECT count(*) FROM feature") == 3
    whole(ledger)


def test_a_repeat_in_a_later_batch_is_recognised(ledger: Settings) -> None:
    """The greatest key is part of the mark: a restart forgets nothing."""
    send(ledger, "f", 0, [features(4, range(3)), features(5, range(2))])
    catch_up(ledger)
    send(ledger, "f", 0, [features(4, range(3), run=b"zombie!!"), features(4, range(1, 3))])
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        found = db.rows('SELECT repeat_of FROM frame_e1_f0 ORDER BY "offset"')
    assert found == [(-1,), (-1,), (0,), (0,)]
    whole(ledger)


def test_other_bits_under_known_keys_are_kept_and_reported(ledger: Settings) -> None:
    """The first copy stands; what diverged is stored raw, and said."""
    send(ledger, "f", 0, [features(4, range(2)), features(4, range(2), value=2.0)])
    seen: list[Archived] = []
    said: list[str] = []
    Archiver(ledger, say=said.append, on_batch=seen.append).catch_up(60)
    (report,) = [report for batch in seen for report in batch.diverged]
    assert (report.offset, report.view, report.cause, report.first_copy) == (1, 5, 4, 0)
    assert report.expected != report.found
    assert "f0:1:0 repeats known keys of view 5 with other bits" in said[0]
    with as_role(ledger, Role.READER) as db:
        assert db.rows("SELECT values FROM feature") == [([1.0, 1.0],), ([1.0, 1.0],)]
        assert db.rows("SELECT reason FROM frame_raw") == [("diverged",)]
    whole(ledger)


def test_keys_that_were_overtaken_are_no_repeat_of_anything(ledger: Settings) -> None:
    """A row behind the greatest key that nobody ever archived is kept raw, not invented."""
    send(ledger, "f", 0, [features(9, range(1)), features(4, range(1))])
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        assert db.rows('SELECT repeat_of FROM frame_e1_f0 ORDER BY "offset"') == [(-1,), (-1,)]
    whole(ledger)


def test_rows_behind_the_greatest_key_are_stored_from_an_overlapping_frame(
    ledger: Settings,
) -> None:
    """Known rows are not stored twice, new ones of the same frame are."""
    send(ledger, "f", 0, [features(4, range(3)), features(4, range(1, 5))])
    catch_up(ledger)
    with as_role(ledger, Role.READER) as db:
        found = db.rows('SELECT ordinal, "offset", index FROM feature ORDER BY ordinal')
    assert found == [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 2), (4, 1, 3)]
    whole(ledger)


# ---- who may archive ----------------------------------------------------------------------------


def test_of_two_archivers_the_first_is_fenced(ledger: Settings) -> None:
    """The later one takes over; the earlier one can commit no more, and says so."""
    with running(Archiver(ledger)) as first:
        until(lambda: archived(ledger) >= 1)
        with running(Archiver(ledger)) as second:
            for number in range(1, 200):
                send(ledger, "m", number % 2, [trades(ticks(1, first=number))])
                if first:
                    break
            until(lambda: bool(first))
            assert isinstance(first[0], Fenced)
            assert first[0].position
            assert not second
            until(lambda: archived(ledger, "m", 0) + archived(ledger, "m", 1) >= number + 2)
    whole(ledger)


class Interrupted(Drain):
    """Loses its connection once, between ending the others' and raising the fence."""

    whole = True

    def _connect(self) -> Database:
        if self.whole:
            self.whole = False
            raise EngineUnreachable("PostgreSQL does not answer: lost on the way")
        return super()._connect()


def test_two_archivers_that_start_at_once_end_each_other_s_connections_once(
    ledger: Settings,
) -> None:
    """An archiver that tries again to take over ends neither its successor's connection nor its
    own: the fence decides."""
    first = Interrupted(ledger, lambda _: None, lambda _: None)
    with as_role(ledger, None) as db:
        known = streams(db)
        with pytest.raises(EngineUnreachable, match="on the way"):
            first.take_over(known)
        with Database(ledger.dsn, ledger.prefix, None, application=first.application) as successor:
            fence = holds(db)[known[0].stream].fence
            assert first.take_over(known)[known[0]].fence == fence + 1
            assert successor.value("SELECT 1") == 1


def test_a_stopped_archiver_does_not_block_the_next(ledger: Settings) -> None:
    """SIGSTOP in the middle of a transaction: the next one takes over at once, and the first ends
    when it is woken."""
    send(ledger, "m", 0, [trades(ticks(1000, first=1 + n * 1000)) for n in range(150)])
    with spawned(ledger) as (process, lines):
        until(lambda: "began" in lines())
        time.sleep(random.uniform(0.3, 0.6))
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        catch_up(ledger)
        assert time.monotonic() - began < 20
        process.send_signal(signal.SIGCONT)
        send(ledger, "m", 0, [trades(ticks(1, first=1))])
        assert process.wait(30) == Fenced.exit_code
    catch_up(ledger)
    whole(ledger)


def test_a_foreign_beginning_is_refused_and_the_others_go_on(ledger: Settings) -> None:
    """A partition that begins with another ledger's EpochStarted is not archived."""
    foreign = control.EpochStarted(**WHO, ledger="ab" * 16, epoch=1, partitions=2)
    catch_up(ledger)
    send(ledger, "m", 0, [copy_of(9, foreign), trades(ticks(5))])
    send(ledger, "m", 1, [trades(ticks(5))])
    with pytest.raises(ForeignLedger) as refused:
        catch_up(ledger)
    assert refused.value.position == "m0:1:0"
    assert archived(ledger, "m", 0) == 1
    assert archived(ledger, "m", 1) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE stream SET topic_id = 'another' WHERE letter = 'm'", "was made again"),
        ("UPDATE stream SET topic = 'nowhere' WHERE letter = 'm'", "is not there"),
        ("UPDATE sink SET next_offset = 99 WHERE stream IN (SELECT stream FROM stream WHERE"
         " letter = 'm')", "ends at offset"),
    ],
)  # fmt: skip
def test_topics_that_do_not_belong_to_the_archive_are_refused(
    ledger: Settings, change: str, said: str
) -> None:
    """Each mismatch by its own message, with a remedy; the other topics are archived."""
    fill_with_one_of_each(ledger)
    with as_role(ledger, None) as db:
        db.execute("ALTER TABLE stream DISABLE TRIGGER ALL")
        db.execute("ALTER TABLE sink DROP CONSTRAINT sink_stream_fkey")
        db.execute(change)  # type: ignore[arg-type]
    with pytest.raises(AttachRefused, match=said) as refused:
        catch_up(ledger)
    assert refused.value.remedy
    assert refused.value.position.startswith("m")
    assert archived(ledger, "f", 1) == len(one_of_each()["f"])


def test_a_partition_that_was_added_is_refused(ledger: Settings) -> None:
    """More partitions would move instruments: the topic is refused, the others go on (I6)."""
    from confluent_kafka.admin import AdminClient, NewPartitions

    admin = AdminClient(dict(ledger.kafka))
    for future in admin.create_partitions([NewPartitions(topic_of(ledger, "m"), 3)]).values():
        future.result(20)
    send(ledger, "f", 0, [features(1, range(1))])
    until(lambda: topic_facts(ledger.kafka, [topic_of(ledger, "m")]).popitem()[1].partitions == 3)
    with pytest.raises(AttachRefused, match="has 3 partitions, this ledger 2"):
        catch_up(ledger)
    assert archived(ledger, "f", 0) == 1


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("cleanup.policy", "compact", "is compacted"),
        ("message.timestamp.type", "CreateTime", "takes its times from clients"),
    ],
)
def test_a_topic_with_the_wrong_settings_is_refused(
    ledger: Settings, key: str, value: str, said: str
) -> None:
    """Compaction would remove events, client times would make known_at a claim."""
    from confluent_kafka.admin import (
        AdminClient,
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        ResourceType,
    )

    topic, admin = topic_of(ledger, "f"), AdminClient(dict(ledger.kafka))
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(20)
    until(lambda: topic_facts(ledger.kafka, [topic])[topic].config[key] == value)
    with pytest.raises(AttachRefused, match=said):
        catch_up(ledger)
    assert archived(ledger, "m", 0) == 1


def test_a_refused_stream_is_taken_up_again_when_it_is_mended(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused is looked at again; no restart is needed."""
    from ledger import archiver as module

    monkeypatch.setattr(module, "RECHECK_SECONDS", 0.5)
    send(ledger, "m", 0, [trades(ticks(5))])
    with as_role(ledger, None) as db:
        db.execute("ALTER TABLE stream DISABLE TRIGGER USER")
        (topic_id,) = db.rows("SELECT topic_id FROM stream WHERE letter = 'm'")[0]
        db.execute("UPDATE stream SET topic_id = 'other' WHERE letter = 'm'")
        said: list[str] = []
        with running(Archiver(ledger, say=said.append)) as ended:
            until(lambda: any("made again" in line for line in said))
            time.sleep(1.2)
            db.execute("UPDATE stream SET topic_id = %s WHERE letter = 'm'", [topic_id])
            until(lambda: archived(ledger) == 2)
            assert not ended
    assert len([line for line in said if "made again" in line]) == 1


def test_rows_where_none_may_be_stop_their_stream_only(ledger: Settings) -> None:
    """next_offset moved back by hand: the stream is refused with its position, others go on."""
    send(ledger, "m", 0, [trades(ticks(5))])
    catch_up(ledger)
    send(ledger, "m", 1, [trades(ticks(5))])
    with as_role(ledger, None) as db:
        db.execute(
            "UPDATE sink SET next_offset = 1 WHERE stream ="
            " (SELECT stream FROM stream WHERE letter = 'm' AND partition = 0)"
        )
    with pytest.raises(IntegrityBroken) as broken:
        catch_up(ledger)
    assert broken.value.position == "m0:1:0"
    assert archived(ledger, "m", 1) == 2


def test_an_idle_archiver_notices_that_it_was_fenced(ledger: Settings) -> None:
    """Nothing arrives, and still the first one ends when another takes over."""
    with running(Archiver(ledger)) as first:
        until(lambda: archived(ledger) >= 1)
        with running(Archiver(ledger)) as second:
            until(lambda: bool(first))
            assert isinstance(first[0], Fenced)
            assert not second


def test_a_new_epoch_s_streams_are_taken_up(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Topics made while the archiver runs are archived without a restart."""
    from ledger import archiver as module

    monkeypatch.setattr(module, "RECHECK_SECONDS", 0.5)
    with running(Archiver(ledger)) as ended:
        until(lambda: archived(ledger) >= 1)
        name = f"{ledger.prefix}.market.e2"
        create_topic(ledger.kafka, name, 1, 1, {"message.timestamp.type": "LogAppendTime"})
        facts = topic_facts(ledger.kafka, [name])[name]
        add_streams(ledger, [TopicMade("m", 2, name, facts.topic_id, 1)])
        producer = confluent_kafka.Producer(dict(ledger.kafka))
        producer.produce(name, trades(ticks(5)), partition=0)
        producer.flush(20)

        def there() -> bool:
            with Archive(ledger) as archive:
                return archive.next_offsets()[archive.stream("m", 0, epoch=2)] == 1

        until(there)
        assert not ended


def test_a_log_that_changed_behind_the_archive_is_refused(ledger: Settings) -> None:
    """The record before the mark must be the archived one."""
    send(ledger, "m", 0, [trades(ticks(5))])
    catch_up(ledger)
    with as_role(ledger, None) as db:
        db.execute("ALTER TABLE frame DISABLE TRIGGER ALL")
        db.execute("UPDATE frame_e1_m0 SET leaf = sha256('x') WHERE \"offset\" = 1")
    with pytest.raises(AttachRefused, match="not the archived one"):
        catch_up(ledger)


def test_records_deleted_before_they_were_archived_are_a_refusal(ledger: Settings) -> None:
    """Retention overtook the archive: the loss is named, not skipped."""
    catch_up(ledger)
    send(ledger, "m", 0, [trades(ticks(1, first=n)) for n in range(1, 9)])
    delete_before(ledger, topic_of(ledger, "m"), 0, 5)
    send(ledger, "m", 1, [trades(ticks(1))])
    with pytest.raises(AttachRefused, match="4 records were deleted") as refused:
        catch_up(ledger)
    assert "restore" in refused.value.remedy
    assert "fledger" not in refused.value.remedy, "no command mends this yet"
    assert archived(ledger, "m", 1) == 2


def delete_before(settings: Settings, topic: str, partition: int, offset: int) -> None:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient(dict(settings.kafka))  # must live until its futures resolve
    place = confluent_kafka.TopicPartition(topic, partition, offset)
    for future in admin.delete_records([place]).values():
        future.result(20)


# ---- whoever dies -------------------------------------------------------------------------------

RUNNER = """
import sys, json, threading
from pathlib import Path
from ledger.archiver import Archiver
from ledger.errors import LedgerError
from ledger.settings import Settings
given = json.loads(sys.argv[1])
settings = Settings(home=Path(given.pop("home")), **given)
print("began", flush=True)
try:
    Archiver(settings, say=lambda line: print(line, flush=True)).run(threading.Event())
except LedgerError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


@contextmanager
def spawned(
    settings: Settings,
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """An archiver as a process of its own, and what it has said so far."""
    given = {
        "home": str(settings.home),
        "kafka": dict(settings.kafka),
        "dsn": settings.dsn,
        "prefix": settings.prefix,
        "partitions": settings.partitions,
    }
    out = settings.home / f"archiver-{time.monotonic_ns()}.log"
    with out.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, json.dumps(given)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
        )
    try:
        yield process, lambda: out.read_text(errors="replace")
    finally:
        process.kill()
        process.wait()


def test_kill_9_at_any_moment_loses_and_doubles_nothing(ledger: Settings) -> None:
    """Killed again and again while 300,000 ticks arrive: the archive is the log."""
    seed = int(os.environ.get("FLEDGER_TEST_SEED", "0")) or random.randrange(10**6)
    print(f"FLEDGER_TEST_SEED={seed}")
    chance, kills = random.Random(seed), 0

    def produce() -> None:
        for n in range(75):
            for partition in (0, 1):
                send(ledger, "m", partition, [trades(ticks(2000, first=1 + n * 2000))])
            time.sleep(0.05)

    producing = threading.Thread(target=produce)
    producing.start()
    while producing.is_alive() or kills < 6:
        with spawned(ledger) as (process, lines):
            until(lambda lines=lines: "began" in lines())
            time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
        kills += 1
    producing.join()
    catch_up(ledger)
    whole(ledger)
    with Archive(ledger) as archive:
        assert sum(feed.events for feed in archive.feeds()) == 300_000


def test_a_lost_connection_at_any_moment_loses_and_doubles_nothing(ledger: Settings) -> None:
    """PostgreSQL ends the archiver's connection at random: also behind a commit nobody heard of."""
    send(ledger, "m", 0, [trades(ticks(500, first=1 + n * 500)) for n in range(200)])
    said: list[str] = []
    ends = 0
    with running(Archiver(ledger, say=said.append)) as ended, as_role(ledger, None) as db:
        while archived(ledger) < 201 and ends < 6:
            ends += db.value(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = %s",
                [f"fledger archiver {ledger.prefix}"],
            )
            time.sleep(random.uniform(0, 0.3))
            assert not ended
        until(lambda: archived(ledger) == 201)
    assert ends
    assert any("archiver waits: PostgreSQL" in line for line in said)
    catch_up(ledger)  # other streams may have been waiting behind when the first was told to stop
    whole(ledger)


def test_a_commit_nobody_heard_of_is_not_repeated(ledger: Settings) -> None:
    """The connection ends right behind the commit: the mark tells that it came through."""
    from ledger import archive_drain

    send(ledger, "m", 0, [trades(ticks(10))])
    seen: list[Archived] = []

    class Forgetful(archive_drain.Writer):
        """Loses the answer to its first commit."""

        forgot = False

        def commit(self, *given: object) -> list[object]:  # type: ignore[override]
            done = super().commit(*given)  # type: ignore[arg-type]
            if not Forgetful.forgot:
                Forgetful.forgot = True
                raise EngineUnreachable("PostgreSQL does not answer: the answer was lost")
            return done  # type: ignore[return-value]

    original = archive_drain.Writer
    archive_drain.Writer = Forgetful  # type: ignore[misc]
    try:
        Archiver(ledger, on_batch=seen.append).catch_up(60)
    finally:
        archive_drain.Writer = original  # type: ignore[misc]
    assert Forgetful.forgot
    whole(ledger)
    with Archive(ledger) as archive:
        assert sum(batch.events for batch in seen) == sum(t.events for t in archive.totals())


def test_waiting_for_an_engine_is_said_once(ledger: Settings) -> None:
    """Kafka away: one line, no busy loop, and a stop is heard."""
    from dataclasses import replace

    away = replace(ledger, kafka={"bootstrap.servers": "127.0.0.1:1", "socket.timeout.ms": "1000"})
    said: list[str] = []
    with running(Archiver(away, say=said.append)) as ended:
        until(lambda: bool(said), 40)
        time.sleep(1)
    assert len([line for line in said if "waits" in line]) == 1
    assert not ended


def test_marks_and_fences_are_told_per_stream(ledger: Settings) -> None:
    """Taking over raises the fence of every stream by one."""
    catch_up(ledger)
    catch_up(ledger)
    with Database(ledger.dsn, ledger.prefix, Role.READER) as db:
        fences = {stream: hold.fence for stream, hold in holds(db).items()}
        assert set(fences) == {stream.stream for stream in streams(db)}
    assert set(fences.values()) == {2}


def test_the_clock_of_the_ticks_does_not_matter(ledger: Settings) -> None:
    """Ticks of 2023 known today: newest is theirs, known_at is the broker's."""
    send(ledger, "m", 0, [trades(ticks(3))])
    catch_up(ledger)
    with Archive(ledger) as archive:
        assert archive.newest(Kind.TRADE, 3) == T0 + 3000
        assert archive.lag_seconds() < 60
