"""When a heartbeat is due."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ledger.relay import BEAT_SECONDS, IDLE_SECONDS, Pulse, next_beat
from ledger.rows import Beat


def _beats(ends: list[int], *, seconds: float = BEAT_SECONDS) -> list[Beat | None]:
    """The beats at each step of a partition whose end grows by what others append."""
    pulse, beats, log_end = None, [], 0
    for step, more in enumerate(ends):
        log_end += more
        beat = next_beat(pulse, log_end, step * seconds)
        if beat is not None:
            log_end += 1
            pulse = Pulse(log_end, step * seconds, beat)
        beats.append(beat)
    return beats


def test_beats_every_second_while_appends_go_on_and_once_when_they_stop() -> None:
    """Active, active, quiet, then silence."""
    assert _beats([0, 5, 5, 0, 0, 0]) == [
        Beat.STARTED, Beat.ACTIVE, Beat.ACTIVE, Beat.QUIET, None, None
    ]  # fmt: skip


def test_an_idle_partition_beats_rarely() -> None:
    """Between 30 and 60 seconds apart."""
    beats = _beats([0] * 200)
    idle = [second for second, beat in enumerate(beats) if beat is Beat.IDLE]
    assert idle[0] == IDLE_SECONDS
    assert all(30 <= b - a <= 60 for a, b in itertools.pairwise(idle))


def test_a_waiting_reader_gets_a_beat_at_once() -> None:
    """A request does not wait for the second to pass."""
    assert next_beat(Pulse(5, 0.0, Beat.QUIET), 5, 0.01, requested=True) is Beat.REQUESTED


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60))
def test_after_any_append_a_beat_follows(ends: list[int]) -> None:
    """Whatever was appended, a beat stands behind it within two steps."""
    beats = _beats([*ends, 0, 0])
    for step, more in enumerate(ends):
        assert not more or any(beats[step : step + 2])
