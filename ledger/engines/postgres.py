"""The embedded PostgreSQL: made once, started and stopped, reached by a socket in a private folder.

It never listens on TCP. Whoever can enter the folder of its socket is its superuser; that is the
caller (and, where root runs it, `nobody`).
"""

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from ledger.engines import postgres_place, process
from ledger.engines.home import Home
from ledger.engines.patience import Patience
from ledger.engines.postgres_cluster import SUPERUSER, Server, make_cluster
from ledger.errors import EngineStartFailed

NAME = "postgres"
RECOVERY_SECONDS_MAX = 600.0
STOP = (
    process.Step(signal.SIGINT, 60.0),  # fast: end sessions, write a checkpoint
    process.Step(signal.SIGQUIT, 10.0),  # immediate: recovery at the next start
    process.Step(signal.SIGKILL, 10.0),
)
LEFT_OVER = (process.Step(signal.SIGQUIT, 5.0), process.Step(signal.SIGKILL, 10.0))

WHO = (
    "select current_setting('data_directory'), system_identifier,"
    " current_setting('server_version') from pg_control_system()"
)


def start(home: Home, patience: Patience, environment: Mapping[str, str]) -> str:
    """Starts PostgreSQL unless it runs. Returns its DSN once our cluster answers.

    Raises `EngineStartFailed`, ending with the server's last words, when it does not come up.
    """
    user = postgres_place.runs_as()
    server = Server(
        postgres_place.binaries(user),
        postgres_place.place(home, user, patience.say),
        user,
        process.plain_environment(environment),
    )
    pid_file = home.pid_file(NAME)
    offset = 0
    if process.alive(pid_file) is None:
        _settle(home, server)
    if process.alive(pid_file) is None:
        make_cluster(home, server, patience)
        offset = _launch(home, server)
    _wait(home, server, offset, patience)
    return _ours(home, server)


def running(home: Home) -> str | None:
    """The DSN, if our process runs on our data folder and takes connections."""
    pid = process.alive(home.pid_file(NAME))
    folder = None if pid is None else _ready(_data(home), pid)
    return None if folder is None else dsn(folder)


def stop(home: Home, patience: Patience) -> bool:
    """Stops the server; True when it ran. `EngineStartFailed` when not even SIGKILL ends it."""
    try:
        sent = process.stop(home.pid_file(NAME), STOP)
    except TimeoutError as error:
        raise EngineStartFailed(
            f"PostgreSQL: {error}", remedy="look at the machine's disk"
        ) from error
    if sent not in (None, signal.SIGINT):
        patience.say(f"PostgreSQL did not stop in {STOP[0].seconds_max:.0f} s and was killed")
    with contextlib.suppress(OSError):  # not there, or after a kill the socket is still in it
        postgres_place.socket_folder(_data(home).parent).rmdir()
    return sent is not None


def dsn(socket_folder: str) -> str:
    """A libpq conninfo string for the superuser, quoted."""
    quoted = socket_folder.replace("\\", "\\\\").replace("'", "\\'")
    return f"host='{quoted}' port=5432 user={SUPERUSER} dbname=postgres"


def _data(home: Home) -> Path:
    return Path(home.record().postgres.place or home.postgres) / "data"


def _ready(data: Path, pid: int) -> str | None:
    """The socket folder, when the postmaster `pid` says that it takes connections.

    postmaster.pid: pid, data folder, start time, port, socket folder, address, memory, state.
    """
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        if int(lines[0]) == pid and lines[7].strip() == "ready":
            return lines[4]
    except (OSError, ValueError, IndexError):
        pass  # not there yet, or being written
    return None


def _settle(home: Home, server: Server) -> None:
    """What works in our place without a pid file: our server is taken over, the rest is ended.

    The rest is an initdb whose starter was killed, or sessions whose server was.
    """
    left = process.inside(server.place, frozenset({"postgres", "initdb"}))
    for pid in left:
        if _ready(server.data, pid) is not None:
            process.claim(home.pid_file(NAME), pid)
            return
    process.end(left, LEFT_OVER)
    _forget(server.data / "postmaster.pid")
    socket_folder = postgres_place.socket_folder(server.place)
    _forget(socket_folder / f"{postgres_place.SOCKET_NAME}.lock")


def _forget(pid_file: Path) -> None:
    """Removes a pid file of PostgreSQL's own when its pid is another process by now.

    PostgreSQL would refuse to start. Where nobody has that pid, it finds that out itself.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        os.kill(int(pid_file.read_text(encoding="utf-8").splitlines()[0]), 0)
        pid_file.unlink()


def _launch(home: Home, server: Server) -> int:
    """Starts the server; returns where its log begins."""
    folder = str(postgres_place.make_socket_folder(server.place, server.user)).replace('"', '""')
    must = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": f'"{folder}"',
        "unix_socket_permissions": "0700",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    options = [word for item in must.items() for word in ("-c", "=".join(item))]
    return process.start(
        [str(server.binaries / "postgres"), "-D", str(server.data), *options],
        pid_file=home.pid_file(NAME),
        log_file=home.log_file(NAME),
        cwd=server.place,
        env=server.environment,
        user=server.user,
    ).log_offset


def _wait(home: Home, server: Server, offset: int, patience: Patience) -> None:
    """Until the server takes connections, through a recovery after a crash if there is one."""
    log_file = home.log_file(NAME)

    def ready() -> bool | None:
        pid = process.alive(home.pid_file(NAME))
        if pid is None:
            words = process.last_lines(log_file, offset)
            raise EngineStartFailed(
                f"PostgreSQL ended while starting; {log_file} ends with:\n{words}",
                remedy="mend what the log names, then repeat",
            )
        return None if _ready(server.data, pid) is None else True

    def what() -> str:
        words = process.last_lines(log_file, offset).splitlines()
        return f"PostgreSQL is starting: {words[-1] if words else 'no word yet'}"

    try:
        patience.until(what, ready, seconds_max=RECOVERY_SECONDS_MAX)
    except TimeoutError as late:
        raise EngineStartFailed(str(late), remedy=f"look at {log_file}, then repeat") from None


def _ours(home: Home, server: Server) -> str:
    """The DSN, after asking who answers there: it must be the cluster of this home."""
    pid = process.alive(home.pid_file(NAME))
    folder = None if pid is None else _ready(server.data, pid)
    if folder is None:
        raise EngineStartFailed("PostgreSQL ended as soon as it had started")
    asked = server.ask("psql", "-XAt", "-F", "\n", "-c", WHO, dsn(folder))
    if asked.returncode != 0:
        raise EngineStartFailed(f"PostgreSQL does not answer: {asked.stderr.strip()}")
    where, identifier, version = asked.stdout.splitlines()
    remembered = home.record().postgres.cluster_id or identifier
    with contextlib.suppress(OSError):
        if Path(where).samefile(server.data) and identifier == remembered:
            home.change_postgres(cluster_id=identifier, version=version)
            return dsn(folder)
    raise EngineStartFailed(
        f"another PostgreSQL answers in {folder}: its data is {where}",
        remedy="fledger down, then fledger up",
    )
