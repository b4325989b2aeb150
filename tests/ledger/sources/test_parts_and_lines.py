"""Bytes and lines: every line once, numbered as an editor numbers it, and damage noticed."""

import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError
from ledger.sources import lines as lines_module
from ledger.sources.lines import Lines, join, read_lines, split
from ledger.sources.parts import Damaged, Part, parts_of

TEXT = st.text(st.sampled_from("ab,\r"), max_size=6).filter(lambda t: not t.endswith("\r"))
ENDS = st.sampled_from(["\n", "\r\n"])


def all_lines(part: Part, chunk_bytes: int = 64) -> list[tuple[int, str]]:
    found = []
    for lines in read_lines(part, chunk_bytes=chunk_bytes):
        found += [(int(lines.numbers[n]), lines.raw(n)) for n in range(len(lines))]
    return found


def until_damage(part: Part) -> tuple[list[tuple[int, str]], Damaged]:
    found: list[tuple[int, str]] = []
    try:
        for lines in read_lines(part, chunk_bytes=64):
            found += [(int(lines.numbers[n]), lines.raw(n)) for n in range(len(lines))]
    except Damaged as damage:
        return found, damage
    pytest.fail("no damage was noticed")


@given(st.lists(st.tuples(TEXT, ENDS), max_size=30), st.booleans(), st.integers(1, 40))
def test_lines_are_those_of_an_editor(
    rows: list[tuple[str, str]], ended: bool, chunk_bytes: int
) -> None:
    """Numbers count empty lines, which are no rows; chunks do not matter; a byte order mark and a
    missing last line end neither."""
    text = "".join(row + end for row, end in rows)
    if rows and not ended:
        text = text.removesuffix(rows[-1][1])
    blocks = [("\ufeff" + text).encode()[n : n + 7] for n in range(0, len(text) + 3, 7)]
    expected = [(n, row) for n, (row, _) in enumerate(rows, 1) if row]
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "blocks", lambda *_: iter(blocks))
        for lines in read_lines(Part(Path("unused")), chunk_bytes=chunk_bytes):
            found += [(int(lines.numbers[n]), lines.raw(n)) for n in range(len(lines))]
    assert found == expected


def test_lines_can_be_cut() -> None:
    """First and last of them keep their numbers and texts."""
    lines = join(["a", "bb", "ccc"])
    assert [lines.after(1).raw(n) for n in range(2)] == ["bb", "ccc"]
    assert lines.after(1).numbers.tolist() == [2, 3]
    assert lines.first(2).raw(1) == "bb"
    assert len(lines.after(3)) == 0
    assert len(split(b"")) == 0


def test_a_gzip_of_many_members_is_one_text(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes them, padding included."""
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n") + b"\0" * 100)
    assert all_lines(Part(path)) == [(1, "a"), (2, "bc"), (3, "d")]


def test_a_truncated_gzip_gives_the_whole_lines_before(tmp_path: Path) -> None:
    """And says at which line it ends; half a line is no row."""
    text = b"".join(b"%d,%d\n" % (n, n * n) for n in range(5_000))
    path = tmp_path / "x.csv.gz"
    whole = gzip.compress(text)
    path.write_bytes(whole[: len(whole) // 2])
    found, damage = until_damage(Part(path))
    assert 100 < len(found) < 5_000
    assert found == [(n + 1, f"{n},{n * n}") for n in range(len(found))]
    assert damage.line == len(found) + 1
    assert "ends before its end" in damage.reason


def test_a_corrupt_gzip_is_damaged_where_it_is(tmp_path: Path) -> None:
    """Flipped bytes and trailing garbage are told, after what was good."""
    path = tmp_path / "x.csv.gz"
    whole = bytearray(gzip.compress(b"1\n2\n3\n"))
    whole[-6] ^= 0xFF  # the checksum
    path.write_bytes(whole)
    assert "damaged" in until_damage(Part(path))[1].reason
    path.write_bytes(gzip.compress(b"1\n2\n") + b"garbage that is no gzip")
    found, damage = until_damage(Part(path))
    assert [text for _, text in found] == ["1", "2"]
    assert damage.line == 3


def test_zip_members_are_parts(tmp_path: Path) -> None:
    """In name order; a corrupt one is damaged, an unreadable zip too."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.csv", "3\n")
        archive.writestr("a.csv", "1\n2\n")
    parts = parts_of(path)
    assert [part.label for part in parts] == ["x.zip/a.csv", "x.zip/b.csv"]
    assert all_lines(parts[0]) == [(1, "1"), (2, "2")]
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    (part,) = parts_of(path)
    assert until_damage(part)[0] == []


def test_a_corrupt_member_is_damaged(tmp_path: Path) -> None:
    """A checksum that does not fit."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.csv", "1\n2\n")
    path = tmp_path / "x.zip"
    path.write_bytes(buffer.getvalue().replace(b"1\n2\n", b"1\n3\n"))
    assert "zip data is damaged" in until_damage(parts_of(path)[0])[1].reason


@pytest.mark.parametrize("what", ["shrank", "grew", "was replaced", "was removed", "was written"])
def test_a_file_that_changes_while_it_is_read_is_damaged(tmp_path: Path, what: str) -> None:
    """Whole lines that were read are rows; a line that was cut is none."""
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{n},{n}\n" for n in range(300_000)))
    chunks = read_lines(Part(path), chunk_bytes=64)
    first = next(chunks)
    _change(path, what)
    rest: list[Lines] = []
    with pytest.raises(Damaged, match=what):
        rest.extend(chunks)  # keeps what came before the damage
    found = 0
    for lines in (first, *rest):
        found += len(lines)
        assert lines.raw(len(lines) - 1) == f"{found - 1},{found - 1}"


def _change(path: Path, what: str) -> None:
    size = path.stat().st_size
    if what == "shrank":
        os.truncate(path, size - 5)
    elif what == "grew":
        with path.open("a") as file:
            file.write("300000,300000\n300001,3")
    elif what == "was removed":
        path.unlink()
    elif what == "was written":
        os.utime(path, ns=(1, 1))
    else:
        other = path.with_suffix(".new")
        other.write_text("other\n")
        other.replace(path)


def test_folders_are_read_in_name_order(tmp_path: Path) -> None:
    """Hidden files are none; an empty folder and a missing file are told."""
    for name in ("b.csv", "a.csv", ".hidden"):
        (tmp_path / name).write_text("1\n")
    (tmp_path / "deeper").mkdir()
    assert [part.label for part in parts_of(tmp_path)] == ["a.csv", "b.csv"]
    with pytest.raises(FormatError, match="no files"):
        parts_of(tmp_path / "deeper")
    with pytest.raises(FormatError, match="there is no file"):
        parts_of(tmp_path / "nowhere")


def test_a_line_without_end_is_damage(tmp_path: Path) -> None:
    """Memory stays bounded whatever the file is."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"x" * (lines_module.LINE_BYTES_MAX + 2 * lines_module.CHUNK_BYTES_MAX))
    assert "a line of more than" in until_damage(Part(path))[1].reason
