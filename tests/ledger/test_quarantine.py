"""The quarantine and its retry, on memory; `contract` holds for every store."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.client import Ledger
from ledger.load import load
from ledger.load_delivery import CONFLICT
from ledger.load_jumps import UNCONFIRMED
from ledger.load_options import LoadOptions
from ledger.loading import writer_of
from ledger.quarantine import PostgresQuarantine, QuarantineRow, QuarantineStore
from ledger.quarantine_retry import retry
from ledger.rows import Kind
from tests.ledger.drafting import HEADER, T0, instrument, ledger, reading, trade_lines, write
from tests.ledger.memory_ledger import MemoryLedger


def row(**other: Any) -> QuarantineRow:
    values: dict[str, Any] = {
        **{"load_id": "l1", "source": "s", "file": "f.csv", "line": 7, "reason": "price missing"},
        **{"raw": "1,,2", "head": "ab12", "detail": {"a": 1}, "options": {"format": "table"}},
    }
    return QuarantineRow(**{**values, **other})


def contract(store: QuarantineStore) -> None:
    """What every store does."""
    first, other = row(), row(line=8, raw="2,,\0é\\")
    assert store.add_many([first, other, first]) == 2
    assert store.add_many([row(load_id="l2", file="renamed.csv"), other]) == 0
    entries = store.entries()
    assert [one.row for one in entries][:1] == [first]
    assert entries[0].row.digest == first.digest
    assert [one.state for one in entries] == ["open", "open"]
    store.resolve([entries[0].id])
    assert [one.id for one in store.entries()] == [entries[1].id]
    assert [one.id for one in store.entries("resolved")] == [entries[0].id]
    assert store.entries(None, [entries[0].id])[0].state == "resolved"
    assert store.entries(None, after=entries[0].id)[0].id == entries[1].id
    assert len(store.entries(None, limit=1)) == 1
    assert store.add_many([first]) == 0  # what was resolved stays so
    store.resolve([])


def test_the_store_in_memory_keeps_the_contract() -> None:
    """The one that the other tests here use."""
    contract(MemoryLedger())


def test_the_store_in_postgres_keeps_the_contract(led: Ledger) -> None:
    """The one of the archive, as the role that may write it."""
    with writer_of(led) as writer:
        contract(PostgresQuarantine(writer))


class Recorded:
    """A connection that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def execute(self, query: str, params: Any = None) -> list[Any]:
        self.asked.append((query, params))
        return []


def test_rows_reach_postgres_as_one_document_per_statement() -> None:
    """However many; NUL, which PostgreSQL's text cannot hold, is written out."""
    connection = Recorded()
    PostgresQuarantine(connection).add_many([row(line=n, raw="a\0b") for n in range(2_500)])
    assert len(connection.asked) == 3
    document = json.loads(connection.asked[0][1][0])
    assert len(document) == 1_000
    assert document[0]["raw"] == "a\\x00b"
    assert document[0]["digest"] == row(line=0, raw="a\0b").digest.hex()


def test_what_is_no_utf8_reaches_postgres_written_out(led: Ledger) -> None:
    """In the name of a file, the text of a row, and anything said about them."""
    name = b"tr\xffade\xc3\xa9.csv".decode("utf-8", "surrogateescape")
    odd = row(file=name, raw="1,\ud800", reason="no \0", detail={"\udcfe": ["\udcfe"]})
    with writer_of(led) as writer:
        store = PostgresQuarantine(writer)
        assert store.add_many([odd]) == 1
        (kept,) = [one.row for one in store.entries(None) if one.row.reason == "no \\x00"]
    assert (kept.file, kept.raw) == ("tr\\xffadeé.csv", "1,\\ud800")
    assert kept.detail == {"\\xfe": ["\\xfe"]}


