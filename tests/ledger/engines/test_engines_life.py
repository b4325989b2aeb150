"""The life of real engines: started, found, killed at any moment, started again.

Most tests share one home and leave it usable; each begins with a start, which costs nothing when
the engines run. Its name has all that paths may have.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from ledger import engines
from ledger.engines import kafka_setup, postgres_place, process
from ledger.engines.home import Home
from ledger.errors import EngineStartFailed

pytestmark = pytest.mark.crash

START = "import sys; from pathlib import Path; from ledger import engines; "
PRINT = START + "print(*engines.start(Path(sys.argv[1]), print), sep='|', flush=True)"
PROGRAMS = frozenset({"java", "postgres"})
CRASHES = 3
CRASH_WINDOW_SECONDS = 2.5


def _say(line: str) -> None:
    print(line)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A temporary folder that every user may enter; the engines of all homes in it are stopped."""
    made = Path(tempfile.mkdtemp(prefix="fledger-life-"))
    made.chmod(0o711)
    yield made.resolve()
    for record in made.glob("**/engines.json"):
        engines.stop(record.parent, _say)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def home(folder: Path) -> Path:
    return folder / "a home, of 'ümläuts' = # \\ and \"quotes\""


@pytest.fixture
def fresh(folder: Path) -> Iterator[Path]:
    """A home of this test alone."""
    made = Path(tempfile.mkdtemp(dir=folder)) / "home"
    made.parent.chmod(0o711)
    yield made
    engines.stop(made, _say)


def _pids(home: Path) -> dict[str, int | None]:
    return {state.name: state.pid for state in engines.states(home)}


def _remember(addresses: engines.Addresses, name: str) -> None:
    """Leaves a table and a topic of this name."""
    with psycopg.connect(addresses.dsn, autocommit=True) as connection:
        connection.execute(f"create table if not exists {name} ()")
    admin = AdminClient({"bootstrap.servers": addresses.kafka})
    with contextlib.suppress(KafkaException):
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)


def _remembers(addresses: engines.Addresses, name: str) -> bool:
    with psycopg.connect(addresses.dsn) as connection:
        row = connection.execute("select to_regclass(%s)", [name]).fetchone()
    topics = AdminClient({"bootstrap.servers": addresses.kafka}).list_topics(timeout=20).topics
    return row == (name,) and name in topics


def _kill(*pids: int | None) -> None:
    for pid in pids:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            psutil.Process(pid).wait(10)


def test_both_answer(home: Path) -> None:
    """A start gives addresses where both engines answer, whatever letters the path has."""
    addresses = engines.start(home, _say)
    _remember(addresses, "first")
    assert _remembers(addresses, "first")


def test_a_second_start_changes_nothing(home: Path) -> None:
    """A start of running engines gives the same addresses and processes."""
    first, pids = engines.start(home, _say), _pids(home)
    assert engines.start(home, _say) == first == engines.running(home)
    assert _pids(home) == pids


def test_states_tell(home: Path) -> None:
    """The states name processes, addresses, logs and versions."""
    addresses = engines.start(home, _say)
    postgres, kafka = engines.states(home)
    assert (postgres.running, postgres.address, postgres.version[:3]) == (
        True,
        addresses.dsn,
        "18.",
    )
    assert (kafka.running, kafka.address, kafka.version) == (True, addresses.kafka, "4.3.1")
    assert postgres.log.stat().st_size > 0 < kafka.log.stat().st_size


def test_loopback_only(home: Path) -> None:
    """Kafka listens on the loopback only, PostgreSQL on no port at all, nobody else may enter."""
    engines.start(home, _say)
    heard = {}
    for name, pid in _pids(home).items():
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        listening = [
            one.laddr.ip
            for process_ in family
            for one in process_.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]
        heard[name] = set(listening)
    assert heard == {"postgres": set(), "kafka": {"127.0.0.1"}} or heard == {
        "postgres": set(),
        "kafka": {"::ffff:127.0.0.1"},
    }


