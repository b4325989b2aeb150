"""Lines of raw Binance messages: which is what, and their fields as columns.

Messages of the shape the venue's streams send are read a chunk at a time; when one of a chunk is
of another shape, that chunk is read message by message, to the same columns.
"""

import json
import re
from typing import Any, Final, NamedTuple

import numpy as np

from ledger.drafts import Bools, Column, Ints, RefusedRow
from ledger.sources.columns import texts
from ledger.sources.lines import Lines

LINE: Final = re.compile(rb"(\d{16,19}) (\{.*\})\s*")
_RECEIVED_DIGITS: Final = 19
_DIGITS_AT: Final = np.arange(_RECEIVED_DIGITS)
_EVENT: Final = '"e": ?"(?P<event>[A-Za-z_]+)"'
NO_MESSAGE: Final = "not a receive time and a message"
# Fields of the two kinds of message, with the types the venue writes them in.
TRADE: Final = {"T": "int64", "s": "string", "t": "int64", "p": "string", "q": "string"} | {
    "X": "string",
    "m": "bool_",
    "M": "bool_",
}
QUOTE: Final = {"e": "string", "T": "int64", "s": "string", "u": "int64"} | dict.fromkeys(
    "bBaA", "string"
)


class Messages(NamedTuple):
    """Messages of one kind: their places in the lines, receive times and fields, shape (n,)."""

    at: Ints
    received: Column
    fields: dict[str, Column]


class Sorts(NamedTuple):
    """What each line is; of shape (n,), exactly one is true."""

    trade: Bools
    quote: Bools
    other: Bools
    broken: Bools


def sort_lines(lines: Lines) -> Sorts:
    """Tell trades and best quotes from other messages, and from what is no message."""
    import pyarrow.compute as pc

    column = _as_column(lines)
    trade = np.asarray(pc.match_substring_regex(column, '"e": ?"trade"'))
    quote = np.asarray(pc.match_substring(column, 'bookTicker"')) & ~trade
    letters = np.frombuffer(lines.text, np.uint8)
    space = lines.starts + _RECEIVED_DIGITS
    inside = space + 1 < lines.ends
    space = np.where(inside, space, 0)
    head = letters[np.minimum(lines.starts[:, None] + _DIGITS_AT, len(letters) - 1)]
    message = inside & ((head >= ord("0")) & (head <= ord("9"))).all(axis=1)
    message &= (letters[space] == ord(" ")) & (letters[space + 1] == ord("{"))
    message &= letters[lines.ends - 1] == ord("}")
    for place in np.flatnonzero(~message).tolist():  # a receive time of another length
        message[place] = bool(LINE.fullmatch(lines.text, lines.starts[place], lines.ends[place]))
    return Sorts(trade & message, quote & message, message & ~trade & ~quote, ~message)


def _as_column(lines: Lines) -> Column:
    """The lines, line ends and empty lines included, as one column without copying."""
    import pyarrow as pa

    offsets = np.append(lines.starts, len(lines.text)).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(lines.text)]
    return pa.Array.from_buffers(pa.binary(), len(lines), buffers)


def skipped(lines: Lines, chosen: Bools) -> dict[str, int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not chosen.any():
        return {}
    column = _as_column(lines).filter(pa.array(chosen))
    heads = pc.binary_slice(column, 0, 200)  # the event's name stands at the beginning
    found = pc.extract_regex(heads, _EVENT)
    events = found.field(0).cast(pa.string())
    counts: dict[str, int] = {}
    for event, valid in zip(events.to_pylist(), found.is_valid().to_pylist(), strict=True):
        reason = f"{event} is neither trade nor best quote" if valid else "no event"
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def read(lines: Lines, at: Ints, schema: dict[str, str]) -> tuple[Messages, list[RefusedRow]]:
    import pyarrow as pa

    try:
        return Messages(at, *_read_at_once(lines, at, schema)), []
    except pa.ArrowInvalid:
        return _read_by_line(lines, at, schema)


def _read_at_once(
    lines: Lines, at: Ints, schema: dict[str, str]
) -> tuple[Column, dict[str, Column]]:
    """Messages as the venue's stream sends them; ArrowInvalid when one is of another shape."""
    import pyarrow as pa
    import pyarrow.json as pajson

    starts, ends = lines.starts[at].tolist(), lines.ends[at].tolist()
    whole = lines.text
    received = pa.array([whole[start : start + _RECEIVED_DIGITS] for start in starts])
    head = _RECEIVED_DIGITS + 1
    text = b"\n".join([whole[start + head : end] for start, end in zip(starts, ends, strict=True)])
    if not text.isascii() or b"\0" in text or b"\\" in text:
        raise pa.ArrowInvalid("texts that the two readers may not read alike")
    types = pa.struct([(name, getattr(pa, kind)()) for name, kind in schema.items()])
    table = pajson.read_json(
        pa.BufferReader(text),
        pajson.ReadOptions(use_threads=False, block_size=len(text) + 1),
        pajson.ParseOptions(
            explicit_schema=pa.schema([("data", types)]), unexpected_field_behavior="ignore"
        ),
    )
    data = table.column("data").combine_chunks()
    if len(data) != len(at) or data.null_count:
        raise pa.ArrowInvalid("a message of another shape")
    return received.cast(pa.string()), {name: data.field(name) for name in schema}


def _read_by_line(
    lines: Lines, at: Ints, schema: dict[str, str]
) -> tuple[Messages, list[RefusedRow]]:
    places: list[int] = []
    received: list[str] = []
    bodies: list[dict[str, Any]] = []
    broken: list[RefusedRow] = []
    for place in at.tolist():
        found = LINE.fullmatch(lines.text, lines.starts[place], lines.ends[place])
        body = _body(found[2]) if found else None
        if found is None or body is None:
            broken.append(RefusedRow(int(lines.numbers[place]), lines.raw(place), NO_MESSAGE))
            continue
        places.append(place)
        received.append(found[1].decode())
        bodies.append(body)
    fields = {name: texts([_plain(body.get(name)) for body in bodies]) for name in schema}
    return Messages(np.array(places, np.int64), texts(list(received)), fields), broken


def _body(text: bytes) -> dict[str, Any] | None:
    """The message itself, unwrapped from its stream; numbers as they are written."""
    try:
        whole = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return None
    body = whole.get("data", whole) if isinstance(whole, dict) else None
    return body if isinstance(body, dict) else None


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)
