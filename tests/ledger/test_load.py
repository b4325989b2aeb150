"""Loading: every row of the table of bad input, and the laws behind it."""

import gzip
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.client import Ledger
from ledger.errors import AppendStalled, FormatError
from ledger.load import load
from ledger.load_delivery import CONFLICT
from ledger.load_jumps import UNCONFIRMED
from ledger.load_late import TOO_LATE
from ledger.load_look import LOOK_BYTES
from ledger.load_options import LoadOptions, Progress, Talk
from ledger.load_result import LoadResult
from ledger.loading import writer_of
from ledger.quarantine import PostgresQuarantine
from ledger.quarantine_retry import retry
from ledger.rows import Flag, Kind, Rows
from ledger.time_columns import BARE_NUMBER, SHIFTED_HOUR, WRONG_UNIT
from tests.ledger.drafting import (
    HEADER,
    NAME,
    T0,
    instrument,
    ledger,
    nameless_lines,
    reading,
    trade_lines,
    write,
)
from tests.ledger.memory_ledger import Done, MemoryLedger, with_catalog

DAY_MS = 86_400_000
NAMELESS = "time,price,size\n"


def into(made: MemoryLedger, *paths: Path, **options: Any) -> LoadResult:
    """Load files of ABC.TEST; the law holds every time."""
    reads = {n: options.pop(n) for n in ("tz", "time_unit", "columns", "mapping") if n in options}
    chosen = LoadOptions(read=reading(**reads), **options)
    result = load(list(paths), made.ports, chosen)
    assert result.counts.holds
    assert all(file.counts.holds for file in result.files)
    assert result.counts.quarantined == sum(result.reasons.values())
    return result


def load_text(tmp_path: Path, text: str | bytes, **options: Any) -> tuple[MemoryLedger, LoadResult]:
    made = ledger()
    return made, into(made, write(tmp_path / "x.csv", text), **options)


def counts(result: LoadResult) -> tuple[int, int, int, int, int]:
    c = result.counts
    return c.read, c.appended, c.known, c.quarantined, c.skipped


def reasons(made: MemoryLedger) -> list[tuple[int, str, str]]:
    return [(one.row.line, one.row.raw, one.row.reason) for one in made.stored]


def rows(made: MemoryLedger) -> Rows:
    return made.rows(Kind.TRADE)


# ---- the table, row by row ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", HEADER, "\ufeff" + HEADER, "\n\n", HEADER + "\r\n\r\n"])
def test_an_empty_file_is_read_with_a_warning(tmp_path: Path, text: str) -> None:
    """Empty file, header only: exit 0, read 0."""
    _, result = load_text(tmp_path, text)
    assert counts(result) == (0, 0, 0, 0, 0)
    assert result.exit_code == 0
    assert result.warnings == ["x.csv holds no rows"]


def test_a_wrong_header_stops_before_any_append(tmp_path: Path) -> None:
    """Also when it is the last file of the folder."""
    write(tmp_path / "a.csv", HEADER + trade_lines(5))
    write(tmp_path / "b.csv", "when,cost\n1,2\n")
    made = ledger()
    with pytest.raises(FormatError, match=r"b\.csv.*need") as error:
        into(made, tmp_path)
    assert "columns found: when, cost" in str(error.value)
    assert "--map" in str(error.value)
    assert made.appends == []


