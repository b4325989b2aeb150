"""The home folder: what cannot be one, what it remembers, one caller at a time."""

import json
import threading
from pathlib import Path

import pytest

from ledger import engines
from ledger.engines import home as homes
from ledger.engines.patience import Interrupted, Patience
from ledger.errors import Refused, SettingsError


@pytest.fixture
def patience() -> Patience:
    return Patience(lambda _: None, threading.Event())


def test_a_file_is_no_home(tmp_path: Path) -> None:
    """A home that is a file is refused as a setting, with the path."""
    (tmp_path / "home").write_text("")
    with pytest.raises(SettingsError, match="cannot be the home") as refusal:
        engines.start(tmp_path / "home", print)
    assert str(tmp_path / "home") in refusal.value.message
    assert "--home" in refusal.value.remedy


def test_below_a_file_is_no_home(tmp_path: Path) -> None:
    """A home that cannot be made is refused as a setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be the home"):
        engines.start(tmp_path / "file" / "home", print)


def test_a_newer_home_is_refused(tmp_path: Path) -> None:
    """A home of a newer format is refused before anything in it is touched."""
    (tmp_path / "engines.json").write_text(json.dumps({"format": 2, "new": "thing"}))
    with pytest.raises(Refused, match="newer fledger") as refusal:
        engines.start(tmp_path, print)
    assert "upgrade" in refusal.value.remedy
    assert not (tmp_path / "kafka").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1, "kafka": {"port": 99999}}'])
def test_a_broken_record_is_refused(tmp_path: Path, text: str) -> None:
    """A record that cannot be understood is refused, with a remedy that keeps the data."""
    (tmp_path / "engines.json").write_text(text)
    with pytest.raises(Refused, match="cannot be understood") as refusal:
        engines.start(tmp_path, print)
    assert "move" in refusal.value.remedy


def test_looking_makes_nothing(tmp_path: Path) -> None:
    """Asking for the state of a home that is not there makes no home."""
    home = tmp_path / "home"
    assert engines.running(home) is None
    assert [(one.name, one.running, one.pid) for one in engines.states(home)] == [
        ("postgres", False, None),
        ("kafka", False, None),
    ]
    engines.stop(home, print)
    assert not home.exists()


def test_the_record_is_kept(tmp_path: Path) -> None:
    """What is changed in the record is there for the next reader, beside what was."""
    home = homes.Home(tmp_path)
    home.change_kafka(port=4711)
    home.change_postgres(version="18.4")
    assert homes.Home(tmp_path).record().kafka.port == 4711
    assert homes.Home(tmp_path).record().postgres.version == "18.4"


def test_one_at_a_time(tmp_path: Path, patience: Patience) -> None:
    """A second caller waits until the first has left the home."""
    order: list[str] = []

    def second() -> None:
        with homes.locked(tmp_path, patience):
            order.append("second")

    with homes.locked(tmp_path, patience):
        waiter = threading.Thread(target=second)
        waiter.start()
        waiter.join(0.2)
        order.append("first")
    waiter.join(10)
    assert order == ["first", "second"]


def test_waiting_tells_and_can_be_interrupted() -> None:
    """A wait longer than 2 s says what it waits for; an interruption ends it."""
    lines: list[str] = []
    interrupted = threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        interrupted.set()

    with pytest.raises(Interrupted):
        Patience(say, interrupted).until("a long thing", lambda: None, seconds_max=30)
    assert lines == ["a long thing (2 s)"]


def test_waiting_ends_at_its_limit(patience: Patience) -> None:
    """A wait gives up at its limit and says what did not come."""
    with pytest.raises(TimeoutError, match="a thing"):
        patience.until("a thing", lambda: None, seconds_max=0.05)
