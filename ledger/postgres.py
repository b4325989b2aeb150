"""PostgreSQL, and nothing else: the one file that imports psycopg.

A `Database` is one connection that acts as one of the ledger's roles inside the ledger's schema,
so queries elsewhere are plain SQL with plain table names. Names that vary (leaves) are quoted
here; values are always bound.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import EngineUnreachable, IntegrityBroken, LedgerError, Refused, SettingsError

CONNECT_SECONDS_MAX: Final = 10
STATEMENT_SECONDS_MAX: Final = 60
"""For a writer: longer, and its process is taken for stopped; its locks must not stay."""
IDLE_SECONDS_MAX: Final = 30
# psycopg logs what it ignores while an error is under way; we raise that error.
logging.getLogger("psycopg").addHandler(logging.NullHandler())
_COPY_START: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"

Params = Sequence[Any] | Mapping[str, Any]
Buffer = bytes | memoryview
Connection = psycopg.Connection[tuple[Any, ...]]


class Role(StrEnum):
    """What a connection may do; the database's roles are called {prefix}_{role}."""

    OWNER = "owner"
    WRITER = "writer"
    READER = "reader"


class RowExists(IntegrityBroken):
    """A row of this key is there already."""


class TookTooLong(LedgerError):
    """A statement was cancelled at its time limit."""


def role_name(prefix: str, role: Role) -> str:
    return f"{prefix}_{role.value}"


