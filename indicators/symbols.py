"""Symbols: what a formula computes with. Running it once on symbols leaves a tape.

The same sub-expression asked for twice is one row: found by looking. Where pandas-ta adds its
epsilon to a whole range as soon as one value of it is zero (`f.nonzero`), a symbol carries both
worlds, without and with epsilon, through whatever follows; at the output the latch chooses. So the
live value is what pandas-ta computes on the prefix that ends at this bar, past included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from indicators import ops
from indicators.assembly import Ref, Row, assemble
from indicators.errors import BadParameter
from indicators.tape import Tape


@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    """A series yet to come. `values` has one register per state of its `latches` (bit i of the
    index is latch i)."""

    formula: "Formula"
    values: tuple[Ref, ...]
    latches: tuple[int, ...] = ()

    def in_world(self, latches: tuple[int, ...], world: int) -> Ref:
        """The register where the latches are as the bits of `world` say."""
        own = ((world >> latches.index(latch)) & 1 for latch in self.latches)
        return self.values[sum(bit << i for i, bit in enumerate(own))]

    def __add__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.ADD, self, other)

    def __radd__(self, other: float) -> "Symbol":
        return self.formula.emit(ops.ADD, other, self)

    def __sub__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.SUBTRACT, self, other)

    def __rsub__(self, other: float) -> "Symbol":
        return self.formula.emit(ops.SUBTRACT, other, self)

    def __mul__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.MULTIPLY, self, other)

    def __rmul__(self, other: float) -> "Symbol":
        return self.formula.emit(ops.MULTIPLY, other, self)

    def __truediv__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.DIVIDE, self, other)

    def __rtruediv__(self, other: float) -> "Symbol":
        return self.formula.emit(ops.DIVIDE, other, self)

    def __neg__(self) -> "Symbol":
        return self.formula.emit(ops.MULTIPLY, self, -1.0)

    def __gt__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.ABOVE, self, other)

    def __ge__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.AT_LEAST, self, other)

    def __lt__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.BELOW, self, other)

    def __le__(self, other: "Operand") -> "Symbol":
        return self.formula.emit(ops.AT_MOST, self, other)

    def __bool__(self) -> bool:
        raise TypeError("a symbol has no value while the tape is made: use f.where, not `if`")


type Operand = Symbol | float


class Formula:
    """Records rows. Its methods are the instruction set as formulas write it."""

    def __init__(self, inputs: Sequence[str]) -> None:
        self.inputs = tuple(inputs)
        self._constants: list[float] = []
        self._rows: list[Row] = []
        self._known: dict[Row, Ref] = {}

    def input(self, name: str) -> Symbol:
        return Symbol(self, (Ref("input", self.inputs.index(name)),))

    def constant(self, value: float) -> Symbol:
        return self.vector([value])

    def vector(self, values: Sequence[float]) -> Symbol:
        """Constants side by side; the symbol is the first."""
        held = [c.hex() for c in self._constants]
        wanted = [float(value).hex() for value in values]
        for at in range(len(held) - len(wanted) + 1):
            if held[at : at + len(wanted)] == wanted:
                return Symbol(self, (Ref("constant", at),))
        self._constants += [float(value) for value in values]
        return Symbol(self, (Ref("constant", len(held)),))

    def emit(self, op: int, *operands: Operand, n: int = 0, k: int = 0) -> Symbol:
        """One row per world of its operands."""
        if not 0 <= n <= ops.LENGTH_BARS_MAX:
            raise BadParameter(f"a length of {n} bars; at most {ops.LENGTH_BARS_MAX}")
        symbols = [x if isinstance(x, Symbol) else self.constant(x) for x in operands]
        latches = tuple(sorted({latch for x in symbols for latch in x.latches}))
        worlds = [
            self._row(Row(op, n, k, tuple(x.in_world(latches, world) for x in symbols)))
            for world in range(1 << len(latches))
        ]
        return Symbol(self, tuple(worlds), latches)

    def nonzero(self, x: Symbol, y: Operand) -> Symbol:
        """x − y, plus 2⁻⁵² in every bar, past ones too, once any bar was zero."""
        difference = self.merged(x - y)
        seen = self.emit(ops.LATCH, difference).values[0]
        raised = difference + ops.EPSILON
        return Symbol(self, (difference.values[0], raised.values[0]), (seen.at,))

    def merged(self, x: Symbol) -> Symbol:
        """One world: the latches choose now."""
        values = x.values
        for bit in reversed(range(len(x.latches))):
            seen, half = Ref("row", x.latches[bit]), 1 << bit
            values = tuple(
                low if low == high else self._row(Row(ops.WHERE, 0, 0, (seen, high, low)))
                for low, high in zip(values[:half], values[half:], strict=True)
            )
        return Symbol(self, values)

    def _row(self, row: Row) -> Ref:
        if row not in self._known:
            self._known[row] = Ref("row", len(self._rows))
            self._rows.append(row)
        return self._known[row]

    def tape(self, named: Sequence[tuple[str, Symbol]]) -> Tape:
        """The finished tape of these outputs: rows that nothing reads are left out."""
        outputs = [self.merged(symbol).values[0] for _, symbol in named]
        return assemble(self.inputs, self._constants, self._rows, [n for n, _ in named], outputs)

    def lag(self, x: Symbol, n: int = 1) -> Symbol:
        return self.emit(ops.LAG, x, n=n)

    def diff(self, x: Symbol, n: int = 1) -> Symbol:
        return x - self.lag(x, n)

    def max(self, x: Operand, y: Operand) -> Symbol:
        return self.emit(ops.GREATER, x, y)

    def min(self, x: Operand, y: Operand) -> Symbol:
        return self.emit(ops.LESSER, x, y)

    def abs(self, x: Symbol) -> Symbol:
        return self.emit(ops.ABSOLUTE, x)

    def sqrt(self, x: Symbol) -> Symbol:
        return self.emit(ops.ROOT, x)

    def sign(self, x: Symbol) -> Symbol:
        return self.emit(ops.SIGN, x)

    def where(self, condition: Symbol, x: Operand, y: Operand) -> Symbol:
        return self.emit(ops.WHERE, condition, x, y)

    def equal(self, x: Symbol, y: Operand) -> Symbol:
        return self.emit(ops.EQUAL, x, y)

    def valid(self, x: Symbol) -> Symbol:
        return self.emit(ops.VALID, x)

    def fill(self, x: Symbol, y: Operand) -> Symbol:
        return self.emit(ops.FILL, x, y)

    def cumulate(self, x: Symbol) -> Symbol:
        return self.emit(ops.CUMULATE, x)

    def seed(self, x: Symbol, n: int) -> Symbol:
        return self.emit(ops.SEED, x, n=n)

    def sma(self, x: Symbol, n: int) -> Symbol:
        return self.emit(ops.SMA, x, n=n)

    def wma(self, x: Symbol, n: int, ascending: bool = True) -> Symbol:
        return self.emit(ops.WMA, x, n=n, k=int(ascending))

    def sum(self, x: Symbol, n: int) -> Symbol:
        return self.emit(ops.ROLLING_SUM, x, n=n)

    def mean(self, x: Symbol, n: int) -> Symbol:
        return self.emit(ops.ROLLING_MEAN, x, n=n)

    def variance(self, x: Symbol, n: int, ddof: int = 1) -> Symbol:
        return self.emit(ops.ROLLING_VARIANCE, x, n=n, k=ddof)

    def stdev(self, x: Symbol, n: int, ddof: int = 1) -> Symbol:
        return self.sqrt(self.variance(x, n, ddof))

    def highest(self, x: Symbol, n: int, *, partial: bool = False) -> Symbol:
        return self.emit(ops.HIGHEST, x, n=n, k=int(partial))

    def lowest(self, x: Symbol, n: int, *, partial: bool = False) -> Symbol:
        return self.emit(ops.LOWEST, x, n=n, k=int(partial))

    def log(self, x: Symbol, *, decimal: bool = False) -> Symbol:
        return self.emit(ops.LOGARITHM, x, k=int(decimal))

    def dot(self, x: Symbol, weights: Sequence[float]) -> Symbol:
        return self.emit(ops.DOT, x, self.vector(weights), n=len(weights))

    def regression(self, x: Symbol, n: int, kind: str = "value") -> Symbol:
        return self.emit(ops.REGRESSION, x, n=n, k=ops.REGRESSIONS.index(kind))

    def count(self, x: Symbol) -> Symbol:
        return self.emit(ops.COUNT, x)

    def hold(self, condition: Symbol, x: Operand) -> Symbol:
        return self.emit(ops.HOLD, condition, x)

    def machine(self, op: int, *operands: Operand, n: int = 0, outputs: int) -> tuple[Symbol, ...]:
        """A state machine's first output and what else it leaves in its first cells."""
        owner = self.emit(op, *operands, n=n)
        return (owner, *(self.emit(ops.PICK, owner, n=i) for i in range(1, outputs)))

    def mean_deviation(self, x: Symbol, n: int) -> Symbol:
        return self.emit(ops.MEAN_DEVIATION, x, n=n)

    def ewm(self, x: Symbol, com: float) -> Symbol:
        return self.emit(ops.EWM, x, 1.0 / (1.0 + com), k=int(com == 1.0))

    def ema(self, x: Symbol, n: int, *, from_first: bool = False) -> Symbol:
        """Exponential average with span n, its first value the mean of the first n bars
        (`from_first`: counted from the first that is not null)."""
        com = (n - 1) / 2.0
        variant = int(from_first) + 2 * int(com == 1.0)
        return self.emit(ops.EMA, x, 1.0 / (1.0 + com), n=n, k=variant)

    def rma(self, x: Symbol, n: int) -> Symbol:
        """Wilder's average, its first value the first that is not null."""
        alpha = 1.0 / n
        return self.ewm(x, (1.0 - alpha) / alpha)

    def session(self, seconds: Symbol, anchor: str) -> Symbol:
        return self.emit(ops.SESSION, seconds, k=ops.SESSIONS.index(anchor))

    def session_sum(self, x: Symbol, session: Symbol) -> Symbol:
        return self.emit(ops.SESSION_SUM, x, session)
