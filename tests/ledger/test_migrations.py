"""The shape of the archive: up, down, up again, described, and refused where it would destroy."""

import threading
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.archive_columns import TABLES, Layout, frame_layout, layout
from ledger.engines import Addresses
from ledger.errors import Refused
from ledger.migrate_schema import (
    TopicMade,
    add_streams,
    current,
    ddl,
    downgrade,
    establish_ledger,
    upgrade,
)
from ledger.positions import LedgerId
from ledger.postgres import Database, Role
from ledger.rows import Kind
from ledger.settings import Settings
from tests.fixtures_archive import as_role, catch_up, new_ledger

NEWEST = "0002_readable"
TOPICS = [
    TopicMade("c", 1, "t.control", "id-c", 1),
    TopicMade("m", 1, "t.market.e1", "id-m", 2),
    TopicMade("f", 1, "t.features.e1", "id-f", 2),
]


@pytest.fixture
def bare(engines: Addresses, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of a ledger of which nothing was made yet."""
    prefix = f"mig_{abs(hash(request.node.nodeid)) % 10**9}"
    return Settings(home=tmp_path, dsn=engines.dsn, prefix=prefix)


def objects(settings: Settings) -> int:
    with as_role(settings, None) as db:
        return int(
            db.value(
                "SELECT count(*) FROM pg_class WHERE relnamespace = %s::regnamespace"
                " AND relname NOT LIKE 'alembic%%'",
                [settings.prefix],
            )
        )


def test_up_down_up_ends_where_it_began(bare: Settings) -> None:
    """Going down leaves no table behind, and the way up works again."""
    upgrade(bare)
    made = objects(bare)
    assert current(bare) == NEWEST
    downgrade(bare)
    assert current(bare) == ""
    assert objects(bare) == 0
    upgrade(bare)
    assert (current(bare), objects(bare)) == (NEWEST, made)


def test_repeating_a_migration_changes_nothing(bare: Settings) -> None:
    """Upgrading, entering streams and writing the id are safe to repeat after any crash."""
    upgrade(bare)
    first = add_streams(bare, TOPICS)
    ledger = establish_ledger(bare, LedgerId(b"a" * 16))
    made = objects(bare)
    upgrade(bare)
    assert add_streams(bare, TOPICS) == first == [1, 2, 3, 4, 5]
    assert establish_ledger(bare, LedgerId(b"b" * 16)) == ledger == b"a" * 16
    assert objects(bare) == made


def test_a_topic_made_again_is_not_taken_over(bare: Settings) -> None:
    """A stream keeps the topic id it was entered with."""
    upgrade(bare)
    add_streams(bare, TOPICS)
    add_streams(bare, [TopicMade("c", 1, "t.control", "another", 1)])
    with as_role(bare, Role.READER) as db:
        assert db.value("SELECT topic_id FROM stream WHERE letter = 'c'") == "id-c"


def test_down_is_refused_while_the_archive_holds_events(engines: Addresses, tmp_path: Path) -> None:
    """What may be nowhere else is not dropped by a migration."""
    settings = new_ledger(engines, tmp_path)
    catch_up(settings)
    with pytest.raises(Refused, match="holds events"):
        downgrade(settings)
    assert current(settings) == NEWEST


def test_two_migrations_at_once_both_end_well(bare: Settings) -> None:
    """The second waits for the first and finds everything done."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            upgrade(bare)
            add_streams(bare, TOPICS)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert current(bare) == NEWEST


def test_every_table_and_column_is_described(bare: Settings) -> None:
    """\\d+ in psql answers what a table or column means, in leaves and views too."""
    upgrade(bare)
    add_streams(bare, TOPICS)
    with as_role(bare, None) as db:
        silent = db.rows(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid"
            " WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p', 'v')"
            " AND attnum > 0 AND NOT attisdropped AND col_description(c.oid, attnum) IS NULL"
            " UNION ALL SELECT relname, '' FROM pg_class c"
            " WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p', 'v')"
            " AND obj_description(c.oid, 'pg_class') IS NULL",
            [bare.prefix, bare.prefix],
        )
    assert silent == []


@pytest.mark.parametrize("kind", [*(k for k in TABLES if k is not Kind.CONTROL), None])
def test_tables_have_the_fields_of_their_rows(bare: Settings, kind: Kind | None) -> None:
    """Every field of a row is a column of the same name, of the type the codec writes, NOT NULL."""
    form: Layout = frame_layout() if kind is None else layout(kind, 3)
    upgrade(bare)
    with as_role(bare, None) as db:
        found = dict(
            db.rows(
                "SELECT attname, format_type(atttypid, atttypmod) || ' ' || attnotnull"
                " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
                [f"{bare.prefix}.{form.table}"],
            )
        )
    assert found == {c.name: f"{c.sql} true" for c in (*form.place, *form.fields)}


def test_columns_of_event_tables_are_aligned_without_padding(bare: Settings) -> None:
    """A year of ticks should not hold a tenth of nothing: fixed columns leave no hole inside."""
    upgrade(bare)
    sizes = {"smallint": 2, "integer": 4, "bigint": 8}
    with as_role(bare, None) as db:
        for table in ("trade", "quote", "bar", "feature", "frame"):
            at = 0
            for (name,) in db.rows(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
                [f"{bare.prefix}.{table}"],
            ):
                if name not in sizes:
                    continue  # ids align to bytes, arrays stand last
                assert at % sizes[name] == 0, f"{table} pads before a {name}"
                at += sizes[name]


def test_the_dry_run_is_all_an_administrator_needs(bare: Settings, tmp_path: Path) -> None:
    """The printed SQL, run by hand on an empty database, makes the same objects."""
    text = ddl(bare)
    with psycopg.connect(bare.dsn, autocommit=True) as connection:
        connection.execute(text.encode())  # no parameters: many statements at once
    by_hand = objects(bare)
    other = replace(bare, prefix=f"{bare.prefix}_b")
    upgrade(other)
    assert by_hand == objects(other)
    upgrade(bare)  # and the program finds it done
    assert current(bare) == NEWEST


@pytest.fixture
def stranger(bare: Settings) -> Settings:
    """A user who may log in and nothing else."""
    name = f"{bare.prefix}_stranger"
    with psycopg.connect(bare.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    return replace(bare, dsn=make_conninfo(bare.dsn, user=name))


def test_without_rights_the_sql_for_an_administrator_is_shown(stranger: Settings) -> None:
    """A user who may not make roles is told what somebody who may should run; then it works."""
    with pytest.raises(Refused) as caught:
        upgrade(stranger)
    script = caught.value.remedy.partition("\n")[2]
    assert "CREATE ROLE" in script
    superuser = make_conninfo(stranger.dsn, user="postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(script.encode())
    upgrade(stranger)
    add_streams(stranger, TOPICS)
    with Database(stranger.dsn, stranger.prefix, Role.WRITER) as db:
        assert db.value("SELECT count(*) FROM sink") == 5


def test_an_own_database_needs_no_superuser(stranger: Settings) -> None:
    """A user who may make roles and schemas migrates alone, and can act as all three roles."""
    superuser = make_conninfo(stranger.dsn, user="postgres")
    name = conninfo_to_dict(stranger.dsn)["user"]
    with psycopg.connect(superuser, autocommit=True) as connection:
        for right in (
            "ALTER ROLE {} CREATEROLE",
            "GRANT CREATE ON DATABASE postgres TO {}",
        ):
            connection.execute(sql.SQL(right).format(sql.Identifier(str(name))))  # type: ignore[arg-type]
    upgrade(stranger)
    upgrade(stranger)
    assert len(add_streams(stranger, TOPICS)) == 5
    for role in Role:
        with Database(stranger.dsn, stranger.prefix, role) as db:
            assert db.value("SELECT count(*) FROM trade") == 0


def test_a_database_that_cannot_hold_all_text_is_refused(bare: Settings) -> None:
    """SQL_ASCII would take bytes that are no text; it is refused before anything is made."""
    name = f"{bare.prefix}_ascii"
    with psycopg.connect(bare.dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
                " TEMPLATE template0"
            ).format(sql.Identifier(name))
        )
    with pytest.raises(Refused, match="SQL_ASCII"):
        upgrade(replace(bare, dsn=make_conninfo(bare.dsn, dbname=name)))


def test_an_absent_archive_names_the_remedy(bare: Settings) -> None:
    """Reading where nothing was made says: fledger migrate."""
    with pytest.raises(Refused) as caught:
        Database(bare.dsn, bare.prefix, Role.READER)
    assert "fledger migrate" in caught.value.remedy
