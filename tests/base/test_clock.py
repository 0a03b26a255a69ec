"""The clock for tests and dry runs."""

from rules_listener.base.clock import Clock, ManualClock, SystemClock


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    """Both times move only, and equally, by `advance`."""
    clock = ManualClock(100.0)
    assert (clock.time(), clock.monotonic()) == (100.0, 100.0)
    clock.advance(2.5)
    assert (clock.time(), clock.monotonic()) == (102.5, 102.5)


def test_the_system_clock_is_a_clock() -> None:
    """The system's clock tells a time after this project began, and a monotonic one that does not go back."""
    clock: Clock = SystemClock()
    assert clock.time() > 1_700_000_000
    assert clock.monotonic() <= clock.monotonic()