def test_a_truncated_gzip_loads_what_is_before_and_the_rest_after_repair(tmp_path: Path) -> None:
    """Exit 4 with the line; a repeat after repair adds only the rest."""
    whole = gzip.compress((HEADER + trade_lines(20_000)).encode())
    path = write(tmp_path / "x.csv.gz", whole[: len(whole) // 2])
    made = ledger()
    first = into(made, path)
    (damaged,) = first.damaged
    assert first.exit_code == 4
    assert 0 < first.counts.appended == first.counts.read < 20_000
    assert damaged.damage_line == first.counts.read + 2  # the header is line 1
    path.write_bytes(whole)
    second = into(made, path)
    assert counts(second) == (20_000, 20_000 - first.counts.read, first.counts.read, 0, 0)
    assert second.exit_code == 0
    alone = with_catalog(made)
    into(alone, path)
    assert alone.facts() == made.facts()


def test_a_file_that_shrinks_while_it_is_read_is_damage(tmp_path: Path) -> None:
    """Rows before it are appended; a repeat after repair adds only the rest."""
    text = HEADER + trade_lines(100_000)
    path = write(tmp_path / "x.csv", text)
    made, size = ledger(), len(text)

    def shrink(_: Progress) -> None:
        if path.stat().st_size == size:
            with path.open("r+b") as file:
                file.truncate(size - 10)

    options = LoadOptions(read=reading(), chunk_bytes=5_000)
    result = load([path], made.ports, options, talk=Talk(progress=shrink))
    assert result.counts.holds
    assert "shrank" in result.files[0].damage
    path.write_text(text)
    again = into(made, path)
    assert again.counts.appended + result.counts.appended == 100_000
    assert again.counts.known == result.counts.appended


@pytest.mark.parametrize(
    "text",
    [
        (HEADER + trade_lines(3)).replace("\n", "\r\n"),
        "\ufeff" + HEADER + trade_lines(3),
        HEADER + trade_lines(3) + "\n\n",
        HEADER + "\n" + trade_lines(3).removesuffix("\n"),
    ],
    ids=["CRLF", "byte order mark", "trailing blank lines", "no last line end"],
)
def test_harmless_forms_are_accepted(tmp_path: Path, text: str) -> None:
    """They give the rows that the plain file gives."""
    made, result = load_text(tmp_path, text)
    plain, _ = load_text(tmp_path, HEADER + trade_lines(3))
    assert counts(result) == (3, 3, 0, 0, 0)
    assert made.facts() == plain.facts()


def test_a_repeated_row_is_known_or_in_conflict(tmp_path: Path) -> None:
    """Same content: known. Other content: quarantined, with both."""
    line = f"{T0},100.00,1.5,1000\n"
    other = f"{T0},100.01,1.5,1000\n"
    made, result = load_text(tmp_path, HEADER + line + line + other)
    assert counts(result) == (3, 1, 1, 1, 0)
    assert reasons(made) == [(4, other.strip(), CONFLICT)]
    detail = made.stored[0].row.detail
    assert detail["row"]["price"] == "100.01"
    assert detail["stands"]["price"] == "100.00"


def test_a_conflict_with_the_archive_is_told(tmp_path: Path) -> None:
    """A later file that says something else about a known trade."""
    made, _ = load_text(tmp_path, HEADER + trade_lines(10))
    line = trade_lines(1, 4).replace(".5,", ".7,")
    result = into(made, write(tmp_path / "y.csv", HEADER + line + trade_lines(2, 9)))
    assert counts(result) == (3, 1, 1, 1, 0)
    assert result.reasons == {CONFLICT: 1}


def test_rows_without_ids_are_all_kept(tmp_path: Path) -> None:
    """Equal rows are so many trades; the file again, renamed or re-zipped, adds nothing."""
    lines = nameless_lines([(n // 4, "100.25", "1") for n in range(40)])
    made, result = load_text(tmp_path, NAMELESS + lines)
    assert counts(result) == (40, 40, 0, 0, 0)
    assert len(np.unique(rows(made)["id"])) == 40
    again = into(
        made, write(tmp_path / "renamed.csv.gz", gzip.compress((NAMELESS + lines).encode()))
    )
    assert counts(again) == (40, 0, 40, 0, 0)


def test_a_folder_is_one_source(tmp_path: Path) -> None:
    """Equal rows in two files of it are two trades; in two loads they are one."""
    lines = NAMELESS + nameless_lines([(0, "100.25", "1")])
    write(tmp_path / "a.csv", lines)
    write(tmp_path / "b.csv", lines)
    made = ledger()
    assert counts(into(made, tmp_path)) == (2, 2, 0, 0, 0)
    apart = ledger()
    into(apart, tmp_path / "a.csv")
    assert counts(into(apart, tmp_path / "b.csv")) == (1, 0, 1, 0, 0)


def test_rows_out_of_order_are_sorted_and_counted(tmp_path: Path) -> None:
    """Count and worst lag; the appended rows are in order."""
    lines = trade_lines(30).splitlines(keepends=True)
    swapped = [*lines[:10], lines[12], lines[10], lines[11], *lines[13:]]
    made, result = load_text(tmp_path, HEADER + "".join(swapped))
    assert (result.out_of_order, result.worst_lag_ns) == (2, 20_000_000)
    assert rows(made)["venue_seq"].tolist() == list(range(1000, 1030))


def test_data_behind_the_horizon_is_announced_as_deferred(tmp_path: Path) -> None:
    """Before it is appended, per feed."""
    made, _ = load_text(tmp_path, HEADER + trade_lines(3, 60_000))
    before = len(made.appends)
    said: list[tuple[str, int]] = []
    talk = Talk(notice=lambda text: said.append((text, len(made.appends))))
    path = write(tmp_path / "early.csv", HEADER + trade_lines(5))
    result = load([path], made.ports, LoadOptions(read=reading()), talk=talk)
    assert result.deferred == 5
    ((text, appends_before),) = said
    assert "deferred" in text
    assert "fledger restate" not in text  # no such command yet
    assert NAME in text
    assert appends_before == before


def test_quotes_never_make_trades_late(tmp_path: Path) -> None:
    """A feed is an instrument's trades or its quotes."""
    made = ledger()
    quotes = write(tmp_path / "q.csv", f"time,bid,ask\n{T0 + DAY_MS},1,2\n")
    into(made, quotes)
    result = into(made, write(tmp_path / "t.csv", HEADER + trade_lines(5)))
    assert result.deferred == 0


def test_an_unconfirmed_jump_is_quarantined(tmp_path: Path) -> None:
    """One bad stamp must not make everything after it late."""
    jump = f"{T0 + 3650 * DAY_MS},100.00,1.0,7\n"
    text = HEADER + trade_lines(50) + jump + trade_lines(50, 50)
    made, result = load_text(tmp_path, text)
    assert counts(result) == (101, 100, 0, 1, 0)
    assert reasons(made) == [(52, jump.strip(), UNCONFIRMED)]
    assert (result.out_of_order, result.deferred, result.exit_code) == (0, 0, 4)


@pytest.mark.parametrize("place", [0, 150])
def test_a_row_one_day_ahead_is_quarantined_alone(tmp_path: Path, place: int) -> None:
    """First or in the middle: the 299 rows that go on are fine."""
    lines = trade_lines(300).splitlines(keepends=True)
    time, rest = lines[place].split(",", 1)
    lines[place] = f"{int(time) + DAY_MS},{rest}"
    made, result = load_text(tmp_path, HEADER + "".join(lines))
    assert counts(result) == (300, 299, 0, 1, 0)
    assert reasons(made) == [(place + 2, lines[place].strip(), UNCONFIRMED)]
    assert (result.out_of_order, result.deferred) == (0, 0)


@pytest.mark.parametrize("define", [False, True])
def test_a_number_beyond_all_size_is_quarantined(tmp_path: Path, define: bool) -> None:
    """Whether or not the definition is inferred from the rows that hold it."""
    made = MemoryLedger() if define else ledger()
    path = write(tmp_path / "x.csv", HEADER + f"{T0},1e999999999,1,1\n" + trade_lines(3))
    result = into(made, path, define=define)
    assert counts(result) == (4, 3, 0, 1, 0)
    assert result.reasons == {"price does not fit the mantissa": 1}


def test_numbers_of_no_unit_of_time_are_called_so(tmp_path: Path) -> None:
    """A column of 1000s is taken for texts; the reason is their size."""
    _, result = load_text(tmp_path, HEADER + "1000,1,1,1\n")
    assert result.reasons == {BARE_NUMBER: 1}


def test_a_file_name_that_is_no_utf8_can_be_quarantined(tmp_path: Path, led: Ledger) -> None:
    """Its bad row is kept under the name written out."""
    path = write(tmp_path / os.fsdecode(b"x\xff.csv"), HEADER + f"x,1,1,1\n{trade_lines(2)}")
    result = led.load(path, options=LoadOptions(define=True, read=reading()))
    assert result.counts.quarantined == 1
    with writer_of(led) as writer:
        (kept,) = [e.row for e in PostgresQuarantine(writer).entries() if e.row.raw == "x,1,1,1"]
    assert kept.file.endswith("x\\xff.csv")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("0,1", "price is not above 0"),
        ("-1,1", "price is not above 0"),
        ("1,-1", "size is below 0"),
        ("NaN,1", "price not finite"),
        ("1,inf", "size not finite"),
        ("1.005,1", "price has digits beyond the instrument's exponent"),
        ("1e17,1", "price does not fit the mantissa"),
        ("x,1", "price not a number"),
        ("1", "3 columns where 4 belong"),
    ],
)
def test_values_that_are_no_facts_are_quarantined(tmp_path: Path, fields: str, why: str) -> None:
    """Line, raw text, reason; exit 4; the rows around it are appended."""
    bad = f"{T0 + 500},{fields},99"
    text = HEADER + trade_lines(50) + bad + "\n" + trade_lines(50, 50)
    made, result = load_text(tmp_path, text)
    assert counts(result) == (101, 100, 0, 1, 0)
    assert reasons(made) == [(52, bad, why)]
    assert result.exit_code == 4


def test_negative_prices_where_they_are_allowed(tmp_path: Path) -> None:
    """`allow_negative`."""
    made = ledger(instrument(allow_negative=True))
    path = write(tmp_path / "x.csv", HEADER + f"{T0},-37.63,1,1\n{T0},0,1,2\n")
    assert counts(into(made, path)) == (2, 2, 0, 0, 0)


def test_size_zero_and_far_prices_are_appended_and_flagged(tmp_path: Path) -> None:
    """Never dropped, never judged silently."""
    prices = ["100", "101", "150", "100", "101"]
    lines = "".join(f"{T0 + n},{price},{n % 2},{n}\n" for n, price in enumerate(prices))
    made, result = load_text(tmp_path, HEADER + lines)
    assert counts(result) == (5, 5, 0, 0, 0)
    assert result.flagged == {"size 0, not in bars": 3, "price far from its neighbours": 1}
    assert rows(made)["flags"][2] == Flag.FAR_PRICE | Flag.NO_BAR
    assert result.exit_code == 0


def test_exact_notations_are_accepted(tmp_path: Path) -> None:
    """Trailing zeros beyond the exponent, exponent notation that is exact."""
    made, result = load_text(tmp_path, HEADER + f"{T0},61837.63000000,2e-3,1\n{T0},6E4,1.50,2\n")
    assert counts(result) == (2, 2, 0, 0, 0)
    assert rows(made)["price"].tolist() == [6183763, 6000000]
    assert rows(made)["size"].tolist() == [2, 1500]


def test_one_unit_of_time_per_file(tmp_path: Path) -> None:
    """From the magnitude, told; another unit or a time outside 1990 to 2100 is quarantined."""
    mixed = f"{T0 * 1000 + 1},100,1,2000\n", f"{T0 // 1000},100,1,2001\n", "9,100,1,2002\n"
    made, result = load_text(tmp_path, HEADER + trade_lines(300) + "".join(mixed))
    assert counts(result) == (303, 300, 0, 3, 0)
    assert {why for _, _, why in reasons(made)} == {WRONG_UNIT}
    assert result.files[0].time_unit == "ms"
    micro, told = load_text(tmp_path, HEADER + mixed[0], time_unit="us")
    assert told.files[0].time_unit == "us"
    assert rows(micro)["event_time"].tolist() == [(T0 * 1000 + 1) * 1000]


def test_hours_that_the_clocks_skip_or_repeat_are_quarantined(tmp_path: Path) -> None:
    """Local times with `--tz`; never guessed."""
    local = ["2024-11-03 00:59:59", "2024-11-03 01:30:00", "2024-11-03 02:00:00"]
    lines = "".join(f"{time},100,1,{n}\n" for n, time in enumerate(local))
    made, result = load_text(tmp_path, HEADER + lines, tz="America/New_York")
    assert counts(result) == (3, 2, 0, 1, 0)
    assert reasons(made) == [(3, f"{local[1]},100,1,1", SHIFTED_HOUR)]


def test_an_engine_that_goes_away_stops_the_load_and_a_repeat_ends_it(tmp_path: Path) -> None:
    """The error passes through; the ledger after the repeat is that of one load."""
    path = write(tmp_path / "x.csv", HEADER + trade_lines(20_000))
    made = ledger()

    class Failing(MemoryLedger):
        def append(self, kind: Kind, rows: Rows, **how: Any) -> Done:
            if len(self.appends) == 3:
                raise AppendStalled("Kafka does not acknowledge", remedy="repeat")
            return super().append(kind, rows, **how)

    failing = Failing(catalog=made.catalog)
    options = LoadOptions(read=reading(), chunk_bytes=5_000, sort_rows=100)
    with pytest.raises(AppendStalled):
        load([path], failing.ports, options)
    assert 0 < len(rows(failing)) < 20_000
    survivor = MemoryLedger(catalog=made.catalog, appends=failing.appends)
    result = into(survivor, path)
    assert result.counts.known == 20_000 - result.counts.appended > 0
    into(made, path)
    assert survivor.facts() == made.facts()


# ---- definitions --------------------------------------------------------------------------------


def test_unknown_instruments_are_shown_and_nothing_is_done(tmp_path: Path) -> None:
    """Definitions from every row read; `--define` accepts them."""
    text = HEADER + trade_lines(300) + f"{T0 + 9000},100.1250,1.5,9\n"
    path = write(tmp_path / "x.csv", text)
    made = MemoryLedger()
    shown = into(made, path)
    (proposed,) = shown.definitions
    assert (proposed.symbol, proposed.price_exponent, proposed.size_exponent) == (NAME, -4, -1)
    assert (made.appends, shown.counts.read, shown.exit_code) == ([], 0, 4)
    assert json.loads(json.dumps(shown.as_json()))["definitions"][0]["symbol"] == NAME
    done = into(made, path, define=True)
    assert counts(done) == (301, 301, 0, 0, 0)
    assert made.catalog.instruments[made.id_of(NAME)] == proposed


def test_an_instrument_that_turns_up_late_is_not_lost(tmp_path: Path) -> None:
    """Its rows wait in the quarantine until somebody defines it; `--define` reads every row."""
    many = LOOK_BYTES // len(f"{T0},100,1,0,ABC") + 1
    lines = "".join(f"{T0 + n},100,1,{n},ABC\n" for n in range(many)) + f"{T0},5,1,1,NEW\n"
    path = write(tmp_path / "x.csv", "time,price,size,id,symbol\n" + lines)
    made = ledger()
    options = LoadOptions(read=reading(instrument=None, market="TEST"), chunk_bytes=5_000)
    result = load([path], made.ports, options)
    assert result.definitions == []
    assert counts(result) == (many + 1, many, 0, 1, 0)
    proposed = load([path], with_catalog(made).ports, replace(options, define=True))
    assert proposed.counts.appended == many + 1
    made.define([instrument("NEW.TEST")])
    tried = retry(made.ports)
    assert (tried.appended, tried.left) == (1, {})
    again = load([path], made.ports, options)
    assert counts(again) == (many + 1, 0, many + 1, 0, 0)


# ---- too late for the window --------------------------------------------------------------------


def test_a_late_row_with_an_id_is_appended(tmp_path: Path) -> None:
    """After the archive was asked; a repeat of a row that has left is known."""
    late = f"{T0 - 5},100.00,1.0,1\n"
    text = HEADER + trade_lines(200) + late + late + trade_lines(1) + trade_lines(100, 200)
    made, result = load_text(tmp_path, text, sort_rows=50)
    assert counts(result) == (303, 301, 2, 0, 0)
    assert made.settled == 2  # at the beginning, and before late rows are compared
    assert result.worst_lag_ns > 0


def test_a_late_row_without_id_is_quarantined_with_its_number(tmp_path: Path) -> None:
    """Retrying it, or loading with a larger window, gives the identity that number says."""
    equal = nameless_lines([(0, "100.25", "1")])
    body = "".join(nameless_lines([(n, "100.50", "1")]) for n in range(1, 200))
    text = NAMELESS + equal + body + equal + equal
    made, result = load_text(tmp_path, text, sort_rows=50)
    assert counts(result) == (202, 200, 0, 2, 0)
    assert [(one.row.reason, one.row.ordinal) for one in made.stored] == [
        (TOO_LATE, 1),
        (TOO_LATE, 2),
    ]
    larger = into(made, tmp_path / "x.csv")
    assert counts(larger) == (202, 2, 200, 0, 0)
    repeated = into(made, tmp_path / "x.csv", sort_rows=50)
    assert counts(repeated) == (202, 0, 202, 0, 0)
    tried = retry(made.ports)
    assert (tried.appended, tried.known) == (0, 2)
    whole = ledger()
    into(whole, tmp_path / "x.csv")
    assert whole.facts() == made.facts()


def test_retrying_late_rows_gives_the_ledger_of_a_larger_window(tmp_path: Path) -> None:
    """The other way round, and twice."""
    rows_ = [(n, "100.25", "1") for n in range(150)] + [(3, "100.25", "1"), (4, "99.99", "1")]
    made, _ = load_text(tmp_path, NAMELESS + nameless_lines(rows_), sort_rows=20)
    assert retry(made.ports).appended == 2
    assert retry(made.ports).tried == 0
    whole = ledger()
    into(whole, tmp_path / "x.csv")
    assert whole.facts() == made.facts()


# ---- completeness -------------------------------------------------------------------------------


def test_complete_closes_the_days_loaded(tmp_path: Path) -> None:
    """A Clock per feed at the end of its last UTC day, once."""
    made, result = load_text(tmp_path, HEADER + trade_lines(5), complete=True)
    (clock,) = made.rows(Kind.CLOCK)
    assert clock["time"] == (T0 // DAY_MS + 1) * DAY_MS * 10**6
    assert (clock["feed"], clock["instrument"], result.clocks) == (Kind.TRADE, made.id_of(NAME), 1)
    again = into(made, tmp_path / "x.csv", complete=True)
    assert again.clocks == 0
    assert len(made.rows(Kind.CLOCK)) == 1
    more = into(made, write(tmp_path / "y.csv", HEADER + trade_lines(1, 9)))
    assert more.deferred == 1


def test_a_day_that_lasts_is_not_completed(tmp_path: Path) -> None:
    """The facts are appended, the Clock is not, and it is said."""
    made = ledger()
    path = write(tmp_path / "x.csv", HEADER + trade_lines(5))
    options = LoadOptions(read=reading(), complete=True)
    result = load([path], made.ports, options, now_ns=(T0 + 1000) * 10**6)
    assert result.counts.appended == 5
    assert len(made.rows(Kind.CLOCK)) == 0
    assert "lasts until 2024-08-09T00:00:00Z" in result.warnings[0]


def test_without_complete_the_load_says_that_bars_stay_open(tmp_path: Path) -> None:
    """So nobody waits for them."""
    _, result = load_text(tmp_path, HEADER + trade_lines(5))
    assert any("stay open" in warning for warning in result.warnings)


# ---- laws ---------------------------------------------------------------------------------------

DAMAGES = ["bad price", "cut", "repeat", "other", "swap", "jump", "blank", "junk", "other unit"]


def damage(lines: list[str], how: list[tuple[int, str]]) -> list[str]:
    """The lines with some spoiled."""
    out = list(lines)
    for at, what in how:
        place = at % len(out)
        line = out[place]
        time, price, size, number = (line.split(",") + ["", "", ""])[:4]
        changed = {
            "bad price": f"{time},abc,{size},{number}",
            "cut": line[: len(line) // 2],
            "other": f"{time},{price}1,{size},{number}",
            "jump": f"{T0 + 3000 * DAY_MS},{price},{size},9{number}",
            "blank": "",
            "junk": '"',
            "other unit": f"{time}000,{price},{size},{number}",
        }
        if what == "repeat":
            out.insert(place, line)
        elif what == "swap":
            out[place], out[place - 1] = out[place - 1], out[place]
        else:
            out[place] = changed[what]
    return out


@settings(max_examples=60, deadline=None)
@given(
    how=st.lists(st.tuples(st.integers(0, 400), st.sampled_from(DAMAGES)), max_size=15),
    sort_rows=st.sampled_from([5, 50, 65_536]),
    cut=st.integers(0, 3),
    named=st.booleans(),
)
def test_the_sum_holds_and_a_repeat_adds_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    how: list[tuple[int, str]],
    sort_rows: int,
    cut: int,
    named: bool,
) -> None:
    """Whatever is wrong with a file: read = appended + known + quarantined + skipped; the same file
    again appends nothing and quarantines nothing new; chunks change nothing."""
    lines = trade_lines(300, step_ms=3).splitlines()
    text = "\n".join(damage(lines, how)) + "\n"
    header = HEADER if named else HEADER.replace("id", "note")
    folder = tmp_path_factory.mktemp("law")
    content = (header + text).encode()
    if cut:
        content = content[: len(content) * cut // 4] + b"1"
    path = write(folder / "x.csv", content)
    made = ledger()
    first = into(made, path, sort_rows=sort_rows)
    facts, kept = made.facts(), len(made.stored)
    again = into(made, path, sort_rows=sort_rows)
    assert (again.counts.appended, made.facts(), len(made.stored)) == (0, facts, kept)
    assert again.counts.known + again.counts.quarantined == first.counts.read
    other = ledger()
    chunked = into(other, path, sort_rows=sort_rows, chunk_bytes=5_000)
    assert counts(chunked) == counts(first)
    assert other.facts() == facts
    assert {one.row.digest for one in other.stored} == {one.row.digest for one in made.stored}


def sample_of(shared_data: Path, name: str) -> tuple[str, bytes]:
    """The name to load it under and the first lines of a real file."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(shared_data / name) as archive:
            (member,) = archive.namelist()
            return member, b"".join(archive.read(member).splitlines(keepends=True)[:150])
    with gzip.open(shared_data / name) as file:
        return "x.txt", b"".join(file.readline() for _ in range(150))


@settings(max_examples=80, deadline=None)
@given(
    name=st.sampled_from(
        [
            "crypto_trades/binance_ws_trades_20240808_6symbols.csv.gz",
            "crypto_raw_ws/binance_spot_btcusdt_20240808.gz",
            "equity_ticks/lean_ibm_20131008_quote.zip",
        ]
    ),
    edits=st.lists(
        st.tuples(st.floats(0.02, 1), st.integers(0, 3), st.binary(max_size=3)), max_size=12
    ),
)
def test_no_damage_to_a_real_file_breaks_the_law(
    tmp_path_factory: pytest.TempPathFactory,
    shared_data: Path,
    name: str,
    edits: list[tuple[float, int, bytes]],
) -> None:
    """Bytes changed, added and taken away anywhere behind the first lines: what is accepted decodes
    (the memory's appender checks), the sum holds, a repeat adds nothing."""
    label, content = sample_of(shared_data, name)
    whole = MemoryLedger()
    folder = tmp_path_factory.mktemp("damage")
    load([write(folder / label, content)], whole.ports, LoadOptions(define=True))
    for share, gone, new in edits:
        at = int(share * len(content))
        content = content[:at] + new + content[at + gone :]
    path = write(folder / label, content)
    made = with_catalog(whole)
    first = load([path], made.ports, LoadOptions(chunk_bytes=700))
    assert first.counts.holds
    again = load([path], made.ports)
    assert again.counts.holds
    assert again.counts.appended == 0
    assert again.counts.read == first.counts.read
    assert again.counts.quarantined == len(made.stored)


def test_progress_is_told(tmp_path: Path) -> None:
    """Rows, bytes, rate, time left."""
    path = write(tmp_path / "x.csv", HEADER + trade_lines(50_000))
    told: list[Progress] = []
    load(
        [path],
        ledger().ports,
        LoadOptions(read=reading(), chunk_bytes=5_000),
        talk=Talk(told.append),
    )
    assert len(told) > 2
    assert told[-1].rows == 50_000
    assert told[-1].bytes_done == told[-1].bytes_total == path.stat().st_size
    assert told[-1].rows_per_second > 0
    assert told[-1].seconds_left == 0


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Rows wait for the window, not for the end."""
    path = write(tmp_path / "x.csv", HEADER + trade_lines(200_000))
    made = ledger()
    into(made, path, sort_rows=1_000, chunk_bytes=5_000)
    assert len(made.appends) > 3
    assert max(len(one.rows) for one in made.appends) < 60_000
    assert {one.loaded for one in made.appends} == {True}
