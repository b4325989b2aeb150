"""One connection: what is said of a bad DSN, who opens it again, how long a statement may take."""

import time
import traceback
from contextlib import suppress

import pytest

from ledger.archive import Archive
from ledger.engines import Addresses
from ledger.errors import EngineUnreachable, SettingsError
from ledger.postgres import Database, Role, TookTooLong
from ledger.settings import Settings
from tests.fixtures_archive import as_role, new_ledger


@pytest.fixture(scope="module")
def ledger(engines: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A ledger without ticks: these tests look at connections."""
    return new_ledger(engines, tmp_path_factory.mktemp("postgres"), partitions=1)


def end(settings: Settings, pid: int) -> None:
    """End the server's process behind a connection, as a restart of the server does."""
    with as_role(settings, None) as db:
        assert db.value("SELECT pg_terminate_backend(%s, 10000)", [pid])


@pytest.mark.parametrize(
    "dsn",
    [
        "hots=hunter2",
        "postgresql://h/db?hunter2=1",
        "password=my hunter2",
        "connect_timeout=hunter2",
    ],
)
def test_a_dsn_that_is_not_understood_is_a_mistake_in_the_settings(dsn: str) -> None:
    """It is said so, and no part of the DSN is shown: libpq would quote a password."""
    with pytest.raises(SettingsError, match="DSN") as refused:
        Database(dsn, "fledger", Role.READER)
    assert "hunter2" not in str(refused.value)
    assert "fledger.toml" in refused.value.remedy
    assert "hunter2" not in "".join(traceback.format_exception(refused.value, limit=0))


def test_a_reader_whose_connection_was_ended_opens_another(ledger: Settings) -> None:
    """One call says that the connection is lost; the next is answered, by the same role."""
    with Archive(ledger, statement_seconds_max=30) as archive:
        before, ledger_id = archive.db.pid, archive.ledger_id()
        end(ledger, before)
        with pytest.raises(EngineUnreachable):
            archive.ledger_id()
        assert archive.ledger_id() == ledger_id
        assert archive.db.pid != before
        assert archive.db.value("SELECT current_user") == f"{ledger.prefix}_reader"
        assert archive.db.value("SHOW statement_timeout") == "30s"


def test_a_reader_that_waits_for_a_bell_hears_it_over_its_next_connection(
    ledger: Settings,
) -> None:
    """After the loss the bell is asked for again."""
    with Archive(ledger) as relay, Archive(ledger) as reader:
        assert not relay.beat_was_asked_for(0.01)
        end(ledger, relay.db.pid)
        with pytest.raises(EngineUnreachable):
            relay.beat_was_asked_for(0.01)
        assert not relay.beat_was_asked_for(0.01)
        reader.ask_for_beat()
        assert relay.beat_was_asked_for(5)


def test_inside_a_transaction_a_lost_connection_stays_lost(ledger: Settings) -> None:
    """What was seen at one moment must not be mixed with what is seen at a later one."""
    with as_role(ledger, Role.READER) as db:
        with suppress(EngineUnreachable), db.transaction(frozen=True):
            end(ledger, db.pid)
            for _ in range(2):
                with pytest.raises(EngineUnreachable):
                    db.value("SELECT 1")
        assert db.value("SELECT 1") == 1


@pytest.mark.parametrize("role", [Role.WRITER, None])
def test_only_a_reader_opens_another(ledger: Settings, role: Role | None) -> None:
    """A writer has lost what it had not committed, and must notice."""
    with as_role(ledger, role) as db:
        end(ledger, db.pid)
        for _ in range(2):
            with pytest.raises(EngineUnreachable):
                db.value("SELECT 1")


def test_a_closed_reader_stays_closed(ledger: Settings) -> None:
    """Whoever closed it left no connection behind."""
    with as_role(ledger, Role.READER) as db:
        db.close()
        with pytest.raises(EngineUnreachable):
            db.value("SELECT 1")


def test_a_statement_ends_at_its_limit(ledger: Settings) -> None:
    """A reader that must not hang says how long it waits; what is shorter is answered."""
    with Archive(ledger, statement_seconds_max=0.2) as archive:
        began = time.monotonic()
        with pytest.raises(TookTooLong):
            archive.db.value("SELECT pg_sleep(20)")
        assert time.monotonic() - began < 10
        assert archive.db.value("SELECT 1") == 1


def test_limits_are_the_role_s_unless_given(ledger: Settings) -> None:
    """A writer has one of its own, a reader none."""
    for role, limit in ((Role.WRITER, "1min"), (Role.READER, "0")):
        with as_role(ledger, role) as db:
            assert db.value("SHOW statement_timeout") == limit
