"""PostgreSQL's data folder: made once by initdb, recognised, never removed."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from ledger.engines import postgres_place, process
from ledger.engines.home import Home
from ledger.engines.patience import Patience
from ledger.engines.process import User
from ledger.errors import EngineStartFailed

SUPERUSER = "postgres"
MAJOR = "18"
INITDB_SECONDS_MAX = 180.0
ASK_SECONDS_MAX = 5.0

# For a whole ledger on one machine that does other things too. They stand in postgresql.conf, for
# people to change; what must hold stands on the command line.
SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Server(NamedTuple):
    """One cluster: its binaries, its place, whom it runs as, and in what environment."""

    binaries: Path
    place: Path
    user: User | None
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        return self.place / "data"


def ask(program: str, *words: str | Path) -> str | None:
    """What one of PostgreSQL's programs prints, in English; None when it fails or takes 5 s."""
    try:
        done = subprocess.run(
            [postgres_place.binaries(None) / program, *words],
            env={**process.plain_environment(os.environ), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def make_cluster(home: Home, server: Server, patience: Patience) -> None:
    """Makes sure that the data folder is there, whole, and this home's; runs initdb once.

    initdb works beside the place, and its result is moved there when it is whole, so what is half
    made is never taken for data, and data is never removed.
    """
    data = server.data
    remembered = home.record().postgres.cluster_id
    found = _identifier(data)
    if data.exists() and found is None:
        if remembered or (data / "global" / "pg_control").exists():
            raise EngineStartFailed(
                f"{data} is damaged: pg_controldata cannot read it",
                remedy=f"restore {data} from a backup, or choose another --home and load again",
            )
        aside = data.with_name(f"data.half-made-{data.stat().st_mtime_ns}")
        data.replace(aside)
        patience.say(f"{data} was never finished; it is {aside.name} now, and is made anew")
    if found is None:
        if remembered:
            patience.say(f"PostgreSQL's data is gone from {data}; making an empty cluster")
        _initdb(server, patience)
    elif remembered and found != remembered:
        raise EngineStartFailed(
            f"{data} holds cluster {found}, this home's is {remembered}",
            remedy=f"put the right data folder back at {data}",
        )
    major = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if major != MAJOR:
        raise EngineStartFailed(
            f"{data} was made by PostgreSQL {major}, this is {MAJOR}",
            remedy="dump it with that version, and restore it into another --home",
        )


def _initdb(server: Server, patience: Patience) -> None:
    new = server.place / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    names = ("--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject")
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin")
    settings = [word for item in SETTINGS.items() for word in ("--set", "=".join(item))]
    patience.run(
        "making PostgreSQL's data folder",
        [
            *(str(server.binaries / "initdb"), "-D", str(new), *names, *locale),
            *("--builtin-locale=C.UTF-8", *settings),
        ],
        cwd=server.place,
        env=server.environment,
        seconds_max=INITDB_SECONDS_MAX,
        user=server.user,
    )
    new.replace(server.data)


def _identifier(data: Path) -> str | None:
    """The cluster's own number, None when there is no readable cluster."""
    if not (data / "global" / "pg_control").is_file():
        return None
    for line in (ask("pg_controldata", data) or "").splitlines():
        if line.startswith("Database system identifier:"):
            return line.rpartition(":")[2].strip()
    return None
