"""How rows become PostgreSQL's binary form and come back: memory copies, never row by row.

A table of the archive has the fields of a kind's row as columns of the same names, behind the
*place*: stream, offset, index (and, for what we compute, view, cause and ordinal). All columns are
NOT NULL and of fixed width, so one COPY message is one structured array, and reading is one
`string_agg` of the same bytes.

Unsigned fields are stored in the signed column of their width, bit for bit; single bytes as
smallint; ids as uuid. Padding is not stored: the decoder has seen that it is zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.rows import LAYOUTS, Kind, Rows, feature_dtype

Places = Mapping[str, NDArray[Any] | int]


class Column(NamedTuple):
    """One column: its SQL type, its binary form, the function that sends it, items if an array."""

    name: str
    sql: str
    wire: str
    send: str
    items: int = 0


_SCALARS: Final = {
    "<i2": ("smallint", ">i2", "int2send"),
    "<i4": ("integer", ">i4", "int4send"),
    "<u4": ("integer", ">u4", "int4send"),
    "<i8": ("bigint", ">i8", "int8send"),
    "<u8": ("bigint", ">u8", "int8send"),
    "|u1": ("smallint", ">i2", "int2send"),
    "|V16": ("uuid", "V16", "uuid_send"),
    "|V32": ("bytea", "V32", "byteasend"),
    "|V64": ("bytea", "V64", "byteasend"),
}
_ARRAYS: Final = {"<i8": ("bigint[]", ">i8", 20), "<f8": ("double precision[]", ">f8", 701)}
_OIDS: Final = {wire: oid for _, wire, oid in _ARRAYS.values()}
_PLACE: Final = [("stream", "<i2"), ("offset", "<i8"), ("index", "<i2")]
_OURS: Final = [("cause", "<i8"), ("ordinal", "<i8")]

TABLES: Final[dict[Kind, str]] = {
    Kind.TRADE: "trade",
    Kind.QUOTE: "quote",
    Kind.BAR: "bar",
    Kind.AMEND: "amend",
    Kind.GAP: "gap",
    Kind.CLOCK: "clock",
    Kind.HEARTBEAT: "heartbeat",
    Kind.FEATURE: "feature",
    Kind.PROGRESS: "progress",
    Kind.CONTROL: "control",
}
MARKET_KINDS: Final = tuple(kind for kind in LAYOUTS if kind < Kind.FEATURE)
KINDS_OF: Final[dict[str, tuple[Kind, ...]]] = {
    "m": (*MARKET_KINDS, Kind.CONTROL),
    "f": (Kind.FEATURE, Kind.PROGRESS, Kind.CONTROL),
    "c": (Kind.CONTROL,),
}
"""What each topic may hold, by its letter; a frame of another kind is kept raw."""

VOID, NEWER, UNDECODABLE = -2, -1, 0  # the manifest's kinds that have no rows

FRAME_DTYPE: Final = np.dtype(
    [("offset", "<i8"), ("kind", "<i2"), ("count", "<i4")]
    + [("event_first", "<i8"), ("event_last", "<i8"), ("stamp", "<i8"), ("known_at", "<i8")]
    + [("leaf", "V32"), ("header", "V64"), ("repeat_of", "<i8")]
)
"""One row of the manifest; see the comments of table `frame`."""


@dataclass(frozen=True)
class Layout:
    """The columns of one table and the two binary forms of its rows."""

    table: str
    place: tuple[Column, ...]
    fields: tuple[Column, ...]
    rows: np.dtype[np.void]
    """What the fields become: the row as it stands in a frame."""
    copied: np.dtype[np.void]
    read: np.dtype[np.void]
    template: Rows

    @property
    def names(self) -> list[str]:
        """Columns in the order of COPY and of reading."""
        return [column.name for column in (*self.place, *self.fields)]

    @property
    def send(self) -> str:
        """The SQL expression of one row's bytes, as `unpack` reads them."""
        columns = (*self.place, *self.fields)
        return " || ".join(f'{column.send}("{column.name}")' for column in columns)

    def pack(self, rows: Rows, places: Places) -> memoryview:
        """`rows` (shape (n,)) and their places as COPY's binary rows."""
        out = np.empty(len(rows), self.copied)
        out[:] = self.template
        for column in self.place:
            out[column.name] = places[column.name]
        for column in self.fields:
            _values(out, column)[...] = rows[column.name]
        return out.view(np.uint8).data

    def unpack(self, data: bytes | memoryview) -> tuple[dict[str, NDArray[Any]], Rows]:
        """The places and the rows, each of shape (n,), in the order they were read."""
        packed = np.frombuffer(data, self.read)
        rows = np.zeros(len(packed), self.rows)
        for column in self.fields:
            rows[column.name] = _values(packed, column)
        native = {c.name: packed[c.name].astype(c.wire.replace(">", "<")) for c in self.place}
        return native, rows

    def strays(self, data: bytes | memoryview) -> NDArray[np.bool_]:
        """Which packed rows hold a number too large for its field in a frame: nobody archived
        that, shape (n,)."""
        packed = np.frombuffer(data, self.read)
        out = np.zeros(len(packed), np.bool_)
        for column in self.fields:
            if self.rows[column.name] == np.uint8:
                out |= (packed[column.name] < 0) | (packed[column.name] > 255)
        return out


