"""Rises and falls, and runs of two averages: shared by trend and volume."""

from indicators.symbols import Formula, Symbol


def run(f: Formula, fast: Symbol, slow: Symbol, n: int, *, up: bool) -> Symbol:
    """1 where the fast one rose (fell, not `up`) over n bars and the slow one moved at all."""
    moved = f.diff(fast, n)
    other = f.diff(slow, n)
    return ((moved > 0.0) if up else (moved < 0.0)) * f.max(other < 0.0, other > 0.0)
