"""Statements become a rule set: what they mean, or what is wrong with them.

1. All of it is checked: one wrong rule hides no other, and a name that is wrong is reported once, where it is defined.
2. The rules that come out are those without an error; they may only be loaded if there is no error at all.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TypeVar

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.base.source import Source
from rules_listener.event.catalogue import UNLISTED
from rules_listener.lang import checked, nodes
from rules_listener.lang.definitions import define, taken
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.parse import Parsed, parse_condition, parse_template
from rules_listener.lang.routing import RoutingChecker, with_routes
from rules_listener.lang.rules import Channels, RuleChecker, template_parts
from rules_listener.lang.scope import ALWAYS_GIVEN, EVERYTHING, GIVEN_TO_CHANNELS, MESSAGE, Scope
from rules_listener.lang.selectors import Definitions

T = TypeVar("T")


def check(parsed: Iterable[Parsed], channels: Channels | None = None) -> tuple[checked.RuleSet, list[Diagnostic]]:
    """The rules of all files together, and all diagnostics, those of the parser included.

    Without `channels`, any name of a channel is accepted.
    """
    files_parsed = list(parsed)
    found = list(chain.from_iterable(one.found for one in files_parsed))
    statements = list(chain.from_iterable(one.statements for one in files_parsed))
    definitions = define(statements, set().union(*(one.broken for one in files_parsed)), found)
    routing = RoutingChecker(definitions, channels)
    route_nodes = [node for node in statements if isinstance(node, nodes.Route)]
    routes = [routing.route(node, found) for node in route_nodes]
    mutes = [routing.mute(node, found) for node in statements if isinstance(node, nodes.Mute)]
    routed = None if channels is None else with_routes(channels, route_nodes)
    rules = _rules([node for node in statements if isinstance(node, nodes.Rule)], definitions, routed, found)
    return checked.RuleSet(_right(rules), _right(routes), _right(mutes)), found


def _right(checked_nodes: Iterable[T | None]) -> tuple[T, ...]:
    """Those with which nothing is wrong."""
    return tuple(one for one in checked_nodes if one is not None)


def _rules(
    statements: Iterable[nodes.Rule], definitions: Definitions, channels: Channels | None, found: list[Diagnostic]
) -> Iterator[checked.Rule | None]:
    names = dict[str, nodes.Name]()
    for node in statements:
        _check_rule_name(node, names, found)
        yield RuleChecker(node, definitions, channels).rule(found)


def _check_rule_name(rule: nodes.Rule, names: dict[str, nodes.Name], found: list[Diagnostic]) -> None:
    if rule.name is None:
        return
    first = names.setdefault(rule.name.name, rule.name)
    if first is not rule.name:
        found.append(taken(rule.name, f"the first rule of this name is at {first.span.place}"))


def check_template(source: Source) -> tuple[checked.TemplateParts, list[Diagnostic]]:
    """A template of the configuration: it may name any field of any event, and the firing's values."""
    template, found = parse_template(source)
    checker = ExpressionChecker(Scope(EVERYTHING.types, EVERYTHING.shown, CONFIGURED), {}, found)
    return template_parts(template, checker), found


def check_condition(source: Source) -> tuple[checked.Condition | None, list[Diagnostic]]:
    """A condition on events of any type, outside of any rule; None if it has an error."""
    node, found = parse_condition(source)
    if node is None or found:
        return None, found
    scope = Scope((*EVERYTHING.types, UNLISTED), EVERYTHING.shown)
    return ExpressionChecker(scope, {}, found).condition(node), found


CONFIGURED = {**ALWAYS_GIVEN, **MESSAGE, **GIVEN_TO_CHANNELS}