def test_the_digest_is_of_the_row_not_of_the_load() -> None:
    """Another load, another file name: one entry. Another line, reason, text, file content: two."""
    assert row().digest == row(load_id="x", file="y", ordinal=3, detail={}, options={}).digest
    others = [row(line=8), row(reason="x"), row(raw="x"), row(head="x"), row(source="x")]
    assert len({one.digest for one in [row(), *others]}) == 6


def quarantined(tmp_path: Path, made: MemoryLedger, text: str, **options: Any) -> None:
    path = write(tmp_path / "x.csv", HEADER + text)
    load([path], made.ports, LoadOptions(read=reading(**options)))


def test_a_retry_appends_what_is_fine_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the options of the load and the definitions there are now; once."""
    monkeypatch.setattr("ledger.load_look.LOOK_BYTES", 60)
    made = MemoryLedger()
    made.define([instrument("OTHER.TEST")])
    lines = f"{T0},100.25,1,1,OTHER\n" + f"{T0 + 5},100.25,1,2,ABC\n" * 2
    path = write(tmp_path / "x.csv", "time,price,size,id,symbol\n" + lines)
    options = LoadOptions(read=reading(instrument=None, market="TEST"), chunk_bytes=70)
    first = load([path], made.ports, options)
    assert (first.counts.appended, first.counts.quarantined) == (1, 2)
    assert retry(made.ports).left == {"no instrument 'ABC.TEST' is defined": 2}
    made.define([instrument()])
    result = retry(made.ports)
    assert (result.tried, result.appended, result.known, result.left) == (2, 1, 1, {})
    assert made.rows(Kind.TRADE, made.id_of("ABC.TEST"))["venue_seq"].tolist() == [2]
    assert retry(made.ports).tried == 0


def test_a_retry_after_a_crash_finds_what_it_appended(tmp_path: Path) -> None:
    """Appended and not yet resolved: known, and resolved."""
    made = ledger()
    jump = f"{T0 + 10**12},100.25,1,9\n"
    quarantined(tmp_path, made, trade_lines(80) + jump + trade_lines(80, 80))
    kept = list(made.stored)
    assert retry(made.ports, accept_jumps=True).appended == 1
    made.stored = kept  # as if the process had died before it resolved them
    again = retry(made.ports, accept_jumps=True)
    assert (again.appended, again.known) == (0, 1)
    assert made.entries() == []


def test_jumps_and_conflicts_are_not_forgiven_for_standing_alone(tmp_path: Path) -> None:
    """One needs a word, the other an amend."""
    made = ledger()
    jump = f"{T0 + 10**12},100.25,1,9\n"
    other = f"{T0},999.99,1,1000\n"
    quarantined(tmp_path, made, trade_lines(80) + jump + other + trade_lines(80, 80))
    result = retry(made.ports)
    assert result.left == {UNCONFIRMED: 1, CONFLICT: 1}
    assert retry(made.ports, accept_jumps=True).left == {CONFLICT: 1}


def test_what_is_still_wrong_stays(tmp_path: Path) -> None:
    """Every reason a row can have by itself."""
    made = ledger()
    bad = [f"{T0},abc,1,1", f"{T0},1,1", "x,1,1,3", f"{T0},1.005,1,4"]
    quarantined(tmp_path, made, trade_lines(3) + "\n".join(bad) + "\n")
    result = retry(made.ports)
    assert (result.tried, result.appended, sum(result.left.values())) == (4, 0, 4)
    assert len(made.entries()) == 4


@pytest.mark.parametrize("number", [1, 2])
def test_single_entries_can_be_retried(tmp_path: Path, number: int) -> None:
    """By number; the others are not touched."""
    made = ledger()
    jumps = "".join(f"{T0 + 10**12},100.25,1,{n}\n" for n in (8, 9))
    quarantined(tmp_path, made, trade_lines(80) + jumps + trade_lines(80, 80))
    assert retry(made.ports, (number,), accept_jumps=True).appended == 1
    assert [one.id for one in made.entries()] == [3 - number]
