"""Which route an alert took, and which mute holds it back."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rules_listener.lang import checked, nodes
from rules_listener.lang.literals import SEVERITIES
from rules_listener.lang.parts import PartedRouting
from rules_listener.match.evaluate import Evaluator
from rules_listener.match.traces import Traced, trace
from rules_listener.outbox.alert import Alert


class Decided(NamedTuple):
    """A route or a mute that decided about an alert, and how its condition came out (None: it has none)."""

    node: nodes.Route | nodes.Mute
    traced: Traced | None

    @property
    def is_true(self) -> bool:
        """Whether its condition is true; if not, it is a route with an `else`."""
        return self.traced is None or self.traced.truth is True


def deciding(routing: Sequence[PartedRouting], rule: checked.Rule, alerts: Iterable[Alert]) -> list[Decided]:
    """What decided about the alerts of a firing of `rule`, each once."""
    found: list[Decided] = []
    for alert in alerts:
        if alert.kind == "alert" and alert.phase == "firing":
            found += [one for one in _of_alert(routing, rule, alert) if all(one.node is not two.node for two in found)]
    return found


def _of_alert(routing: Sequence[PartedRouting], rule: checked.Rule, alert: Alert) -> Iterator[Decided]:
    evaluator = Evaluator(alert.event, {"rule": alert.rule, "severity": SEVERITIES.index(alert.severity)})
    asked = [Decided(one.node, None if one.part is None else trace(one.part, evaluator)) for one in routing]
    mutes = (one for one in asked if one.is_true and _is_reason(one.node, alert.held))
    routes = (one for one in asked if isinstance(one.node, nodes.Route) and (one.is_true or one.node.otherwise))
    yield from [*mutes][:1]
    if not _has_channels(rule, alert):
        yield from [*routes][:1]


def _is_reason(node: nodes.Route | nodes.Mute, held: str | None) -> bool:
    return isinstance(node, nodes.Mute) and node.reason is not None and held == f"muted: {node.reason.value.strip()}"


def _has_channels(rule: checked.Rule, alert: Alert) -> bool:
    """Whether the alert has channels of its own, as far as that can be told from outside."""
    actions = [action for action in rule.actions if (action.kind, action.severity) == (alert.kind, alert.severity)]
    return all(action.channels for action in actions)
