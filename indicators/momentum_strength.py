"""Momentum, concluded: smoothed strength, squeezes and cycles."""

from indicators import moving, ops
from indicators.indicator import indicator
from indicators.momentum import relative_strength
from indicators.moving import average
from indicators.symbols import Formula, Symbol


@indicator(
    inputs="close",
    outputs="QQE{mamode}_{length}_{smooth}_{factor} "
    "QQE{mamode}_{length}_{smooth}_{factor}_RSI{mamode}MA "
    "QQEl{mamode}_{length}_{smooth}_{factor} QQEs{mamode}_{length}_{smooth}_{factor}",
    choices={"mamode": ("ema",)},
    shown={"mamode": lambda mode: ""},
)
def qqe(
    f: Formula,
    close: Symbol,
    *,
    length: int = 14,
    smooth: int = 5,
    factor: float = 4.236,
    mamode: str = "ema",
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Quantitative qualitative estimation: smoothed RSI trailed by bands of its own averaged
    moves. First line, smoothed RSI, band while long, while short."""
    wilder = 2 * length - 1
    line = average(f, mamode, relative_strength(f, close, length), smooth)
    moved = f.ema(f.abs(f.diff(line, drift)), wilder)
    reach = factor * f.ema(moved, wilder)
    trail, long, short = f.machine(ops.QQE, line, line - reach, line + reach, outputs=3)
    return trail, line, long, short


@indicator(inputs="close", outputs="RSX_{length}")
def rsx(f: Formula, close: Symbol, *, length: int = 14) -> Symbol:
    """Jurik's RSX: relative strength through a cascade of filters."""
    return f.emit(ops.RSX, close, n=length)


@indicator(
    inputs="open high low close", outputs="RVGI_{length}_{swma_length} RVGIs_{length}_{swma_length}"
)
def rvgi(
    f: Formula,
    open_: Symbol,
    high: Symbol,
    low: Symbol,
    close: Symbol,
    *,
    length: int = 14,
    swma_length: int = 4,
) -> tuple[Symbol, ...]:
    """Relative vigour: Σ weighted (c − o) over Σ weighted (h − l). pandas-ta sums by BLAS."""
    weights = moving.triangle(swma_length)
    body = f.sum(f.dot(f.nonzero(close, open_), weights), length)
    line = body / f.sum(f.dot(f.nonzero(high, low), weights), length)
    return line, f.dot(line, weights)


@indicator(inputs="close", outputs="SLOPE_{length}")
def slope(f: Formula, close: Symbol, *, length: int = 1) -> Symbol:
    """(x − x₋ₙ) / n."""
    return f.diff(close, length) / float(length)


def strength(
    f: Formula, close: Symbol, fast: int, slow: int, scalar: float, drift: int = 1
) -> Symbol:
    """EMA of EMA of Δx over the same of |Δx|."""
    step = f.diff(close, drift)
    return scalar * f.ema(f.ema(step, slow), fast) / f.ema(f.ema(f.abs(step), slow), fast)


@indicator(
    inputs="close",
    outputs="TSI_{fast}_{slow}_{signal} TSIs_{fast}_{slow}_{signal}",
    ordered="fast slow",
)
def tsi(
    f: Formula,
    close: Symbol,
    *,
    fast: int = 13,
    slow: int = 25,
    signal: int = 13,
    scalar: float = 100.0,
    mamode: str = "ema",
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """True strength index: 100·EMA(EMA Δx) / EMA(EMA |Δx|), and its average."""
    line = strength(f, close, fast, slow, scalar, drift)
    return line, average(f, mamode, line, signal)


@indicator(
    inputs="close",
    outputs="SMI_{fast}_{slow}_{signal}_{scalar} SMIs_{fast}_{slow}_{signal}_{scalar} "
    "SMIo_{fast}_{slow}_{signal}_{scalar}",
    ordered="fast slow",
    shown={"scalar": lambda value: str(float(value))},
)
def smi(
    f: Formula,
    close: Symbol,
    *,
    fast: int = 5,
    slow: int = 20,
    signal: int = 5,
    scalar: float = 1.0,
) -> tuple[Symbol, ...]:
    """SMI ergodic: true strength, its EMA, their distance."""
    line = strength(f, close, fast, slow, scalar)
    signal_line = f.ema(line, signal)
    return line, signal_line, line - signal_line


@indicator(
    inputs="open close",
    outputs="TMO_{tmo_length}_{calc_length}_{smooth_length} "
    "TMOs_{tmo_length}_{calc_length}_{smooth_length} "
    "TMOM_{tmo_length}_{calc_length}_{smooth_length} "
    "TMOMs_{tmo_length}_{calc_length}_{smooth_length}",
)
def tmo(
    f: Formula,
    open_: Symbol,
    close: Symbol,
    *,
    tmo_length: int = 14,
    calc_length: int = 5,
    smooth_length: int = 3,
    momentum: bool = False,
    exclusive: bool = True,
    mamode: str = "ema",
) -> tuple[Symbol, ...]:
    """True momentum oscillator: Σ sign(c − o₋ⱼ), averaged thrice; 0 twice unless `momentum`."""
    count = tmo_length if exclusive else tmo_length - 1
    signs = f.emit(ops.SIGNS, open_, close, n=count)
    main = average(f, mamode, average(f, mamode, signs, calc_length), smooth_length)
    smooth = average(f, mamode, main, smooth_length)
    if momentum:
        return main, smooth, f.diff(main, tmo_length), f.diff(smooth, tmo_length)
    nothing = f.constant(0.0)
    return main, smooth, nothing, nothing


@indicator(
    inputs="close",
    outputs="TRIX_{length}_{signal} TRIXs_{length}_{signal}",
    ordered="signal length",
)
def trix(
    f: Formula,
    close: Symbol,
    *,
    length: int = 30,
    signal: int = 9,
    scalar: float = 100.0,
    drift: int = 1,
) -> tuple[Symbol, ...]:
    """Rate of change of a triple EMA in percent, and its mean. Quirk: see `moving.chain`."""
    line = moving.chain(f, close, length, 3)[-1]
    change = scalar * (line / f.lag(line, drift) - 1.0)
    return change, f.mean(change, signal)
