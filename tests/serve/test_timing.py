"""How long answers take, as it is counted."""

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.outbox.counters import ANSWERED_NS
from rules_listener.serve.timing import Timing


@pytest.mark.parametrize(
    ("took_s", "name"),
    [
        (0.0, "answered:10"),
        (0.0000625, "answered:100"),
        (0.5, "answered:500000"),
        (1.0, "answered:1000000"),
        (1.5, "answered:longer"),
    ],
)
def test_an_answer_is_counted_where_it_belongs(took_s: float, name: str) -> None:
    """An answer counts below the first bound that it does not exceed."""
    clock = ManualClock(0.0)
    timing = Timing(clock)
    timing.begin()
    clock.advance(took_s)
    timing.end()
    assert timing.take() == {name: 1, ANSWERED_NS: round(took_s * 1e9)}


def test_what_is_taken_is_counted_once(clock: ManualClock) -> None:
    """What was taken begins at nothing again; where there was no answer, there is nothing to take."""
    timing = Timing(clock)
    assert timing.take() == {}
    for _ in range(3):
        timing.begin()
        clock.advance(0.25)
        timing.end()
    assert timing.take() == {"answered:250000": 3, ANSWERED_NS: 750_000_000}
    assert timing.take() == {}
