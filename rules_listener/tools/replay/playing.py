"""One set of rules at work on a history."""

from collections.abc import Sequence
from functools import partial
from math import inf

from rules_listener.event.event import Seen
from rules_listener.match.firing import Firing
from rules_listener.match.program import load
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.job import Task
from rules_listener.tools.replay.part import why_not_divided
from rules_listener.tools.replay.report import Division, Report
from rules_listener.tools.replay.rules import Rules
from rules_listener.tools.replay.selection import Selection
from rules_listener.tools.replay.tally import Tally


class Playing:
    """Tells `reports` of the alerts that are asked for, and counts them."""

    def __init__(self, rules: Rules, selection: Selection, reports: Sequence[Report], *, own_group: str = "") -> None:
        self.run = DryRun(load(rules.program), rules.default_channels, own_group)
        self.run.engine.take_portion = partial(self.take, None)
        self.tally = Tally(self.run.engine.program.rules)
        self._rules = rules
        self._own_group = own_group
        self._selection = selection
        self._reports = reports

    def play(self, history: History, until: float) -> None:
        """Play a history, and let time go on to `until`; infinity: to its last event."""
        every_event = any(report.every_event for report in self._reports)
        history.play(self.run.engine.feed, self.take, every_event=every_event)
        if until < inf:
            self.take(None, self.run.engine.advance(until))

    def take(self, event: Seen | None, firings: Sequence[Firing]) -> None:
        """Some rules fired."""
        self.tell(event, self.run.alerts(firings))

    def tell(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """These alerts came of an event."""
        asked_for = self._selection.of(alerts)
        self.tally.take(asked_for)
        for report in self._reports:
            report.take(event, asked_for)

    def divide(self, parts: int, until: float) -> Division | str:
        """How so many jobs can share the work, or why one has to do it all."""
        if any(report.every_event for report in self._reports):
            return "what is written needs every event"
        if reason := why_not_divided(self._rules.checked):
            return reason
        rules = self._rules
        tasks = [
            Task(rules.program, rules.default_channels, self._own_group, until, number, parts)
            for number in range(parts)
        ]
        return Division(tasks, lambda alerts: self.tell(None, alerts))

    def own_group_is(self, group: str) -> None:
        """The listener that got the events belongs to this group."""
        self.run.engine.own_group = group

    def end(self, played: Played) -> bool:
        """Tell all reports that that was all: nothing that the exit status has to say."""
        for report in self._reports:
            report.end(played, self.tally)
        return False
