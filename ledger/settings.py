"""Where the engines are and how this ledger is set up: arguments, then environment, then file.

`fledger.toml` is looked for in the home folder. Nothing else reads the environment.

    [ledger]  prefix = "fledger"   partitions = 4   retention_hours = 168   min_insync = 1
              replication = 1      actor = "ops"
    [kafka]   bootstrap.servers = "broker:9092"   any librdkafka client setting (TLS, SASL, …)
    [postgres] dsn = "host=db dbname=ledger"      any libpq setting
"""

import getpass
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ledger.errors import SettingsError

DEFAULT_HOME: Final = "~/.fledger"
FILE_NAME: Final = "fledger.toml"
PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")


@dataclass(frozen=True)
class Settings:
    """One ledger's settings. `kafka` and `dsn` are empty until embedded engines are found."""

    home: Path
    kafka: Mapping[str, str] = field(default_factory=dict)
    dsn: str = ""
    prefix: str = "fledger"
    partitions: int = 4
    replication: int = 1
    min_insync: int = 1
    retention_hours: int = 168
    actor: str = ""
    embedded: bool = True
    """True when at least one engine is ours to start in `home`."""

    def __repr__(self) -> str:  # a DSN or a SASL setting may hold a password
        return f"Settings(home={str(self.home)!r}, prefix={self.prefix!r})"

    def with_engines(self, kafka: str, dsn: str) -> "Settings":
        """These settings with the addresses of embedded engines where none was given."""
        servers = {"bootstrap.servers": kafka, **self.kafka}
        return replace(self, kafka=servers, dsn=self.dsn or dsn)


# key in the file -> (field, smallest, largest) for numbers
_NUMBERS: Final = {
    "partitions": (1, 1024),
    "replication": (1, 32),
    "min_insync": (1, 32),
    "retention_hours": (1, 24 * 3650),
}
_TEXTS: Final = ("prefix", "actor")
_ENVIRONMENT: Final = {
    "FLEDGER_KAFKA": "kafka",
    "FLEDGER_DSN": "dsn",
    "FLEDGER_PREFIX": "prefix",
    "FLEDGER_PARTITIONS": "partitions",
    "FLEDGER_RETENTION_HOURS": "retention_hours",
    "FLEDGER_ACTOR": "actor",
}
# Read elsewhere, with the technology they belong to; named here so that a typing error is found.
_OTHER_ENVIRONMENT: Final = ("FLEDGER_HOME", "FLEDGER_CACHE", "FLEDGER_KAFKA_PORT")


def read_settings(
    home: str | Path | None = None,
    *,
    kafka: str | Mapping[str, str] | None = None,
    dsn: str | None = None,
    prefix: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Arguments win over the environment, the environment over the file.

    Raises SettingsError naming the key, where it was set and what is allowed.
    """
    environ = os.environ if environment is None else environment
    _refuse_unknown_environment(environ)
    place = Path(home or environ.get("FLEDGER_HOME") or DEFAULT_HOME).expanduser().absolute()
    values = _from_file(place / FILE_NAME)
    for key, name in _ENVIRONMENT.items():
        if environ.get(key):
            _set(values, name, environ[key], f"the environment ({key})")
    for name, value in (("kafka", kafka), ("dsn", dsn), ("prefix", prefix)):
        if value is not None:
            _set(values, name, value, "the arguments")
    values.setdefault("actor", _user())
    embedded = not (values.get("kafka", {}).get("bootstrap.servers") and values.get("dsn"))
    return Settings(home=place, embedded=embedded, **values)


def _refuse_unknown_environment(environ: Mapping[str, str]) -> None:
    known = (*_ENVIRONMENT, *_OTHER_ENVIRONMENT)
    for key in environ:
        if key.startswith("FLEDGER_") and not key.startswith("FLEDGER_TEST_") and key not in known:
            raise SettingsError(
                f"{key} (set in the environment) is no setting; known: {', '.join(sorted(known))}",
                remedy=f"unset {key}",
            )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path} cannot be read: {error}", remedy=f"mend {path}") from error
    values: dict[str, Any] = {}
    for table, keys in tables.items():
        if not isinstance(keys, dict) or table not in ("ledger", "kafka", "postgres"):
            raise SettingsError(
                f"{table!r} in {path} is no section; known: [ledger] [kafka] [postgres]",
                remedy=f"mend {path}",
            )
        for key, value in _flatten(keys).items():
            _set_from_file(values, table, key, value, path)
    return values


def _set_from_file(values: dict[str, Any], table: str, key: str, value: Any, path: Path) -> None:
    where = f"[{table}] of {path}"
    if table == "kafka":
        text = str(value).lower() if isinstance(value, bool) else str(value)
        values.setdefault("kafka", {})[key] = text
    elif table == "postgres" and key == "dsn":
        _set(values, "dsn", value, where)
    elif table == "ledger" and key in (*_NUMBERS, *_TEXTS):
        _set(values, key, value, where)
    else:
        known = "dsn" if table == "postgres" else ", ".join((*_NUMBERS, *_TEXTS))
        raise SettingsError(
            f"{key!r} in {where} is no setting; known: {known}", remedy=f"mend {path}"
        )


def _set(values: dict[str, Any], name: str, value: Any, where: str) -> None:
    if name == "kafka":
        servers = {"bootstrap.servers": value} if isinstance(value, str) else dict(value)
        values["kafka"] = {**values.get("kafka", {}), **servers}
    elif name in _NUMBERS:
        values[name] = _number(name, value, where)
    elif name == "prefix" and not (isinstance(value, str) and PREFIX.fullmatch(value)):
        raise SettingsError(
            f"prefix {value!r} (set in {where}) must be lower-case letters, digits and _, "
            "30 at most, a letter first",
            remedy="choose another prefix",
        )
    elif not isinstance(value, str):
        raise SettingsError(f"{name} (set in {where}) must be text", remedy="put it in quotes")
    else:
        values[name] = value


def _number(name: str, value: Any, where: str) -> int:
    low, high = _NUMBERS[name]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, str) and value.isdecimal():
        value, is_number = int(value), True
    if not is_number or not low <= value <= high:
        raise SettingsError(
            f"{name} = {value!r} (set in {where}) must be a whole number from {low} to {high}",
            remedy=f"change {name}",
        )
    return int(value)


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """TOML reads `security.protocol = "ssl"` as nested tables; librdkafka wants the dotted key."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
