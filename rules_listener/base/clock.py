"""Where time comes from. Whatever needs the time is given a `Clock`; only this module asks the system.

1. `time()` is the moment people know, in seconds since 1970; it may jump.
2. `monotonic()` only measures how long something takes, in seconds; it never jumps.
"""

from time import CLOCK_BOOTTIME, clock_gettime, monotonic, time
from typing import Protocol

FIRST_MOMENT, LAST_MOMENT = 0.0, 253_402_214_400.0
"""Between which a recorded time is taken for one, in seconds since 1970: up to the last day of the year 9999, so that
calendars can show it in any zone."""


def no_moment(seconds: float) -> str:
    """What is wrong with a time that is none; empty if nothing is."""
    if FIRST_MOMENT <= seconds < LAST_MOMENT:
        return ""
    hint = "not milliseconds" if LAST_MOMENT <= seconds < LAST_MOMENT * 1000 else "up to the year 9999"
    return f"seconds since 1970 belong here, {hint}"


class Clock(Protocol):
    """The two questions that may be asked about time, both in seconds."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; only differences mean something."""


def since_boot() -> float:
    """Seconds since this machine was booted, its sleep included: so the kernel counts when processes began."""
    return clock_gettime(CLOCK_BOOTTIME)


class SystemClock:
    """The clock of this machine."""

    time = staticmethod(time)
    monotonic = staticmethod(monotonic)


class ManualClock:
    """A clock for tests and dry runs: it stands still until it is moved."""

    def __init__(self, start: float = 1_764_000_000.0) -> None:
        self._time = start
        self._set_by = 0.0

    def time(self) -> float:
        """Seconds since 1970, as last set."""
        return self._time + self._set_by

    def monotonic(self) -> float:
        """The same figure, but for what `set_by` did."""
        return self._time

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._time += seconds

    def set_by(self, seconds: float) -> None:
        """Let somebody set the clock forward by `seconds`, or back: no time passes."""
        self._set_by += seconds
