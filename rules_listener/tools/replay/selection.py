"""Which alerts are asked for: since when, and about which events.

1. All events reach the rules, whatever is asked for: what is told of an alert is what would have been sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from rules_listener.base.diagnostics import as_text
from rules_listener.base.errors import ConfigError
from rules_listener.base.source import Source
from rules_listener.event.catalogue import CATALOGUE, UNLISTED
from rules_listener.event.event import Seen
from rules_listener.lang import checked
from rules_listener.lang.check import check_condition
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.outbox.alert import Alert


@dataclass(frozen=True, slots=True)
class Selection:
    """Alerts from `since` on (seconds since 1970) whose event `fulfils` a condition, if there is one."""

    since: float = -inf
    fulfils: Callable[[Seen], bool] | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.since == -inf and self.fulfils is None

    def of(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Those alerts that are asked for."""
        return [alert for alert in alerts if self.has(alert.time, alert.event)]

    def has(self, time: float, event: Seen) -> bool:
        """Whether something is asked for that happened at `time` because of `event`."""
        return time >= self.since and (self.fulfils is None or self.fulfils(event))


def read_condition(text: str) -> Callable[[Seen], bool]:
    """A condition of the rule language, as an argument of the command line, on events of any type.

    Raises:
        ConfigError: it is none.
    """
    condition, found = check_condition(Source("--where", text))
    if condition is None:
        raise ConfigError(f"the condition can't be used\n{as_text(found)}")
    types = (*(name for name, event_type in CATALOGUE.items() if not event_type.abstract), UNLISTED)
    rule = checked.Rule("--where", (checked.Arm(types, condition),), ())
    buckets = load(compile_rules(checked.RuleSet((rule,)))).buckets

    def fulfils(event: Seen) -> bool:
        bucket = buckets.get(event.type if event.type in CATALOGUE else UNLISTED)
        return bucket is not None and bool(bucket(event))

    return fulfils
