"""What routes and mutes say in vain: conditions (RL404, RL405), and routes to which no alert ever gets (RL409).

1. It is certain: whatever event an alert is about. Of the rules it matters how they are called and, for routes, how
   severe their alerts without `to` are, and of which types: that none is such is a reason why a condition is never
   true, that all are is none why another is always true.
2. A condition that is not small (`reasoning.is_small`) is taken for one that may be true or not.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from rules_listener.base.diagnostics import Diagnostic, suggestion, warning
from rules_listener.event.catalogue import UNLISTED, Kind
from rules_listener.lang import checked, nodes
from rules_listener.lang.checked import canonical
from rules_listener.lang.conditions import examine
from rules_listener.lang.domain import Domain
from rules_listener.lang.literals import SEVERITIES
from rules_listener.lang.reasoning import Outcome, Situation, Situations, assume, is_small, situations
from rules_listener.lang.scope import OF_ALERTS
from rules_listener.lang.selectors import types_of

_STRING = re.compile(r"""["']([^"']*)["']""")

_RULE = canonical(checked.Given("values", "rule"))
_SEVERITY = canonical(checked.Given("values", "severity", Kind.SEVERITY))

ANY_ALERT = situations((*OF_ALERTS.types, UNLISTED))


def idle_conditions(
    statements: Iterable[nodes.Route | nodes.Mute],
    conditions: Iterable[checked.Condition | None],
    rules: Collection[checked.Rule],
    hopeless_names: Collection[str],
) -> list[Diagnostic]:
    """What is wrong with the conditions of some statements; see `conditions.examine`."""
    found = []
    rule_names = {rule.name for rule in rules}
    left_to_routes = _left_to_routes(rules)
    for node, condition in zip(statements, conditions, strict=True):
        if node.condition is not None and condition is not None and is_small(condition):
            outcome = "takes no alert" if isinstance(node, nodes.Route) else "mutes nothing"
            consequence = f"so this {type(node).__name__.lower()} {outcome}"
            wrong = examine(node.condition, condition, ANY_ALERT, hopeless_names, consequence)
            if not wrong and rule_names:
                wrong = examine(node.condition, condition, _alerts_of(rule_names), hopeless_names, consequence)
                wrong = [replace(one, label=_no_rule(one, rule_names)) for one in wrong]
            is_idle = isinstance(node, nodes.Route) and not assume(condition, Outcome.TRUE, left_to_routes)
            if not wrong and left_to_routes and is_idle:
                wrong = examine(node.condition, condition, left_to_routes, hopeless_names, consequence)
                wrong = [replace(one, label=NO_SUCH_ALERT) for one in wrong]
            found += wrong
    return found


NO_SUCH_ALERT = "no rule sends such an alert without `to`"


def _left_to_routes(rules: Iterable[checked.Rule]) -> Situations:
    """The alerts that do not say where they go: for each type of event, of which rules, and how severe."""
    names, severities = dict[str, set[str]](), dict[str, set[int]]()
    for rule in rules:
        of_rule = {SEVERITIES.index(one.severity) for one in rule.actions if one.kind == "alert" and not one.channels}
        for name in _types_told(rule) if of_rule else ():
            names.setdefault(name, set()).add(rule.name)
            severities.setdefault(name, set()).update(of_rule)
    return [
        Situation(
            name,
            {
                _RULE: Domain(frozenset({Kind.TEXT}), frozenset(names[name])),
                _SEVERITY: Domain(frozenset({Kind.SEVERITY}), frozenset(severities[name])),
            },
        )
        for name in names
    ]


def _types_told(rule: checked.Rule) -> Sequence[str]:
    """The types of the events that a rule's alerts are about; what is absent has been of any type, or of none."""
    kind = "" if rule.pattern is None else rule.pattern.kind
    if rule.pattern is None or kind not in ("then", "no"):
        return types_of(rule.arms)
    return types_of(rule.pattern.arms) if kind == "then" else (*OF_ALERTS.types, UNLISTED)


OTHER_RULE = "\0"
"""Stands for the name of a rule that is not there yet."""


def _alerts_of(rule_names: Collection[str]) -> Situations:
    """Any alert, whose rule has one of some names, or one that nobody has named here."""
    names = Domain(frozenset({Kind.TEXT}), frozenset({*rule_names, OTHER_RULE}))
    return [Situation(one.type, {_RULE: names}) for one in ANY_ALERT]


def _no_rule(found: Diagnostic, rule_names: Collection[str]) -> str:
    """That no rule has the name that stands at a diagnostic's place."""
    span = found.span
    quoted = [] if span is None else _STRING.findall(span.source.text[span.start : span.end])
    hints = (suggestion(text, rule_names) for text in quoted)
    return next(filter(None, hints), "no rule has such a name")


@dataclass(frozen=True, slots=True)
class _Stated:
    """A route with its place in a file."""

    node: nodes.Route
    route: checked.Route

    @property
    def takes_all(self) -> bool:
        """Whether nothing gets past it."""
        return self.route.condition is None or bool(self.route.otherwise)

    def left(self, known: Situations) -> Situations:
        """What gets past its condition."""
        condition = self.route.condition
        if condition is not None and not is_small(condition):
            return known
        return assume(condition, Outcome.NOT_TRUE, known)

    def taken(self, known: Situations) -> Situations:
        """What its condition may be true of."""
        condition = self.route.condition
        if condition is not None and not is_small(condition):
            return known
        return assume(condition, Outcome.TRUE, known)


def unreached(
    route_nodes: Sequence[nodes.Route], routes: Sequence[checked.Route], rules: Collection[checked.Rule]
) -> list[Diagnostic]:
    """A warning for each route, and each `else`, to which no alert gets; one that is never true is another warning."""
    if rules and not _left_to_routes(rules):
        message, label = "no alert ever gets to this route", "no rule sends an alert without `to`"
        return [warning("RL409", message, node.span, label) for node in route_nodes]
    found = list[Diagnostic]()
    earlier, left = list[_Stated](), ANY_ALERT
    for node, route in zip(route_nodes, routes, strict=True):
        one = _Stated(node, route)
        if one.taken(ANY_ALERT):
            found += _in_vain(one, left, earlier)
        left = () if one.takes_all else one.left(left)
        earlier.append(one)
    return found


def _in_vain(one: _Stated, left: Situations, earlier: Sequence[_Stated]) -> list[Diagnostic]:
    """What is never reached of a route that may take an alert, where some are left by those before it."""
    node, otherwise = one.node, one.node.otherwise
    if not left or not (otherwise or one.taken(left)):
        return [warning("RL409", "no alert ever gets to this route", node.span, _why(one, earlier))]
    if not one.taken(left) and node.condition is not None:
        message = "no alert that gets to this route fulfils its condition"
        return [warning("RL409", message, node.condition.span, _why(one, earlier))]
    if otherwise and not one.left(left):
        place = otherwise[0].span.to(otherwise[-1].span)
        label = "the condition is true of all that get there"
        return [warning("RL409", "no alert ever gets to this `else`", place, label)]
    return []


def _why(one: _Stated, earlier: Sequence[_Stated]) -> str:
    """Which routes before it take what it would."""
    for other in earlier:
        if other.takes_all:
            return f"{other.node.span.place} takes all that get there"
        if not one.taken(other.left(ANY_ALERT)):
            return f"{other.node.span.place} takes all that this one would"
    return "those before it take all that it would"
