"""Whole lines of text, in chunks, with their numbers and their raw text kept.

Lines end in \\n or \\r\\n; a byte order mark and empty lines are no rows. A last line without an
end is a row only if the input ended as it should: cut off, `61837.63` reads as `618`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.sources.parts import BLOCK_BYTES_MAX, Damaged, Part, Step, blocks

CHUNK_BYTES_MAX: Final = 4 * 1024 * 1024
LINE_BYTES_MAX: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True)
class Lines:
    """Lines of a part. `starts`, `ends` cut `text` without line ends, shape (n,); `numbers` count
    from 1 and include the empty lines, which are not among these; `count` does too."""

    text: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]
    count: int = 0

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def places(self) -> NDArray[np.int64]:
        return np.arange(len(self.starts), dtype=np.int64)

    def raw(self, place: int) -> str:
        """The text of a line; bytes that are no UTF-8 are shown, not lost."""
        cut = self.text[int(self.starts[place]) : int(self.ends[place])]
        return cut.decode("utf-8", "backslashreplace")

    def first(self, count: int) -> "Lines":
        """The first `count` of these lines."""
        if count >= len(self):
            return self
        end = int(self.starts[count])
        return Lines(self.text[:end], self.starts[:count], self.ends[:count], self.numbers[:count])

    def after(self, count: int) -> "Lines":
        """These lines without the first `count`."""
        if count == 0:
            return self
        if count >= len(self):
            return Lines(b"", self.starts[:0], self.ends[:0], self.numbers[:0])
        begin = int(self.starts[count])
        starts, ends = self.starts[count:] - begin, self.ends[count:] - begin
        return Lines(self.text[begin:], starts, ends, self.numbers[count:])


def split(text: bytes, first_number: int = 1) -> Lines:
    """The lines of a text that ends with a line end."""
    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(letters == _NEWLINE)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
    bare = ends - ((ends > starts) & (letters[ends - 1] == _RETURN))
    filled = bare > starts
    numbers = np.arange(first_number, first_number + len(ends), dtype=np.int64)
    return Lines(text, starts[filled], bare[filled], numbers[filled], len(ends))


def join(rows: list[str]) -> Lines:
    """Rows as lines 1, 2, 3, …: how a quarantined row is read again."""
    return split("".join(f"{row}\n" for row in rows).encode())


def read_lines(
    part: Part, step: Step = lambda _: None, chunk_bytes: int = CHUNK_BYTES_MAX
) -> Iterator[Lines]:
    """The lines of a part in chunks of about `chunk_bytes`. Raises Damaged, with the line, after
    the last whole line before the damage."""
    rest, number, fresh = b"", 1, True
    source = blocks(part, step, min(BLOCK_BYTES_MAX, chunk_bytes))
    while True:
        gathered, damage, ended = _gather(source, rest, chunk_bytes)
        if fresh:
            gathered, fresh = gathered.removeprefix(_BOM), False
        cut = gathered.rfind(b"\n") + 1
        if ended and damage is None and cut < len(gathered):
            gathered += b"\n"
            cut = len(gathered)
        rest = gathered[cut:]
        whole = split(gathered[:cut], number)
        if len(whole):
            yield whole
        number += whole.count
        if damage is not None:
            raise Damaged(damage.reason, number)
        if ended:
            return
        if len(rest) > LINE_BYTES_MAX:
            raise Damaged(f"a line of more than {LINE_BYTES_MAX} bytes", number)


def _gather(
    source: Iterator[bytes], rest: bytes, chunk_bytes: int
) -> tuple[bytes, Damaged | None, bool]:
    """Bytes for a chunk, what damage ended them, whether they are the last."""
    pieces, size = [rest], len(rest)
    try:
        for block in source:
            pieces.append(block)
            size += len(block)
            if size >= chunk_bytes:
                return b"".join(pieces), None, False
    except Damaged as damage:
        return b"".join(pieces), damage, True
    return b"".join(pieces), None, True
