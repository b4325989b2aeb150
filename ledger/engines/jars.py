"""Kafka's jars: which ones exactly (kafka-jars.lock), and a folder that holds them.

The lock names every jar with its size and SHA-256, so fetching resolves nothing: each jar is asked
for by name through jgo, checked, and moved into the folder. A jar that is missing, short or wrong
is fetched again; those that are right stay. The marker is written last, and says which lock it is
for; with it and the sizes right, nothing is read or asked for, and no network is needed.

`python -m ledger.engines.jars COORDINATE…` prints a new lock; it resolves, over the network.
"""

import concurrent.futures
import functools
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.engines.lock import held
from ledger.engines.patience import Patience
from ledger.errors import EngineStartFailed, SettingsError

LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
MARKER = "complete"
STAGING = ".fetching-"
FETCH_THREADS = 4
FETCH_ATTEMPTS_MAX = 3
SOCKET_SECONDS_MAX = 30
FETCH_SECONDS_MAX = 1800.0


class Jar(NamedTuple):
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


type Fetch = Callable[[Jar, Path], Path]
"""Brings a jar somewhere below a folder, and tells where; any exception means it could not."""


def read_lock(lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars, in the order of the class path."""
    jars = []
    for line in lock_file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            coordinate, size, digest = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, int(size), digest))
    return tuple(jars)


def kafka_version(jars: Sequence[Jar]) -> str:
    return next(jar.version for jar in jars if jar.artifact == "kafka-server")


def folder_in(cache: Path, jars: Sequence[Jar]) -> Path:
    """Where these jars lie in the cache: a folder of their own for each lock."""
    digest = hashlib.sha256("".join(jar.sha256 for jar in jars).encode()).hexdigest()
    return cache / f"kafka-{kafka_version(jars)}-{digest[:12]}"


def is_complete(folder: Path, jars: Sequence[Jar]) -> bool:
    """Whether the folder was finished and has lost nothing since (sizes; hashes at fetching)."""
    return (folder / MARKER).is_file() and all(
        (folder / jar.file_name).is_file()
        and (folder / jar.file_name).stat().st_size == jar.size_bytes
        for jar in jars
    )


def class_path(cache: Path, patience: Patience, fetch: Fetch | None = None) -> tuple[Path, ...]:
    """The jars' files, fetched if need be. `cache` may be shared by homes and processes.

    Raises `EngineStartFailed` when a jar cannot be had, `SettingsError` when the cache cannot be
    written (a complete one need not be writable).
    """
    jars = read_lock()
    folder = folder_in(cache, jars)
    if not is_complete(folder, jars):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _complete_once(folder, jars, patience, fetch or _fetch_with_jgo)
        except OSError as error:
            raise SettingsError(
                f"{folder} must hold Kafka's jars, and cannot be written: {error}",
                remedy="set FLEDGER_CACHE to a folder that you may write",
            ) from error
    return tuple(folder / jar.file_name for jar in jars)


def _complete_once(folder: Path, jars: Sequence[Jar], patience: Patience, fetch: Fetch) -> None:
    """One process fills the folder; others wait for it and find it filled."""
    lock = folder.with_name(folder.name + ".lock")
    with held(lock, "another fledger fetches Kafka's jars", patience):
        if not is_complete(folder, jars):
            _complete(folder, jars, patience, fetch)


def _complete(folder: Path, jars: Sequence[Jar], patience: Patience, fetch: Fetch) -> None:
    (folder / MARKER).unlink(missing_ok=True)
    wanted = [jar for jar in jars if not _is_right(folder / jar.file_name, jar)]
    for left in folder.glob(f"{STAGING}*"):  # by a fetch that was killed
        shutil.rmtree(left)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder))
    pool = concurrent.futures.ThreadPoolExecutor(FETCH_THREADS)
    try:
        one = functools.partial(_put, folder=folder, staging=staging, fetch=fetch)
        coming = [pool.submit(one, jar) for jar in wanted]
        _watch(coming, wanted, patience)
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(staging)
    (folder / MARKER).write_text(f"{len(jars)} jars, checked\n", encoding="utf-8")


def _watch(
    coming: Sequence[concurrent.futures.Future[None]], wanted: Sequence[Jar], patience: Patience
) -> None:
    """Waits for all, says how far it is, stops at the first that failed."""

    def far() -> str:
        have = [jar for jar, one in zip(wanted, coming, strict=True) if one.done()]
        done, size = (sum(jar.size_bytes for jar in some) / 1e6 for some in (have, wanted))
        return f"fetching Kafka: {len(have)} of {len(wanted)} jars, {done:.0f} of {size:.0f} MB"

    def over() -> bool | None:
        for one in coming:
            if one.done():
                one.result()
        return all(one.done() for one in coming) or None

    patience.until(far, over, seconds_max=FETCH_SECONDS_MAX)


def _put(jar: Jar, *, folder: Path, staging: Path, fetch: Fetch) -> None:
    """Fetches one jar and moves it to its place when its bytes are the locked ones."""
    for attempt in range(1, FETCH_ATTEMPTS_MAX + 1):
        room = staging / f"{jar.file_name}.{attempt}"
        room.mkdir()
        try:
            came = fetch(jar, room)
        except Exception as error:  # whatever the resolver and its HTTP library raise
            why = f"{type(error).__name__}: {error}"
            continue
        if _is_right(came, jar):
            came.replace(folder / jar.file_name)
            return
        why = "its bytes are not those of kafka-jars.lock"
    raise EngineStartFailed(
        f"{jar.file_name} could not be fetched, {FETCH_ATTEMPTS_MAX} times: {why}",
        remedy="repeat with a network; or copy FLEDGER_CACHE (~/.cache/fledger) from a machine "
        "that has it; or use your own brokers (FLEDGER_KAFKA)",
    )


def _is_right(path: Path, jar: Jar) -> bool:
    if not path.is_file() or path.stat().st_size != jar.size_bytes:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256


def _fetch_with_jgo(jar: Jar, room: Path) -> Path:
    """From the repositories of jgo's own settings (where a company names its mirror)."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=room, timeout=SOCKET_SECONDS_MAX)
    context.remote_repos.update(GlobalSettings.load().repositories)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact().resolve())


def _print_lock(coordinates: Sequence[str]) -> None:
    import jgo

    print(f"# Kafka's jars, in the order of the class path: {' '.join(coordinates)}")
    print("# group:artifact:version, bytes, SHA-256. Made by python -m ledger.engines.jars")
    for one in sorted(jgo.resolve("+".join(coordinates)), key=str):
        jar = Path(one.resolve()).read_bytes()
        name = f"{one.groupId}:{one.artifactId}:{one.version}"
        print(name, len(jar), hashlib.sha256(jar).hexdigest())


if __name__ == "__main__":
    _print_lock(sys.argv[1:])
