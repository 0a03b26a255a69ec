"""Where alerts go that do not say so, and which are not sent for the time being.

1. Routes and mutes are asked for firings alone: what fires nothing costs nothing.
2. The first route that takes an alert decides; so does the first mute.
"""

from typing import NamedTuple

from rules_listener.event.event import Event
from rules_listener.lang.literals import SEVERITIES
from rules_listener.match.firing import Action, Rule, Values
from rules_listener.match.program import Loaded


class Silence(NamedTuple):
    """Why an alert is not sent, and up to when that is certain (seconds since 1970; None: for ever)."""

    reason: str
    until: float | None


class Routing:
    """The routes and mutes of a program."""

    def __init__(self, program: Loaded) -> None:
        self._routes = program.routes
        self._mutes = program.mutes

    def channels(self, rule: Rule, action: Action, event: Event) -> tuple[str, ...]:
        """Where a route sends an alert; empty if it has channels of its own, or no route takes it."""
        if action.channels:
            return ()
        values = _values(rule, action)
        for condition, channels, otherwise in self._routes:
            if condition is None or condition(event, values):
                return channels
            if otherwise:
                return otherwise
        return ()

    def silence(self, rule: Rule, action: Action, event: Event, moment: float) -> Silence | None:
        """The mute that keeps an alert from being sent at `moment` (seconds since 1970), if there is one."""
        values = _values(rule, action)
        for _, condition, reason, window in self._mutes:
            if condition is None or condition(event, values):
                until = None if window is None else window.until(moment)
                if window is None or until is not None:
                    return Silence(f"muted: {reason}", until)
        return None


def _values(rule: Rule, action: Action) -> Values:
    return {"rule": rule.name, "severity": SEVERITIES.index(action.severity)}