def _values(block: Rows, column: Column) -> NDArray[Any]:
    """The view of a column's values inside a packed block."""
    values: NDArray[Any] = (
        block[column.name]["items"]["value"] if column.items else (block[column.name])
    )
    return values


def _wire(column: Column) -> Any:
    """The numpy form of a column's bytes; an array carries its own small header."""
    if not column.items:
        return column.wire
    item = np.dtype([("bytes", ">i4"), ("value", column.wire)])
    head = [(name, ">i4") for name in ("dimensions", "nulls", "oid", "length", "first")]
    return np.dtype([*head, ("items", item, (column.items,))])


def _fill_header(block: Rows, column: Column) -> None:
    array = block[column.name]
    array["dimensions"], array["oid"], array["first"] = 1, _OIDS[column.wire], 1
    array["length"], array["items"]["bytes"] = column.items, 8


def _column(name: str, field: np.dtype[Any]) -> Column:
    if field.subdtype is None:
        return Column(name, *_SCALARS[field.str])
    base, shape = field.subdtype
    sql, wire, _ = _ARRAYS[base.str]
    return Column(name, sql, wire, "array_send", shape[0])


def _make(table: str, place: list[tuple[str, str]], rows: np.dtype[np.void]) -> Layout:
    before = tuple(Column(name, *_SCALARS[form]) for name, form in place)
    fields = tuple(_column(name, rows[name]) for name in rows.names or () if name != "pad")
    columns = (*before, *fields)
    copied: list[tuple[Any, ...]] = [("columns", ">i2")]
    for column in columns:
        copied += [(f"bytes of {column.name}", ">i4"), (column.name, _wire(column))]
    form = np.dtype(copied)
    template = np.zeros((), form)
    template["columns"] = len(columns)
    for column in columns:
        template[f"bytes of {column.name}"] = form[column.name].itemsize
        if column.items:
            _fill_header(template, column)
    read = np.dtype([(column.name, _wire(column)) for column in columns])
    return Layout(table, before, fields, rows, form, read, template)


@cache
def layout(kind: Kind, outputs: int = 0) -> Layout:
    """The layout of a kind's table; of a feature view's rows with so many outputs."""
    if kind is Kind.FEATURE:
        place = [*_PLACE, ("view", "<i4"), *_OURS]
        return _make("feature", place, feature_dtype(outputs))
    place = [*_PLACE, *_OURS] if kind is Kind.PROGRESS else _PLACE
    return _make(TABLES[kind], place, LAYOUTS[kind])


@cache
def frame_layout() -> Layout:
    """The layout of the manifest, table `frame`."""
    return _make("frame", [("stream", "<i2")], FRAME_DTYPE)
