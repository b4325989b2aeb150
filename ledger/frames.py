"""A frame is one Kafka record: a 64-byte header and rows of one kind, or one control event.

Encoding is a memory copy. Decoding is total: every byte string is a `Frame`, `Undecodable`, or
`Newer` than this build, and nothing is raised. What decodes can be rebuilt to the same bytes from
its header and rows, so the archive stores nothing twice.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import google_crc32c
import numpy as np

from ledger.row_checks import fault
from ledger.rows import FEATURE_FIXED_BYTES, LAYOUTS, Kind, Rows, feature_dtype

MAGIC: Final = b"fldg"
VERSION: Final = 1
HEADER_BYTES: Final = 64
FRAME_BYTES_MAX: Final = 256 * 1024
FRAME_ROWS_MAX: Final = 4096
CONTROL_DEPTH_MAX: Final = 32
NO_SOURCE: Final = -1
NO_VIEW: Final = -1
NO_CAUSE: Final = -1

if google_crc32c.implementation != "c":  # the fallback is 1,000 times slower and would pass unseen
    raise ImportError("google-crc32c without its C library: reinstall it for this platform")


class FrameFlag:
    """Bits of the header's `flags`."""

    LOADED: Final = 1  # origin: a fact that was not known here when it happened
    COPY: Final = 2  # a control event's in-band copy; `cause` is its control sequence
    KNOWN: Final = 3


class Header(NamedTuple):
    """The 64 bytes before the rows, in order of their alignment."""

    kind: int
    version: int = VERSION
    flags: int = 0
    build: bytes = bytes(8)
    run: bytes = bytes(8)
    cause: int = NO_CAUSE
    count: int = 1  # type: ignore[assignment]  # the field hides tuple.count, which nobody needs
    source: int = NO_SOURCE
    first_ordinal: int = 0
    total: int = 0
    view: int = NO_VIEW
    semantics: int = 0
    crc: int = 0


_HEADER: Final = struct.Struct("<4sBBH8s8sqIiIIiH6xI")
_CRC_AT: Final = HEADER_BYTES - 4
assert _HEADER.size == HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded record. `rows` has shape (count,); a control frame has `control` instead."""

    header: Header
    rows: Rows
    control: dict[str, Any] | None = None

    @property
    def kind(self) -> Kind:
        return Kind(self.header.kind)

    @property
    def loaded(self) -> bool:
        return bool(self.header.flags & FrameFlag.LOADED)

    @property
    def is_copy(self) -> bool:
        return bool(self.header.flags & FrameFlag.COPY)


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record that no build will ever read: archived raw, skipped by folds."""

    reason: str


@dataclass(frozen=True, slots=True)
class Newer:
    """A valid envelope of a kind or version this build lacks: archived raw, folds stop at it."""

    kind: int
    version: int


Decoded = Frame | Undecodable | Newer
_NO_ROWS: Final = np.zeros(0, np.dtype([("none", "V1")]))


