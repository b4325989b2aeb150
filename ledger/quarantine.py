"""Rows that could not become facts: kept as they were read, with the reason and the way to read
them again.

The digest makes adding idempotent: the same row of the same content, refused for the same reason,
is one entry however often and under whatever file name it is loaded.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

from ledger.storable import storable_tree

State = Literal["open", "resolved"]
NO_ORDINAL: Final = -1  # too many equals to know which one this is: only loading again can tell
ROWS_PER_STATEMENT_MAX: Final = 1_000
PAGE_ROWS: Final = 10_000  # entries handed out at a time


@dataclass(frozen=True)
class QuarantineRow:
    """One refused row. `options` describes the format (and what identity needs), for the retry."""

    load_id: str
    source: str
    file: str
    line: int
    reason: str
    raw: str
    head: str = ""
    """Fingerprint of the file's beginning: two files' equal lines are two rows."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    ordinal: int = 0
    """Number among equal rows of its source."""

    @property
    def digest(self) -> bytes:
        parts = (self.source, self.head, str(self.line), self.reason, self.raw)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


class StoredRow(NamedTuple):
    """An entry with its number and state."""

    id: int
    state: State
    row: QuarantineRow


class QuarantineStore(Protocol):
    """Where refused rows are kept."""

    def add_many(self, rows: Sequence[QuarantineRow]) -> int:
        """Keep rows; what is there already stays as it is. Returns how many were new."""

    def entries(
        self,
        state: State | None = "open",
        ids: Sequence[int] = (),
        *,
        after: int = 0,
        limit: int = PAGE_ROWS,
    ) -> list[StoredRow]:
        """At most `limit` entries by number, behind number `after`; `ids` empty means all."""

    def resolve(self, ids: Iterable[int]) -> None:
        """Mark entries as resolved."""


class Statements(Protocol):
    """The little of a PostgreSQL connection that is needed (`ledger.postgres.Database`)."""

    def execute(self, query: Any, params: Any = None) -> Any:
        """Run a statement and return its rows, if it has any."""


class PostgresQuarantine:
    """The quarantine in the archive's table of that name."""

    def __init__(self, database: Statements) -> None:
        self._database = database

    def add_many(self, rows: Sequence[QuarantineRow]) -> int:
        added = 0
        for start in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
            part = rows[start : start + ROWS_PER_STATEMENT_MAX]
            added += len(self._database.execute(_ADD, [_columns(part)]))
        return added

    def entries(
        self,
        state: State | None = "open",
        ids: Sequence[int] = (),
        *,
        after: int = 0,
        limit: int = PAGE_ROWS,
    ) -> list[StoredRow]:
        found = self._database.execute(_LIST, [after, state, state, list(ids), list(ids), limit])
        return [_stored(row) for row in found]

    def resolve(self, ids: Iterable[int]) -> None:
        self._database.execute(_RESOLVE, [list(ids)])


# One JSON document per statement: no list of placeholders to build.
_ADD: Final = """
    INSERT INTO quarantine
           (load_id, source, file, line, reason, raw, detail, options, ordinal, digest)
    SELECT load_id, source, file, line, reason, raw, detail, options, ordinal,
           decode(digest, 'hex')
      FROM jsonb_to_recordset(%s::jsonb)
        AS fresh (load_id text, source text, file text, line bigint, reason text, raw text,
                  detail jsonb, options jsonb, ordinal integer, digest text)
        ON CONFLICT (digest) DO NOTHING
 RETURNING id
"""
_LIST: Final = """
    SELECT id, state, load_id, source, file, line, reason, raw, detail, options, ordinal
      FROM quarantine
     WHERE id > %s AND (%s::text IS NULL OR state = %s)
       AND (cardinality(%s::bigint[]) = 0 OR id = ANY (%s))
     ORDER BY id
     LIMIT %s
"""
_RESOLVE: Final = "UPDATE quarantine SET state = 'resolved' WHERE id = ANY (%s)"


def _columns(rows: Sequence[QuarantineRow]) -> str:
    return json.dumps(storable_tree([_entry(row) for row in rows]))


def _entry(row: QuarantineRow) -> dict[str, Any]:
    return {
        "load_id": row.load_id,
        "source": row.source,
        "file": row.file,
        "line": row.line,
        "reason": row.reason,
        "raw": row.raw,
        "detail": dict(row.detail),
        "options": {**row.options, "head": row.head},
        "ordinal": row.ordinal,
        "digest": row.digest.hex(),
    }


def _stored(row: Sequence[Any]) -> StoredRow:
    number, state, load_id, source, file, line, reason, raw, detail, options, ordinal = row
    rest = dict(options)
    head = str(rest.pop("head", ""))
    kept = QuarantineRow(
        load_id, source, file, line, reason, raw, head, dict(detail), rest, ordinal
    )
    return StoredRow(int(number), state, kept)
