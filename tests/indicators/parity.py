"""Comparing with pandas-ta to the bit: whole series, and prefixes as a live run would see them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from indicators import batch, fold, pandas_ta
from indicators.catalogue import named
from indicators.indicator import tape
from tests.indicators import draws

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


def bits(values: Floats) -> npt.NDArray[np.int64]:
    """The bits of values: null is one pattern, zero has no sign."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    return plain.view(np.int64)


def readable(bars: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """The bars, with two averages for those that read any two series."""
    if "fast" not in named(name).inputs:
        return bars
    return bars.assign(
        fast=bars["close"].ewm(span=8).mean(), slow=bars["close"].ewm(span=21).mean()
    )


def folded(
    bars: "pd.DataFrame", name: str, /, *, known: bool, **parameters: Any
) -> dict[str, Floats]:
    """Our columns; `known`: the epsilon flag as it stands at the end, from the beginning."""
    view = tape([named(name)(**parameters)])
    rows, entity, _ = batch.read(bars, view)
    state = fold.start(view)
    out = fold.fold(state, rows, entity)
    if known and (seen := fold.latched(state)):
        out = fold.fold(fold.start(view, latched=seen), rows, entity)
    return {column: out[:, i] for i, column in enumerate(view.names)}


def differences(
    ours: dict[str, Floats], theirs: dict[str, Floats] | None, tolerance: float = 0.0
) -> list[str]:
    """What differs, for people: nothing when every bit is equal, or with a tolerance when nulls are
    and no value is further off, relatively to it or a thousandth of the column's median."""
    if theirs is None:
        return ["pandas-ta returned nothing"]
    if list(ours) != list(theirs):
        return [f"columns {list(ours)} are not {list(theirs)}"]
    found = []
    for column, mine in ours.items():
        other = theirs[column]
        wrong = bits(mine) != bits(other)
        if tolerance and wrong.any():
            with np.errstate(all="ignore"):
                usual = np.nanmedian(np.abs(other)) if np.isfinite(other).any() else 0.0
                near = np.abs(mine - other) <= tolerance * np.maximum(np.abs(other), 1e-3 * usual)
            wrong &= ~near
        if wrong.any():
            at = int(np.argmax(wrong))
            found.append(
                f"{column}: {int(wrong.sum())} of {len(wrong)} differ, first at {at}: "
                f"{mine[at]!r} is not {other[at]!r}"
            )
    return found


def theirs(bars: "pd.DataFrame", name: str, /, **parameters: Any) -> dict[str, Floats] | None:
    """pandas-ta's columns, without those that look ahead."""
    found = pandas_ta.run(name, bars, named(name).inputs, **parameters)
    left_out = draws.LEFT_OUT.get(name, "\0")
    if found and name in draws.BACK_FILLED:
        ours = folded(bars, name, known=True, **parameters)
        found = {c: np.where(np.isnan(ours[c]), np.nan, v) for c, v in found.items()}
    return found and {c: v for c, v in found.items() if not c.startswith(left_out)}


def whole(bars: "pd.DataFrame", name: str, /, **parameters: Any) -> list[str]:
    """Differences over the whole series, the epsilon flag known in advance."""
    bars = readable(bars, name)
    ours = folded(bars, name, known=True, **parameters)
    tolerance = draws.TOLERANCE.get(name, 0.0)
    return differences(ours, theirs(bars, name, **parameters), tolerance)


def prefixes(bars: "pd.DataFrame", name: str, ends: list[int], /, **parameters: Any) -> list[str]:
    """Differences at the last bar of each prefix: what was live then, against pandas-ta on it."""
    bars = readable(bars, name)
    ours = folded(bars, name, known=False, **parameters)
    found = []
    for end in ends:
        other = theirs(bars.iloc[:end], name, **parameters)
        last = other and {column: values[-1:] for column, values in other.items()}
        live = {column: values[end - 1 : end] for column, values in ours.items()}
        for text in differences(live, last, draws.TOLERANCE.get(name, 0.0)):
            found.append(f"prefix of {end}: {text}")
    return found
