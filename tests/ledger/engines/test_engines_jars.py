"""Kafka's jars: the lock, and the cache. No network: jars come from this machine's real cache."""

import os
import re
import shutil
import threading
from pathlib import Path

import pytest

from ledger.engines import jars, kafka_setup
from ledger.engines.patience import Patience
from ledger.errors import EngineStartFailed

PATIENCE = Patience(lambda _: None, threading.Event())


@pytest.fixture(scope="module")
def real() -> Path:
    """The folder of the machine's own cache, with every jar."""
    return jars.class_path(kafka_setup.cache_folder(os.environ), PATIENCE)[0].parent


@pytest.fixture
def cache(real: Path, tmp_path: Path) -> Path:
    """A complete cache of our own, to break: by replacing files, since they are hard links."""
    shutil.copytree(real, tmp_path / real.name, copy_function=os.link)
    return tmp_path


class Local:
    """Fetches from the real cache, and remembers what was asked for."""

    def __init__(self, real: Path) -> None:
        self.real = real
        self.asked: list[str] = []

    def __call__(self, jar: jars.Jar, room: Path) -> Path:
        self.asked.append(jar.file_name)
        return Path(shutil.copy(self.real / jar.file_name, room))


def test_the_lock_names_every_jar() -> None:
    """The lock has 46 jars, each with a coordinate, a size and a SHA-256, and no host."""
    locked = jars.read_lock()
    assert len({jar.file_name for jar in locked}) == len(locked) == 46
    assert all(jar.size_bytes > 0 and re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in locked)
    assert "/" not in jars.LOCK_FILE.read_text()
    assert jars.kafka_version(locked) == "4.3.1"


def test_a_complete_cache_asks_for_nothing(cache: Path, real: Path) -> None:
    """A cache that is complete is used as it is, in the order of the lock."""
    fetch = Local(real)
    found = jars.class_path(cache, PATIENCE, fetch)
    assert [path.name for path in found] == [jar.file_name for jar in jars.read_lock()]
    assert fetch.asked == []


@pytest.mark.parametrize("marked", [True, False])
def test_a_broken_cache_is_mended(cache: Path, real: Path, marked: bool) -> None:
    """Missing and short jars are fetched again, and only those, whatever the marker says."""
    folder = cache / real.name
    names = [jar.file_name for jar in jars.read_lock()]
    (folder / names[3]).unlink()
    (folder / names[5]).unlink()
    (folder / names[5]).write_bytes(b"short")
    if not marked:
        (folder / jars.MARKER).unlink()
    (folder / f"{jars.STAGING}left").mkdir()
    fetch = Local(real)
    jars.class_path(cache, PATIENCE, fetch)
    assert sorted(fetch.asked) == sorted([names[3], names[5]])
    assert jars.is_complete(folder, jars.read_lock())
    assert not list(folder.glob(f"{jars.STAGING}*"))


def test_wrong_bytes_of_the_right_size(cache: Path, real: Path) -> None:
    """Without a marker, a jar of the right size with wrong bytes is found by its hash."""
    folder = cache / real.name
    jar = jars.read_lock()[0]
    (folder / jar.file_name).unlink()
    (folder / jar.file_name).write_bytes(bytes(jar.size_bytes))
    (folder / jars.MARKER).unlink()
    fetch = Local(real)
    jars.class_path(cache, PATIENCE, fetch)
    assert fetch.asked == [jar.file_name]


def test_what_is_not_locked_is_refused(cache: Path, real: Path) -> None:
    """A jar that comes with other bytes is refused after a few tries, by name."""
    folder = cache / real.name
    jar = jars.read_lock()[7]
    (folder / jar.file_name).unlink()
    asked = []

    def forge(wanted: jars.Jar, room: Path) -> Path:
        asked.append(wanted)
        (room / "forged.jar").write_bytes(bytes(wanted.size_bytes))
        return room / "forged.jar"

    with pytest.raises(EngineStartFailed, match=f"{jar.file_name} .*kafka-jars.lock") as failure:
        jars.class_path(cache, PATIENCE, forge)
    assert len(asked) == jars.FETCH_ATTEMPTS_MAX
    assert "FLEDGER_KAFKA" in failure.value.remedy
    assert not jars.is_complete(folder, jars.read_lock())


def test_no_network(cache: Path, real: Path) -> None:
    """A fetch that fails says which jar, why, and what to do."""
    (cache / real.name / jars.read_lock()[0].file_name).unlink()

    def offline(wanted: jars.Jar, room: Path) -> Path:
        raise ConnectionError("no route to host")

    with pytest.raises(EngineStartFailed, match=r"lz4-java.* no route to host"):
        jars.class_path(cache, PATIENCE, offline)
