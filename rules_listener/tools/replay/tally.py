"""What came of a history, rule by rule, and channel by channel.

1. What is sent is counted as alerts: one to two channels is one. Reminders and recoveries are sent too; actions count
   as well, and are told apart by their channels.
2. Memory does not grow with the history: of each rule, numbers and the busiest hour so far are known.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules_listener.match.firing import Rule
from rules_listener.outbox.alert import Alert
from rules_listener.serve.channels import RESERVED_CHANNELS

HOUR_S = 3600


@dataclass(slots=True)
class RuleTally:
    """What came of one rule, which has so many actions. Times are in seconds since 1970."""

    actions: int
    sent: int = 0
    held: int = 0
    first: float | None = None
    last: float | None = None
    busiest_hour: float | None = None
    """When the hour began in which most was sent; the first of several, None if nothing was."""
    sent_in_busiest_hour: int = 0
    _fired: int = 0
    _hour: float = 0.0
    _in_hour: int = 0

    @property
    def firings(self) -> int:
        """How often the rule fired: each time, there is an alert for each of its actions."""
        return self._fired // self.actions

    def take(self, alert: Alert) -> None:
        """Count an alert."""
        self._fired += alert.phase == "firing"
        self.first = alert.time if self.first is None else self.first
        self.last = alert.time
        if alert.held is not None:
            self.held += 1
            return
        self.sent += 1
        self._note_hour(alert.time // HOUR_S * HOUR_S)

    def _note_hour(self, hour: float) -> None:
        self._in_hour = self._in_hour + 1 if hour == self._hour else 1
        self._hour = hour
        if self._in_hour > self.sent_in_busiest_hour:
            self.busiest_hour, self.sent_in_busiest_hour = hour, self._in_hour


class Tally:
    """Counts alerts. `rules` are all that there are, in their order; `channels` says how much each would have got."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.name: RuleTally(len(rule.actions)) for rule in rules}
        self.channels: Counter[str] = Counter()

    @property
    def sent(self) -> int:
        """How many alerts would have been sent."""
        return sum(rule.sent for rule in self.rules.values())

    @property
    def actions(self) -> int:
        """How many of them are no alerts: programs that are run, and what supervisord is asked to do."""
        return sum(self.channels[name] for name in RESERVED_CHANNELS)

    @property
    def held(self) -> int:
        """How many would have been held back."""
        return sum(rule.held for rule in self.rules.values())

    @property
    def silent(self) -> list[str]:
        """The names of the rules that had nothing to say."""
        return [name for name, rule in self.rules.items() if rule.first is None]

    def take(self, alerts: Sequence[Alert]) -> None:
        """Count alerts."""
        for alert in alerts:
            self.rules[alert.rule].take(alert)
            if alert.held is None:
                self.channels.update(delivery.channel for delivery in alert.deliveries)
