"""An indicator is a plain function over symbols; called with parameters it is a feature.

    @indicator(inputs="close", outputs="MACD_{fast}_{slow}_{signal} MACDh_… MACDs_…")
    def macd(f, close, *, fast: int = 12, slow: int = 26, signal: int = 9): …

`macd(8, 21)` binds parameters in the order declared and returns a `Feature`: data that can be
compared, hashed and traced. Names, defaults and column names are those of pandas-ta 0.4.71b0.
"""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast, get_args

from indicators import ops
from indicators.errors import BadParameter
from indicators.moving import AVERAGES
from indicators.symbols import Formula, Symbol
from indicators.tape import Tape

type Value = int | float | bool | str
type Body = Callable[..., Symbol | tuple[Symbol, ...]]

FIELDS: Final = ("time", "open", "high", "low", "close", "volume")
SCALAR_MAX: Final = 1e12
KINDS: Final = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
REFUSED: Final = {
    "offset": "a value belongs to its own bar: lag the feature where you use it",
    "fillna": "null says that a value does not exist: fill the table you were given",
    "talib": "pandas-ta without TA-Lib is what is reproduced: leave `talib` out",
    "min_periods": "a window is full or there is no value: leave `min_periods` out",
}


@dataclass(frozen=True)
class Feature:
    """An indicator with its parameters bound, perhaps under other column names."""

    indicator: "Indicator" = field(repr=False)
    parameters: tuple[tuple[str, Value], ...]
    alias: str = ""

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.parameters)
        return f"{self.indicator.name}({given})"

    @property
    def columns(self) -> tuple[str, ...]:
        """Output names, in order; with an alias `x`: `x` alone, or `x_0`, `x_1`, …"""
        names = self.indicator.names(dict(self.parameters))
        if not self.alias:
            return names
        return (
            (self.alias,)
            if len(names) == 1
            else tuple(f"{self.alias}_{i}" for i in range(len(names)))
        )

    def trace(self, f: Formula) -> list[tuple[str, Symbol]]:
        """Leaves the feature's rows in `f`; returns its named outputs."""
        symbols = [f.input(name) for name in self.indicator.inputs]
        outputs = self.indicator.body(f, *symbols, **dict(self.parameters))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return list(zip(self.columns, outputs, strict=True))

    @cached_property
    def startup(self) -> int:
        """Bars until its values may be trusted."""
        return max(tape([self]).startup)


