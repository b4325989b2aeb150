"""Who runs PostgreSQL and where its data and socket lie; some of it only root can try."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.engines import postgres_place
from ledger.engines.home import Home
from ledger.engines.process import User
from ledger.errors import EngineStartFailed

root_only = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root runs PostgreSQL as another user"
)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user may enter, as /var/lib/fledger is."""
    with tempfile.TemporaryDirectory(prefix="fledger-outside-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def nobody() -> User:
    user = postgres_place.runs_as()
    assert user is not None
    return user


def _private_home(tmp_path: Path) -> Home:
    """A home below a folder that only its owner may enter, as below /root."""
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "private" / "home").mkdir()
    return Home(tmp_path / "private" / "home")


def test_a_user_runs_it_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root runs PostgreSQL himself."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert postgres_place.runs_as() is None


def test_the_data_of_a_user_lies_in_the_home(tmp_path: Path, outside: Path) -> None:
    """Who is not root has the data in the home, in a private folder."""
    folder = postgres_place.place(Home(tmp_path), None, print, outside)
    assert folder == tmp_path / "postgres"
    assert folder.stat().st_mode & 0o777 == 0o700


@root_only
def test_root_data_lies_in_a_home_that_nobody_may_enter(outside: Path, nobody: User) -> None:
    """Root's data lies in the home where the unprivileged user can reach it, and is that user's."""
    home = Home(outside / "home")
    home.path.mkdir()
    folder = postgres_place.place(home, nobody, print, outside / "var")
    assert folder == home.postgres
    assert folder.stat().st_uid == nobody.uid


@root_only
def test_root_data_lies_outside_an_unreachable_home(
    tmp_path: Path, outside: Path, nobody: User
) -> None:
    """Root's data lies outside a home that the unprivileged user cannot enter, and stays there."""
    home, lines = _private_home(tmp_path), list[str]()
    folder = postgres_place.place(home, nobody, lines.append, outside)
    assert folder.parent == outside
    assert folder.stat().st_uid == nobody.uid
    assert len(lines) == 1
    assert str(folder) in lines[0]
    assert postgres_place.place(home, nobody, lines.append, outside) == folder
    assert len(lines) == 1


@root_only
def test_parents_keep_their_permissions(tmp_path: Path, outside: Path, nobody: User) -> None:
    """No permission of an existing folder is changed."""
    home = _private_home(tmp_path)
    before = [(path, path.stat().st_mode) for path in (home.path, *home.path.parents)]
    postgres_place.place(home, nobody, print, outside)
    assert [(path, path.stat().st_mode) for path, _ in before] == before


@root_only
def test_a_copied_home_does_not_share_data(tmp_path: Path, outside: Path, nobody: User) -> None:
    """A copy of a home whose data lies outside is refused; a home that moved is not."""
    home = _private_home(tmp_path)
    folder = postgres_place.place(home, nobody, print, outside)
    copy = Home(tmp_path / "private" / "copy")
    copy.path.mkdir()
    copy.record_file.write_bytes(home.record_file.read_bytes())
    with pytest.raises(EngineStartFailed, match="this home is a copy"):
        postgres_place.place(copy, nobody, print, outside)
    home.record_file.unlink()
    assert postgres_place.place(copy, nobody, print, outside) == folder


@root_only
def test_unreachable_binaries_are_copied(tmp_path: Path, outside: Path, nobody: User) -> None:
    """Binaries that the unprivileged user cannot reach run from a copy, without headers."""
    there = postgres_place.binaries(None).parent.parent
    (tmp_path / "private").mkdir(mode=0o700)
    unreachable = tmp_path / "private" / there.name
    for name in (there.name, f"{there.name}.libs"):
        (unreachable.parent / name).symlink_to(there.parent / name)
    assert not postgres_place._runnable(unreachable, nobody)
    postgres_place._copy(unreachable, outside / "copy")
    command = outside / "copy" / there.name / postgres_place.INSTALL / "bin" / "postgres"
    told = subprocess.run(
        [command, "--version"], user=nobody.uid, extra_groups=[], capture_output=True, check=True
    )
    assert told.stdout.startswith(b"postgres (PostgreSQL) 18")
    assert not (command.parent.parent / "include").exists()


def test_a_long_path_has_its_socket_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the socket's path would be too long, it is in a private folder of a short name."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    deep = tmp_path.joinpath(*["deep" * 10] * 3)
    deep.mkdir(parents=True)
    folder = postgres_place.make_socket_folder(deep, None)
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert postgres_place.make_socket_folder(deep, None) == folder


def test_a_socket_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket folder that others may enter is not used, and the error names it."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    deep = tmp_path.joinpath(*["deep" * 10] * 3)
    deep.mkdir(parents=True)
    postgres_place.make_socket_folder(deep, None).chmod(0o777)
    with pytest.raises(EngineStartFailed, match="somebody else made it"):
        postgres_place.make_socket_folder(deep, None)