def rows_max(row_bytes: int) -> int:
    """How many rows of `row_bytes` one frame holds."""
    return min(FRAME_ROWS_MAX, (FRAME_BYTES_MAX - HEADER_BYTES) // row_bytes)


def encode(header: Header, rows: Rows) -> bytes:
    """The record of `rows` (shape (n,), 1 ≤ n ≤ rows_max); count and CRC are filled in here."""
    if not 1 <= len(rows) <= rows_max(rows.dtype.itemsize):
        raise ValueError(f"{len(rows)} rows of {rows.dtype.itemsize} bytes do not fit one frame")
    return _seal(header._replace(count=len(rows)), rows.tobytes())


def encode_control(header: Header, event: dict[str, Any]) -> bytes:
    """The record of one control event: canonical JSON, at most 256 KiB with its header."""
    body = canonical_json(event)
    if len(body) > FRAME_BYTES_MAX - HEADER_BYTES:
        raise ValueError(f"a control event of {len(body)} bytes exceeds {FRAME_BYTES_MAX}")
    return _seal(header._replace(count=1), body)


def rebuild(header_bytes: bytes, body: bytes) -> bytes:
    """The exact bytes of an archived record. The CRC inside is not recomputed: what was, is."""
    return header_bytes + body


def _seal(header: Header, body: bytes) -> bytes:
    zeroed = _HEADER.pack(MAGIC, *header._replace(crc=0))
    crc = google_crc32c.extend(google_crc32c.value(zeroed), body)
    return b"".join((zeroed[:_CRC_AT], crc.to_bytes(4, "little"), body))


def parse_header(record: bytes) -> Header:
    """The header fields of a record of at least 64 bytes, unchecked."""
    return Header(*_HEADER.unpack_from(record)[1:])


def decode(record: bytes) -> Decoded:
    """Total: a `Frame`, or why not."""
    if len(record) < HEADER_BYTES or record[:4] != MAGIC:
        return Undecodable("too short" if len(record) < HEADER_BYTES else "wrong magic")
    if len(record) > FRAME_BYTES_MAX:
        return Undecodable("too long")
    header = parse_header(record)
    zeroed = record[:_CRC_AT] + bytes(4)
    if google_crc32c.extend(google_crc32c.value(zeroed), record[HEADER_BYTES:]) != header.crc:
        return Undecodable("checksum")
    if header.version > VERSION or header.kind not in Kind:
        return Newer(header.kind, header.version)
    if header.version < 1 or any(record[54:60]) or header.flags & ~FrameFlag.KNOWN:
        return Undecodable("header field out of range")
    if header.kind == Kind.CONTROL:
        return _decode_control(header, record[HEADER_BYTES:])
    return _decode_rows(header, record)


def _decode_rows(header: Header, record: bytes) -> Decoded:
    body = len(record) - HEADER_BYTES
    if not 1 <= header.count <= FRAME_ROWS_MAX or body % header.count:
        return Undecodable("count and size disagree")
    layout = layout_of(Kind(header.kind), body // header.count)
    if layout is None:
        return Undecodable("row size")
    rows = np.frombuffer(record, layout, header.count, HEADER_BYTES)
    wrong = fault(Kind(header.kind), rows)
    return Undecodable(wrong) if wrong else Frame(header, rows)


def layout_of(kind: Kind, row_bytes: int) -> np.dtype[np.void] | None:
    """The row layout of `kind`, or None when no such row has `row_bytes`."""
    if kind is Kind.FEATURE:
        outputs, rest = divmod(row_bytes - FEATURE_FIXED_BYTES, 8)
        return feature_dtype(outputs) if outputs >= 1 and rest == 0 else None
    layout = LAYOUTS[kind]
    return layout if layout.itemsize == row_bytes else None


def _decode_control(header: Header, body: bytes) -> Decoded:
    if header.count != 1:
        return Undecodable("a control frame holds one event")
    try:
        event = json.loads(body)
        canonical = canonical_json(event) == body
    except (ValueError, RecursionError):
        return Undecodable("not JSON")
    if not canonical or not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return Undecodable("not a canonical control event")
    return Frame(header, _NO_ROWS, event)


def canonical_json(event: object) -> bytes:
    """Sorted keys, no spaces, UTF-8; objects, lists, strings, int64 integers, booleans, null.

    Raises ValueError for anything else: a float has more than one spelling, and PostgreSQL's
    jsonb cannot hold a NUL character.
    """
    _check_json(event, CONTROL_DEPTH_MAX)
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _check_json(value: object, depth: int) -> None:
    if depth == 0:
        raise ValueError("nested too deep")
    match value:
        case str():
            if "\0" in value:
                raise ValueError("NUL in a string")
        case bool() | None:
            pass
        case int():
            if not -(2**63) <= value < 2**63:
                raise ValueError("integer beyond int64")
        case list():
            for item in value:
                _check_json(item, depth - 1)
        case dict():
            for key, item in value.items():
                _check_json(key, depth - 1)
                if not isinstance(key, str):
                    raise ValueError("a key that is no string")
                _check_json(item, depth - 1)
        case _:
            raise ValueError(f"{type(value).__name__} in a control event")
