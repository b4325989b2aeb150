"""The bytes of a file, decompressed in bounded blocks, with damage noticed where it stands.

A part is a file or a member of a zip. Whatever ends its bytes early (a truncated or corrupt
archive, a file that shrinks or is replaced while it is read) raises Damaged after the bytes before
it were given.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from ledger.errors import FormatError

BLOCK_BYTES_MAX: Final = 1024 * 1024
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
ZIP_EMPTY: Final = b"PK\x05\x06"
COLUMNAR: Final = {b"PAR1": "parquet", b"ARRO": "arrow", b"FEA1": "feather"}
_GZIP_WINDOW: Final = 31
_ZLIB_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)

Step = Callable[[int], None]  # told how many bytes of the file were consumed


class Damaged(Exception):
    """The input ends before it should. `line` is filled in by whoever counts lines."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True)
class Part:
    """A file, or one member of a zip."""

    path: Path
    member: str = ""

    @property
    def label(self) -> str:
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @property
    def name(self) -> str:
        """The name of the thing inside, without folders and compression."""
        inner = self.member or self.path.name.removesuffix(".gz")
        return inner.rpartition("/")[2]


def parts_of(path: Path) -> list[Part]:
    """The parts of a file or of a directory (its files in name order; hidden ones are none).

    Raises FormatError when there is nothing there.
    """
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        if not files:
            raise FormatError(f"{path} holds no files", remedy="name a file, or fill the folder")
        return [part for file in files for part in _members(file)]
    if not path.exists():
        raise FormatError(f"there is no file {path}", remedy="check the path")
    return _members(path)


def _members(path: Path) -> list[Part]:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic not in (ZIP, ZIP_EMPTY):
            return [Part(path)]
        with zipfile.ZipFile(path) as archive:
            names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    except zipfile.BadZipFile:
        return [Part(path, "(unreadable)")]  # opening it will say what is wrong
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}", remedy="check it") from error
    return [Part(path, name) for name in names]


def magic_of(part: Part) -> bytes:
    """The first four bytes of the file itself."""
    with part.path.open("rb") as file:
        return file.read(4)


def blocks(part: Part, step: Step = lambda _: None, size: int = BLOCK_BYTES_MAX) -> Iterator[bytes]:
    """The decompressed bytes of a part, in order, at most `size` at a time.

    Raises Damaged after the last good ones.
    """
    try:
        file = part.path.open("rb")
    except OSError as error:
        raise Damaged(f"cannot be opened: {error.strerror}") from error
    with file:
        before = os.fstat(file.fileno())
        try:
            if part.member:
                yield from _zip_blocks(file, part, step, size)
            elif file.read(2) == GZIP:
                file.seek(0)
                yield from _gzip_blocks(file, step, size)
            else:
                file.seek(0)
                yield from _plain_blocks(file, step, size)
        finally:
            changed = _change(part.path, file, before)
        if changed:
            raise Damaged(changed)


def _change(path: Path, file: BinaryIO, before: os.stat_result) -> str:
    """What happened to the file while it was read, or ""."""
    after = os.fstat(file.fileno())
    try:
        now = path.stat()
    except OSError:
        return "was removed while it was read"
    if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino):
        return "was replaced while it was read"
    if after.st_size != before.st_size:
        verb = "shrank" if after.st_size < before.st_size else "grew"
        return f"{verb} from {before.st_size} to {after.st_size} bytes while it was read"
    return "was written to while it was read" if after.st_mtime_ns != before.st_mtime_ns else ""


def _plain_blocks(file: BinaryIO, step: Step, size: int) -> Iterator[bytes]:
    while block := file.read(size):
        step(len(block))
        yield block


def _gzip_blocks(file: BinaryIO, step: Step, size: int) -> Iterator[bytes]:
    """All members of a gzip file; bounded output whatever the ratio."""
    stream, waiting, started = zlib.decompressobj(_GZIP_WINDOW), b"", False
    while True:
        if not waiting:
            waiting = file.read(max(1, size // 4))
            step(len(waiting))
            if not waiting:
                if started:
                    raise Damaged("gzip data ends before its end")
                return
        if not started:
            waiting = waiting.lstrip(b"\0")  # padding of tapes and block devices
            started = bool(waiting)
            continue
        try:
            block = stream.decompress(waiting, size)
        except zlib.error as error:
            raise Damaged(f"gzip data is damaged: {error}") from error
        if block:
            yield block
        waiting = stream.unconsumed_tail
        if stream.eof:
            waiting = stream.unused_data
            stream, started = zlib.decompressobj(_GZIP_WINDOW), False


def _zip_blocks(file: BinaryIO, part: Part, step: Step, size: int) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(file) as archive, archive.open(part.member) as member:
            info = archive.getinfo(part.member)
            share = info.compress_size / max(1, info.file_size)
            done = 0.0
            read = cast(zipfile.ZipExtFile, member).read1  # `read` would lose what precedes damage
            while block := read(size):
                step(int(done + len(block) * share) - int(done))
                done += len(block) * share
                yield block
    except _ZLIB_ERRORS as error:
        raise Damaged(f"zip data is damaged: {error}") from error
    except KeyError as error:
        raise Damaged(f"zip member {part.member} is not there") from error
