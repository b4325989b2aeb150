"""What the tests of indicators need, skipped loudly where it is not installed."""

import pytest

from indicators import pandas_ta
from indicators.errors import OracleMissing


@pytest.fixture(scope="session")
def folding() -> None:
    """numba, without which nothing folds."""
    pytest.importorskip("numba", reason="KERNELS NOT TESTED: numba is not installed")


@pytest.fixture(scope="session")
def oracle(folding: None) -> None:
    """pandas-ta in the environment it is pinned to."""
    try:
        pandas_ta.module()
    except OracleMissing as missing:
        pytest.skip(f"PARITY NOT PROVEN: {missing}")
