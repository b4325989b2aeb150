"""The embedded PostgreSQL: made once, started and stopped, reached by a socket in a private folder.

It never listens on TCP. Whoever can enter the folder of its socket is its superuser; that is the
caller (and, where root runs it, `nobody`).
"""

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ledger.engines import postgres_place, process
from ledger.engines.home import Home
from ledger.engines.patience import Patience
from ledger.engines.postgres_cluster import SUPERUSER, Server, ask, make_cluster
from ledger.errors import EngineStartFailed

NAME = "postgres"
READY, STOPPING = "ready", "stopping"
RECOVERY_SECONDS_MAX = 600.0
STOP = (
    process.Step(signal.SIGINT, 30.0),  # fast: end sessions, write a checkpoint
    process.Step(signal.SIGQUIT, 10.0),  # immediate: recovery at the next start
    process.Step(signal.SIGKILL, 10.0),
)
HALF_STOPPED = (process.Step(signal.SIGINT, 5.0), *STOP[1:])
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
    pid_file, offset, answer = home.pid_file(NAME), 0, ""
    if process.resume(pid_file):
        answer = _wait(home, offset, patience)
    if not answer:
        process.stop(pid_file, HALF_STOPPED)  # by somebody who was killed meanwhile
        _settle(home, server)
        if process.alive(pid_file) is None:
            make_cluster(home, server, patience)
            offset = _launch(home, server)
        answer = _wait(home, offset, patience)
    if not answer:
        log_file = home.log_file(NAME)
        words = process.last_lines(log_file, offset)
        raise EngineStartFailed(
            f"PostgreSQL ended while starting; {log_file} ends with:\n{words}",
            remedy="mend what the log names, then repeat",
        )
    if who := _who(answer):
        home.change_postgres(cluster_id=who.cluster_id, version=who.version)
    return answer


def running(home: Home) -> str | None:
    """The DSN, if our process runs and answers as the cluster of this home."""
    pid = process.alive(home.pid_file(NAME))
    return None if pid is None else _answer(home, pid)


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
    with contextlib.suppress(OSError):  # not there, or not ours
        folder = postgres_place.socket_folder(_data(home).parent)
        for left in folder.glob(f"{postgres_place.SOCKET_NAME}*"):  # by a server that was killed
            left.unlink()
        folder.rmdir()
    return sent is not None


def dsn(socket_folder: str) -> str:
    """A libpq conninfo string for the superuser, quoted."""
    quoted = socket_folder.replace("\\", "\\\\").replace("'", "\\'")
    return f"host='{quoted}' port=5432 user={SUPERUSER} dbname=postgres"


def _data(home: Home) -> Path:
    return Path(home.record().postgres.place or home.postgres) / "data"


class _Postmaster(NamedTuple):
    """What a postmaster says of itself, in postmaster.pid of its data folder."""

    pid: int
    socket_folder: str
    state: str


def _postmaster(data: Path) -> _Postmaster | None:
    """Pid, data folder, start time, port, socket folder, address, memory, state: a line each."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return _Postmaster(int(lines[0]), lines[4], lines[7].strip())
    except (OSError, ValueError, IndexError):
        return None  # not there, or being written


def _settle(home: Home, server: Server) -> None:
    """What works in our place without a pid file: our server is taken over, the rest is ended.

    The rest is an initdb whose starter was killed, or sessions whose server was.
    """
    left = process.inside(server.place, frozenset({"postgres", "initdb"}))
    for pid in left:
        said = _postmaster(server.data)
        if said is not None and said.pid == pid and said.state == READY:
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


def _wait(home: Home, offset: int, patience: Patience) -> str:
    """The DSN once the server answers, through a recovery if need be; "" when it ends instead."""
    log_file = home.log_file(NAME)

    def outcome() -> str | None:
        pid = process.alive(home.pid_file(NAME))
        if pid is None:
            return ""
        said = _postmaster(_data(home))
        if said is not None and said.pid == pid and said.state == STOPPING:
            return ""
        return _answer(home, pid)

    def what() -> str:
        words = process.last_lines(log_file, offset).splitlines()
        return f"PostgreSQL is starting: {words[-1] if words else 'no word yet'}"

    try:
        return patience.until(what, outcome, seconds_max=RECOVERY_SECONDS_MAX)
    except TimeoutError as late:
        raise EngineStartFailed(str(late), remedy=f"look at {log_file}, then repeat") from None


def _answer(home: Home, pid: int) -> str | None:
    """The DSN, after asking who answers there; None when nobody does yet.

    Raises `EngineStartFailed` when it is another cluster than the one this home remembers.
    """
    said = _postmaster(_data(home))
    if said is None or said.pid != pid or said.state != READY:
        return None
    who = _who(dsn(said.socket_folder))
    if who is None:
        return None
    remembered = home.record().postgres.cluster_id
    if not Path(who.data).samefile(_data(home)) or remembered not in ("", who.cluster_id):
        raise EngineStartFailed(
            f"another PostgreSQL answers in {said.socket_folder}: its data is {who.data}",
            remedy="fledger down, then fledger up",
        )
    return dsn(said.socket_folder)


class _Who(NamedTuple):
    """What a server says of itself, in SQL."""

    data: str
    cluster_id: str
    version: str


def _who(address: str) -> _Who | None:
    answer = ask("psql", "-XAt", "-F", "\n", "-c", WHO, address)
    return None if answer is None else _Who(*answer.splitlines())
