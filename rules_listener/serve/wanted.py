"""What a rule waits for, at the places in its file where it says so.

In go the nodes of a rule that passes the checks; out come the events that it names, each with all conditions on it, and
the comparisons in those conditions.

1. Every event that has to come for the rule to work is there: those that it selects, and the S of its clauses.
2. A comparison's place is where its constant is written; names of `let` and `event` statements are followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind, concrete_types
from rules_listener.lang import checked, nodes
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.scope import OF_ALERTS, Scope
from rules_listener.lang.selectors import Definitions, SelectorChecker, shown_names, types_of


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison with a constant, written at `node`; the rule uses it at `use`, where no name stands between them.

    `wanted` is what it has to come to for the condition to be true, as far as it counts: an odd number of `not` around
    it makes that False.
    """

    node: nodes.Expression
    use: nodes.Expression
    comparison: checked.Comparison
    wanted: bool

    @property
    def constant(self) -> checked.Constant:
        """What is compared with."""
        left, right = self.comparison.left, self.comparison.right
        return right if isinstance(right, checked.Constant) else left  # type: ignore[return-value] # see `_compared`

    @property
    def fields(self) -> set[str]:
        """The fields that are compared."""
        return fields_in(self.comparison)


@dataclass(frozen=True, slots=True)
class Where:
    """A condition as it is written, and what it means."""

    node: nodes.Expression
    condition: checked.Condition
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Events that a rule names at `node`: their concrete types, and all conditions that they have to fulfil."""

    node: nodes.Name
    types: tuple[str, ...]
    wheres: tuple[Where, ...]

    @property
    def shown(self) -> str:
        """The types, as short as can be."""
        abstract = {CATALOGUE[name].parent or "" for name in self.types if name != UNLISTED}
        known = [self.node.name, *abstract] if self.node.name in CATALOGUE else abstract
        whole = [name for name in known if {one.name for one in concrete_types(name)} == {*self.types} - {UNLISTED}]
        return " ".join(whole[:1] or self.types)

    @property
    def tests(self) -> list[Test]:
        """All comparisons with constants in the conditions."""
        return [test for where in self.wheres for test in where.tests]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A rule that passes the checks, with all that it waits for.

    `groups` are the names by which it may see its own listener's events. `ends` are the types of events by which a
    process leaves a state, where the rule asks for how long it has been in one.
    """

    node: nodes.Rule
    wanted: tuple[Wanted, ...]
    groups: frozenset[str]
    ends: frozenset[str]


def wanted_by(rule: nodes.Rule, definitions: Definitions) -> list[Wanted]:
    """All that the rule waits for, in the order of its text."""
    selectors = [rule.selector, rule.pattern.selector if rule.pattern else None]
    selectors += [action.until.selector for action in rule.actions if isinstance(action, nodes.Alert) and action.until]
    return [one for selector in selectors if selector is not None for one in _Finder(definitions).selected(selector)]


def asked_by(statement: nodes.Route | nodes.Mute, definitions: Definitions) -> list[Where]:
    """The condition of a route or a mute, if it has one."""
    node = statement.condition
    return [] if node is None else list(_Finder(definitions).where(node, OF_ALERTS))


def fields_in(expression: checked.Expression) -> set[str]:
    """The names of all fields in an expression."""
    return {part.name for part in checked.subexpressions(expression) if isinstance(part, checked.FieldValue)}


def depends_on_event_alone(expression: checked.Expression) -> bool:
    """Whether nothing but the event decides what an expression comes to."""
    return not any(isinstance(part, checked.Given) for part in checked.subexpressions(expression))


class _Finder:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions

    def selected(
        self, selector: nodes.Selector, wheres: tuple[Where, ...] = (), use: nodes.Name | None = None
    ) -> Iterator[Wanted]:
        """What a selector selects under some conditions; the rule has `use` in its place."""
        if selector.condition is not None:
            arms = SelectorChecker(self.definitions, []).arms(replace(selector, condition=None)) or ()
            scope = Scope(types_of(arms), shown_names(selector))
            wheres = (*wheres, *self.where(selector.condition, scope))
        for node in selector.selected:
            if isinstance(node, nodes.Selector):
                yield from self.selected(node, wheres, use)
            elif node.name in CATALOGUE:
                others = (UNLISTED,) if node.name == "EVENT" else ()
                yield Wanted(use or node, (*(one.name for one in concrete_types(node.name)), *others), wheres)
            elif (event := self.definitions.events.get(node.name)) is not None:
                yield from self.selected(event.selector, wheres, use or node)

    def where(self, node: nodes.Expression, scope: Scope) -> Iterator[Where]:
        """A condition on what is in a scope."""
        condition = ExpressionChecker(scope, self.definitions.lets, []).condition(node)
        if condition is not None:
            yield Where(node, condition, tuple(self._tests(node, scope, None, wanted=True)))

    def _tests(
        self, node: nodes.Expression, scope: Scope, use: nodes.Expression | None, *, wanted: bool
    ) -> Iterator[Test]:
        match node:
            case nodes.And() | nodes.Or():
                for operand in node.operands:
                    yield from self._tests(operand, scope, use, wanted=wanted)
            case nodes.Not():
                yield from self._tests(node.operand, scope, use, wanted=not wanted)
            case nodes.Name() if (let := self.definitions.lets.get(node.name)) is not None:
                yield from self._tests(let.value, scope, use or node, wanted=wanted)
            case nodes.Compare():
                yield from self._compared(node, scope, use, wanted=wanted)
            case nodes.In():
                yield from self._listed(node, scope, use, wanted=wanted != node.negated)

    def _compared(
        self, node: nodes.Compare, scope: Scope, use: nodes.Expression | None, *, wanted: bool
    ) -> Iterator[Test]:
        condition = ExpressionChecker(scope, self.definitions.lets, []).condition(node)
        if isinstance(condition, checked.Negation):
            condition, wanted = condition.operand, not wanted
        if isinstance(condition, checked.Comparison):
            sides = [(node.right, condition.right, condition.left), (node.left, condition.left, condition.right)]
            for place, constant, other in sides:
                if isinstance(constant, checked.Constant) and not isinstance(other, checked.Constant):
                    yield Test(place, use or place, condition, wanted)

    def _listed(self, node: nodes.In, scope: Scope, use: nodes.Expression | None, *, wanted: bool) -> Iterator[Test]:
        checker = ExpressionChecker(scope, self.definitions.lets, [])
        item = checker.value(node.item)
        for place, constant in checker.items(node.container) or []:
            if item is not None and isinstance(constant, checked.Constant):
                used = node.container if isinstance(node.container, nodes.Name) else place
                yield Test(place, use or used, checked.Comparison("==", item, constant), wanted)


def is_text(test: Test) -> bool:
    """Whether a text is compared."""
    return test.constant.kind is Kind.TEXT
