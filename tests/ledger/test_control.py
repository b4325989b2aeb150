"""Control events: definitions for ever, and copies that survive any crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import control
from ledger.catalog import Catalog, CopyGate
from ledger.control import dump, parse
from ledger.errors import ForeignLedger, UnknownInstrument
from ledger.instruments import Instrument
from tests.samples import BTC, CONTROL_EVENTS, WHO


@pytest.mark.parametrize("event", CONTROL_EVENTS, ids=lambda e: type(e).__name__)
def test_every_event_reads_back(event: control.Control) -> None:
    """parse(dump(event)) gives the event, with actor, reason and tool."""
    again = parse(dump(event))
    assert again == event
    assert again.actor == "ada"
    assert again.reason == "golden"
    assert again.tool.startswith("fledger")


def test_who_and_why_need_not_be_utf8() -> None:
    """Arguments and environment are bytes: what is no text is written out, and reads back."""
    said = b"ad\xff \xc3\xa9".decode("utf-8", "surrogateescape")
    event = control.SourceDefined(actor=said, reason=said, tool="fledger", name="s")
    assert (event.actor, event.reason) == ("ad\\xff é", "ad\\xff é")
    assert parse(dump(event)) == event


@pytest.mark.parametrize("change", [{"actor": None}, {"extra": 1}, {"type": "Nonsense"}])
def test_a_body_of_another_shape_is_no_event(change: dict[str, object]) -> None:
    """Missing, surplus and unknown fields are errors, never guessed."""
    body = {**dump(CONTROL_EVENTS[0]), **change}
    with pytest.raises(ValueError, match="no control event"):
        parse({k: v for k, v in body.items() if v is not None})


@given(st.lists(st.integers(0, 6), max_size=40))
def test_a_gate_accepts_each_sequence_once_and_in_order(arrivals: list[int]) -> None:
    """Whatever repeats and jumps arrive, what is accepted is 0, 1, 2, …"""
    gate = CopyGate()
    accepted = [s for s in arrivals if gate.accept(s)]
    assert accepted == list(range(len(accepted)))
    assert gate.last == len(accepted) - 1


@given(st.data(), st.integers(1, 8))
def test_relays_that_crash_anywhere_and_run_at_once_lose_nothing(
    data: st.DataObject, events: int
) -> None:
    """Relays read what the fold accepted, send from there on, and may die between any two copies
    or interleave with another: at the end every copy is accepted exactly once, in order."""
    partition: list[int] = []

    def accepted() -> int:
        gate = CopyGate()
        for sequence in partition:
            gate.accept(sequence)
        return gate.last

    for _ in range(data.draw(st.integers(0, 4))):
        plans = [list(range(accepted() + 1, events)) for _ in range(data.draw(st.integers(1, 3)))]
        plans = [plan[: data.draw(st.integers(0, len(plan)))] for plan in plans]
        while any(plans):
            plan = data.draw(st.sampled_from([p for p in plans if p]))
            partition.append(plan.pop(0))
    partition += range(accepted() + 1, events)
    assert accepted() == events - 1


def _catalog(*events: control.Control) -> Catalog:
    catalog = Catalog()
    for sequence, event in enumerate(events):
        catalog.apply(sequence, event)
    return catalog


def _defined(**changes: object) -> control.InstrumentDefined:
    return control.InstrumentDefined(**WHO, instrument=BTC.model_copy(update=changes))


def test_ids_are_the_sequence_of_the_definition() -> None:
    """Symbol and aliases resolve to the control sequence of the first definition."""
    catalog = _catalog(CONTROL_EVENTS[0], _defined())
    assert catalog.instrument_id("BTCUSDT.BINANCE") == catalog.instrument_id("BTC/USDT") == 1
    with pytest.raises(UnknownInstrument, match="XRP"):
        catalog.instrument_id("XRPUSDT.BINANCE")


def test_the_first_definition_of_a_name_stands() -> None:
    """A second one changes nothing, and is told apart from a repeat beforehand."""
    catalog = _catalog(CONTROL_EVENTS[0], _defined(), _defined(price_exponent=-2))
    assert catalog.instruments == {1: BTC}
    assert catalog.clash(BTC) is None
    clash = catalog.clash(BTC.model_copy(update={"price_exponent": -2}))
    assert clash is not None
    assert "price_exponent" in str(clash)


def test_a_tag_keeps_its_first_cut() -> None:
    """First wins in the fold, whatever raced at append."""
    tags = [control.Tagged(**WHO, name="q1", cut=cut) for cut in ("e1@0:1", "e1@0:2")]
    assert _catalog(CONTROL_EVENTS[0], *tags).tags == {"q1": "e1@0:1"}


def test_two_ledgers_in_one_topic_are_refused_by_name() -> None:
    """The ids of both are shown."""
    other = control.EpochStarted(**WHO, ledger="00" * 16, epoch=2, partitions=4)
    with pytest.raises(ForeignLedger, match=r"0{32} after ledger 7f7f"):
        _catalog(CONTROL_EVENTS[0], other)


@pytest.mark.parametrize(
    "symbol", ["btcusdt.binance", "BTCUSDT", "BTC USDT.BINANCE", "", ".X", "A."]
)
def test_a_symbol_is_name_and_venue(symbol: str) -> None:
    """One spelling, so that no instrument exists twice."""
    with pytest.raises(ValueError, match=r"NAME\.VENUE"):
        Instrument(symbol=symbol, price_exponent=-2, size_exponent=0)
