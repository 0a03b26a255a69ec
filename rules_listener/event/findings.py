"""What reading a recording finds beside its events: what can't be read, and what could have been told better.

1. What can't be read is reported with its place, and counted; nothing stops at it.
2. That time goes back is no error, since a clock may be set: it is noted, once in a file.
3. After `MOST_SHOWN` lines or frames that can't be read the rest is only counted. Where a whole file ends too early,
   that is always said.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from math import inf

from rules_listener.event.event import Seen

MOST_SHOWN = 100

LEAST_BACK_S = 1.0
"""Clocks are put right by less all the time, and rules make nothing of it."""


class Findings:
    """Gathers what is found; `report` takes what people should read at once, a line at a time.

    `note` takes what is no error; without it, `report` does.
    """

    def __init__(self, report: Callable[[str], None], note: Callable[[str], None] | None = None) -> None:
        self._report = report
        self._note = note or report
        self._last, self._file = -inf, ""
        """The time of the event before, and its file."""
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

    def watched(self, batches: Iterable[Sequence[Seen]], name: str) -> Iterator[Sequence[Seen]]:
        """The same events, which are those in a file; where time goes back for the first time, that is noted."""
        count, is_said = 0, False
        for batch in batches:
            if not is_said:
                times = [self._last, *(event.time for event in batch)]
                if times != sorted(times):
                    is_said = self._look_back(times, name, count)
                self._last = times[-1]
                count += len(batch)
            elif batch:
                self._last = batch[-1].time
            self._file = name
            yield batch

    def _look_back(self, times: Sequence[float], name: str, count: int) -> bool:
        """Note the first step back, by more than a little; whether there is one. `count` events came before."""
        for number, (before, time) in enumerate(pairwise(times), count + 1):
            if before - time > LEAST_BACK_S:
                self._note(f"{self._back(before - time, name, number)}; to rules, a clock was set back")
                return True
        return False

    def _back(self, seconds: float, name: str, number: int) -> str:
        back = timedelta(seconds=round(seconds))
        if number == 1:
            return f"{name} begins {back} before {self._file} ends"
        return f"{name}: time goes back by {back} at event {number}"
