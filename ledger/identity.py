"""When two copies of a fact are the same fact.

The identity of a market event is (instrument, kind, event_time floored to the venue's coarsest
unit, id16). Where the venue gives ids, id16 is the venue's own id within its namespace, so a trade
has one identity whether it comes from a socket, a file or a second load. Where it gives none, id16
is a digest of the content and its ordinal among equals of that time in its source: 129,674 rows of
one day of SPY repeat another row in full, and every one of them is a trade.
"""

import hashlib
from collections.abc import Iterable
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.rows import Rows

ID_BYTES: Final = 16


def from_integers(namespace: str, ids: NDArray[np.int64]) -> Rows:
    """id16 of integer venue ids, shape (n,): 8 bytes of the namespace's digest, then the id
    big-endian, so the id can be read off its hexadecimal form."""
    out = np.empty(len(ids), np.dtype([("space", "V8"), ("id", ">i8")]))
    out["space"] = np.void(_digest(namespace.encode())[:8])
    out["id"] = ids
    return out.view("V16")


def from_strings(namespace: str, ids: Iterable[str]) -> Rows:
    """id16 of venue ids that are no integers, shape (n,)."""
    prefix = namespace.encode() + b"\0"
    return _pack([_digest(prefix + text.encode())[:ID_BYTES] for text in ids])


def from_content(contents: Rows, ordinals: NDArray[np.int64]) -> Rows:
    """id16 of rows without venue ids, shape (n,).

    `contents` is a packed structured array of the fields that make the content (event time first),
    `ordinals` each row's number among equal rows of its source, from 0.
    """
    size = contents.dtype.itemsize + 8
    joined = np.empty((len(contents), size), np.uint8)
    joined[:, :-8] = np.ascontiguousarray(contents).view(np.uint8).reshape(len(contents), -1)
    joined[:, -8:] = ordinals.astype("<i8").view(np.uint8).reshape(-1, 8)
    packed = joined.tobytes()
    starts = range(0, len(packed), size)
    digests = [_digest(packed[at:end]) for at, end in zip(starts, _ends(starts, size), strict=True)]
    whole = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
    return np.ascontiguousarray(whole[:, :ID_BYTES]).view("V16").reshape(-1)


def _ends(starts: range, size: int) -> Iterable[int]:
    return map(int.__add__, starts, repeat(size))


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _pack(ids: list[bytes]) -> Rows:
    return np.frombuffer(b"".join(ids), "V16")