def test_postgres_does_not_run_as_root(home: Path) -> None:
    """PostgreSQL never runs as root."""
    engines.start(home, _say)
    assert psutil.Process(_pids(home)["postgres"]).uids().effective != 0


def test_a_second_home(home: Path, fresh: Path) -> None:
    """Two homes at once have their own engines and know nothing of each other."""
    _remember(engines.start(home, _say), "of_the_first")
    second = engines.start(fresh, _say)
    assert not _remembers(second, "of_the_first")
    assert not set(_pids(home).values()) & set(_pids(fresh).values())
    assert engines.running(home) is not None


def test_started_twice_at_once(fresh: Path) -> None:
    """Two processes that start a home at the same time get the same engines."""

    def start(_: int) -> str:
        command = [sys.executable, "-c", PRINT, str(fresh)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
        return done.stdout.splitlines()[-1]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(start, range(2))
    assert one == other == "|".join(engines.start(fresh, _say))
    assert len(process.inside(fresh.resolve() / "kafka", PROGRAMS)) == 1


def test_stop_is_clean(home: Path) -> None:
    """After a stop nothing runs, a second stop is fine, and the next start knows everything."""
    _remember(engines.start(home, _say), "before_stop")
    socket_folder = (home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[4]
    engines.stop(home, _say)
    assert engines.running(home) is None
    assert process.inside(home, PROGRAMS) == []
    assert not Path(socket_folder).exists()
    assert "database system is shut down" in Home(home).log_file("postgres").read_text()
    engines.stop(home, _say)
    assert _remembers(engines.start(home, _say), "before_stop")


@pytest.mark.parametrize("names", [("postgres",), ("kafka",), ("postgres", "kafka")])
def test_killed_engines(home: Path, names: tuple[str, ...]) -> None:
    """After SIGKILL of engines a start brings them back with what they knew, in seconds."""
    name = "_and_".join(names)
    _remember(engines.start(home, _say), name)
    _kill(*(_pids(home)[one] for one in names))
    assert engines.running(home) is None
    began = time.monotonic()
    addresses = engines.start(home, _say)
    print(f"start after SIGKILL of {name}: {time.monotonic() - began:.1f} s")
    assert _remembers(addresses, name)


def test_killed_starters(fresh: Path) -> None:
    """Starters killed or interrupted at random moments leave a home that starts, with one pair."""
    seed = int(os.environ.get("FLEDGER_TEST_SEED", time.time_ns() % 10**6))
    print(f"FLEDGER_TEST_SEED={seed}")
    chance = random.Random(seed)
    for _ in range(CRASHES):
        starter = subprocess.Popen(
            [sys.executable, "-c", PRINT, str(fresh)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.1, CRASH_WINDOW_SECONDS))
        starter.send_signal(chance.choice([signal.SIGKILL, signal.SIGINT]))
        starter.wait(30)
    addresses = engines.start(fresh, _say)
    _remember(addresses, "after_crashes")
    assert _remembers(addresses, "after_crashes")
    assert len(process.inside(fresh.resolve() / "kafka", PROGRAMS)) == 1


def test_ctrl_c_does_not_reach_them(home: Path) -> None:
    """Engines survive the Ctrl-C and the end of whoever started them."""
    engines.stop(home, _say)
    starter = subprocess.Popen(
        [sys.executable, "-c", f"{PRINT}; import time; time.sleep(60)", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert starter.stdout is not None
    with starter.stdout as said:
        addresses = next(line for line in said if line.startswith("127.0.0.1"))
        os.killpg(starter.pid, signal.SIGINT)
        starter.wait(30)
    running = engines.running(home)
    assert running is not None
    assert "|".join(running) == addresses.strip()


def test_a_stop_that_was_killed(home: Path) -> None:
    """A server that somebody began to stop is stopped wholly and started again."""
    addresses = engines.start(home, _say)
    pid = _pids(home)["postgres"]
    assert pid is not None
    with psycopg.connect(addresses.dsn):  # which a server that stops politely waits for
        os.kill(pid, signal.SIGTERM)
        pid_file = Home(home).postgres / "data" / "postmaster.pid"
        while "stopping" not in pid_file.read_text():
            time.sleep(0.01)
        assert engines.running(home) is None
        assert engines.start(home, _say) == addresses
    assert _pids(home)["postgres"] != pid


def test_a_suspended_engine(home: Path) -> None:
    """A suspended broker does not count as running; a start wakes it."""
    addresses = engines.start(home, _say)
    pids = _pids(home)
    assert pids["kafka"] is not None
    os.kill(pids["kafka"], signal.SIGSTOP)
    while psutil.Process(pids["kafka"]).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    assert engines.running(home, engines=("kafka",)) is None
    assert engines.start(home, _say) == addresses
    assert _pids(home) == pids


def test_lost_pid_files(home: Path) -> None:
    """Engines whose pid files were deleted are found again, not started twice."""
    engines.start(home, _say)
    pids = _pids(home)
    for name in pids:
        Home(home).pid_file(name).unlink()
    engines.start(home, _say)
    assert _pids(home) == pids


def test_stale_postmaster_pid(home: Path) -> None:
    """PostgreSQL starts though the pid in its own old pid file is another process by now."""
    engines.start(home, _say)
    data = Home(home).postgres / "data"
    stale = (data / "postmaster.pid").read_text()
    engines.stop(home, _say)
    other = process.start(
        ["sleep", "60"],
        pid_file=home / "run" / "other.pid",
        log_file=home / "log" / "other.log",
        cwd=Path("/"),
        env={"PATH": os.environ["PATH"]},
        user=postgres_place.runs_as(),
    )
    try:
        text = "\n".join([str(other.pid), *stale.splitlines()[1:]]) + "\n"
        (data / "postmaster.pid").write_text(text)
        sockets = postgres_place.make_socket_folder(data.parent, postgres_place.runs_as())
        (sockets / f"{postgres_place.SOCKET_NAME}.lock").write_text(text)
        assert engines.start(home, _say, engines=("postgres",)).dsn
        assert process.alive(home / "run" / "other.pid") == other.pid
    finally:
        process.stop(home / "run" / "other.pid", (process.Step(signal.SIGKILL, 5.0),))


def test_a_half_made_home(fresh: Path) -> None:
    """Data folders that were never finished are made anew, and PostgreSQL's is kept aside."""
    (fresh / "postgres" / "data" / "base").mkdir(parents=True)
    (fresh / "postgres" / "data" / "PG_VERSION").write_text("18\n")
    (fresh / "postgres" / "data.new" / "base").mkdir(parents=True)
    (fresh / "kafka" / "data").mkdir(parents=True)
    (fresh / "kafka" / "data" / "bootstrap.checkpoint").write_bytes(b"")
    (fresh / "kafka" / "data.new").mkdir()
    if user := postgres_place.runs_as():
        for path in (fresh / "postgres", *(fresh / "postgres").rglob("*")):
            os.chown(path, user.uid, user.gid)
    lines: list[str] = []
    addresses = engines.start(fresh, lines.append)
    _remember(addresses, "made")
    assert _remembers(addresses, "made")
    assert any("was never finished" in line for line in lines)
    assert len(list((fresh / "postgres").glob("data.half-made-*"))) == 1


def test_damaged_data_is_never_removed(home: Path) -> None:
    """Data that was whole and is damaged now is refused with a remedy, and stays as it is."""
    engines.start(home, _say)
    engines.stop(home, _say)
    meta = home / "kafka" / "data" / "meta.properties"
    control = home / "postgres" / "data" / "global" / "pg_control"
    for damaged, name in ((meta, "kafka"), (control, "postgres")):
        aside = damaged.with_name("aside")
        damaged.replace(aside)
        before = sorted(damaged.parent.iterdir())
        with pytest.raises(EngineStartFailed, match="is damaged") as failure:
            engines.start(home, _say, engines=(name,))
        assert "backup" in failure.value.remedy
        assert sorted(damaged.parent.iterdir()) == before
        aside.replace(damaged)


def test_a_taken_port(home: Path) -> None:
    """A remembered port that somebody else took is given up, and clients get the new one."""
    port = int(engines.start(home, _say).kafka.rpartition(":")[2])
    engines.stop(home, _say)
    lines: list[str] = []
    with socket.create_server(("127.0.0.1", port)):
        addresses = engines.start(home, lines.append)
    assert addresses.kafka != f"127.0.0.1:{port}"
    assert any(f"port {port} is taken" in line for line in lines)
    _remember(addresses, "on_a_new_port")
    assert _remembers(addresses, "on_a_new_port")


def test_a_fixed_port(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port fixed by FLEDGER_KAFKA_PORT is used; taken by somebody else, it is an error."""
    engines.stop(home, _say)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("FLEDGER_KAFKA_PORT", str(port))
        with pytest.raises(EngineStartFailed, match=f"port {port} .FLEDGER_KAFKA_PORT. is taken"):
            engines.start(home, _say)
        assert engines.states(home)[0].running is False
    assert engines.start(home, _say).kafka == f"127.0.0.1:{port}"


def test_an_engine_that_cannot_start(home: Path) -> None:
    """An engine that ends while starting is an error that shows the end of its log."""
    engines.stop(home, _say)
    settings = home / "postgres" / "data" / "postgresql.conf"
    whole = settings.read_text()
    settings.write_text(f"{whole}\nno_such_setting = 1\n")
    try:
        with pytest.raises(EngineStartFailed, match="no_such_setting"):
            engines.start(home, _say)
        assert [state.running for state in engines.states(home)] == [False, False]
    finally:
        settings.write_text(whole)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_root_with_a_private_home(fresh: Path) -> None:
    """For root, a home that only root may enter works, with PostgreSQL's data elsewhere."""
    fresh.mkdir(mode=0o700)
    place = None
    try:
        dsn = engines.start(fresh, _say, engines=("postgres",)).dsn
        place = Path(Home(fresh).record().postgres.place)
        with psycopg.connect(dsn) as connection:
            assert connection.execute("show data_directory").fetchone() == (f"{place / 'data'}",)
        assert fresh.stat().st_mode & 0o777 == 0o700
    finally:
        engines.stop(fresh, _say)
        if place is not None:
            shutil.rmtree(place)
            place.with_name(f"{place.name}.home").unlink()


def test_a_cache_of_its_own(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first broker of a cache folder leaves a faster start there; a damaged one is dropped."""
    real = kafka_setup.cache_folder(os.environ)
    jars = next(path for path in real.glob("kafka-*") if path.is_dir())
    cache = fresh.parent / "cache"
    shutil.copytree(jars, cache / jars.name, copy_function=os.link)
    monkeypatch.setenv("FLEDGER_CACHE", str(cache))
    engines.start(fresh, _say, engines=("kafka",))
    engines.stop(fresh, _say)
    deadline = time.monotonic() + 60
    while not (made := list(cache.glob("*.aot"))):
        assert time.monotonic() < deadline, next(cache.glob("*.log")).read_text()
        time.sleep(0.05)
    began = time.monotonic()
    engines.start(fresh, _say, engines=("kafka",))
    print(f"start with the cache: {time.monotonic() - began:.1f} s")
    engines.stop(fresh, _say)
    assert made[0].exists()
    made[0].write_bytes(made[0].read_bytes()[:1_000_000])
    engines.start(fresh, _say, engines=("kafka",))
    assert not made[0].exists()


def test_a_stop_after_a_kill_leaves_no_socket(home: Path) -> None:
    """A stop of a server that was killed removes its socket too."""
    engines.start(home, _say)
    socket_folder = postgres_place.socket_folder(Home(home).postgres.resolve())
    assert socket_folder.exists()
    _kill(_pids(home)["postgres"])
    engines.stop(home, _say)
    assert not socket_folder.exists()
