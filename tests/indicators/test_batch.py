"""compute(): any table of bars in, the same kind out, the same bits as live."""

import numpy as np
import pandas as pd
import pytest

from indicators import compute, named
from indicators.errors import BadBars, BadParameter
from tests.indicators import bars

pytestmark = pytest.mark.usefixtures("folding")


def test_pandas_keeps_its_index() -> None:
    """The outputs of a name with parameters, on the rows they belong to."""
    table = bars.world("plain", 100)
    out = compute(table, "rsi", length=7)
    assert list(out.columns) == ["RSI_7"]
    assert out.index.equals(table.index)
    assert np.isnan(out["RSI_7"].iloc[0])
    assert 0 < out["RSI_7"].iloc[-1] < 100


def test_polars_arrow_and_mappings_give_the_same_values() -> None:
    """The kind of table changes nothing but the kind of table."""
    polars = pytest.importorskip("polars", reason="polars is not installed")
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = bars.world("plain", 100).reset_index()
    wanted = [named("rsi")(), named("vwap")()]
    expected = compute(table, wanted)
    columns = {name: table[name].to_numpy() for name in table.columns}
    for made in (polars.DataFrame(columns), arrow.table(columns), columns):
        out = compute(made, wanted)
        assert type(out) is type(made)
        for name in expected.columns:
            assert np.array_equal(np.asarray(out[name]), expected[name], equal_nan=True)


def test_instruments_are_computed_apart() -> None:
    """`by` names the column that says whose bar a row is; their order may mix."""
    a, b = bars.world("plain", 120), bars.world("ticks", 120)
    both = pd.concat([a.assign(who="a"), b.assign(who="b")]).sort_index(kind="stable")
    out = compute(both, "atr", by="who")
    assert np.array_equal(
        out["ATRr_14"][both["who"] == "b"], compute(b, "atr")["ATRr_14"], equal_nan=True
    )


def test_everything_can_be_computed_at_once() -> None:
    """compute(bars, all) has every output of every indicator over bars."""
    out = compute(bars.world("plain", 150), all)
    assert {"RSI_14", "MACDh_12_26_9", "ADX_14", "VWAP_D"} <= set(out.columns)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.drop(columns="close"), "no column 'close'"),
        (lambda t: t.assign(close=np.nan), "row 0: close is nan"),
        (lambda t: t.assign(close=np.inf), "close is inf"),
        (lambda t: t.iloc[::-1], "not after the bar before"),
        (lambda t: t.iloc[[0, 0, 1]], "not after the bar before"),
        (lambda t: t.assign(close="x"), "not numbers"),
    ],
    ids=["missing", "null", "infinite", "unsorted", "repeated", "text"],
)
def test_bad_bars_are_refused(spoil: object, says: str) -> None:
    """What no indicator may see is refused before anything is computed."""
    with pytest.raises(BadBars, match=says):
        compute(spoil(bars.world("plain", 30)), "rsi")  # type: ignore[operator]


def test_parameters_go_with_one_name() -> None:
    """A list of features has its parameters bound already."""
    with pytest.raises(BadParameter, match="belong to one"):
        compute(bars.world("plain", 30), [named("rsi")()], length=3)
