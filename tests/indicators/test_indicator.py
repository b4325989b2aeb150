"""Binding parameters: positions, names, refusals; column names; startup."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indicators import batch, fold, ops
from indicators.catalogue import indicators, named
from indicators.errors import BadParameter, UnknownIndicator
from indicators.indicator import Value, tape
from tests.indicators import bars, parity

ROOT = Path(__file__).parents[2]
# Sums since the start, or since the session began: what they say is relative to it.
UNFORGETTING = {"obv", "vwap", "ad", "adosc", "aobv", "nvi", "pvt"}


def test_parameters_bind_in_the_order_declared() -> None:
    """rsi(21, 1.0) is length and scalar; the feature compares and hashes by what is bound."""
    rsi = named("rsi")
    assert dict(rsi(21, 1.0).parameters)["length"] == 21
    assert rsi(21) == rsi(length=21) != rsi(22)
    assert len({rsi(21), rsi(length=21)}) == 1
    assert rsi(21).columns == ("RSI_21",)


def test_columns_are_called_as_pandas_ta_calls_them() -> None:
    """Names come from the parameters, whatever their kind."""
    assert named("atr")().columns == ("ATRr_14",)
    assert named("kc")().columns[0] == "KCLe_20_2"
    assert named("bbands")(20).columns[0] == "BBL_20_2.0_2.0"
    assert named("adx")(7).columns[:2] == ("ADX_7", "ADXR_7_2")
    assert named("macd")(26, 12).columns[0] == "MACD_12_26_9"


def test_an_alias_renames_the_columns() -> None:
    """One output takes the alias; several are numbered."""
    assert named("rsi")(alias="fear").columns == ("fear",)
    assert named("macd")(alias="m").columns == ("m_0", "m_1", "m_2")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("rsi", {"lenght": 14}, "did you mean 'length'"),
        ("rsi", {"offset": 1}, "lag the feature"),
        ("rsi", {"fillna": 0}, "null says"),
        ("rsi", {"length": 0}, "outside 1"),
        ("rsi", {"length": 10**7}, "outside 1"),
        ("rsi", {"length": 14.5}, "whole number"),
        ("rsi", {"length": True}, "whole number"),
        ("rsi", {"mamode": "nope"}, "one of"),
        ("rsi", {"scalar": float("nan")}, "outside"),
        ("wma", {"asc": 1}, "true or false"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(
    name: str, given: dict[str, Value], says: str
) -> None:
    """Unknown names, values out of range, and what pandas-ta would silently ignore."""
    with pytest.raises(BadParameter, match=says):
        named(name)(**given)


def test_an_unknown_indicator_names_the_nearest() -> None:
    """A typing error costs one look."""
    with pytest.raises(UnknownIndicator, match="macd"):
        named("mcad")


@pytest.mark.parametrize("name", indicators())
def test_every_indicator_says_what_it_is(name: str) -> None:
    """A docstring, a startup of at least one bar, and defaults that make a tape."""
    one = indicators()[name]
    assert one.says.rstrip()
    assert one().startup >= 1


@pytest.mark.usefixtures("folding")
@pytest.mark.parametrize("name", sorted(set(indicators()) - UNFORGETTING))
def test_after_startup_the_start_no_longer_shows(name: str) -> None:
    """Begun so late that `startup` bars are left, the last value is the same to 1e-9."""
    one = named(name)()
    view = tape([one])
    for kind in ("plain", "one_flat"):
        table = parity.readable(bars.world(kind, one.startup + 400), name)
        rows = batch.read(table, view)[0]
        late = fold.fold(fold.start(view), rows[-one.startup :])[-1]
        full = fold.fold(fold.start(view), rows)
        # pandas' running variance keeps the rounding of its whole past: 5e-8, measured.
        rolls = (view.code[:, 0] == ops.ROLLING_VARIANCE).any()
        scale = (1000.0 if rolls else 1.0) * np.maximum(
            np.nanmedian(np.abs(full), axis=0) * 1e-3, np.abs(full[-1])
        )
        both = np.isnan(late) & np.isnan(full[-1])
        assert np.all((np.abs(late - full[-1]) <= 1e-9 * scale) | (late == full[-1]) | both), name


def test_importing_loads_numpy_alone() -> None:
    """Formulas, names and tapes need neither numba nor pandas."""
    code = (
        "import sys; import indicators; indicators.tape([indicators.named('macd')()]); "
        "print(sorted({'numba', 'pandas', 'pandas_ta', 'pyarrow', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
