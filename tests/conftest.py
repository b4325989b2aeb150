"""Fixtures for all tests: one pair of real engines per run, the real data beside the repository.

The run (under xdist: its controller) owns a temporary home. Whichever test needs the engines first
starts them there; `start` itself sees to it that there is one pair, whoever calls. The owner stops
them at the end, whatever the tests did. A run that was killed leaves its home; the next removes it.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from ledger import engines as embedded
from ledger.engines import process
from ledger.errors import SettingsError

HOME = pytest.StashKey[Path]()
PREFIX = "fledger-tests-"
OWNER = "owner.pid"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[HOME] = Path(worker["engines_home"])
        return
    for key in [key for key in os.environ if key.startswith("FLEDGER_")]:
        # The developer's own ledger must not be what is tested; the cache is nobody's.
        if key != "FLEDGER_CACHE" and not key.startswith("FLEDGER_TEST_"):
            del os.environ[key]
    _remove_homes_of_killed_runs()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    process.claim(folder / OWNER, os.getpid())
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must get through
    config.stash[HOME] = folder / "home"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "pytest.Config") -> None:
    """Tells an xdist worker where the engines of this run are."""
    node.workerinput["engines_home"] = str(node.config.stash[HOME])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and HOME in config.stash:
        _remove(config.stash[HOME].parent)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "engines" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engines)


@pytest.fixture(scope="session")
def engines(pytestconfig: pytest.Config) -> embedded.Addresses:
    """Addresses of this run's Kafka and PostgreSQL, shared by all its tests."""
    return embedded.start(pytestconfig.stash[HOME], _say)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data; tests without it are skipped, and say so."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"REAL DATA MISSING: {SHARED_DATA} is not there")
    return SHARED_DATA


def _remove_homes_of_killed_runs() -> None:
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
        # Another run that begins now may be removing the same one.
        with contextlib.suppress(FileNotFoundError, SettingsError):
            if owner.stat().st_uid == os.geteuid() and process.alive(owner) is None:
                _remove(owner.parent)


def _remove(folder: Path) -> None:
    embedded.stop(folder / "home", _say)
    shutil.rmtree(folder, ignore_errors=True)


def _say(line: str) -> None:
    print(line, file=sys.__stderr__, flush=True)
