"""Routes and mutes are checked: which alerts they are about, where those go, and when none are sent.

1. A condition is about an alert: its `rule`, its `severity`, and the event because of which it is sent. What that event
   lacks is unknown, and so is no match.
2. All that is wrong with a statement is said at once; it comes out only if nothing is.
"""

from collections.abc import Sequence
from dataclasses import replace

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.lang import checked, nodes
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.nesting import extent
from rules_listener.lang.rules import Channels, distinct, short_place
from rules_listener.lang.scope import OF_ALERTS
from rules_listener.lang.selectors import Definitions, too_large
from rules_listener.lang.windows import WindowChecker


class RoutingChecker:
    """Checks routes and mutes; without `channels`, any name of a channel is accepted."""

    def __init__(self, definitions: Definitions, channels: Channels | None) -> None:
        self.definitions = definitions
        self.channels = channels

    def route(self, node: nodes.Route, found: list[Diagnostic]) -> checked.Route | None:
        """The route, or None if something is wrong with it, which is then added to `found`."""
        wrong = list(self.channels.unknown((*node.channels, *node.otherwise)) if self.channels else ())
        condition = self.condition(node.condition, wrong)
        found += wrong
        if wrong or (condition is None and node.condition is not None):
            return None
        return checked.Route(condition, distinct(node.channels), distinct(node.otherwise))

    def mute(self, node: nodes.Mute, found: list[Diagnostic]) -> checked.Mute | None:
        """The mute, or None if something is wrong with it, which is then added to `found`."""
        wrong = list[Diagnostic]()
        condition = self.condition(node.condition, wrong)
        window = WindowChecker(wrong).window(node.window) if node.window is not None else None
        reason = "" if node.reason is None else node.reason.value.strip()
        if not reason:
            label = 'say why: `because "the database is migrated"`'
            wrong.append(Diagnostic("RL220", "this mute has no reason", (node.reason or node).span, label))
        found += wrong
        if wrong or (condition is None and node.condition is not None):
            return None
        return checked.Mute(short_place(node.span), condition, reason, window)

    def condition(self, node: nodes.Expression | None, found: list[Diagnostic]) -> checked.Condition | None:
        """A condition about an alert."""
        if node is None:
            return None
        size = extent(node, self.definitions.extents)
        if not size.fits:
            found += too_large(node, size)
            return None
        return ExpressionChecker(OF_ALERTS, self.definitions.lets, found).condition(node)


def with_routes(channels: Channels, routes: Sequence[nodes.Route]) -> Channels:
    """The channels, where some routes decide: where one of them takes all that is left, there is always a default."""
    taking = [route.otherwise or route.channels for route in routes if route.otherwise or route.condition is None]
    default = distinct(taking[0]) if taking else channels.default
    return replace(channels, default=default, are_routed=bool(routes))
