"""Append-only, tested as each role on every leaf of every event table that holds a row."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from ledger.engines import Addresses
from ledger.errors import Refused
from ledger.postgres import Database, Role
from ledger.settings import Settings
from tests.fixtures_archive import as_role, catch_up, fill_with_one_of_each, new_ledger

WORKING = ("sink", "tally", "feed", "sequence_run", "quarantine")


@pytest.fixture(scope="module")
def filled(engines: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A ledger with a row in every leaf: a row trigger only speaks where there is a row."""
    settings = new_ledger(engines, tmp_path_factory.mktemp("roles"))
    fill_with_one_of_each(settings)
    catch_up(settings)
    return settings


@pytest.fixture
def raw(filled: Settings, role: Role | None) -> Iterator[psycopg.Connection]:
    """A connection of its own as a role; None is the superuser."""
    with Database(filled.dsn, filled.prefix, role) as db:
        yield db.raw


def event_tables(settings: Settings) -> list[str]:
    """Every event table: the parents and all their leaves, and what is written once."""
    with as_role(settings, None) as db:
        found = db.rows(
            "SELECT relname FROM pg_class JOIN event_table e"
            " ON relname IN (e.name, e.name || '_c0') OR relname LIKE e.name || '\\_e1\\_%%'"
            " WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
            [settings.prefix],
        )
    return [*(name for (name,) in found), "ledger", "stream", "event_table"]


def test_every_leaf_is_looked_at(filled: Settings) -> None:
    """The list these tests walk is the whole list, and every leaf holds a row."""
    tables = event_tables(filled)
    parents, leaves = 12, 2 * 10 + 2 * 5 + 3  # of two market, two features, one control partition
    assert len(tables) == parents + leaves + len(["ledger", "stream", "event_table"])
    with as_role(filled, Role.READER) as db:
        for table in tables:
            assert db.value("SELECT count(*) FROM {table}", table=table) > 0, table


ROLES = [None, *Role]
CHANGES = {
    "UPDATE": "UPDATE {} SET {column} = {column}",
    "DELETE": "DELETE FROM {}",
    "TRUNCATE": "TRUNCATE {} CASCADE",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_an_event_table(
    filled: Settings, raw: psycopg.Connection, role: Role | None, change: str
) -> None:
    """Reader and writer lack the privilege; owner and superuser meet the trigger. On each leaf."""
    for table in event_tables(filled):
        column = raw.execute(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum = 1",
            [f"{filled.prefix}.{table}"],
        ).fetchone()
        assert column is not None
        query = CHANGES[change].replace("{column}", str(column[0]))
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            raw.execute(sql.SQL(query).format(sql.Identifier(table)))  # type: ignore[arg-type]
        expected = "permission denied" if role in (Role.READER, Role.WRITER) else "never changed"
        assert expected in str(refused.value), table


@pytest.mark.parametrize("role", [None])
def test_replication_mode_does_not_switch_the_triggers_off(
    filled: Settings, raw: psycopg.Connection, role: None
) -> None:
    """A superuser's session_replication_role = replica leaves them on: they are ALWAYS."""
    raw.execute("SET session_replication_role = replica")
    for table in event_tables(filled):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            raw.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


@pytest.mark.parametrize("role", [Role.READER])
def test_the_reader_writes_nothing(filled: Settings, raw: psycopg.Connection, role: Role) -> None:
    """A reader may not even insert."""
    for table in [*event_tables(filled), *WORKING]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            raw.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.Identifier(table)))


@pytest.mark.parametrize("role", [Role.WRITER])
def test_the_writer_adds_no_streams_and_moves_no_ledger(
    filled: Settings, raw: psycopg.Connection, role: Role
) -> None:
    """What a migration writes once is not the archiver's to write."""
    for table in ("ledger", "stream", "event_table", "sink"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            raw.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.Identifier(table)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("SELECT add_stream(1, 'm', 99, 't', 'i')")


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER])
def test_no_one_who_works_takes_the_protection_away(
    filled: Settings, raw: psycopg.Connection, role: Role
) -> None:
    """Neither reader nor writer drops a table, detaches a leaf or disables a trigger."""
    for change in (
        "ALTER TABLE trade_e1_m0 DISABLE TRIGGER no_change",
        "DROP TABLE trade_e1_m0",
        "ALTER TABLE trade DETACH PARTITION trade_e1_m0",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            raw.execute(change)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [Role.READER])
def test_the_readable_views_are_the_readers(
    filled: Settings, raw: psycopg.Connection, role: Role
) -> None:
    """Whoever may read the tables may read them in words."""
    for view in ("event", "trades", "quotes", "instrument"):
        raw.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(view))).fetchall()


def test_a_role_s_refusal_is_ours(filled: Settings) -> None:
    """What PostgreSQL does not permit reaches callers as a Refused with a remedy."""
    with as_role(filled, Role.READER) as db, pytest.raises(Refused) as refused:
        db.execute("DELETE FROM trade")
    assert refused.value.remedy
