"""What reading a recording finds beside its events: what can't be read, and what could have been told better.

1. What can't be read is reported with its place, and counted; nothing stops at it.
2. After `MOST_SHOWN` lines or frames that can't be read the rest is only counted. Where a whole file ends too early,
   that is always said.
"""

from collections.abc import Callable

MOST_SHOWN = 100


class Findings:
    """Gathers what is found; `report` takes what people should read at once, a line at a time."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self.unreadable = 0
        """How many lines, frames or files could not be read."""
        self.passed_over = 0
        """How many lines of a log tell of no event."""
        self.unnamed_starts = 0
        """How many starts failed of which the log does not name the process."""
        self.without_group: set[str] = set()
        """The names of processes whose group is not known."""

    def cannot_read(self, place: str, reason: str) -> None:
        """Say that something can't be read, and where: `file:line`, or what comes nearest to it."""
        self.unreadable += 1
        if self.unreadable <= MOST_SHOWN:
            self._report(f"{place}: {reason}")
        if self.unreadable == MOST_SHOWN:
            self._report("what else can't be read is only counted")

    def cannot_go_on(self, place: str, reason: str) -> None:
        """Say that the rest of a file can't be read, and from where on."""
        self.unreadable += 1
        self._report(f"{place}: {reason}")
