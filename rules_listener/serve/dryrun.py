"""A dry run: recorded events go in, and the alerts come out that a live listener would keep.

1. It is the live listener's own way: the same engine, and the same `alerts_of`. Nothing is sent, and nothing is kept.
"""

from collections.abc import Iterable, Sequence

from rules_listener.event.event import Seen
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import Loaded
from rules_listener.outbox.alert import Alert, alerts_of


class DryRun:
    """A program at work on events of the past. `own_group` is the group of the listener that the events went to.

    Whoever feeds `engine` itself, since most events cause nothing, asks for the `alerts` of its firings.
    """

    def __init__(self, program: Loaded, default_channels: Sequence[str], own_group: str = "") -> None:
        self.engine = Engine(program, own_group)
        self._default_channels = default_channels

    def feed(self, event: Seen) -> list[Alert]:
        """The alerts up to `event`, and those that it causes."""
        return self.alerts(self.engine.feed(event))

    def advance(self, time: float) -> list[Alert]:
        """The alerts of all deadlines up to `time` (seconds since 1970)."""
        return self.alerts(self.engine.advance(time))

    def alerts(self, firings: Iterable[Firing]) -> list[Alert]:
        """The alerts of firings."""
        return [alert for firing in firings for alert in alerts_of(firing, self._default_channels)]
