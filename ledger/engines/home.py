"""The home folder of the embedded engines: its layout, what it remembers, one caller at a time.

    home/engines.json     ports, cluster ids, where PostgreSQL's data lies
    home/postgres/        data/ and socket/ (elsewhere for root: see postgres_place.py)
    home/kafka/           data/, server.properties
    home/log/             one log per process
    home/run/             pid files, the lock

Nothing in it is needed to understand the ledger's data; all of it is needed to start the engines.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.engines.lock import held
from ledger.engines.patience import Patience
from ledger.errors import Refused, SettingsError

FORMAT: Final = 1


class KafkaRecord(BaseModel):
    """What is remembered of Kafka. Ports are 0 until the first start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster_id: str = ""
    port: int = Field(default=0, ge=0, le=65535)
    controller_port: int = Field(default=0, ge=0, le=65535)


class PostgresRecord(BaseModel):
    """What is remembered of PostgreSQL. `place` is empty while its data lies in the home."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str = ""
    cluster_id: str = ""
    version: str = ""


class Record(BaseModel):
    """The contents of engines.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    kafka: KafkaRecord = KafkaRecord()
    postgres: PostgresRecord = PostgresRecord()


@dataclass(frozen=True)
class Home:
    """Paths inside a home, and its record. Making one reads and writes nothing."""

    path: Path
    _changing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def kafka(self) -> Path:
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def record_file(self) -> Path:
        return self.path / "engines.json"

    def log_file(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.path / "run" / f"{name}.pid"

    def record(self) -> Record:
        """What is remembered; the empty record for a home that is not made yet.

        Raises `Refused` for a home of a newer version or one whose record cannot be understood.
        """
        try:
            text = self.record_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Record()
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            values = json.loads(text)
            if isinstance(values, dict) and values.get("format", 0) > FORMAT:
                raise Refused(
                    f"the home {self.path} was made by a newer fledger "
                    f"(format {values['format']}, this one knows {FORMAT})",
                    remedy="upgrade fledger, or choose another --home",
                )
            return Record.model_validate(values)
        except (ValueError, TypeError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise Refused(
                f"{self.record_file} cannot be understood: {why}",
                remedy=f"move {self.record_file} away; what it says is found again from the data",
            ) from error

    def change(self, edit: Callable[[Record], Record]) -> Record:
        """Writes an edited record, whole or not at all. Under the home's lock only."""
        with self._changing:
            changed = edit(self.record())
            written = self.record_file.with_name("engines.json.new")
            with written.open("w", encoding="utf-8") as out:
                out.write(changed.model_dump_json(indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
            written.replace(self.record_file)
        return changed

    def change_kafka(self, **values: str | int) -> KafkaRecord:
        return self.change(
            lambda old: old.model_copy(update={"kafka": old.kafka.model_copy(update=values)})
        ).kafka

    def change_postgres(self, **values: str) -> PostgresRecord:
        return self.change(
            lambda old: old.model_copy(update={"postgres": old.postgres.model_copy(update=values)})
        ).postgres


def at(path: Path) -> Home:
    """The home at `path`, links resolved: processes are found by the folders they stand in."""
    return Home(path.expanduser().resolve())


@contextlib.contextmanager
def locked(path: Path, patience: Patience) -> Iterator[Home]:
    """The home, made if need be, for one caller at a time.

    Raises `SettingsError` when `path` cannot be a home, `Refused` when it is a newer one,
    `EngineStartFailed` when another caller keeps it for half an hour.
    """
    home = at(path)
    what = f"another fledger starts or stops the engines of {home.path}"
    with contextlib.ExitStack() as until_left:
        try:
            for folder in (home.path, home.path / "log", home.path / "run"):
                folder.mkdir(parents=True, exist_ok=True)
            until_left.enter_context(held(home.path / "run" / "lock", what, patience))
        except OSError as error:
            raise _unusable(home.path, error) from error
        home.record()  # refuses a newer home before anything is done to it
        yield home


def _unusable(path: Path, error: OSError) -> SettingsError:
    reason = error.strerror or str(error)
    return SettingsError(
        f"{path} cannot be the home of the engines: {reason} ({error.filename or path})",
        remedy="choose a folder that you may write, with --home or FLEDGER_HOME",
    )
