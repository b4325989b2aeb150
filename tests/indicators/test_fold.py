"""Laws of the fold: however the rows come, the same bits; state resumes from its bytes."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators import batch, eager, fold
from indicators.catalogue import indicators
from indicators.errors import BadBars, TapeUnreadable
from indicators.indicator import FIELDS, tape
from indicators.symbols import Formula
from indicators.tape import Tape
from tests.indicators import bars

FEATURES = [one(alias=name) for name, one in indicators().items() if set(one.inputs) <= set(FIELDS)]
VIEW = tape(FEATURES)
# State machines and rolling moments have no other definition than pandas-ta's.
MEANT = tape([one for one in FEATURES if eager.knows(tape([one]))])
ROWS = 400

pytestmark = pytest.mark.usefixtures("folding")


def rows_of(kind: str, view: Tape = VIEW, rows: int = ROWS) -> npt.NDArray[np.float64]:
    return batch.read(bars.world(kind, rows), view)[0]


def same(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> bool:
    return bool(np.array_equal(a.view(np.int64), b.view(np.int64)))


@pytest.mark.parametrize("kind", bars.WORLDS)
def test_the_kernel_gives_what_the_formulas_mean(kind: str) -> None:
    """Folded bar by bar and evaluated eagerly on whole arrays: the same bits, every output."""
    rows = rows_of(kind, MEANT)
    folded, meant = fold.fold(fold.start(MEANT), rows), eager.evaluate(MEANT, rows)
    wrong = (folded.view(np.int64) != meant.view(np.int64)).any(axis=0)
    assert not [name for name, bad in zip(MEANT.names, wrong, strict=True) if bad]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 16, 64, 127, 128, 129, 137, 200, 257])
def test_windows_of_every_length_mean_the_same(n: int) -> None:
    """Lengths around the blocks of numpy's sums, with nulls in mid-series and ties."""
    f = Formula(("close",))
    close = f.input("close")
    step = f.diff(close)
    series = (close, f.sign(step), close * (step / step))
    made = [
        one
        for x in series
        for one in (
            *(f.sma(x, n), f.wma(x, n), f.wma(x, n, False), f.sum(x, n), f.mean(x, n)),
            *(f.variance(x, n), f.variance(x, n, 0), f.highest(x, n), f.lowest(x, n)),
            *(f.mean_deviation(x, n), f.ema(x, n), f.ema(x, n, from_first=True)),
            *(f.rma(x, n), f.seed(x, n), f.lag(x, n)),
        )
    ]
    view = f.tape([(f"y{i}", one) for i, one in enumerate(made)])
    for kind in ("ticks", "flat_spell"):
        rows = rows_of(kind, view)
        assert same(fold.fold(fold.start(view), rows), eager.evaluate(view, rows))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, ROWS), max_size=6), st.sampled_from(bars.WORLDS))
def test_chunks_and_resuming_change_nothing(cuts: list[int], kind: str) -> None:
    """Any split of the rows, the state encoded and decoded at each: the same values and state."""
    rows = rows_of(kind)
    whole = fold.start(VIEW)
    expected = fold.fold(whole, rows)
    state, parts = fold.start(VIEW), []
    bounds = [0, *sorted(cuts), ROWS]
    for begin, end in pairwise(bounds):
        parts.append(fold.fold(state, rows[begin:end]))
        state = fold.decode(VIEW, fold.encode(state))
    assert same(np.concatenate(parts), expected)
    assert fold.digest(state) == fold.digest(whole)


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(2, 5))
def test_entities_never_touch_one_another(chance: object, entities: int) -> None:
    """Rows of several instruments in any interleaving: each as if alone."""
    worlds = [rows_of(kind) for kind in bars.WORLDS[:entities]]
    turns = [e for e in range(entities) for _ in range(ROWS)]
    chance.shuffle(turns)  # type: ignore[attr-defined]
    entity = np.array(turns)
    mixed = np.empty((len(turns), worlds[0].shape[1]))
    for e, world in enumerate(worlds):
        mixed[entity == e] = world
    out = fold.fold(fold.start(VIEW, entities), mixed, entity)
    for e, world in enumerate(worlds):
        assert same(out[entity == e], fold.fold(fold.start(VIEW), world))


def test_a_state_belongs_to_its_tape() -> None:
    """Bytes of another tape, cut short or too long are refused."""
    other = tape([indicators()["sma"](5)])
    data = fold.encode(fold.start(VIEW))
    for view, held in ((other, data), (VIEW, data[:-8]), (VIEW, data + b"\0" * 8), (VIEW, b"")):
        with pytest.raises(TapeUnreadable):
            fold.decode(view, held)


def test_rows_of_another_shape_are_refused() -> None:
    """Columns that are not the tape's inputs, and entities that are not there."""
    state = fold.start(VIEW)
    with pytest.raises(BadBars, match="the tape reads"):
        fold.fold(state, np.zeros((3, 1)))
    with pytest.raises(BadBars, match="outside"):
        fold.fold(state, rows_of("plain")[:2], np.array([0, 1]))


def test_null_is_one_bit_pattern_and_zero_has_no_sign() -> None:
    """Whatever the hardware makes of 0/0, the table shows the one null."""
    f = Formula(("x",))
    x = f.input("x")
    view = f.tape([("null", (x - x) / (x - x)), ("zero", (x - x) * -1.0)])
    out = fold.fold(fold.start(view), np.array([[1.0], [-3.0]]))
    assert (out[:, 0].view(np.uint64) == 0x7FF8000000000000).all()
    assert (out[:, 1].view(np.uint64) == 0).all()


@pytest.mark.parametrize("function", ["run", "fold_rows"])
def test_the_inner_loop_counts_no_references(function: str) -> None:
    """Neither kernel increments a reference count, which would cost more than the sums."""
    import numba

    from indicators.kernels import run

    fold.fold(fold.start(VIEW), rows_of("plain")[:2])
    code, base, reg, outputs, cells, s, t, entity, rows, out = run.fold_rows.signatures[0]
    takes = {
        "run": (code, base, reg, s, t, cells),
        "fold_rows": (code, base, reg, outputs, cells, s, t, entity, rows, out),
    }
    fresh = numba.njit(error_model="numpy")(getattr(run, function).py_func)
    fresh.compile(takes[function])
    assert all("NRT_incref" not in text for text in fresh.inspect_asm().values())