@dataclass(frozen=True)
class Indicator:
    """A named formula: what it reads, its parameters in order, and how its columns are called."""

    name: str
    category: str
    inputs: tuple[str, ...]
    outputs: str
    body: Body = field(repr=False, compare=False)
    defaults: Mapping[str, Value | None] = field(repr=False, compare=False)
    kinds: Mapping[str, type] = field(repr=False, compare=False)
    limits: Mapping[str, tuple[float, float]] = field(repr=False, compare=False)
    choices: Mapping[str, tuple[str, ...]] = field(repr=False, compare=False)
    follows: Mapping[str, str] = field(repr=False, compare=False)
    shown: Mapping[str, Callable[[Value], str]] = field(repr=False, compare=False)
    ordered: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def says(self) -> str:
        """Formula, source, inputs, outputs, quirks."""
        return inspect.getdoc(self.body) or ""

    def __call__(self, *given: Value, **named: Value) -> Feature:
        """Binds parameters; `alias=` renames the columns. Raises `BadParameter` for unknown names
        and values out of range."""
        if len(given) > len(self.defaults):
            raise BadParameter(f"{self.name} has {len(self.defaults)} parameters, not {len(given)}")
        alias = str(named.pop("alias", ""))
        bound = dict(zip(self.defaults, given, strict=False))
        for name, value in named.items():
            self._refuse_unknown(name)
            if name in bound:
                raise BadParameter(f"{self.name}: {name} is given twice")
            bound[name] = value
        held = {name: bound.get(name, default) for name, default in self.defaults.items()}
        for name, other in self.follows.items():
            if held[name] is None:
                held[name] = held[other]
        values = {name: self._checked(name, value) for name, value in held.items()}
        in_order = sorted(float(values[name]) for name in self.ordered)
        if in_order != [values[name] for name in self.ordered]:
            low, high = self.ordered
            values[low], values[high] = values[high], values[low]
        return Feature(self, tuple(values.items()), alias)

    def of(self, f: Formula, *symbols: Symbol, **named: Value) -> Symbol | tuple[Symbol, ...]:
        """The formula inside another formula, on any symbols."""
        return self.body(f, *symbols, **dict(self(**named).parameters))

    def names(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """Column names for these parameters."""
        shown = {
            name: self.shown[name](value) if name in self.shown else value
            for name, value in values.items()
        }
        return tuple(template.format(**shown) for template in self.outputs.split())

    def _refuse_unknown(self, name: str) -> None:
        if name in self.defaults:
            return
        if name in REFUSED:
            raise BadParameter(f"{self.name}: no {name!r} here", remedy=REFUSED[name])
        near = difflib.get_close_matches(name, self.defaults, 1)
        known = ", ".join(self.defaults) or "none"
        raise BadParameter(
            f"{self.name} has no parameter {name!r}",
            remedy=f"did you mean {near[0]!r}?" if near else f"its parameters: {known}",
        )

    def _checked(self, name: str, value: Value | None) -> Value:
        kind, where = self.kinds[name], f"{self.name}: {name}={value!r}"
        if kind is str:
            allowed = self.choices.get(name, tuple(AVERAGES))
            if value not in allowed:
                raise BadParameter(where, remedy=f"one of {', '.join(allowed)}")
            return str(value)
        allowed_types = {int: (int,), float: (int, float), bool: (bool,)}[kind]
        if not isinstance(value, allowed_types) or isinstance(value, bool) is not (kind is bool):
            raise BadParameter(f"{where} is not {KINDS[kind]}")
        low, high = self.range_of(name)
        if not math.isfinite(value) or not low <= value <= high:
            raise BadParameter(f"{where} is outside {low:g} … {high:g}")
        return value

    def range_of(self, name: str) -> tuple[float, float]:
        """Least and greatest value of a number; whole numbers are lengths unless said otherwise."""
        lengths = (1.0, float(ops.LENGTH_BARS_MAX))
        return self.limits.get(
            name, lengths if self.kinds[name] is int else (-SCALAR_MAX, SCALAR_MAX)
        )


def indicator(
    *,
    inputs: str,
    outputs: str,
    limits: Mapping[str, tuple[float, float]] | None = None,
    choices: Mapping[str, tuple[str, ...]] | None = None,
    follows: Mapping[str, str] | None = None,
    shown: Mapping[str, Callable[[Value], str]] | None = None,
    ordered: str = "",
) -> Callable[[Body], Indicator]:
    """Makes an indicator of a formula. `inputs` and `outputs` are words; outputs are templates over
    the parameters. Whole-number parameters are lengths unless `limits` says otherwise; `follows`
    names the parameter whose value a missing one takes; `shown` how a parameter is written in
    column names where that is not its value; `ordered` two that are swapped when the
    first is the greater."""

    def wrap(body: Body) -> Indicator:
        parameters = [
            p for p in inspect.signature(body).parameters.values() if p.kind is p.KEYWORD_ONLY
        ]
        return Indicator(
            name=body.__name__.rstrip("_"),
            category=body.__module__.rpartition(".")[2].partition("_")[0],
            inputs=tuple(inputs.split()),
            outputs=outputs,
            body=body,
            defaults={p.name: p.default for p in parameters},
            kinds={p.name: _kind(p.annotation) for p in parameters},
            limits=limits or {},
            choices=choices or {},
            follows=follows or {},
            shown=shown or {},
            ordered=tuple(ordered.split()),
        )

    return wrap


def _kind(annotation: Any) -> type:
    """int, float, bool or str; of `int | None` the int."""
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind in KINDS]
    return cast(type, kinds[0])


def tape(features: Sequence[Feature]) -> Tape:
    """The tape of a view: these features over the bars they read. Raises `BadParameter` when two
    outputs have one name."""
    wanted = {name for feature in features for name in feature.indicator.inputs}
    inputs = [name for name in FIELDS if name in wanted] + sorted(wanted - set(FIELDS))
    f = Formula(inputs)
    named = [pair for feature in features for pair in feature.trace(f)]
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadParameter(f"two outputs are called {twice[0]!r}", remedy="give one an alias=")
    return f.tape(named)
