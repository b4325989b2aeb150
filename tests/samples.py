"""One readable sample of every kind of event, and strategies that draw any."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ledger import control
from ledger.frames import FrameFlag, Header, encode, encode_control
from ledger.instruments import Instrument
from ledger.rows import ABSENT, LAYOUTS, NAN_BITS, Kind, Rows, empty, feature_dtype

T0 = 1_723_161_255_342_000_000  # 2024-08-08T23:54:15.342Z
HOUR = 3_600_000_000_000

WHO: dict[str, Any] = {"actor": "ada", "reason": "golden", "tool": "fledger 0.1.0"}
BTC = Instrument(
    symbol="BTCUSDT.BINANCE",
    aliases=("BTC/USDT",),
    price_exponent=-8,
    size_exponent=-8,
    time_unit_ns=1_000_000,
)


def sample_rows(kind: Kind) -> Rows:
    """Two rows whose every field differs from zero where it may."""
    rows = np.zeros(2, feature_dtype(3)) if kind is Kind.FEATURE else empty(kind, 2)
    rows[
        "instrument" if "instrument" in (rows.dtype.names or ()) else (rows.dtype.names or ())[0]
    ] = 3
    for name, values in _SAMPLES[kind].items():
        rows[name] = values
    return rows


def _ids(*numbers: int) -> Rows:
    return np.frombuffer(b"".join(n.to_bytes(16, "big") for n in numbers), "V16")


_TICK = {
    "event_time": [T0, T0 + 1_000_000],
    "received_at": [T0 - 1_254_103_432, ABSENT],
    "id": _ids(0xCA978112_CA1BBDCA << 64 | 3735683259, 0xCA978112_CA1BBDCA << 64 | 3735683260),
    "venue_seq": [3735683259, 3735683260],
    "source_seq": [17, ABSENT],
    "conditions": [0, 0x8000_0000_0000_0001],
    "instrument": [3, 4],
    "flags": [0, 3],
}
_SAMPLES: dict[Kind, dict[str, Any]] = {
    Kind.TRADE: {**_TICK, "price": [6183763000000, -5], "size": [2000000, 0], "aggressor": [2, 1]},
    Kind.QUOTE: {
        **_TICK,
        "bid": [6183763000000, ABSENT],
        "ask": [6183764000000, 7],
        "bid_size": [378826000, ABSENT],
        "ask_size": [154698000, 0],
    },
    Kind.BAR: {
        **_TICK,
        "interval": [60_000_000_000, 1_000_000_000],
        "open": [5, 5],
        "high": [9, 5],
        "low": [1, 5],
        "close": [6, 5],
        "volume": [100, ABSENT],
        "taker_buy_volume": [40, ABSENT],
        "trade_count": [12, ABSENT],
    },
    Kind.AMEND: {
        "action_time": [T0 + HOUR, T0 + HOUR],
        "received_at": [ABSENT, T0 + HOUR],
        "target_time": [T0, T0],
        "target_id": _ids(1, 2),
        "id": _ids(3, 4),
        "fields": [[61837, 2, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT], [ABSENT] * 8],
        "source_seq": [1, ABSENT],
        "conditions": [7, 0],
        "instrument": [3, 4],
        "target_kind": [Kind.TRADE, Kind.QUOTE],
        "action": [1, 2],
        "aggressor": [1, 0],
    },
    Kind.GAP: {
        "first_seq": [101, 7],
        "last_seq": [104, 7],
        "time_before": [T0, T0],
        "time_after": [T0 + 5, T0],
        "id": _ids(101 << 64 | 104, 7 << 64 | 7),
        "instrument": [3, 4],
        "feed": [Kind.TRADE, Kind.QUOTE],
        "state": [1, 2],
    },
    Kind.CLOCK: {"time": [T0, T0], "interval": [0, HOUR], "instrument": [3, 4], "feed": [1, 3]},
    Kind.HEARTBEAT: {"sent_at": [T0, T0 + 1], "control_through": [4, -1], "reason": [1, 6]},
    Kind.PROGRESS: {
        "restate": [-1, 12],
        "admitted": [0, 9031],
        "digest": [np.void(bytes(32)), np.void(bytes(range(32)))],
        "view": [5, 6],
        "flags": [0, 1],
    },
    Kind.FEATURE: {
        "start": [T0, T0 + HOUR],
        "end": [T0 + HOUR, T0 + 2 * HOUR],
        "instrument": [3, 4],
        "revision": [0, 2],
        "flags": [1, 0],
        "values": np.array(
            [[1.5, -np.inf, 0.0], [np.uint64(NAN_BITS).view("f8"), 1e-310, -0.0]], "f8"
        ),
    },
}

ROW_KINDS = [*LAYOUTS, Kind.FEATURE]


def sample_header(kind: Kind) -> Header:
    ours = kind in (Kind.FEATURE, Kind.PROGRESS)
    return Header(
        kind,
        flags=FrameFlag.LOADED if kind in (Kind.TRADE, Kind.BAR) else 0,
        build=b"build-01",
        run=b"run-0001",
        source=2,
        cause=9031 if ours else -1,
        view=5 if ours else -1,
        first_ordinal=4 if ours else 0,
        total=6 if ours else 0,
    )


CONTROL_EVENTS: list[control.Control] = [
    control.EpochStarted(**WHO, ledger="7f" * 16, epoch=1, partitions=4),
    control.EpochEnded(**WHO, epoch=1),
    control.InstrumentDefined(**WHO, instrument=BTC),
    control.SourceDefined(**WHO, name="binance-ws"),
    control.Tagged(**WHO, name="q1-audit", cut="e1@0:9031,1:8800,2:7,3:0"),
    control.LossAccepted(**WHO, topic="m", partition=2, first=100, last=120),
    control.SemanticsActivated(**WHO, semantics=1),
    control.ViewRegistered(
        **WHO, name="momentum", digest="ab" * 32, definition={"bars": "1m"}, activate=True
    ),
    control.ViewActivated(**WHO, name="momentum", view=7),
    control.ViewRetired(**WHO, view=7),
    control.ViewFaulted(
        **WHO, view=7, partition=2, position="f2:81:0", expected="aa" * 32, found="bb" * 32
    ),
    control.RolledBack(**WHO, name="momentum", cut="e1@0:9031,1:8800,2:7,3:0"),
    control.Resumed(**WHO, name="momentum"),
    control.Restated(**WHO, restate=12, slice=0, view=7, rows=4096, digest="cc" * 32),
    control.Rebased(
        **WHO,
        restate=12,
        views=[7],
        admitted="e1@0:9031,1:8800,2:7,3:0",
        through=[9000, 8700, 7, 0],
        states=["dd" * 32] * 4,
    ),
]


def golden_records() -> dict[str, bytes]:
    """The record of each sample, by name."""
    records = {k.name: encode(sample_header(k), sample_rows(k)) for k in ROW_KINDS}
    for event in CONTROL_EVENTS:
        header = Header(Kind.CONTROL, flags=FrameFlag.COPY, cause=11, build=b"build-01")
        records[f"CONTROL {type(event).__name__}"] = encode_control(header, control.dump(event))
    return records


@st.composite
def any_rows(draw: st.DrawFn, kind: Kind, *, max_size: int = 5) -> Rows:
    """Valid rows of a kind: the sample's rows, with every free field drawn anew."""
    count = draw(st.integers(1, max_size))
    base = sample_rows(kind)
    rows = base[draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))]
    times = st.integers(0, 2**61)
    for name in rows.dtype.names or ():
        if name in ("event_time", "target_time", "action_time", "time_before"):
            rows[name] = draw(st.lists(times, min_size=count, max_size=count))
        elif name in ("price", "venue_seq", "source_seq"):
            number = st.integers(ABSENT + 1, 2**63 - 1)
            rows[name] = draw(st.lists(number, min_size=count, max_size=count))
        elif name == "conditions":
            word = st.integers(0, 2**64 - 1)
            rows[name] = draw(st.lists(word, min_size=count, max_size=count))
        elif name == "values":
            finite = st.floats(allow_nan=False)
            rows[name] = draw(
                st.lists(st.lists(finite, min_size=3, max_size=3), min_size=count, max_size=count)
            )
    if kind is Kind.GAP:
        rows["time_after"] = rows["time_before"] + 1
    if kind is Kind.BAR:
        rows["event_time"] += rows["interval"]
    return rows
