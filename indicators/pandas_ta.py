"""pandas-ta itself, the oracle: the one file that imports it. Never on the path of live values.

Its bits depend on its environment (SciPy changes 26 indicators, TA-Lib 90, pandas 2 the variances
of flat windows), so it is refused outside the one it is pinned to.
"""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import io
import warnings
from collections.abc import Collection
from functools import cache
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from indicators.errors import OracleMissing

VERSION: Final = "0.4.71b0"
PANDAS_MAJOR_MIN: Final = 3
ROLLED: Final = frozenset(
    [
        "bbands",
        "cdl_z",
        "inertia",
        "kurtosis",
        "rvi",
        "skew",
        "squeeze",
        "squeeze_pro",
        "stdev",
        "variance",
        "zscore",
    ]
)
COLUMNS: Final = ("open", "high", "low", "close", "volume")


@cache
def module() -> ModuleType:
    """pandas-ta. Raises `OracleMissing` where it is absent or its environment is another."""
    try:
        found = {name: importlib.metadata.version(name) for name in ("pandas-ta", "pandas")}
    except importlib.metadata.PackageNotFoundError as error:
        raise OracleMissing(
            f"{error.name} is not installed", remedy="pip install 'fledger[parity]'"
        ) from error
    if found["pandas-ta"] != VERSION:
        raise OracleMissing(
            f"pandas-ta {found['pandas-ta']} is here; our bits are those of {VERSION}"
        )
    for other in ("scipy", "talib"):
        if importlib.util.find_spec(other):
            raise OracleMissing(f"{other} is installed: it changes what pandas-ta computes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pandas_ta")


def refuses(name: str) -> str:
    """Why this pandas is no oracle for the indicator, or nothing: before pandas 3 variances of flat
    windows and rolling moments were computed otherwise."""
    held = importlib.metadata.version("pandas")
    if name not in ROLLED or int(held.partition(".")[0]) >= PANDAS_MAJOR_MIN:
        return ""
    return f"pandas {held} rolls {name} otherwise; pip install 'pandas>={PANDAS_MAJOR_MIN}'"


def run(
    name: str, bars: Any, reads: Collection[str] = (), /, **parameters: Any
) -> dict[str, npt.NDArray[np.float64]] | None:
    """pandas-ta's columns for a pandas table of bars, or nothing where it returns nothing. Inputs
    that it may leave out are given if they are among `reads`."""
    function = getattr(module(), name)
    inputs = {
        p: bars[p.rstrip("_")]
        for p, held in inspect.signature(function).parameters.items()
        if p.rstrip("_") in bars
        and (held.default is inspect.Parameter.empty or p.rstrip("_") in reads)
    }
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        result = function(**inputs, **parameters)
    result = result[0] if isinstance(result, tuple) else result
    if result is None:
        return None
    if result.ndim == 1:
        return {str(result.name): result.to_numpy(np.float64)}
    return {str(column): result[column].to_numpy(np.float64) for column in result.columns}
