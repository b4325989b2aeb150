"""Comparing with pandas-ta to the bit: whole series, and prefixes as a live run would see them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from indicators import batch, fold, pandas_ta
from indicators.catalogue import named
from indicators.indicator import tape

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


def bits(values: Floats) -> npt.NDArray[np.int64]:
    """The bits of values: null is one pattern, zero has no sign."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    return plain.view(np.int64)


def folded(bars: "pd.DataFrame", name: str, *, known: bool, **parameters: Any) -> dict[str, Floats]:
    """Our columns; `known`: the epsilon flag as it stands at the end, from the beginning."""
    view = tape([named(name)(**parameters)])
    rows, entity, _ = batch.read(bars, view)
    state = fold.start(view)
    out = fold.fold(state, rows, entity)
    if known and (seen := fold.latched(state)):
        out = fold.fold(fold.start(view, latched=seen), rows, entity)
    return {column: out[:, i] for i, column in enumerate(view.names)}


def differences(ours: dict[str, Floats], theirs: dict[str, Floats] | None) -> list[str]:
    """What differs, for people: nothing when every bit is equal."""
    if theirs is None:
        return ["pandas-ta returned nothing"]
    if list(ours) != list(theirs):
        return [f"columns {list(ours)} are not {list(theirs)}"]
    found = []
    for column, mine in ours.items():
        other = theirs[column]
        wrong = bits(mine) != bits(other)
        if wrong.any():
            at = int(np.argmax(wrong))
            found.append(
                f"{column}: {int(wrong.sum())} of {len(wrong)} differ, first at {at}: "
                f"{mine[at]!r} is not {other[at]!r}"
            )
    return found


def whole(bars: "pd.DataFrame", name: str, **parameters: Any) -> list[str]:
    """Differences over the whole series, the epsilon flag known in advance."""
    ours = folded(bars, name, known=True, **parameters)
    return differences(ours, pandas_ta.run(name, bars, named(name).inputs, **parameters))


def prefixes(bars: "pd.DataFrame", name: str, ends: list[int], **parameters: Any) -> list[str]:
    """Differences at the last bar of each prefix: what was live then, against pandas-ta on it."""
    ours = folded(bars, name, known=False, **parameters)
    found = []
    for end in ends:
        theirs = pandas_ta.run(name, bars.iloc[:end], named(name).inputs, **parameters)
        if theirs is not None:
            theirs = {column: values[-1:] for column, values in theirs.items()}
        live = {column: values[end - 1 : end] for column, values in ours.items()}
        found += [f"prefix of {end}: {text}" for text in differences(live, theirs)]
    return found
