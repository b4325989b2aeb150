"""Settings: arguments, then environment, then file; and errors that name the key."""

from pathlib import Path

import pytest

from ledger.errors import SettingsError
from ledger.settings import read_settings


def _home(tmp_path: Path, toml: str) -> Path:
    (tmp_path / "fledger.toml").write_text(toml)
    return tmp_path


def test_arguments_win_over_environment_over_file(tmp_path: Path) -> None:
    """Each layer overrides the one below, key by key."""
    home = _home(
        tmp_path,
        '[kafka]\n"bootstrap.servers" = "file:1"\nsecurity.protocol = "ssl"\n'
        '[postgres]\ndsn = "host=file"\n[ledger]\npartitions = 8\n',
    )
    environment = {"FLEDGER_KAFKA": "env:1", "FLEDGER_DSN": "host=env"}
    found = read_settings(home, dsn="host=argument", environment=environment)
    assert found.kafka == {"bootstrap.servers": "env:1", "security.protocol": "ssl"}
    assert found.dsn == "host=argument"
    assert found.partitions == 8
    assert not found.embedded


def test_without_addresses_the_engines_are_embedded(tmp_path: Path) -> None:
    """No file, no environment: the home's own engines."""
    found = read_settings(tmp_path, environment={})
    assert found.embedded
    assert found.home == tmp_path
    assert found.partitions == 4


def test_only_a_password_is_never_printed(tmp_path: Path) -> None:
    """The representation shows neither DSN nor SASL settings."""
    kafka = {"bootstrap.servers": "b:1", "sasl.password": "hunter2"}
    found = read_settings(tmp_path, kafka=kafka, dsn="password=hunter2", environment={})
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[ledger]\npartition = 4\n", ["'partition'", "[ledger]", "partitions"]),
        ("[ledger]\npartitions = 0\n", ["partitions", "0", "1 to 1024"]),
        ("[ledger]\npartitions = true\n", ["partitions", "True"]),
        ('[ledger]\nprefix = "Bad Name"\n', ["prefix", "Bad Name", "lower-case"]),
        ("[lodger]\n", ["'lodger'", "[ledger]"]),
        ("partitions = 4\n", ["'partitions'", "section"]),
        ("[postgres]\nurl = 1\n", ["'url'", "dsn"]),
        ("[ledger\n", ["cannot be read"]),
    ],
)
def test_a_bad_key_or_value_says_where_and_what(tmp_path: Path, toml: str, told: list[str]) -> None:
    """The key, the file it was set in, and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        read_settings(_home(tmp_path, toml), environment={})
    assert all(part in str(caught.value) for part in [*told, "fledger.toml"])
    assert caught.value.exit_code == 2


def test_a_misspelled_environment_variable_is_found(tmp_path: Path) -> None:
    """FLEDGER_KAKFA would otherwise start embedded engines in silence."""
    with pytest.raises(SettingsError, match=r"FLEDGER_KAKFA.*environment"):
        read_settings(tmp_path, environment={"FLEDGER_KAKFA": "b:1"})
    with pytest.raises(SettingsError, match=r"FLEDGER_PARTITIONS"):
        read_settings(tmp_path, environment={"FLEDGER_PARTITIONS": "four"})
