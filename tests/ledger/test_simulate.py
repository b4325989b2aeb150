"""The simulated market: repeatable, and wrong in all the ways real feeds are."""

import numpy as np

from ledger.row_checks import fault
from ledger.rows import Kind
from ledger.simulate import Market, simulated_instruments

STEP = 50_000_000


def _run(seed: int, steps: int = 400) -> tuple[Market, np.ndarray]:
    market = Market(np.arange(3, 27, dtype=np.int32), seed=seed)
    start = 1_700_000_000_000_000_000
    rows = [market.step(start + n * STEP, STEP) for n in range(steps)]
    return market, np.concatenate([*rows, market.drain()])


def test_a_seed_gives_the_same_market() -> None:
    """Equal seeds and steps give equal bytes; another seed does not."""
    assert _run(1)[1].tobytes() == _run(1)[1].tobytes()
    assert _run(1)[1].tobytes() != _run(2)[1].tobytes()


def test_every_fault_of_a_real_feed_occurs() -> None:
    """Late, repeated, lost and recovered ticks, and an instrument that falls silent."""
    market, rows = _run(3)
    assert min(market.counts) > 0
    identities = {(int(r["instrument"]), r["id"].tobytes()) for r in rows}
    assert len(rows) - len(identities) == market.counts.repeated
    assert len(identities) == market.counts.made - market.counts.lost + market.counts.recovered
    times = rows["event_time"]
    assert (np.maximum.accumulate(times) - times).max() > 1_000_000_000
    busy = [np.sort(times[rows["instrument"] == instrument]) for instrument in range(3, 15)]
    assert max(np.diff(ticks).max() for ticks in busy) > 1_000_000_000


def test_what_arrives_can_be_appended() -> None:
    """Every row passes the decoder's checks."""
    assert fault(Kind.TRADE, _run(4)[1]) == ""


def test_numbers_have_no_hole_but_what_was_lost() -> None:
    """Per instrument the venue's numbers are 1, 2, 3, … except for lost ticks."""
    market, rows = _run(5)
    missing = 0
    for instrument in np.unique(rows["instrument"]):
        arrived = np.unique(rows["venue_seq"][rows["instrument"] == instrument])
        missing += int(arrived[-1] - len(arrived))
    assert missing <= market.counts.lost - market.counts.recovered


def test_instruments_have_symbols_of_their_own() -> None:
    """As many different symbols as asked for."""
    assert len({i.symbol for i in simulated_instruments(40)}) == 40
