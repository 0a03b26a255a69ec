"""How long answers take: from an event that was read to its answer that was written.

What is measured stays in memory until it is written with the journal (`keeper`): no system call, and less than a
microsecond for each event.
"""

from bisect import bisect_left

from rules_listener.base.clock import Clock
from rules_listener.outbox.counters import ANSWERED, ANSWERED_NS, BOUNDS_US, LONGER, counter

_BOUNDS_S = tuple(bound / 1_000_000 for bound in BOUNDS_US)
_NAMES = tuple(counter(ANSWERED, bound) for bound in (*BOUNDS_US, LONGER))


class Timing:
    """Counts answers by the time that they took."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._began_at = 0.0
        self._counts = [0] * len(_NAMES)
        self._total_s = 0.0

    def begin(self) -> None:
        """An event was read, or a part of it."""
        self._began_at = self._monotonic()

    def end(self) -> None:
        """Its answer was written."""
        took_s = self._monotonic() - self._began_at
        self._counts[bisect_left(_BOUNDS_S, took_s)] += 1
        self._total_s += took_s

    def take(self) -> dict[str, int]:
        """What was counted since this was asked last, as counters."""
        taken = {name: count for name, count in zip(_NAMES, self._counts, strict=True) if count}
        if taken:
            taken[ANSWERED_NS] = round(self._total_s * 1e9)
            self._counts = [0] * len(_NAMES)
            self._total_s = 0.0
        return taken
