"""What rules select, part by part, each part with its place in the text: for those who show how it came out.

1. Parts mean what the checker says: the arms here are those of the checked rule, type for type and condition for
   condition.
2. A name that a `let` statement defines is a part of its own, with what it stands for below it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from rules_listener.event.catalogue import Kind
from rules_listener.lang import checked, nodes
from rules_listener.lang.definitions import define
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.parse import Parsed
from rules_listener.lang.scope import Scope
from rules_listener.lang.selectors import Definitions, SelectorChecker, shown_names, types_of


@dataclass(frozen=True, slots=True)
class Part:
    """A condition, or a part of one: how it is written, what it means, and what it consists of.

    `operands` are those of `and`, `or` and `not`, and what a name stands for; none of anything else.
    """

    node: nodes.Expression
    condition: checked.Condition
    operands: tuple["Part", ...] = ()


@dataclass(frozen=True, slots=True)
class Where:
    """The condition of one `where`; `event` is the name of the `event` statement that it stands in, if it does."""

    part: Part
    event: str = ""


@dataclass(frozen=True, slots=True)
class PartedArm:
    """Some concrete types of events, and all that has to be true of them, from the innermost `where` outwards."""

    types: tuple[str, ...]
    wheres: tuple[Where, ...] = ()

    @property
    def arm(self) -> checked.Arm:
        """What it means."""
        condition = None
        for where in self.wheres:
            inner = where.part.condition
            condition = inner if condition is None else checked.AllOf((condition, inner))
        return checked.Arm(self.types, condition)


Arms = tuple[PartedArm, ...]


@dataclass(frozen=True, slots=True)
class PartedRule:
    """A rule: what it selects, the S of its pattern, and of each action the S that closes it."""

    node: nodes.Rule
    rule: checked.Rule
    selected: Arms
    second: Arms
    untils: tuple[Arms, ...]


@dataclass(frozen=True, slots=True)
class PartedRouting:
    """A route or a mute: what has to be true of an alert for it; None if nothing has."""

    node: nodes.Route | nodes.Mute
    part: Part | None


@dataclass(frozen=True, slots=True)
class Parted:
    """All rules, and all routes and mutes."""

    rules: tuple[PartedRule, ...]
    routing: tuple[PartedRouting, ...]


def parted(parsed: Iterable[Parsed], rules: checked.RuleSet) -> Parted:
    """All of files in which `check` found no error; `rules` is what it made of them."""
    files = list(parsed)
    return Parted(tuple(parted_rules(files, rules)), tuple(parted_routing(files, rules)))


def parted_rules(parsed: Iterable[Parsed], rules: checked.RuleSet) -> list[PartedRule]:
    """The rules of files in which `check` found no error; `rules` is what it made of them."""
    statements = list(chain.from_iterable(file.statements for file in parsed))
    parting = _Parting(define(statements, set(), []))
    rule_nodes = [statement for statement in statements if isinstance(statement, nodes.Rule)]
    return [parting.rule(node, rule) for node, rule in zip(rule_nodes, rules.rules, strict=True)]


def parted_routing(parsed: Iterable[Parsed], rules: checked.RuleSet) -> list[PartedRouting]:
    """The routes and mutes of files in which `check` found no error, in their order."""
    statements = list(chain.from_iterable(file.statements for file in parsed))
    parting = _Parting(define(statements, set(), []))
    routes = [node for node in statements if isinstance(node, nodes.Route)]
    mutes = [node for node in statements if isinstance(node, nodes.Mute)]
    return [
        *(parting.routing(*pair) for pair in zip(routes, rules.routes, strict=True)),
        *(parting.routing(*pair) for pair in zip(mutes, rules.mutes, strict=True)),
    ]


class _Parting:
    """Finds the parts of what passes the checks."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions

    def rule(self, node: nodes.Rule, rule: checked.Rule) -> PartedRule:
        second = node.pattern.selector if node.pattern is not None else None
        untils = [action.until if isinstance(action, nodes.Alert) else None for action in node.actions]
        return PartedRule(
            node,
            rule,
            self.arms(node.selector),
            () if second is None else self.arms(second),
            tuple(() if until is None else self.arms(until.selector) for until in untils),
        )

    def routing(self, node: nodes.Route | nodes.Mute, means: checked.Route | checked.Mute) -> PartedRouting:
        if node.condition is None or means.condition is None:
            return PartedRouting(node, None)
        return PartedRouting(node, self._part(node.condition, means.condition))

    def arms(self, selector: nodes.Selector, event: str = "") -> Arms:
        """What a selector selects; `event` is the definition that it belongs to."""
        arms = tuple(chain.from_iterable(self._selected(node, event) for node in selector.selected))
        if selector.condition is None:
            return arms
        scope = Scope(types_of(arm.arm for arm in arms), shown_names(selector))
        condition = ExpressionChecker(scope, self.definitions.lets, []).condition(selector.condition)
        assert condition is not None  # noqa: S101 - it passed the checks
        where = Where(self._part(selector.condition, condition), event)
        return tuple(PartedArm(arm.types, (*arm.wheres, where)) for arm in arms)

    def _selected(self, node: nodes.Name | nodes.Selector, event: str) -> Arms:
        if isinstance(node, nodes.Selector):
            return self.arms(node, event)
        definition = self.definitions.events.get(node.name)
        if definition is not None:
            return self.arms(definition.selector, node.name)
        plain = SelectorChecker(self.definitions, []).arms(nodes.Selector(node.span, (node,), None)) or ()
        return tuple(PartedArm(arm.types) for arm in plain)

    def _part(self, node: nodes.Expression, condition: checked.Condition) -> Part:
        return Part(node, condition, tuple(self._part(*inner) for inner in self._inner(node, condition)))

    def _inner(
        self, node: nodes.Expression, condition: checked.Condition
    ) -> list[tuple[nodes.Expression, checked.Condition]]:
        match node, condition:
            case ((nodes.And() | nodes.Or()), (checked.AllOf() | checked.AnyOf())):
                return list(zip(node.operands, condition.operands, strict=True))
            case nodes.Not(), checked.Negation():
                return [(node.operand, condition.operand)]
            case nodes.Name(), _ if (let := self.definitions.lets.get(node.name)) is not None:
                return [(let.value, condition)]
        return []


