"""The shape of the archive: roles, schema, migrations, and the leaves of each stream.

Everything is idempotent: what is there is left alone. The SQL itself lives in `migrations/`; the
only other text is the roles, which belong to the cluster and not to one database.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger.errors import Refused
from ledger.positions import LedgerId
from ledger.postgres import Database, Role, role_name, translated
from ledger.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

_MARK: Final = re.compile(r"(?<!:):(schema|owner|writer|reader)\b")
_CONTROL_EPOCH: Final = 0  # the control topic lives through all epochs


class TopicMade(NamedTuple):
    """A topic as it now is at the broker; `epoch` is ignored for the control topic."""

    letter: str
    epoch: int
    name: str
    topic_id: str
    partitions: int


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Make roles and schema, then run what is missing of the migrations.

    Raises Refused with the SQL for an administrator where this user may not make them.
    """
    with _login(settings) as db:
        _check_encoding(db)
        _make_roles(db)
        _make_schema(db)
    _run(settings, "upgrade", revision)


def downgrade(settings: Settings, revision: str = "base") -> None:
    """Run migrations back. Refused while the archive holds events. Roles and schema stay."""
    _run(settings, "downgrade", revision)


def current(settings: Settings) -> str:
    """The last migration that ran, or "" where there is no archive."""
    with _login(settings) as db:
        table = f"{settings.prefix}.alembic_version"
        if db.value("SELECT to_regclass(%s)", [table]) is None:
            return ""
        return db.value("SELECT version_num FROM alembic_version") or ""


def ddl(settings: Settings) -> str:
    """Everything `upgrade` would run on an empty database, as SQL text for an administrator."""
    from alembic import command

    out = StringIO()
    config = _config(settings)
    config.output_buffer = out
    command.upgrade(config, "head", sql=True)
    prefix = settings.prefix
    owner = role_name(prefix, Role.OWNER)
    opening = f"{_roles_sql(prefix)}\nSET ROLE {owner};\nSET search_path = {prefix};\n"
    return opening + out.getvalue()


def establish_ledger(settings: Settings, ledger: LedgerId) -> LedgerId:
    """Write which ledger this archive belongs to, once; returns the id that stands there."""
    with _owner(settings) as db:
        db.execute(
            "INSERT INTO ledger (id) VALUES (encode(%s, 'hex')::uuid) ON CONFLICT DO NOTHING",
            [bytes(ledger)],
        )
        return LedgerId(db.value("SELECT id FROM ledger").bytes)


def add_streams(settings: Settings, topics: Iterable[TopicMade]) -> list[int]:
    """Enter the partitions of these topics and make their leaves; returns the stream numbers.

    A stream that is there keeps the topic id it was entered with: a topic made again under the
    same name is noticed at attach and never taken over here.
    """
    with _owner(settings) as db, db.transaction():
        return [
            db.value(
                "SELECT add_stream(%s, %s, %s, %s, %s)",
                [
                    _CONTROL_EPOCH if topic.letter == "c" else topic.epoch,
                    topic.letter,
                    partition,
                    topic.name,
                    topic.topic_id,
                ],
            )
            for topic in topics
            for partition in range(topic.partitions)
        ]


def run_sql(path: Path) -> None:
    """Run one SQL file inside the migration that alembic is at; called by `migrations/versions`."""
    from alembic import op

    context = op.get_context()
    assert context.config is not None
    text = _fill(path.read_text(encoding="utf-8"), context.config.attributes["prefix"])
    if context.as_sql:
        context.impl.static_output(text)
    else:
        # Without parameters the driver sends the text as it is, many statements and all.
        bind = op.get_bind().execution_options(no_parameters=True)
        bind.exec_driver_sql(text)


def _fill(text: str, prefix: str) -> str:
    names = {"schema": prefix, **{role.value: role_name(prefix, role) for role in Role}}
    return _MARK.sub(lambda found: f'"{names[found[1]]}"', text)


@contextmanager
def _login(settings: Settings) -> Iterator[Database]:
    with Database(settings.dsn, settings.prefix, None, application="fledger-migrate") as db:
        # Two migrations at once: the second waits, then finds everything done.
        db.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"migrate {settings.prefix}"])
        yield db


@contextmanager
def _owner(settings: Settings) -> Iterator[Database]:
    with _login(settings) as db:
        db.execute("SET ROLE {role}", role=role_name(settings.prefix, Role.OWNER))
        yield db


def _check_encoding(db: Database) -> None:
    encoding = db.value("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise Refused(
            f"this database stores text as {encoding}; symbols and reasons need UTF8",
            remedy="createdb --encoding=UTF8 --template=template0 …, and name it in the DSN",
        )


def _make_roles(db: Database) -> None:
    """Roles belong to the cluster: made when absent, and the user who logged in joins them."""
    for role in Role:
        name = role_name(db.prefix, role)
        try:
            if db.value("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]) is None:
                db.execute("CREATE ROLE {role} NOLOGIN", role=name)
            if not _may_become(db, name):
                db.execute("GRANT {role} TO CURRENT_USER", role=name)
        except Refused as error:
            raise _ask_administrator(db, error) from error


def _may_become(db: Database, role: str) -> bool:
    """Membership is not enough: who makes a role may grant it and still not SET it."""
    try:
        db.execute("SET ROLE {role}", role=role)
        db.execute("RESET ROLE")
    except Refused:
        return False
    return True


def _make_schema(db: Database) -> None:
    if db.value("SELECT 1 FROM pg_namespace WHERE nspname = %s", [db.prefix]) is not None:
        return
    try:
        owner = role_name(db.prefix, Role.OWNER)
        db.execute("CREATE SCHEMA {schema} AUTHORIZATION {owner}", schema=db.prefix, owner=owner)
    except Refused as error:
        raise _ask_administrator(db, error) from error


def _roles_sql(prefix: str, user: str = "CURRENT_USER") -> str:
    names = [role_name(prefix, role) for role in Role]
    made = "".join(f"CREATE ROLE {name} NOLOGIN;\n" for name in names)
    return (
        f"{made}GRANT {', '.join(names)} TO {user};\n"
        f"CREATE SCHEMA {prefix} AUTHORIZATION {role_name(prefix, Role.OWNER)};\n"
    )


def _ask_administrator(db: Database, error: Refused) -> Refused:
    user = db.value("SELECT quote_ident(session_user)")
    return Refused(
        f"{error.message} (user {user})",
        remedy="let an administrator run, then repeat:\n" + _roles_sql(db.prefix, user),
    )


def _config(settings: Settings) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["prefix"] = settings.prefix
    return config


def _folder() -> Path:
    """`migrations/`: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def _run(settings: Settings, direction: str, revision: str) -> None:
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    with _owner(settings) as db:
        connection = db.raw
        connection.autocommit = False  # all migrations are one transaction

        def creator() -> Any:
            return connection

        engine = create_engine("postgresql+psycopg://", creator=creator, poolclass=StaticPool)
        config = _config(settings)
        try:
            with engine.connect() as bind:
                config.attributes["bind"] = bind
                getattr(command, direction)(config, revision)
        except DBAPIError as error:
            with translated():
                raise (error.orig or error) from error
