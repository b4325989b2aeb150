"""How numbers are made: indicators as formulas, folded by one compiled kernel.

Here will live, with the issues on views and on indicators:

- primitives (`ema`, `rolling_max`, …): small compiled kernels with a fixed-width state, each with
  a number under which its arithmetic never changes and golden bits that hold it;
- formulas: plain functions over symbols that run once and leave a *tape* of operations, so that
  registering a view compiles nothing and its version is the hash of its tape;
- the catalogue: every indicator of pandas-ta by its name, parameters and column names, with its
  source, startup and known quirks.

This package imports neither `ledger` nor `projections`: numpy at most, numba only in the kernels'
files at the first fold, pandas-ta only in the one file that bears its name, as the oracle.
"""
