"""The courier's process, seen from the listener: started, woken, started again when it dies, ended with us.

1. A courier that dies is replaced after a wait that doubles from one second to one minute; what waits is in the store.
2. A new courier may be started while the old one is still ending: they take turns by a lock.
3. It is given the bundle that the listener works with, not the file: that may be missing (a full disk), or be newer.
"""

from collections.abc import Callable
from contextlib import suppress

from rules_listener.base.clock import Clock
from rules_listener.serve.bundle import Bundle, dump_bundle
from rules_listener.serve.children import Child

MODULE = "rules_listener.serve.couriering"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0

Report = Callable[[str], None]


class CourierProcess:
    """Keeps one courier running for the state folder `state`, with the channels of `bundle`.

    `supervisord_start` is when the supervisord began that is to act, in seconds since the boot; 0 if nobody knows.
    """

    def __init__(
        self, state: str, bundle: Bundle, clock: Clock, report: Report, *, supervisord_start: float = 0.0
    ) -> None:
        self.bundle = bundle
        self._arguments = [state, str(supervisord_start)]
        self._clock = clock
        self._report = report
        self._child: Child | None = None
        self._ending: list[Child] = []
        self._started_at = 0.0
        self._wait_s = FIRST_WAIT_S
        self.restart_at: float | None = clock.monotonic()
        """When to start it, or to start it anew, by the monotonic clock; None while it runs."""

    def start(self) -> None:
        """Start it, or start it anew with what `bundle` says now."""
        if self._child is not None:
            self._child.end_input()
            self._ending.append(self._child)
            self._child = None
        self.restart_at = None
        self._started_at = self._clock.monotonic()
        try:
            self._child = Child(MODULE, self._arguments, with_input=True, given=dump_bundle(self.bundle))
        except OSError as error:
            self._later(f"the courier can't be started: {error.strerror}")

    def wake(self) -> None:
        """Say that there are new alerts."""
        if self._child is not None:
            self._child.poke()

    @property
    def outputs(self) -> list[int]:
        """The descriptors on which a courier says something, or ends."""
        return [child.output for child in [*self._ending, self._child] if child is not None]

    def ended(self, output: int) -> None:
        """Say that the courier with this descriptor has ended."""
        if self._child is not None and self._child.output == output:
            child, self._child = self._child, None
            status = child.reap()
            self._later(f"the courier ended with status {status}; alerts wait in the store")
            return
        for child in [child for child in self._ending if child.output == output]:
            self._ending.remove(child)
            child.reap()

    def _later(self, message: str) -> None:
        now = self._clock.monotonic()
        if now - self._started_at > LONGEST_WAIT_S:
            self._wait_s = FIRST_WAIT_S
        self.restart_at = now + self._wait_s
        self._report(f"{message}; it is started again in {self._wait_s:.0f} s")
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)

    def end(self) -> list[int]:
        """Let all couriers end; the descriptors whose end is still to come."""
        self.restart_at = None
        if self._child is not None:
            self._child.end_input()
            self._ending.append(self._child)
            self._child = None
        return self.outputs

    def abandon(self) -> None:
        """Leave a courier that does not end in time to itself: it sees the end of its input, and has its own bounds."""
        for child in self._ending:
            with suppress(OSError):
                child.close()
        self._ending.clear()