class Database:
    """One connection. Use as a context manager, or call `close`; not shared between threads.

    A reader that lost its connection raises EngineUnreachable once; its next call opens another.
    Everybody else, and whoever is inside a transaction, must notice that it is lost.
    """

    def __init__(
        self,
        dsn: str,
        prefix: str,
        role: Role | None,
        *,
        application: str = "fledger",
        statement_seconds_max: float | None = None,
    ) -> None:
        """`role` None stays the user who logged in. A statement that takes longer than
        `statement_seconds_max` raises TookTooLong; None is the role's own limit, if any.

        Raises EngineUnreachable, SettingsError for a DSN that is not understood, or Refused when
        there is no such ledger in this database.
        """
        self.prefix, self.role = prefix, role
        if statement_seconds_max is None and role is Role.WRITER:
            statement_seconds_max = STATEMENT_SECONDS_MAX
        self._statement_seconds_max = statement_seconds_max
        self._conninfo = _conninfo(dsn, application)
        self._reopens, self._transactions = role is Role.READER, 0
        self._current = self._open()

    def _open(self) -> Connection:
        with translated():
            with _understood():
                connection = psycopg.connect(self._conninfo, autocommit=True)
            try:
                self._enter(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _enter(self, connection: Connection) -> None:
        settings = [("search_path", f"{self.prefix}, pg_catalog, pg_temp")]
        if self._statement_seconds_max is not None:
            limit_ms = max(1, round(self._statement_seconds_max * 1000))  # 0 would be no limit
            settings.append(("statement_timeout", f"{limit_ms}ms"))
        if self.role is Role.WRITER:
            # A stopped process must not keep its locks from whoever takes over.
            settings.append(("idle_in_transaction_session_timeout", f"{IDLE_SECONDS_MAX}s"))
        for setting in settings:
            connection.execute("SELECT set_config(%s, %s, false)", setting)
        if self.role is not None:
            name = role_name(self.prefix, self.role)
            connection.execute(_compose("SET ROLE {role}", {"role": name}))

    @property
    def _connection(self) -> Connection:
        if self._reopens and not self._transactions and self._current.closed:
            self._current = self._open()
        return self._current

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reopens = False
        self._current.close()

    @property
    def pid(self) -> int:
        """The server's process behind this connection."""
        return self._connection.info.backend_pid

    @property
    def raw(self) -> Connection:
        """The connection itself, for the migration tool."""
        return self._connection

    def execute(
        self, query: LiteralString, params: Params | None = None, **names: str
    ) -> list[tuple[Any, ...]]:
        """Run one statement; `{name}` stands for a quoted identifier. Returns its rows, if any."""
        with translated():
            cursor = self._connection.execute(_compose(query, names), params)
            return cursor.fetchall() if cursor.description is not None else []

    def changed(self, query: LiteralString, params: Params | None = None, **names: str) -> int:
        """Run one statement; returns how many rows it touched."""
        with translated():
            return self._connection.execute(_compose(query, names), params).rowcount

    rows = execute

    def value(self, query: LiteralString, params: Params | None = None, **names: str) -> Any:
        """The first column of the first row, or None."""
        found = self.rows(query, params, **names)
        return found[0][0] if found else None

    def packed(
        self, query: LiteralString, params: Params | None, send: str, **names: str
    ) -> list[tuple[Any, ...]]:
        """As `rows` in binary form; `{send}` in the query stands for a trusted expression.

        One value then holds a whole column block, and nothing here touches single rows.
        """
        composed = sql.SQL(query).format(
            send=sql.SQL(send),  # made by ledger.archive_columns alone
            **{name: sql.Identifier(value) for name, value in names.items()},
        )
        with translated(), self._connection.cursor(binary=True) as cursor:
            return cursor.execute(composed, params).fetchall()

    def ring(self, bell: str) -> None:
        """Wake whoever waits for this bell (a notification channel)."""
        self.execute("SELECT pg_notify(%s, '')", [bell])

    def wait_for(self, bell: str, seconds: float) -> bool:
        """Whether the bell rang within so many seconds, or since this was first called."""
        self.execute("LISTEN {bell}", bell=bell)
        with translated():
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                return True
        return False

    def copy_in(self, table: str, columns: Sequence[str], buffers: Sequence[Buffer]) -> None:
        """COPY rows in PostgreSQL's binary form (without header and trailer) into `table`."""
        query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with translated(), self._connection.cursor().copy(query) as copy:
            copy.write(_COPY_START)
            for buffer in buffers:
                copy.write(buffer)
            copy.write(_COPY_END)

    @contextmanager
    def transaction(self, *, frozen: bool = False) -> Iterator[None]:
        """All or nothing. `frozen`: every query inside sees the same moment."""
        with translated(), self._connection.transaction():
            self._transactions += 1
            try:
                if frozen:
                    self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                yield
            finally:
                self._transactions -= 1


def _conninfo(dsn: str, application: str) -> str:
    with _understood():
        given = conninfo_to_dict(dsn)
    given.setdefault("connect_timeout", CONNECT_SECONDS_MAX)
    given.setdefault("application_name", application)
    given["options"] = _options(given.get("options"))
    return make_conninfo("", **given)


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except psycopg.ProgrammingError:
        raise SettingsError(
            "the DSN of PostgreSQL is not understood (it is not shown: it may hold a password)",
            remedy="mend dsn in [postgres] of fledger.toml, FLEDGER_DSN or the arguments: libpq's "
            "'host=... dbname=...' or 'postgresql://...'",
        ) from None  # libpq quotes parts of the DSN


def _options(given: object) -> str:
    """Fixed ways of writing values, whatever the server's defaults are."""
    ours = "-c timezone=UTC -c jit=off -c extra_float_digits=3"
    return f"{given} {ours}" if given else ours


def _compose(query: LiteralString, names: Mapping[str, str]) -> sql.SQL | sql.Composed:
    text = sql.SQL(query)
    return text.format(**{k: sql.Identifier(v) for k, v in names.items()}) if names else text


@contextmanager
def translated() -> Iterator[None]:
    """psycopg's errors as ours; what is a mistake of our own stays what it is."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise RowExists(_first_line(error)) from error
    except psycopg.errors.QueryCanceled as error:
        raise TookTooLong(_first_line(error)) from error
    except psycopg.errors.InsufficientPrivilege as error:
        hint = error.diag.message_hint
        raise Refused(
            f"PostgreSQL does not permit it: {_first_line(error)}",
            remedy=hint or "connect as a member of the ledger's roles (fledger migrate --dry-run)",
        ) from error
    except _ABSENT as error:
        raise Refused(
            f"there is no ledger in this database: {_first_line(error)}",
            remedy="fledger migrate",
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise EngineUnreachable(
            f"PostgreSQL does not answer: {_first_line(error)}",
            remedy="fledger up (own database: see that it runs and that FLEDGER_DSN names it)",
        ) from error


_ABSENT: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.InvalidParameterValue,  # SET ROLE to a role that is not there
)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