Side = tuple[nodes.Expression, checked.Value]
"""A value that a condition is about, as it is written and as it is meant."""

_LITERALS = nodes.Text | nodes.Number | nodes.Duration | nodes.Constant


def sides(part: Part) -> list[Side]:
    """The values that a part without operands is about, without those that are written out."""
    condition = part.condition
    while isinstance(condition, checked.Negation):
        condition = condition.operand
    found = [side for side in _sides(part.node, condition) if not isinstance(side[0], _LITERALS)]
    return [(node, value) for node, value in found if value.kind is not Kind.SEVERITY or node.span.text == "severity"]


def _sides(node: nodes.Expression, condition: checked.Condition) -> list[Side]:
    match node, condition:
        case nodes.Compare(), checked.Comparison():
            return [(node.left, condition.left), (node.right, condition.right)]
        case nodes.Compare(), checked.Present():
            return [(side, condition.value) for side in (node.left, node.right)]
        case nodes.In(), checked.Member():
            return [(node.item, condition.item)]
        case nodes.In(), checked.AnyOf():
            return [_item(node, condition), *_items(node.container, condition)]
        case nodes.Call(), checked.Present():
            return [(node.arguments[0], condition.value)]
        case _, checked.Truth():
            return [(node, condition.value)]
    return []


def _item(node: nodes.In, condition: checked.AnyOf) -> Side:
    first = condition.operands[0]
    assert isinstance(first, checked.Member | checked.Comparison)  # noqa: S101 - see ExpressionChecker
    return node.item, first.item if isinstance(first, checked.Member) else first.left


def _items(container: nodes.Expression, condition: checked.AnyOf) -> list[Side]:
    """The items of a list that are not written out, where the list itself is."""
    values = [operand.right for operand in condition.operands if isinstance(operand, checked.Comparison)]
    if not isinstance(container, nodes.ListOf):
        return []
    found = [item for item in container.items if not isinstance(item, _LITERALS)]
    return list(zip(found, values, strict=False))


def arguments(side: Side) -> list[Side]:
    """What a function is applied to, without what is written out."""
    node, value = side
    if not isinstance(node, nodes.Call) or not isinstance(value, checked.Apply):
        return []
    pairs = zip(node.arguments, value.arguments, strict=True)
    return [(argument, found) for argument, found in pairs if not isinstance(argument, _LITERALS)]
