"""Two sets of rules at work on the same history, in one pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from rules_listener.event.event import Seen
from rules_listener.match.firing import Firing
from rules_listener.match.program import load
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.replay.differences import Change, Comparison, Difference
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.pairing import Row
from rules_listener.tools.replay.report import Division
from rules_listener.tools.replay.rules import Rules
from rules_listener.tools.replay.selection import Selection
from rules_listener.tools.replay.tally import Tally


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a comparison: what both sets of rules sent, and how many alerts are the same."""

    old: Tally
    new: Tally
    comparison: Comparison

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.comparison.counts)

    def count(self, change: Change, row: Row | None = None) -> int:
        """How many differences there are of a kind, of one rule or of all."""
        counts = self.comparison.counts
        return sum(number for (one, kind), number in counts.items() if kind is change and row in (None, one))


class DifferenceReport(Protocol):
    """Shows what differs."""

    def take(self, difference: Difference) -> None:
        """Show a difference."""

    def end(self, played: Played, compared: Compared) -> None:
        """That was all."""


class Comparing:
    """Tells a report of the differences between the alerts that are asked for."""

    def __init__(
        self, old: Rules, new: Rules, selection: Selection, report: DifferenceReport, *, own_group: str = ""
    ) -> None:
        self._old, self._new = (DryRun(load(one.program), one.default_channels, own_group) for one in (old, new))
        rules = [run.engine.program.rules for run in (self._old, self._new)]
        self._compared = Compared(Tally(rules[0]), Tally(rules[1]), Comparison(*rules))
        self._selection = selection
        self._report = report

    def play(self, history: History, until: float) -> None:
        """Play a history, and let time go on to `until`; infinity: to its last event."""
        history.play(self._feed, lambda _, found: self._take(*found))
        if until < inf:
            self._take(self._old.engine.advance(until), self._new.engine.advance(until))

    def divide(self, parts: int, until: float) -> Division | str:
        """One job has to do it all: alerts are compared in their order."""
        del parts, until
        return "two sets of rules are compared"

    def own_group_is(self, group: str) -> None:
        """The listener that got the events belongs to this group."""
        self._old.engine.own_group = self._new.engine.own_group = group

    def end(self, played: Played) -> bool:
        """Tell what is left to be told; whether there is any difference."""
        self._tell(self._compared.comparison.end())
        self._report.end(played, self._compared)
        return self._compared.differs

    def _feed(self, event: Seen) -> tuple[list[Firing], ...]:
        old, new = self._old.engine.feed(event), self._new.engine.feed(event)
        return (old, new) if old or new else ()

    def _take(self, old: Sequence[Firing], new: Sequence[Firing]) -> None:
        olds, news = self._selection.of(self._old.alerts(old)), self._selection.of(self._new.alerts(new))
        self._compared.old.take(olds)
        self._compared.new.take(news)
        if olds or news:
            self._tell(self._compared.comparison.step(olds, news))

    def _tell(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            self._report.take(difference)
