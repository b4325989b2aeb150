"""Separated values: columns and lines stay together, whatever is wrong in between."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from ledger.sources.lines import split
from ledger.sources.text_table import coded, read_table

FIELD = st.text(st.sampled_from('ab1. "é\x00\r'), max_size=4)
ROW = st.lists(FIELD, min_size=0, max_size=4).map(",".join)


def read(text: bytes, width: int = 2) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]:
    lines = split(text)
    table = read_table(lines, width, range(width), ",")
    columns = [table.columns[n].to_pylist() for n in range(width)]
    rows = [
        (int(lines.numbers[at]), [column[row] for column in columns])
        for row, at in enumerate(table.at.tolist())
    ]
    return rows, [(broken.line, broken.reason) for broken in table.broken]


@given(st.lists(ROW, max_size=12))
def test_every_line_is_a_row_or_broken(rows: list[str]) -> None:
    """Quotes that are never closed, lone carriage returns, too few columns: each line is accounted
    for, and a row is what the csv module reads in that line alone."""
    text = "".join(row + "\n" for row in rows).encode()
    good, broken = read(text)
    lines = split(text)
    assert sorted([line for line, _ in good] + [line for line, _ in broken]) == sorted(
        lines.numbers.tolist()
    )
    for line, fields in good:
        raw = lines.raw(lines.numbers.tolist().index(line))
        if '"' not in raw and "\r" not in raw:
            assert fields == raw.split(",")
        else:
            assert len(fields) == 2


def test_broken_lines_say_why() -> None:
    """Width, encoding, quoting."""
    good, broken = read(b'a,b\n1,2,3\n\n\xff,1\n"open,1\nc,d\n')
    assert good == [(1, ["a", "b"]), (6, ["c", "d"])]
    assert [line for line, _ in broken] == [2, 4, 5]
    assert broken[0][1] == "3 columns where 2 belong"
    assert broken[1][1] == "not UTF-8"


def test_quoted_fields_are_read() -> None:
    """A delimiter inside quotes is none."""
    assert read(b'"a,b",c\n')[0] == [(1, ["a,b", "c"])]


@given(st.lists(st.tuples(*[st.text(st.sampled_from("xy"), max_size=2)] * 2), min_size=1))
def test_combinations_of_columns_are_numbered(rows: list[tuple[str, str]]) -> None:
    """Each row's number leads back to its values."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([("-" + a, "-" + b) for a, b in rows])
    table = read_table(split(buffer.getvalue().encode()), 2, [0, 1], ",")
    which, found = coded((table.columns[0], table.columns[1]))
    assert [found[n] for n in which.tolist()] == [("-" + a, "-" + b) for a, b in rows]
    assert len(found) == len(set(rows))
